/* The table of flags and its two readers: the parser and the help. */
#include "cli/options.h"

#include "config/flags.h"

#include <stddef.h>

enum kind { SWITCH, TEXT, NUMBER, SPAN };

static const struct flag {
	struct flag_name flag;
	enum kind kind;
	size_t field;
	uint64_t min, max, otherwise; /* of numbers */
	const char *value;            /* what it takes, for the help */
	const char *sentence;
} flags[OPTIONS] = {
#define FIELD(field) offsetof(struct options, field)
	[OPTION_ENDPOINT] = { { "endpoint", 0, FLAG_VALUE }, TEXT, FIELD(endpoint), .value = "URL",
		.sentence =
			"The API; else $TINTYPE_ENDPOINT, else the address in $TINTYPE_API, else http://127.0.0.1:8080. The path defaults to /prod." },
	[OPTION_JOBS] = { { "jobs", 'j', FLAG_VALUE }, NUMBER, FIELD(jobs), 1, 64, 4, "N",
		"How many files are sent at once, 1 to 64; 4 if not given." },
	[OPTION_LIMIT] = { { "limit", 'n', FLAG_VALUE }, NUMBER, FIELD(limit), 1, 1000000000, 50, "N",
		"How many images are listed; 50 if not given." },
	[OPTION_ALL] = { { "all", 'a', FLAG_SWITCH }, SWITCH, FIELD(all), .sentence = "List all images." },
	[OPTION_OUTPUT] = { { "output", 'o', FLAG_VALUE }, TEXT, FIELD(output), .value = "FILE",
		.sentence = "Where to save; - is standard output." },
	[OPTION_FORCE] = { { "force", 'f', FLAG_SWITCH }, SWITCH, FIELD(force), .sentence = "Let -o replace an existing file." },
	[OPTION_TOKEN] = { { "token", 0, FLAG_VALUE }, TEXT, FIELD(token), .value = "TOKEN",
		.sentence = "The delete token that upload --json showed, in place of an API key." },
	[OPTION_DATA] = { { "data", 0, FLAG_VALUE }, TEXT, FIELD(data), .value = "DIR",
		.sentence = "The server's data directory; else $TINTYPE_DATA, else ./data." },
	[OPTION_LEVEL] = { { "level", 0, FLAG_VALUE }, TEXT, FIELD(level), .value = "debug|info|warn|error",
		.sentence = "Only lines of this level and above." },
	[OPTION_SINCE] = { { "since", 0, FLAG_VALUE }, SPAN, FIELD(since_ms), .value = "15m",
		.sentence = "Only lines of the last seconds, minutes, hours or days: 90s, 15m, 2h, 7d." },
	[OPTION_GREP] = { { "grep", 0, FLAG_VALUE }, TEXT, FIELD(grep), .value = "TEXT", .sentence = "Only lines with this text." },
	[OPTION_FOLLOW] = { { "follow", 'f', FLAG_SWITCH }, SWITCH, FIELD(follow), .sentence = "Keep printing lines as they are written." },
	[OPTION_JSON] = { { "json", 0, FLAG_SWITCH }, SWITCH, FIELD(json), .sentence = "One JSON object per line on standard output." },
	[OPTION_HELP] = { { "help", 'h', FLAG_SWITCH }, SWITCH, FIELD(help), .sentence = "This help." },
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

static const struct flag_name *flag_row(size_t i)
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
	for (struct flags f = { flag_row, allowed | ALLOWS(HELP), .has_operands = true, .argc = argc - 1, .argv = argv + 1 }; f.argc > 0;) {
		struct flag_word word;
		TRY(flags_next(&f, &word, why));
		if (word.name != NULL)
			TRY(set_option(o, &flags[word.row], word.value, why));
		else if (word.operand != NULL)
			o->operands[o->n_operands++] = word.operand;
	}
	return OK;
}

void options_help(struct buf *b, unsigned allowed)
{
	assert(b != NULL);
	allowed |= ALLOWS(HELP);
	for (unsigned i = 0; i < OPTIONS; i++) {
		const struct flag *f = &flags[i];
		char letter[] = { '-', f->flag.letter, ',', ' ', '\0' };
		if ((allowed & 1u << i) == 0)
			continue;
		buf_printf(b, "  %s--%s%s%s\n        %s\n", f->flag.letter != 0 ? letter : "    ", f->flag.name, f->value != NULL ? " " : "",
			f->value != NULL ? f->value : "", f->sentence);
	}
}
