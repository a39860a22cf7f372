/* The words of a command that has flags of its own and operands next to settings of the server. Pure; any thread. */
#ifndef APP_COMMANDS_ARGUMENTS_H
#define APP_COMMANDS_ARGUMENTS_H

#include "config/flags.h"
#include "config/settings.h"

#define ARGUMENTS_OWN_MAX 16
#define ARGUMENTS_OPERANDS_MAX 2

/* What a command accepts besides settings. Its table of flags, `row`, has its own first, then those of settings_flag. */
struct argument_rules {
	const struct flag_name *(*row)(size_t i);
	size_t n_own;         /* at most ARGUMENTS_OWN_MAX */
	size_t n_operands;    /* as many must be given; at most ARGUMENTS_OPERANDS_MAX */
	const char *operands; /* for the sentence: "a destination" */
};

struct arguments {
	const char *values[ARGUMENTS_OWN_MAX]; /* of the command's own flags, by row; "" of a switch; NULL: not given */
	const char *operands[ARGUMENTS_OPERANDS_MAX];
	struct settings settings;
};

/* Read argv[1..argc). Texts are borrowed from argv and the environment.
 * out     written only on OK
 * Errors  BAD_SETTING an unknown flag, a wrong value, too few or too many operands */
enum status arguments_read(const struct argument_rules *r, int argc, char **argv, struct arguments *out, struct fault *why) MUST_CHECK;
/* The number that is the value of an own flag, or `default_` where that was not given.
 * Errors  BAD_SETTING not a number from `least` on */
enum status arguments_number(
	const struct flag_name *flag, const char *value, uint64_t least, uint64_t *in_out, struct fault *why) MUST_CHECK;

#endif
