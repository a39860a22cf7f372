/* The settings that are in force, one by one, for the console: with what each means, and without what is
 * secret. A setting is secret when it has no flag: it may be set only in the environment, so that it is
 * in no process list, and it is on no page either. */
#ifndef CONFIG_SETTINGS_SHOWN_H
#define CONFIG_SETTINGS_SHOWN_H

#include "config/settings.h"

struct setting_shown {
	struct str env, flag; /* TINTYPE_MAX_SIZE, max-size; no flag: "" */
	struct str value;     /* "" of a secret, always */
	struct str unit, sentence;
	struct str def;
	bool is_secret;
	bool is_set; /* a text that is not empty, or anything else */
	bool is_default;
};

size_t settings_count(void);
/* Setting i, below settings_count. Numbers are written into `digits`, which must last as long as *out. */
#define SETTING_DIGITS 24
void settings_show(const struct settings *s, size_t i, char digits[SETTING_DIGITS], struct setting_shown *out);

#endif
