/* The parser of aws-chunked: what real clients send, in pieces of every size, and malformed bodies. */
#include "unit.h"

#include "base/buf.h"
#include "s3/wire/chunked.h"

#include <string.h>

/* The events as text: "<5:sig" a chunk, "hello" its data, ">" its end, "[name=value]" a trailer, "." the end, "!" bad. */
static struct str run(struct buf *out, struct str body, size_t piece, bool signed_trailer)
{
	struct chunked c;
	bool over = false;
	buf_clear(out);
	chunked_init(&c, signed_trailer);
	for (size_t at = 0; at < body.n && !over; at += piece) {
		struct str in = str_slice(body, at, at + piece), data = { 0 };
		while (in.n > 0 && !over) {
			size_t before = in.n;
			switch (chunked_next(&c, &in, &data)) {
			case CHUNKED_CHUNK:
				buf_printf(out, "<%llx:%.*s", (unsigned long long)c.size, STRF(c.signature));
				break;
			case CHUNKED_DATA:
				buf_put(out, data);
				break;
			case CHUNKED_CHUNK_END:
				buf_put_char(out, '>');
				break;
			case CHUNKED_TRAILER:
				buf_printf(out, "[%.*s=%.*s]", STRF(c.name), STRF(c.value));
				break;
			case CHUNKED_END:
				buf_put_char(out, '.');
				break;
			case CHUNKED_BAD:
				assert_non_null(c.why);
				buf_put_char(out, '!');
				over = true;
				break;
			case CHUNKED_MORE:
				break;
			}
			assert_true(over || in.n < before); /* each event uses something */
		}
	}
	return buf_str(out);
}

static const struct {
	const char *body, *events;
	bool signed_trailer;
} ROWS[] = {
	/* botocore and the SDK for JavaScript */
	{ "c\r\nhello world\n\r\n0\r\nx-amz-checksum-crc32:rwg7LQ==\r\n\r\n", "<c:hello world\n><0:[x-amz-checksum-crc32=rwg7LQ==].", false },
	{ "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", "<2:ab><3:cde><0:.", false }, { "0\r\n\r\n", "<0:.", false },
	{ "5;chunk-signature=abc\r\nhello\r\n0;chunk-signature=def\r\n\r\n", "<5:abchello><0:def.", false },
	{ "0A;x=y;chunk-signature=abc;z\r\n0123456789\r\n0\r\n\r\n", "<a:abc0123456789><0:.", false },
	{ "1\r\n\r\r\n0\r\n\r\n", "<1:\r><0:.", false },
	/* as the API reference has it, and as minio's clients write it */
	{ "0;chunk-signature=a\r\nx-amz-checksum-crc32:v\r\nx-amz-trailer-signature:s\r\n\r\n",
		"<0:a[x-amz-checksum-crc32=v][x-amz-trailer-signature=s].", true },
	{ "0;chunk-signature=a\r\nx-amz-checksum-crc32:v\n\r\nx-amz-trailer-signature:s\r\n\r\n",
		"<0:a[x-amz-checksum-crc32=v][x-amz-trailer-signature=s].", true },
	{ "0;chunk-signature=a\r\nx-amz-checksum-crc32: v \n\r\n", "<0:a[x-amz-checksum-crc32=v]", true },
	/* as minio-go ends an unsigned trailer, and line ends after the end */
	{ "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32c:v\n\r\n\r\n", "<b:hello world><0:[x-amz-checksum-crc32c=v].", false },
	{ "0\r\na:v\n\r\n\r\n\r\n", "<0:[a=v].", false }, { "0\r\na:v\r\n\r\n\r\n", "<0:[a=v].", false },
	{ "0\r\na:v\n\n", "<0:[a=v].", false }, { "0\r\na:v\n\r\n", "<0:[a=v].", false }, { "0\r\n\r\n\r\n", "<0:.", false },
	{ "0\r\n\r\n\n\n\n\n\n\n\n\n", "<0:.", false },
	{ "0;chunk-signature=a\r\nb:v\r\nx-amz-trailer-signature:s\r\n\r\n\r\n", "<0:a[b=v][x-amz-trailer-signature=s].", true },
	{ "0\r\n\r\n\n\n\n\n\n\n\n\n\n", "<0:.!", false }, { "0\r\n\r\n\r\na:v\r\n", "<0:.!", false },
	/* no such body */
	{ "\r\n", "!", false }, { "x\r\n", "!", false }, { "-1\r\n", "!", false }, { "1 \r\na\r\n", "!", false },
	{ "5\nhello\r\n", "!", false }, { "0x5\r\nhello", "!", false }, { "00000000000000005\r\n", "!", false },
	{ "5\r\nhelloX", "<5:hello!", false }, { "5\r\nhello\rX", "<5:hello!", false },
	{ "5;chunk-signature=a;chunk-signature=b\r\n", "!", false }, { "0\r\nnoColon\r\n", "<0:!", false }, { "0\r\n:v\r\n", "<0:!", false },
	{ "0\r\n\r\nX", "<0:.!", false }, { "5\r\rhello", "", false }, { "5\r\r\n", "!", false }
};

static void test_body_when_in_pieces_of_any_size_then_the_events_are_the_same(void **state)
{
	struct buf out;
	buf_init(&out, 65536);
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct str body = str_of(ROWS[i].body);
		for (size_t piece = 1; piece <= body.n; piece++) {
			struct str events = run(&out, body, piece, ROWS[i].signed_trailer);
			if (!str_equal(events, str_of(ROWS[i].events)))
				fail_msg("row %zu in pieces of %zu: %.*s", i, piece, STRF(events));
		}
	}
	buf_deinit(&out);
}

static void test_line_when_too_long_or_too_many_then_bad(void **state)
{
	static char text[20000];
	struct buf out;
	buf_init(&out, 65536);
	memset(text, '1', sizeof text);
	assert_str(run(&out, (struct str){ text, CHUNKED_LINE_MAX }, 100, false), STR(""));
	assert_str(run(&out, (struct str){ text, CHUNKED_LINE_MAX + 1 }, 100, false), STR("!"));
	memcpy(text, "0\r\n", 3);
	for (size_t i = 0; i <= CHUNKED_TRAILERS_MAX; i++)
		memcpy(text + 3 + 5 * i, "a:b\r\n", 5);
	struct str events = run(&out, (struct str){ text, 3 + 5 * (CHUNKED_TRAILERS_MAX + 1) }, 7, false);
	assert_true(str_ends_with(events, STR("!")));
	for (size_t i = 0; i <= CHUNKED_TRAILERS_MAX; i++)
		memcpy(text + 3 + 2 * i, "\r\n", 2);
	events = run(&out, (struct str){ text, 3 + 2 * (CHUNKED_TRAILERS_MAX + 1) }, 7, true);
	assert_str(events, STR("<0:!"));
	buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body_when_in_pieces_of_any_size_then_the_events_are_the_same),
		cmocka_unit_test(test_line_when_too_long_or_too_many_then_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
