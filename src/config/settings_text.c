/* The table of settings as text for people: --help, doc/settings.md and .env.example. One row, one
 * entry, in the table's order; so the three never disagree with each other or with the program. */
#include "config/settings_table.h"

#define WIDTH 92 /* of a line, but for a single long word */
#define ORIGIN_MAX 256

/* Append words, broken at blanks before `width`, new lines beginning with `margin`. `column` is
 * where the line stands. */
static void put_wrapped(struct buf *b, struct str words, struct str margin, size_t column)
{
	size_t at = column;
	while (words.p != NULL) {
		struct str word = str_cut(&words, ' ');
		bool first = at == column;
		if (!first && at + 1 + word.n > WIDTH) {
			buf_put_char(b, '\n');
			buf_put(b, margin);
			at = margin.n;
		} else if (!first) {
			buf_put_char(b, ' ');
			at++;
		}
		buf_put(b, word);
		at += word.n;
	}
	buf_put_char(b, '\n');
}

/* What is after the flag: the words, the unit's name, or what kind of value it is. */
static const char *placeholder(const struct setting *row)
{
	if (row->kind == SETTING_NUMBER)
		return "N";
	return row->unit[0] != '\0' ? row->unit : "TEXT";
}

static bool has_range(const struct setting *row)
{
	return row->kind != SETTING_TEXT || row->unit[0] != '\0';
}

/* "bytes, 1 to 5368709120", "open, key or auto", "HOST:PORT". */
static void put_range(struct buf *b, const struct setting *row)
{
	if (row->kind == SETTING_NUMBER)
		buf_printf(b, "%s, %llu to %llu", row->unit, (unsigned long long)row->min, (unsigned long long)row->max);
	else if (row->kind == SETTING_SWITCH)
		buf_put(b, STR("on or off"));
	for (struct str rest = row->kind == SETTING_TEXT ? str_of(row->unit) : str_of(NULL); rest.p != NULL;) {
		buf_put(b, str_cut(&rest, '|'));
		if (rest.p != NULL)
			buf_put(b, str_find_char(rest, '|') == rest.n ? STR(" or ") : STR(", "));
	}
}

/* "[default 300 seconds; TINTYPE_URL_TTL]"; nothing where the usage and the sentence say it all. */
static void put_origin(struct buf *b, const struct setting *row, struct str margin)
{
	char memory[ORIGIN_MAX];
	struct buf origin;
	buf_init_fixed(&origin, memory, sizeof memory);
	if (row->flag.name[0] == '\0' && row->def[0] == '\0')
		return;
	if (row->def[0] != '\0')
		buf_printf(&origin, "default %s", row->def);
	if (row->kind == SETTING_NUMBER)
		buf_printf(&origin, " %s", row->unit);
	if (row->flag.name[0] != '\0')
		buf_printf(&origin, "%s%s", origin.n > 0 ? "; " : "", row->env);
	buf_put(b, margin);
	buf_put_char(b, '[');
	buf_put_char(&origin, ']');
	put_wrapped(b, buf_str(&origin), margin, margin.n + 1);
}

void settings_help(struct buf *b)
{
	assert(b != NULL);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *row = &SETTINGS[i];
		struct str margin = STR("                              "); /* to where the sentences begin */
		size_t start = b->n;
		buf_put(b, STR("  "));
		if (row->kind == SETTING_SWITCH)
			buf_printf(b, "--[no-]%s", row->flag.name);
		else if (row->flag.name[0] != '\0')
			buf_printf(b, "--%s %s", row->flag.name, placeholder(row));
		else
			buf_printf(b, "%s=%s", row->env, placeholder(row));
		size_t used = b->n - start;
		bool too_long = used + 2 > margin.n;
		if (too_long)
			buf_put_char(b, '\n');
		buf_put(b, str_slice(margin, 0, too_long ? margin.n : margin.n - used));
		put_wrapped(b, str_of(row->sentence), margin, margin.n);
		put_origin(b, row, margin);
	}
}

static void put_code(struct buf *b, const char *prefix, const char *text)
{
	if (text[0] != '\0')
		buf_printf(b, "`%s%s`", prefix, text);
}

void settings_markdown(struct buf *b)
{
	assert(b != NULL);
	buf_put(b,
		STR("# Settings\n\n"
			"Flags win over the environment, the environment over the defaults. An empty variable counts as\n"
			"unset. This page is printed by `tintype settings --markdown`; change `src/config/settings.def`\n"
			"instead.\n\n"
			"| environment | flag | default | value | meaning |\n"
			"|---|---|---|---|---|\n"));
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const struct setting *row = &SETTINGS[i];
		buf_put(b, STR("| "));
		put_code(b, "", row->env);
		buf_put(b, STR(" | "));
		put_code(b, row->kind == SETTING_SWITCH ? "--[no-]" : "--", row->flag.name);
		buf_put(b, STR(" | "));
		put_code(b, "", row->def);
		buf_put(b, STR(" | "));
		put_range(b, row);
		buf_printf(b, " | %s |\n", row->sentence);
	}
}

static void put_env(struct buf *b, const struct setting *row)
{
	buf_put(b, STR("\n# "));
	put_wrapped(b, str_of(row->sentence), STR("# "), 2);
	if (has_range(row)) {
		buf_put(b, STR("# "));
		put_range(b, row);
		buf_put_char(b, '\n');
	}
	buf_printf(b, "#%s=%s\n", row->env, row->def);
}

void settings_env_example(struct buf *b)
{
	assert(b != NULL);
	buf_put(b,
		STR("# Every setting with its default. Copy to .env and remove the # from what you change.\n"
			"# Printed by `tintype settings --env`; change src/config/settings.def instead.\n"));
	for (size_t i = 0; i < SETTING_COUNT; i++)
		put_env(b, &SETTINGS[i]);
}
