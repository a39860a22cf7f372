/* The rows of settings.def as an array: settings.c reads them, settings_text.c prints them, and the console shows them. */
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
	const char *unit;
};

enum {
#define SETTING(field, kind, env, flag, def, min, max, unit, sentence) SETTING_ROW_##field,
#include "config/settings.def"
#undef SETTING
	SETTING_COUNT
};

extern const struct setting SETTINGS[SETTING_COUNT];
/* The flag of row i; NULL past the last. */
const struct flag_name *settings_flag(size_t i);
#define SETTING_BIT(field) ((unsigned __int128)1 << SETTING_ROW_##field)
_Static_assert(SETTING_COUNT <= FLAGS_MAX, "sets of rows are bits");

#endif
