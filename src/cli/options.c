/* The table of the client's flags, and what reads it: the parser and the help. */
#include "cli/options.h"

#include <stddef.h>

enum kind { SWITCH, TEXT, NUMBER, SPAN };

static const struct flag {
	struct flag_name flag;
	enum kind kind;
	size_t field;
	uint64_t min, max, otherwise; /* of numbers */
} flags[OPTIONS] = {
#define FIELD(field) offsetof(struct options, field)
	[OPTION_ENDPOINT] = { { "endpoint", 0, FLAG_VALUE, "URL",
							  "The API; else $TINTYPE_ENDPOINT, else the address in $TINTYPE_API, else http://127.0.0.1:8080. The path defaults to /prod; http:// may be left out of this machine's." },
		TEXT, FIELD(endpoint) },
	[OPTION_JOBS] = { { "jobs", 'j', FLAG_VALUE, "N", "How many files are sent at once, 1 to 64; 4 if not given." }, NUMBER, FIELD(jobs), 1,
		64, 4 },
	[OPTION_NAME] = { { "name", 0, FLAG_VALUE, "NAME", "The name of what is read from standard input, which is the operand -." }, TEXT,
		FIELD(name) },
	[OPTION_AGAIN] = { { "again", 0, FLAG_SWITCH, NULL, "Upload a file even if the server has it already." }, SWITCH, FIELD(again) },
	[OPTION_WATCH] = { { "watch", 'w', FLAG_SWITCH, NULL,
						   "Keep watching the directories, and upload each file once it is written or moved there; until Ctrl-C." },
		SWITCH, FIELD(watch) },
	[OPTION_LIMIT] = { { "limit", 'n', FLAG_VALUE, "N", "How many are listed; 50 if not given." }, NUMBER, FIELD(limit), 1, 1000000000,
		50 },
	[OPTION_ALL] = { { "all", 'a', FLAG_SWITCH, NULL, "List all images.", ALLOWS(LIMIT) }, SWITCH, FIELD(all) },
	[OPTION_OUTPUT] = { { "output", 'o', FLAG_VALUE, "FILE", "Where to save; - is standard output." }, TEXT, FIELD(output) },
	[OPTION_FORCE] = { { "force", 'f', FLAG_SWITCH, NULL, "Let -o replace an existing file." }, SWITCH, FIELD(force) },
	[OPTION_TOKEN] = { { "token", 0, FLAG_VALUE, "TOKEN", "The delete token that upload --json showed, in place of an API key." }, TEXT,
		FIELD(token) },
	[OPTION_SCOPE] = { { "scope", 0, FLAG_VALUE, "upload,read,delete,act-as,admin",
						   "What the key may do: some of these, separated by commas." },
		TEXT, FIELD(scope) },
	[OPTION_OWNER] = { { "owner", 0, FLAG_VALUE, "OWNER", "Limit the key to one user, by the owner of its records." }, TEXT, FIELD(owner) },
	[OPTION_ON_BEHALF_OF] = { { "on-behalf-of", 0, FLAG_VALUE, "USER",
								  "Limit the key to one user, by the name that the application gives it." },
		TEXT, FIELD(on_behalf_of) },
	[OPTION_EXPIRES] = { { "expires", 0, FLAG_VALUE, "90d",
							 "How long the key is valid: seconds, minutes, hours or days; for ever if not given." },
		SPAN, FIELD(expires_ms) },
	[OPTION_DATA] = { { "data", 0, FLAG_VALUE, "DIR", "The server's data directory; else $TINTYPE_DATA, else ./data." }, TEXT,
		FIELD(data) },
	[OPTION_STATE] = { { "state", 0, FLAG_VALUE, "waiting|delivered|failed", "Only webhooks of this state." }, TEXT, FIELD(state) },
	[OPTION_LEVEL] = { { "level", 0, FLAG_VALUE, "debug|info|warn|error", "Only lines of this level and above." }, TEXT, FIELD(level) },
	[OPTION_SINCE] = { { "since", 0, FLAG_VALUE, "15m", "Only lines of the last seconds, minutes, hours or days: 90s, 15m, 2h, 7d." }, SPAN,
		FIELD(since_ms) },
	[OPTION_GREP] = { { "grep", 0, FLAG_VALUE, "TEXT", "Only lines with this text." }, TEXT, FIELD(grep) },
	[OPTION_FOLLOW] = { { "follow", 'f', FLAG_SWITCH, NULL, "Keep printing lines as they are written." }, SWITCH, FIELD(follow) },
	[OPTION_JSON] = { { "json", 0, FLAG_SWITCH, NULL, "One JSON object per line on standard output." }, SWITCH, FIELD(json) },
	[OPTION_HELP] = { { "help", 'h', FLAG_SWITCH, NULL, "This help." }, SWITCH, FIELD(help) },
#undef FIELD
};

bool options_parse_span(struct str s, int64_t *ms)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = { { 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', 86400000 } };
	const int64_t ten_years = 3652 * INT64_C(86400000);
	int64_t scale = 1000;
	for (size_t i = 0; s.n > 0 && i < COUNT_OF(units); i++)
		if (s.p[s.n - 1] == units[i].unit) {
			scale = units[i].ms;
			s.n--;
			break;
		}
	uint64_t n = 0;
	if (!str_to_u64(s, &n) || n == 0 || n > (uint64_t)(ten_years / scale))
		return false;
	*ms = (int64_t)n * scale;
	return true;
}

static enum status set_option(struct options *o, const struct flag *f, const char *value, struct fault *why)
{
	char *field = (char *)o + f->field;
	switch (f->kind) {
	case SWITCH:
		*(bool *)(void *)field = true;
		return OK;
	case TEXT:
		*(const char **)(void *)field = value;
		return OK;
	case NUMBER:
		if (str_to_u64(str_of(value), (uint64_t *)(void *)field) && *(uint64_t *)(void *)field >= f->min &&
			*(uint64_t *)(void *)field <= f->max)
			return OK;
		return fault_set(why, BAD_SETTING, "--%s must be a number from %llu to %llu, not '%s'", f->flag.name, (unsigned long long)f->min,
			(unsigned long long)f->max, value);
	case SPAN:
		if (options_parse_span(str_of(value), (int64_t *)(void *)field))
			return OK;
		return fault_set(why, BAD_SETTING, "--%s must be a time like 90s, 15m, 2h or 7d, not '%s'", f->flag.name, value);
	}
	return OK;
}

const struct flag_name *options_flag(size_t i)
{
	return i < OPTIONS ? &flags[i].flag : NULL;
}

enum status options_parse(struct options *o, unsigned allowed, int argc, char **argv, struct fault *why)
{
	assert(o != NULL);
	*o = (struct options){ .operands = argv };
	for (unsigned i = 0; i < OPTIONS; i++)
		if (flags[i].kind == NUMBER)
			*(uint64_t *)(void *)((char *)o + flags[i].field) = flags[i].otherwise;
	for (struct flags f = { options_flag, allowed | ALLOWS(HELP), .has_operands = true, .argc = argc - 1, .argv = argv + 1 }; f.argc > 0;) {
		struct flag_word word;
		TRY(flags_next(&f, &word, why));
		if (word.name != NULL)
			TRY(set_option(o, &flags[word.row], word.value, why));
		else if (word.operand != NULL)
			o->operands[o->n_operands++] = word.operand;
		o->given = (unsigned)f.given;
	}
	return OK;
}

enum status options_check_action(const struct options *o, const struct option_action *action, struct fault *why)
{
	assert(o->n_operands > 0);
	for (unsigned i = 0; i < OPTIONS; i++)
		if ((o->given & ~action->takes) >> i & 1)
			return fault_set(why, BAD_SETTING, "%s does not take --%s; see --help", action->name, flags[i].flag.name);
	if (o->n_operands <= action->most + 1)
		return OK;
	return fault_set(why, BAD_SETTING, "unexpected argument \"%s\"; see --help", o->operands[action->most + 1]);
}
