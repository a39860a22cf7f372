/* One setting after the other, as the console shows them. See settings_shown.h. */
#include "config/settings_shown.h"

#include "config/settings_table.h"

#include <inttypes.h>
#include <stdio.h>

size_t settings_count(void)
{
	return SETTING_COUNT;
}

static struct str value_of(const struct settings *s, const struct setting *row, char digits[SETTING_DIGITS])
{
	const void *field = (const char *)s + row->offset;

	switch (row->kind) {
	case SETTING_TEXT:
		return str_of(*(const char *const *)field);
	case SETTING_NUMBER:
		snprintf(digits, SETTING_DIGITS, "%" PRIu64, *(const uint64_t *)field);
		return str_of(digits);
	case SETTING_SWITCH:
		return *(const bool *)field ? STR("on") : STR("off");
	}
	assert(false && "a setting of no kind");
	return STR("");
}

void settings_show(const struct settings *s, size_t i, char digits[SETTING_DIGITS], struct setting_shown *out)
{
	assert(i == 0 || s != NULL);
	assert(out != NULL);
	assert(i < SETTING_COUNT);
	const struct setting *row = &SETTINGS[i];
	struct str value = value_of(s, row, digits);
	bool is_secret = row->flag.name[0] == '\0';

	*out = (struct setting_shown){ .env = str_of(row->env),
		.flag = str_of(row->flag.name),
		.unit = str_of(row->unit),
		.sentence = str_of(row->sentence),
		.def = str_of(row->def),
		.value = is_secret ? STR("") : value,
		.is_secret = is_secret,
		.is_set = value.n > 0,
		.is_default = str_equal(value, str_of(row->def)) };
}
