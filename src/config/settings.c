/* Reading the settings: the table of settings.def, walked three times. Defaults, environment and
 * flags all go through assign(), so each source obeys the same rules and gives the same sentences.
 * The renderings of the table are in settings_text.c. */
#include "config/settings.h"
#include "base/codec.h"
#include "config/settings_table.h"
#include "config/table_url.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_VALUE_MAX 60

const struct setting SETTINGS[SETTING_COUNT] = {
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) \
	{ offsetof(struct settings, field), SETTING_##kind, \
		{ flag, 0, SETTING_##kind == SETTING_SWITCH ? FLAG_TOGGLE : FLAG_VALUE, \
			sizeof flag == 1                       ? env "=TEXT" \
				: SETTING_##kind == SETTING_SWITCH ? NULL \
				: SETTING_##kind == SETTING_NUMBER ? "N" \
				: sizeof unit > 1                  ? unit \
												   : "TEXT", \
			sentence }, \
		env, def, min, max, unit },
#include "config/settings.def"
#undef SETTING
};

/* Where a value comes from, for the sentences: "--max-size" or "TINTYPE_MAX_SIZE". */
struct setting_source {
	const char *prefix; /* "--" or "" */
	struct str name;
};

/* "--jobs must be a number ..., not "x"": the value short, harmless on a terminal, and without the password of a URL. */
PRINTF(4, 5) static enum status refuse_value(struct setting_source from, const char *value, struct fault *why, const char *fmt, ...)
{
	char memory[8 * SHOWN_VALUE_MAX], takes[160];
	struct buf shown;
	va_list args;
	va_start(args, fmt);
	vsnprintf(takes, sizeof takes, fmt, args);
	va_end(args);
	struct str text = str_of(value);
	if (strchr(value, '@') != NULL)
		text = str_slice(text, 0, str_find_char(text, ':'));
	buf_init_fixed(&shown, memory, sizeof memory);
	terminal_escape(&shown, str_slice(text, 0, utf8_prefix(text, SHOWN_VALUE_MAX)));
	return fault_set(why, BAD_SETTING, "%s%.*s must be %s, not \"%s\"", from.prefix, STRF(from.name), takes, shown.p);
}

/* A URL among the choices of a unit stands for all URLs of its scheme. */
static bool takes_table_url(const struct setting *row)
{
	return strstr(row->unit, "postgres://") != NULL;
}

/* Other users can read a command line in the process list, and it is in the shell's history. */
static bool shows_password(const struct setting *row, struct setting_source from, const char *value)
{
	return takes_table_url(row) && from.prefix[0] != '\0' && table_url_has_password(str_of(value));
}

static bool is_listed(const struct setting *row, struct str value)
{
	return strchr(row->unit, '|') == NULL || str_is_one_of(value, str_of(row->unit), '|') || (takes_table_url(row) && table_url_is(value));
}

static enum status assign_value(
	struct settings *s, const struct setting *row, struct setting_source from, const char *value, struct fault *why)
{
	void *field = (char *)s + row->offset;
	uint64_t number;
	switch (row->kind) {
	case SETTING_TEXT:
		if (shows_password(row, from, value))
			return fault_set(why, BAD_SETTING,
				"--%.*s must not have a password, which the process list shows: put it into the first line of a file and name the file "
				"with --table-password-file, or put the whole URL into %s in .env or the environment",
				STRF(from.name), row->env);
		if (!is_listed(row, str_of(value)))
			return refuse_value(from, value, why, "one of %s", row->unit);
		/* As from "$DIR" when the variable is not set. */
		if (value[0] == '\0' && row->def[0] != '\0' && strcmp(row->unit, "DIR") == 0)
			return refuse_value(from, value, why, "the name of a directory");
		/* The value is not shown: a text with a shortest length is a key. */
		if (value[0] != '\0' && strlen(value) < row->min)
			return fault_set(
				why, BAD_SETTING, "%s%.*s must have at least %llu characters", from.prefix, STRF(from.name), (unsigned long long)row->min);
		*(const char **)field = value;
		return OK;
	case SETTING_NUMBER:
		if (!str_to_u64(str_of(value), &number) || number < row->min || number > row->max)
			return refuse_value(from, value, why, "a number of %s from %llu to %llu", row->unit, (unsigned long long)row->min,
				(unsigned long long)row->max);
		*(uint64_t *)field = number;
		return OK;
	case SETTING_SWITCH:
		if (!str_is_one_of(str_of(value), STR("on|off"), '|'))
			return refuse_value(from, value, why, "on or off");
		*(bool *)field = strcmp(value, "on") == 0;
		return OK;
	}
	assert(false && "a setting of no kind");
	return INVALID;
}

const char *settings_env_of(const char *flag)
{
	assert(flag != NULL);
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (flag[0] != '\0' && strcmp(SETTINGS[i].flag.name, flag) == 0)
			return SETTINGS[i].env;
	return "";
}

bool settings_has_env(struct str name)
{
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (str_equal(str_of(SETTINGS[i].env), name))
			return true;
	return false;
}

const struct flag_name *settings_flag(size_t i)
{
	return i < SETTING_COUNT ? &SETTINGS[i].flag : NULL;
}

enum status settings_load(struct settings *s, int argc, char **argv, struct fault *why)
{
	assert(s != NULL);
	struct settings loaded = { 0 };
	for (size_t i = 0; i < SETTING_COUNT; i++)
		TRY(assign_value(&loaded, &SETTINGS[i], (struct setting_source){ "", str_of(SETTINGS[i].env) }, SETTINGS[i].def, why));
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const char *value = getenv(SETTINGS[i].env);
		if (value != NULL && value[0] != '\0')
			TRY(assign_value(&loaded, &SETTINGS[i], (struct setting_source){ "", str_of(SETTINGS[i].env) }, value, why));
	}
	for (struct flags f = { .row = settings_flag, .takes = FLAGS_ALL, .argc = argc, .argv = argv }; f.argc > 0;) {
		struct flag_word word;
		TRY(flags_next(&f, &word, why));
		TRY(assign_value(&loaded, &SETTINGS[word.row], (struct setting_source){ "--", str_of(word.name->name) }, word.value, why));
	}
	*s = loaded;
	return OK;
}
