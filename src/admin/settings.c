/* The settings in force, in the table's order. */
#include "admin/call.h"

#include "config/settings_shown.h"
#include "base/writer.h"

enum status console_settings(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	char digits[SETTING_DIGITS];
	struct setting_shown s;

	TRY(params_read(&c->x->request, NULL, 0, why));
	writer_open(&c->body, (struct str){ 0 }, '{');
	writer_text(&c->body, STR("version"), STR(VERSION));
	writer_open(&c->body, STR("settings"), '[');
	for (size_t i = 0; i < settings_count(); i++) {
		settings_show(c->console->options.settings, i, digits, &s);
		writer_open(&c->body, (struct str){ 0 }, '{');
		writer_text(&c->body, STR("env"), s.env);
		if (s.flag.n > 0)
			writer_text(&c->body, STR("flag"), s.flag);
		else
			writer_null(&c->body, STR("flag"));
		if (s.is_secret)
			writer_null(&c->body, STR("value"));
		else
			writer_text(&c->body, STR("value"), s.value);
		writer_text(&c->body, STR("default"), s.def);
		writer_text(&c->body, STR("unit"), s.unit);
		writer_text(&c->body, STR("meaning"), s.sentence);
		writer_bool(&c->body, STR("isSecret"), s.is_secret);
		writer_bool(&c->body, STR("isSet"), s.is_set);
		writer_bool(&c->body, STR("isDefault"), s.is_default);
		writer_close(&c->body, '}');
	}
	writer_close(&c->body, ']');
	writer_close(&c->body, '}');
	return OK;
}
