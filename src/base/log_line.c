/* One log line as JSON. No string of a stranger's gets in unescaped, and none longer than a
 * kilobyte: what is longer is cut where a code point ends, and "..." says so. Names come from us. */
#include "base/log_line.h"
#include "base/clock.h"
#include "base/codec.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

#define FIELD_MAX_BYTES 1024

static const struct {
	enum log_level level;
	const char *name;
} events[LOG_EVENTS] = {
#define EVENT(id, level, name, meaning) { level, name },
#include "base/log.def"
#undef EVENT
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

const char *log_event_name(enum log_event event)
{
	assert((size_t)event < LOG_EVENTS);
	return events[event].name;
}

enum log_level log_event_level(enum log_event event)
{
	assert((size_t)event < LOG_EVENTS);
	return events[event].level;
}

const char *log_level_name(enum log_level level)
{
	assert((size_t)level < COUNT_OF(level_names));
	return level_names[level];
}

bool log_level_parse(struct str s, enum log_level *out)
{
	for (size_t i = 0; i < COUNT_OF(level_names); i++)
		if (str_equal(s, str_of(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	return false;
}

static void put_string(struct buf *b, const char *name, struct str s)
{
	size_t keep = utf8_prefix(s, FIELD_MAX_BYTES);
	buf_printf(b, ",\"%s\":\"", name);
	json_escape(b, str_slice(s, 0, keep));
	buf_put(b, keep < s.n ? STR("...\"") : STR("\""));
}

/* Microseconds of a time in ms are kept; JSON has no infinity and no NaN. */
static void put_real(struct buf *b, const char *name, double d)
{
	if (!isfinite(d))
		buf_printf(b, ",\"%s\":null", name);
	else
		buf_printf(b, fabs(d) < 1e15 ? ",\"%s\":%.3f" : ",\"%s\":%.17g", name, d);
}

static void put_field(struct buf *b, const struct log_field *field)
{
	switch (field->kind) {
	case FIELD_STR:
		if (field->s.n > 0)
			put_string(b, field->name, field->s);
		return;
	case FIELD_INT:
		buf_printf(b, ",\"%s\":%" PRId64, field->name, field->i);
		return;
	case FIELD_REAL:
		put_real(b, field->name, field->d);
		return;
	}
}

void log_line_write(struct buf *b, const struct log_line *line)
{
	char time[ISO8601_CHARS + 1];
	clock_iso8601(line->time_ms, time);
	buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"", time,
	           log_level_name(log_event_level(line->event)), log_event_name(line->event));
	if (line->request_id.n > 0)
		put_string(b, "requestId", line->request_id);
	for (size_t i = 0; i < line->n_fields; i++)
		put_field(b, &line->fields[i]);
	buf_put(b, STR("}\n"));
}

void log_line_write_dropped(struct buf *b, const char *sink, uint64_t count)
{
	struct log_field fields[] = { LOG_C("sink", sink), LOG_I("count", count) };
	struct log_line line = { clock_now_ms(), EV_LOG_DROPPED, { NULL, 0 }, fields, COUNT_OF(fields) };
	log_line_write(b, &line);
}

bool log_line_level(struct str line, enum log_level *out)
{
	static const size_t at = sizeof "{\"time\":\"\",\"level\":\"" - 1 + ISO8601_CHARS;
	struct str word = str_slice(line, at, line.n);

	return log_level_parse(str_slice(word, 0, str_find_char(word, '"')), out);
}

size_t log_lines(struct str text)
{
	size_t lines = 0;
	for (size_t i = 0; i < text.n; i++)
		lines += text.p[i] == '\n';
	return lines;
}
