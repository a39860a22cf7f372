/* aws-chunked bodies as the S3 API reference has them, signed with and without a trailer, in pieces of several sizes; and
 * with one byte other, anywhere. */
#include "unit.h"

#include "base/buf.h"
#include "base/mem.h"
#include "s3/wire/body_stream.h"

#include <string.h>

#define BODY_BYTES 66560
#define SECRET STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

static struct arena arena;
static struct buf body;

static int set_up(void **state)
{
	arena_init(&arena, 1 << 24);
	buf_init(&body, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	buf_deinit(&body);
	return 0;
}

static void put_chunk(size_t n, const char *signature)
{
	static char a[65536];
	memset(a, 'a', sizeof a);
	buf_printf(&body, "%zx;chunk-signature=%s\r\n", n, signature);
	buf_put(&body, (struct str){ a, n });
	buf_put(&body, n > 0 ? STR("\r\n") : STR(""));
}

static struct str plain_body(void)
{
	buf_clear(&body);
	put_chunk(65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
	put_chunk(1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
	put_chunk(0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
	buf_put(&body, STR("\r\n"));
	return buf_str(&body);
}

static struct str trailer_body(void)
{
	buf_clear(&body);
	put_chunk(65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
	put_chunk(1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
	put_chunk(0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
	buf_put(&body,
		STR("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"));
	return buf_str(&body);
}

struct outcome {
	enum fault_code code;
	uint64_t bytes;
	bool checksum_holds;
};

static enum status feed(struct body_stream *s, struct str piece, struct outcome *o, struct fault *why)
{
	while (piece.n > 0) {
		struct str bytes;
		TRY(stream_next(s, &piece, &bytes, why));
		digests_update(s->digests, bytes);
		o->bytes += bytes.n;
	}
	return OK;
}

static struct outcome take(struct str text, bool trailer, size_t piece)
{
	static const unsigned char md5[MD5_BYTES];
	const char *seed = trailer ? "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
							   : "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
	struct parsed_signature auth = { .amz_date = STR("20130524T000000Z"),
		.scope = { STR("20130524"), STR("us-east-1"), STR("s3") },
		.signature = str_of(seed),
		.payload = trailer ? PAYLOAD_CHUNKS_TRAILER : PAYLOAD_CHUNKS };
	struct digests d = { .kind = trailer ? CHECKSUM_CRC32C : CHECKSUM_NONE, .in_trailer = trailer };
	struct body_stream s = { .digests = &d, .arena = &arena };
	struct object_checksum stored;
	struct outcome o = { 0 };
	struct fault why = { 0 };
	enum status st = stream_begin(&s, &auth, SECRET, BODY_BYTES, &why);
	digests_start(&d, CHECKSUM_NONE);
	for (size_t at = 0; st == OK && at < text.n; at += piece)
		st = feed(&s, str_slice(text, at, at + piece), &o, &why);
	if (st == OK)
		st = stream_end(&s, &why);
	if (st == OK)
		o.checksum_holds = digests_check(&arena, &d, md5, &stored, &why) == OK;
	o.code = why.code;
	stream_drop(&s);
	return o;
}

static void test_body_when_of_the_reference_then_accepted(void **state)
{
	static const size_t pieces[] = { 1, 7, 85, 86, 87, 4096, 65622, 1 << 20 };
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		for (int trailer = 0; trailer < 2; trailer++) {
			struct outcome o = take(trailer ? trailer_body() : plain_body(), trailer, pieces[i]);
			assert_int_equal(o.code, F_NONE);
			assert_int_equal(o.bytes, BODY_BYTES);
			assert_true(o.checksum_holds);
		}
	}
}

static void test_body_when_a_byte_is_changed_then_refused(void **state)
{
	for (int trailer = 0; trailer < 2; trailer++) {
		struct str text = trailer ? trailer_body() : plain_body();
		for (size_t at = 0; at<text.n; at += at> 200 && at < 65500 ? 997 : 1) {
			((char *)text.p)[at] ^= 1;
			struct outcome o = take(text, trailer, 1 << 20);
			((char *)text.p)[at] ^= 1;
			if (o.code == F_NONE)
				fail_msg("byte %zu of %s", at, trailer ? "the body with a trailer" : "the plain body");
		}
	}
}

static void test_body_when_cut_anywhere_then_incomplete(void **state)
{
	struct str text = trailer_body();
	for (size_t n = 0; n<text.n; n += n> 200 && n < 65500 ? 997 : 1) {
		struct outcome o = take(str_slice(text, 0, n), true, 1 << 20);
		assert_int_equal(o.code, F_BODY_CUT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_body_when_of_the_reference_then_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_body_when_a_byte_is_changed_then_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_body_when_cut_anywhere_then_incomplete, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
