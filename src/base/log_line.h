/* The format of a log line, for the files of the log only. */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "base/buf.h"
#include "base/log.h"

/* One log line as it leaves log_write. */
struct log_line {
	int64_t time_ms;
	enum log_event event;
	struct str request_id;
	const struct log_field *fields;
	size_t n_fields;
};

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
