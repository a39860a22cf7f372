/* One log line as JSON. All external strings are escaped, and truncated to a
 * kilobyte at a code point boundary, marked with "...". Names are constants. */
#include "base/log/line.h"
#include "base/clock.h"
#include "base/codec.h"

#include <math.h>

#define FIELD_MAX_BYTES 1024

static const struct {
	enum log_level level;
	const char *name;
} events[LOG_EVENTS] = {
#define EVENT(id, level, name, meaning) { level, name },
#include "base/log/log.def"
#undef EVENT
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

enum log_level log_event_level(enum log_event event)
{
	assert((size_t)event < LOG_EVENTS);
	return events[event].level;
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

/* As "%.3f", by integers. false: too large for that, negative, or so near the middle between two thousandths that only
 * printf knows the side. */
static bool put_thousandths(struct buf *b, double d)
{
	if (signbit(d) || d >= 1e12)
		return false;
	double scaled = d * 1000;
	uint64_t n = (uint64_t)scaled;
	double rest = scaled - (double)n;
	if (rest > 0.49 && rest < 0.51)
		return false;
	n += rest > 0.5;
	buf_put_u64(b, n / 1000);
	char digits[] = { '.', (char)('0' + n / 100 % 10), (char)('0' + n / 10 % 10), (char)('0' + n % 10) };
	buf_put(b, (struct str){ digits, sizeof digits });
	return true;
}

static void put_field(struct buf *b, const struct log_field *field)
{
	size_t keep = utf8_prefix(field->s, FIELD_MAX_BYTES);
	if (field->kind == FIELD_STR && field->s.n == 0)
		return;
	buf_put(b, field->name);
	switch (field->kind) {
	case FIELD_STR:
		buf_put_char(b, '"');
		json_escape(b, str_slice(field->s, 0, keep));
		buf_put(b, keep < field->s.n ? STR("...\"") : STR("\""));
		return;
	case FIELD_INT:
		buf_put_i64(b, field->i);
		return;
	case FIELD_REAL:
		/* Microseconds of a time in ms are kept; JSON has no infinity and no NaN. */
		if (!isfinite(field->d))
			buf_put(b, STR("null"));
		else if (!put_thousandths(b, field->d))
			buf_printf(b, fabs(field->d) < 1e15 ? "%.3f" : "%.17g", field->d);
		return;
	}
}

/* A line is written for each request: by appending alone, since printf costs more than all else here. */
void log_line_write(struct buf *b, const struct log_line *line)
{
	assert(b != NULL);
	assert(line != NULL);
	static _Thread_local int64_t time_ms = INT64_MIN; /* under load a millisecond has many lines */
	static _Thread_local char time[ISO8601_CHARS + 1];
	if (line->time_ms != time_ms)
		clock_iso8601(time_ms = line->time_ms, time);
	BUF_PUT(b, STR("{\"time\":\""), { time, ISO8601_CHARS }, STR("\",\"level\":\""), str_of(level_names[log_event_level(line->event)]),
		STR("\",\"event\":\""), str_of(events[line->event].name), STR("\""));
	put_field(b, &LOG_S("requestId", line->request_id));
	for (size_t i = 0; i < line->n_fields; i++)
		put_field(b, &line->fields[i]);
	buf_put(b, STR("}\n"));
}

void log_line_write_dropped(struct buf *b, const char *sink, uint64_t count)
{
	assert(b != NULL);
	assert(sink != NULL);
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
