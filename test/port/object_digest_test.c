/* Which of the recorded digests is compared; that other bytes, fewer and more are seen, whatever the pieces; and that every finding
 * is described. */
#include "unit.h"

#include "port/object_digest.h"

#include "base/file.h"
#include "port/storage_check.h"

#include <stdio.h>
#include <string.h>

#define BYTES 10000
#define MD5 "b567fcb68d8555227123ab87e255872e"

/* By Python's hashlib and zlib, of 10000 times 'x'. */
static const struct object_part parts[] = { { .size = 4000 }, { .size = 0 }, { .size = 6000 }, { .size = 0 } };
static const struct digest_case {
	struct object_digests recorded;
	enum object_digest_kind kind;
} cases[] = {
	{ { .sha256 = { "e4ee97ec252749d2096447e849628d0d7734f51700416eefbb33574bf0b3ee75", 64 }, .etag = { "wrong", 5 } }, DIGEST_SHA256 },
	{ { .etag = { MD5, 32 }, .checksum = { CHECKSUM_SHA256, false, { "5O6X7CUnSdIJZEfoSWKNDXc09RcAQW7vuzNXS/Cz7nU=", 44 } } },
		DIGEST_CHECKSUM },
	{ { .etag = { MD5, 32 }, .checksum = { CHECKSUM_CRC32, false, { "wrong", 5 } } }, DIGEST_MD5 },
	{ { .etag = { "B567FCB68D8555227123AB87E255872E", 32 } }, DIGEST_MD5 },
	{ { .etag = { "fe4236103150aa0b5266d591a3df7b89-4", 34 }, .parts = parts, .n_parts = 4 }, DIGEST_MD5_OF_PARTS },
	{ { .etag = { MD5 "-2", 34 }, .checksum = { CHECKSUM_CRC32, false, { "DVWkow==", 8 } } }, DIGEST_CHECKSUM },
};

static bool is_same(const struct object_digests *recorded, const char *p, size_t n, size_t piece)
{
	struct object_digest d;
	object_digest_begin(&d, recorded);
	for (size_t at = 0; at < n; at += piece)
		object_digest_add(&d, p + at, n - at < piece ? n - at : piece);
	return object_digest_end(&d);
}

static void test_digest_of_each_kind_then_only_the_same_bytes_are_the_same(void **state)
{
	static char body[BYTES + 1];
	static const size_t pieces[] = { 1, 4000, 4096, BYTES + 1 };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(object_digest_choose(&cases[i].recorded), cases[i].kind);
		for (size_t k = 0; k < COUNT_OF(pieces); k++) {
			memset(body, 'x', sizeof body);
			assert_true(is_same(&cases[i].recorded, body, BYTES, pieces[k]));
			assert_false(is_same(&cases[i].recorded, body, BYTES - 1, pieces[k]));
			assert_false(is_same(&cases[i].recorded, body, BYTES + 1, pieces[k]));
			assert_false(is_same(&cases[i].recorded, body, 0, pieces[k]));
			body[BYTES - 1] ^= 1;
			assert_false(is_same(&cases[i].recorded, body, BYTES, pieces[k]));
		}
	}
}

static void test_digest_of_what_cannot_be_compared_then_nothing_is_said(void **state)
{
	static const struct object_digests unknown[] = {
		{ .etag = { "not an MD5", 10 } },
		{ .etag = { MD5 "-4", 34 } },
		{ .etag = { MD5 "-5", 34 }, .parts = parts, .n_parts = 4 },
		{ .etag = { MD5 "-4", 34 }, .checksum = { CHECKSUM_CRC32, true, { "wrong-4", 7 } } },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unknown); i++) {
		assert_int_equal(object_digest_choose(&unknown[i]), DIGEST_NOTHING);
		assert_true(is_same(&unknown[i], "any", 3, 1));
	}
}

static void test_every_finding_is_described_for_operators(void **state)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	(void)state;
	buf_init(&text, 1 << 20);
	assert_int_equal(file_read("doc/backup.md", &text), 0);
	for (enum finding_kind kind = FINDING_NONE + 1; kind < FINDING_KINDS; kind++) {
		char row[64];
		(void)snprintf(row, sizeof row, "`%s`", finding_words(kind)->name);
		if (str_find(buf_str(&text), str_of(row)) == text.n)
			fail_msg("doc/backup.md does not describe %s", row);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digest_of_each_kind_then_only_the_same_bytes_are_the_same),
		cmocka_unit_test(test_digest_of_what_cannot_be_compared_then_nothing_is_said),
		cmocka_unit_test(test_every_finding_is_described_for_operators),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
