/* Lines of the log, as they are kept in memory: the newest, older ones before a number, or what followed after
 * one, which is how the page follows the log. Each line is JSON already, with all external text escaped,
 * and is copied into the response. */
#include "admin/call.h"

#include "base/log/log.h"
#include "base/writer.h"

#define LOGS_LIMIT 200

enum status console_logs(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	struct str level = STR("debug");
	uint64_t limit = LOGS_LIMIT;
	struct log_query q = { 0 };
	struct log_found found;
	bool older = false;
	const struct param params[] = {
		{ "level", PARAM_CHOICE, .choices = "debug|info|warn|error", .text = &level },
		{ "text", PARAM_TEXT, .max = CONSOLE_TEXT_MAX, .text = &q.text },
		{ "after", PARAM_NUMBER, .max = UINT64_MAX - 1, .number = &q.after, .sent = &q.tail },
		{ "before", PARAM_NUMBER, .min = 1, .max = UINT64_MAX - 1, .number = &q.before, .sent = &older },
		{ "limit", PARAM_NUMBER, .min = 1, .max = LOG_FOUND_MAX, .number = &limit },
	};

	TRY(params_read(&c->x->request, params, COUNT_OF(params), why));
	if (q.tail && older)
		return fault_set(why, BAD_FIELD, "after and before are mutually exclusive");
	if (!log_level_parse(level, &q.least))
		return fault_set(why, BAD_FIELD, "level must be one of debug|info|warn|error");
	q.limit = limit;
	TRY(log_recent(&q, c->arena, &found, why));
	writer_open(&c->body, (struct str){ 0 }, '{');
	writer_open(&c->body, STR("lines"), '[');
	for (size_t i = 0; i < found.n; i++) {
		writer_open(&c->body, (struct str){ 0 }, '{');
		writer_number(&c->body, STR("n"), found.lines[i].n);
		writer_raw(&c->body, STR("line"), found.lines[i].line);
		writer_close(&c->body, '}');
	}
	writer_close(&c->body, ']');
	writer_number(&c->body, STR("last"), found.last);
	writer_number(&c->body, STR("missed"), found.missed);
	writer_bool(&c->body, STR("more"), found.more);
	writer_close(&c->body, '}');
	return OK;
}
