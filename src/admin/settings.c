/* The settings in force, in the table's order, with what each means and without what is secret. A setting is secret when it
 * has no flag: it may be set only in the environment, so that it is in no process list, and it is on no page either. */
#include "admin/call.h"

#include "config/settings_table.h"
#include "config/table_url.h"
#include "base/writer.h"

/* "" of a text that is not set.  room: for a value that is not a text as it is */
static struct str value_of(const void *field, enum setting_kind kind, struct buf *room)
{
	switch (kind) {
	case SETTING_TEXT:
		if (!table_url_is(str_of(*(const char *const *)field)))
			return str_of(*(const char *const *)field);
		table_url_put(room, str_of(*(const char *const *)field));
		return buf_str(room);
	case SETTING_NUMBER:
		buf_put_u64(room, *(const uint64_t *)field);
		return buf_str(room);
	case SETTING_SWITCH:
		return *(const bool *)field ? STR("on") : STR("off");
	}
	assert(false && "a setting of no kind");
	return STR("");
}

static void write_setting(struct buf *b, const struct settings *s, const struct setting *row)
{
	char memory[1024];
	struct buf room;
	buf_init_fixed(&room, memory, sizeof memory);
	struct str value = value_of((const char *)s + row->offset, row->kind, &room), flag = str_of(row->flag.name);
	writer_open(b, STR(""), '{');
	writer_text(b, STR("env"), str_of(row->env));
	if (flag.n > 0) {
		writer_text(b, STR("flag"), flag);
		writer_text(b, STR("value"), value);
	} else {
		writer_null(b, STR("flag"));
		writer_null(b, STR("value"));
	}
	writer_text(b, STR("default"), str_of(row->def));
	writer_text(b, STR("unit"), str_of(row->unit));
	writer_text(b, STR("meaning"), str_of(row->flag.sentence));
	writer_bool(b, STR("isSecret"), flag.n == 0);
	writer_bool(b, STR("isSet"), value.n > 0);
	writer_bool(b, STR("isDefault"), str_equal(value, str_of(row->def)));
	writer_close(b, '}');
}

enum status console_settings(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	struct transfer *transfer = c->console->options.transfer;
	struct transfer_state state = { .phase = TRANSFER_NONE };
	struct fault refusal;
	TRY(params_read(&c->x->request, NULL, 0, why));
	if (transfer != NULL)
		TRY(transfer_get_state(transfer, c->arena, &state, why));
	writer_open(&c->body, STR(""), '{');
	writer_text(&c->body, STR("version"), STR(VERSION));
	if (transfer_check_change(state.phase, &refusal) != OK)
		writer_text(&c->body, STR("migration"), transfer_phase_name(state.phase));
	writer_open(&c->body, STR("settings"), '[');
	for (size_t i = 0; i < SETTING_COUNT; i++)
		write_setting(&c->body, c->console->options.settings, &SETTINGS[i]);
	writer_close(&c->body, ']');
	writer_close(&c->body, '}');
	return OK;
}
