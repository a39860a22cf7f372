/* The rows of settings.def as an array: used only by settings.c, which reads
 * them, and settings_text.c, which prints them. */
#ifndef CONFIG_SETTINGS_TABLE_H
#define CONFIG_SETTINGS_TABLE_H

#include "config/flags.h"
#include "config/settings.h"

enum setting_kind { SETTING_TEXT, SETTING_NUMBER, SETTING_SWITCH };

struct setting {
	size_t offset; /* of the field in struct settings */
	enum setting_kind kind;
	struct flag_name flag;
	const char *env, *def;
	uint64_t min, max;
	const char *unit, *sentence;
};

enum {
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) SETTING_ROW_##field,
#include "config/settings.def"
#undef SETTING
	SETTING_COUNT
};

extern const struct setting SETTINGS[SETTING_COUNT];

#endif
