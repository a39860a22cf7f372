/* Writing JSON into a struct buf, without a tree: a comma is added where the last byte requires one.
 * Faster than building values first, and lists are long. Pure; any thread. */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/buf.h"

/* Open '{' or '['. name: "" for the outermost or for an element of an array. */
void writer_open(struct buf *b, struct str name, char bracket);
/* Close with '}' or ']'. */
void writer_close(struct buf *b, char bracket);
/* A string; name "" for an element of an array. Any bytes: see json_escape. */
void writer_text(struct buf *b, struct str name, struct str value);
void writer_number(struct buf *b, struct str name, uint64_t value);
void writer_null(struct buf *b, struct str name);
/* A value that is JSON already. */
void writer_raw(struct buf *b, struct str name, struct str json);
void writer_bool(struct buf *b, struct str name, bool value);
/* A time as ISO 8601 in UTC with milliseconds. */
void writer_time(struct buf *b, struct str name, int64_t ms);

#endif
