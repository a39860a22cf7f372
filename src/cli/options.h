/* The flags of all verbs, one table (options.c): name, kind, field, range, sentence. A command lists
 * those it accepts. Pure. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "config/flags.h"

struct options {
	const char *endpoint, *output, *data, *state, *level, *grep, *token, *scope, *owner, *on_behalf_of, *name; /* NULL: not given */
	uint64_t jobs, limit;
	int64_t since_ms;   /* a span, back from now; 0: not given */
	int64_t expires_ms; /* a span from now; 0: not given */
	bool all, json, force, follow, again, watch, help;
	unsigned given; /* bits of the flags */
	char **operands;
	size_t n_operands;
};

enum option {
	OPTION_ENDPOINT,
	OPTION_JOBS,
	OPTION_NAME,
	OPTION_AGAIN,
	OPTION_WATCH,
	OPTION_LIMIT,
	OPTION_ALL,
	OPTION_OUTPUT,
	OPTION_FORCE,
	OPTION_TOKEN,
	OPTION_SCOPE,
	OPTION_OWNER,
	OPTION_ON_BEHALF_OF,
	OPTION_EXPIRES,
	OPTION_DATA,
	OPTION_STATE,
	OPTION_LEVEL,
	OPTION_SINCE,
	OPTION_GREP,
	OPTION_FOLLOW,
	OPTION_JSON,
	OPTION_HELP,
	OPTIONS,
};
#define ALLOWS(option) (1u << OPTION_##option)

/* Read argv[1..argc) as flags and operands, in any order; after "--" all are operands, and "-" is one. The operands
 * are moved to the front of argv.
 * takes   bits of the flags that are allowed; --help always is
 * Errors  BAD_SETTING an unknown flag, a missing or wrong value; the text says which */
enum status options_parse(struct options *o, unsigned allowed, int argc, char **argv, struct fault *why) MUST_CHECK;
/* What the first operand of some verbs names: "apikeys add". */
struct option_action {
	const char *name;
	unsigned takes; /* bits of its flags, among those of the verb */
	size_t most;    /* operands after it */
};
/* Refuse flags and operands that the action does not take.
 * Errors  BAD_SETTING */
enum status options_check_action(const struct options *o, const struct option_action *action, struct fault *why) MUST_CHECK;
/* The table itself, for the help. */
const struct flag_name *options_flag(size_t i);
/* "90s", "15m", "2h", "7d" to milliseconds, at most ten years; a bare number is seconds. */
bool options_parse_span(struct str s, int64_t *ms) MUST_CHECK;

#endif
