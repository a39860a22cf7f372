/* Writing JSON into a struct buf. The comma in front of a value is put unless the last byte opens
 * an object or an array, so there is no state next to the buffer. Names are ours and need no
 * escaping; values always get it. */
#include "base/writer.h"

#include "base/clock.h"
#include "base/codec.h"

static void begin_value(struct buf *b, struct str name)
{
	char last = b->n > 0 ? b->p[b->n - 1] : '{';

	if (last != '{' && last != '[')
		buf_put_char(b, ',');
	if (name.n == 0)
		return;
	BUF_PUT(b, STR("\""), name, STR("\":"));
}

void writer_open(struct buf *b, struct str name, char bracket)
{
	assert(b != NULL);
	begin_value(b, name);
	buf_put_char(b, bracket);
}

void writer_close(struct buf *b, char bracket)
{
	buf_put_char(b, bracket);
}

void writer_text(struct buf *b, struct str name, struct str value)
{
	assert(b != NULL);
	begin_value(b, name);
	buf_put_char(b, '"');
	json_escape(b, value);
	buf_put_char(b, '"');
}

void writer_number(struct buf *b, struct str name, uint64_t value)
{
	assert(b != NULL);
	begin_value(b, name);
	buf_put_u64(b, value);
}

void writer_null(struct buf *b, struct str name)
{
	writer_raw(b, name, STR("null"));
}

void writer_raw(struct buf *b, struct str name, struct str json)
{
	assert(b != NULL);
	begin_value(b, name);
	buf_put(b, json);
}

void writer_bool(struct buf *b, struct str name, bool value)
{
	assert(b != NULL);
	begin_value(b, name);
	buf_put(b, value ? STR("true") : STR("false"));
}

void writer_time(struct buf *b, struct str name, int64_t ms)
{
	assert(b != NULL);
	char text[ISO8601_CHARS + 1];

	clock_iso8601(ms, text);
	begin_value(b, name);
	buf_put_char(b, '"');
	buf_put(b, (struct str){ text, ISO8601_CHARS });
	buf_put_char(b, '"');
}
