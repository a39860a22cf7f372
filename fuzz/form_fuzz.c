/* Fuzz target of http/form_parser: any bytes as a form's body. The first byte is the size of the pieces it
 * comes in, and the events must be the same as in one piece. The Content-Type is read from it too. */
#include "http/form_parser.h"

#include "base/buf.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool write_event(struct buf *b, const struct form_parser *m, enum form_event event, struct str data)
{
	static const char marks[] = { [MULTIPART_MORE] = 'm',
		[MULTIPART_PART] = 'p',
		[MULTIPART_DATA] = 'd',
		[MULTIPART_PART_END] = '.',
		[MULTIPART_END] = 'e',
		[MULTIPART_BAD] = 'b' };
	if (event == MULTIPART_DATA) {
		assert(data.n > 0);
		buf_put(b, data);
	} else if (event != MULTIPART_MORE) {
		buf_put_char(b, marks[event]);
	}
	if (event == MULTIPART_PART) {
		assert(m->name.n > 0 && m->name.n < MULTIPART_HEAD_MAX);
		buf_put(b, m->name);
		buf_put(b, m->filename);
		buf_put(b, m->content_type);
	}
	if (event == MULTIPART_BAD)
		assert(m->why != NULL);
	return event != MULTIPART_BAD;
}

static void run(struct str body, size_t piece, struct buf *b)
{
	struct form_parser m;
	bool going = true;
	form_parser_init(&m, STR("XyZ"));
	for (size_t at = 0; at < body.n && going; at += piece) {
		struct str in = str_slice(body, at, at + piece), data = { 0 };
		while (in.n > 0 && going) {
			enum form_event event = form_parser_next(&m, &in, &data);
			going = write_event(b, &m, event, data);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct buf whole, pieces;
	struct str boundary = { 0 }, body = { (const char *)p, n };
	if (n < 2)
		return 0;
	body = str_slice(body, 1, n);
	if (form_boundary(body, &boundary))
		assert(boundary.n >= 1 && boundary.n <= MULTIPART_BOUNDARY_MAX);
	buf_init(&whole, 1 << 24);
	buf_init(&pieces, 1 << 24);
	run(body, body.n, &whole);
	run(body, 1 + (size_t)p[0], &pieces);
	assert(str_equal(buf_str(&whole), buf_str(&pieces)));
	buf_deinit(&whole);
	buf_deinit(&pieces);
	return 0;
}
