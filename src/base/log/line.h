/* What a log line is made of, and its format. */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "base/buf.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

enum log_event {
#define EVENT(id, level, name, meaning) EV_##id,
#include "base/log/log.def"
#undef EVENT
	LOG_EVENTS
};

struct log_field {
	struct str name; /* as it is in the line: ,"name": */
	enum { FIELD_STR, FIELD_INT, FIELD_REAL } kind;
	struct str s;
	int64_t i;
	double d;
};

#define LOG_S(name, value) ((struct log_field){ STR(",\"" name "\":"), FIELD_STR, (value), 0, 0 })
#define LOG_C(name, value) ((struct log_field){ STR(",\"" name "\":"), FIELD_STR, str_of(value), 0, 0 })
#define LOG_I(name, value) ((struct log_field){ STR(",\"" name "\":"), FIELD_INT, { 0 }, (int64_t)(value), 0 })
#define LOG_D(name, value) ((struct log_field){ STR(",\"" name "\":"), FIELD_REAL, { 0 }, 0, (value) })

/* One log line as it leaves log_write. */
struct log_line {
	int64_t time_ms;
	enum log_event event;
	struct str request_id;
	const struct log_field *fields;
	size_t n_fields;
};

/* "debug", "info", "warn" or "error". false: another word */
bool log_level_parse(struct str s, enum log_level *out) MUST_CHECK;
/* The level in log.def. */
enum log_level log_event_level(enum log_event event);
/* Append the line and its newline. */
void log_line_write(struct buf *b, const struct log_line *line);
/* Append the "log.dropped" line that reports `count` lines missing from `sink`. */
void log_line_write_dropped(struct buf *b, const char *sink, uint64_t count);
/* The level of a line. false: the line was not written by this log. */
bool log_line_level(struct str line, enum log_level *out) MUST_CHECK;
/* How many lines `text` holds: each ends in a newline and has no other. */
size_t log_lines(struct str text);

#endif
