/* The reader of chunked bodies: what RFC 9112 7.1 allows, cut at every byte, and every malformed form. */
#include "unit.h"

#include "base/buf.h"
#include "http/chunk_reader.h"

static bool feed(struct chunk_reader *c, struct str in, struct buf *out)
{
	struct str piece;
	do {
		if (!chunk_reader_next(c, &in, &piece))
			return false;
		buf_put(out, piece);
	} while (piece.n > 0);
	return true;
}

static void test_chunks_when_cut_at_every_byte_then_same_body(void **state)
{
	struct str whole = STR("5\r\nhello\r\n00a;name=\"v; \\\"\";b\r\n, world ab\r\n1 ; a = b\t;c\r\n!\r\n0\r\nTrailer: x\r\nOther:\r\n\r\n");
	for (size_t cut = 0; cut <= whole.n; cut++) {
		struct chunk_reader c = { 0 };
		struct buf out;
		buf_init(&out, 1000);
		assert_true(feed(&c, str_slice(whole, 0, cut), &out));
		assert_int_equal(c.state == CHUNK_DONE, cut == whole.n);
		assert_true(feed(&c, str_slice(whole, cut, whole.n), &out));
		assert_int_equal(c.state, CHUNK_DONE);
		assert_str(buf_str(&out), STR("hello, world ab!"));
		buf_deinit(&out);
	}
}

static void test_chunks_when_done_then_rest_is_left(void **state)
{
	struct chunk_reader c = { 0 };
	struct str in = STR("0\r\n\r\nHTTP/1.1 200 OK\r\n"), piece;
	assert_true(chunk_reader_next(&c, &in, &piece));
	assert_int_equal(piece.n, 0);
	assert_int_equal(c.state, CHUNK_DONE);
	assert_true(str_starts_with(in, STR("HTTP/1.1")));
}

static void test_chunks_when_malformed_then_refused(void **state)
{
	static const struct str rows[] = {
#define ROW(text) { text, sizeof text - 1 }
		/* sizes */
		ROW("\r\n"),
		ROW(" 5\r\n"),
		ROW("g\r\n"),
		ROW("-1\r\n"),
		ROW("+1\r\n"),
		ROW("0x5\r\n"),
		ROW("5h\r\n"),
		ROW("1000000000000000\r\n"),
		ROW("fffffffffffffffff\r\n"),
		ROW("5\0\r\n"),
		ROW("5 \r\n"),
		ROW("5\t\r\n"),
		ROW("5 5\r\n"),
		ROW(";a\r\n"),
		ROW("\0"),
		ROW("5,\r\n"),
		/* ends of lines */
		ROW("5\nhello"),
		ROW("5\r\rhello"),
		ROW("5\r\0hello"),
		ROW("5\0\nhello"),
		ROW("5\r\nhelloX\r\n"),
		ROW("5\r\nhello\n"),
		ROW("5\r\nhello\rX"),
		ROW("5\r\nhello\0\n"),
		ROW("5\r\nhello0\r\n\r\n"),
		ROW("5;a\n"),
		ROW("0\r\n\n"),
		ROW("0\r\n\rX"),
		ROW("0\r\n\0\n"),
		/* extensions */
		ROW("5;\r\n"),
		ROW("5;;a\r\n"),
		ROW("5;a=\r\n"),
		ROW("5;a=b=c\r\n"),
		ROW("5;a b\r\n"),
		ROW("5;a \r\n"),
		ROW("5;=b\r\n"),
		ROW("5;a=\"b\r\n"),
		ROW("5;a=\"b\"c\r\n"),
		ROW("5;a\x01\r\n"),
		ROW("5;a=\"\0\"\r\n"),
		ROW("5;a=\"\\\r\n"),
		ROW("5;a=\x80\r\n"),
		/* trailers */
		ROW("0\r\nA: \x01\r\n\r\n"),
		ROW("0\r\nA: b\rX"),
		ROW("0\r\nA: b\n\r\n"),
		ROW("0\r\nA\r\n\r\n"),
		ROW("0\r\n: b\r\n\r\n"),
		ROW("0\r\n A: b\r\n"),
		ROW("0\r\nA : b\r\n"),
		ROW("0\r\nA: b\r\n c\r\n\r\n"),
		ROW("0\r\nA: \0\r\n\r\n"),
#undef ROW
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct chunk_reader c = { 0 };
		struct buf out;
		buf_init(&out, 1000);
		if (feed(&c, rows[i], &out))
			fail_msg("row %zu, %s, was accepted", i, rows[i].p);
		buf_deinit(&out);
	}
}

/* Feed the byte until it is refused: after how many. */
static unsigned feed_until_refused(const char *start, char byte)
{
	struct chunk_reader c = { 0 };
	struct str piece, in = str_of(start);
	unsigned n = 0;
	assert_true(chunk_reader_next(&c, &in, &piece));
	for (bool ok = true; ok && n < 100000; n++) {
		struct str more = { &byte, 1 };
		ok = chunk_reader_next(&c, &more, &piece);
	}
	return n;
}

static void test_chunks_when_extras_never_end_then_refused(void **state)
{
	assert_true(feed_until_refused("1;", 'x') <= CHUNK_EXTRA_MAX_BYTES + 1);
	assert_true(feed_until_refused("0\r\nA:", 'x') <= CHUNK_EXTRA_MAX_BYTES + 1);
	assert_true(feed_until_refused("0\r\n", 'x') <= CHUNK_EXTRA_MAX_BYTES + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chunks_when_cut_at_every_byte_then_same_body),
		cmocka_unit_test(test_chunks_when_done_then_rest_is_left),
		cmocka_unit_test(test_chunks_when_malformed_then_refused),
		cmocka_unit_test(test_chunks_when_extras_never_end_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
