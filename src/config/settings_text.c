/* The table of settings as text for people: --help, doc/settings.md and .env.example. One row, one
 * entry, in the table's order; so the three never disagree with each other or with the program. */
#include "config/help.h"
#include "config/settings_table.h"

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
static void put_origin(struct buf *b, size_t i)
{
	const struct setting *row = &SETTINGS[i];
	bool has_default = row->def[0] != '\0', has_flag = row->flag.name[0] != '\0';
	if (!has_flag && !has_default)
		return;
	buf_printf(b, "[%s%s", has_default ? "default " : "", row->def);
	if (row->kind == SETTING_NUMBER)
		buf_printf(b, " %s", row->unit);
	buf_printf(b, "%s%s]", has_default && has_flag ? "; " : "", has_flag ? row->env : "");
}

void settings_help(struct buf *b, unsigned __int128 takes)
{
	assert(b != NULL);
	help_flags(b, settings_flag, takes, put_origin);
}

void settings_manual(struct buf *b)
{
	assert(b != NULL);
	help_manual(b, settings_flag, FLAGS_ALL, put_origin);
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
		buf_printf(b, " | %s |\n", row->flag.sentence);
	}
}

static void put_env(struct buf *b, const struct setting *row)
{
	buf_put(b, STR("\n# "));
	help_words(b, str_of(row->flag.sentence), STR("# "), 2);
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
