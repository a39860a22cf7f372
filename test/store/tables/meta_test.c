/* The blob of an object's metadata: what goes in comes out, and what is damaged is given, wherever it is. */
#include "unit.h"

#include "store/tables/meta.h"

static const struct header headers[] = { { { "cache-control", 13 }, { "no-cache", 8 } }, { { "x-amz-meta-e", 12 }, { "", 0 } } };
static const struct object_part parts[] = {
	{ .number = 1, .size = (uint64_t)1 << 40, .checksum = { CHECKSUM_CRC64NVME, false, { "AAAAAAAAAAA=", 12 } } },
	{ .number = 10000, .size = 0 }
};
static const struct object_meta full = {
	.headers = headers, .n_headers = 2, .checksum = { CHECKSUM_SHA256, true, { "c3Vt-2", 6 } }, .parts = parts, .n_parts = 2
};

static enum status decode(struct str blob, struct arena *a, struct object_meta *out)
{
	struct fault why;
	return meta_decode(blob, meta_flags(&full), a, out, &why);
}

static void expect_full(const struct object_meta *m)
{
	assert_int_equal(m->n_headers, 2);
	for (size_t i = 0; i < 2; i++)
		assert_true(str_equal(m->headers[i].name, headers[i].name) && str_equal(m->headers[i].value, headers[i].value));
	assert_int_equal(m->checksum.kind, CHECKSUM_SHA256);
	assert_true(m->checksum.composite);
	assert_true(str_equal(m->checksum.value, full.checksum.value));
	assert_int_equal(m->n_parts, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(m->parts[i].number, parts[i].number);
		assert_int_equal(m->parts[i].size, parts[i].size);
		assert_int_equal(m->parts[i].checksum.kind, parts[i].checksum.kind);
		assert_true(str_equal(m->parts[i].checksum.value, parts[i].checksum.value));
	}
}

static void test_encode_then_decode_gives_the_same(void **state)
{
	struct buf b;
	struct arena a, other;
	struct object_meta out;
	(void)state;
	buf_init(&b, META_MAX_BYTES);
	arena_init(&a, 1 << 16);
	arena_init(&other, 1 << 16);
	meta_encode(&full, &b);
	assert_int_equal(decode(buf_str(&b), &a, &out), OK);
	buf_deinit(&b);
	expect_full(&out);
	struct object_meta copy = meta_dup(&out, &other);
	arena_deinit(&a);
	expect_full(&copy);
	arena_deinit(&other);
}

static void test_nothing_to_store_then_no_blob(void **state)
{
	const struct object_meta none = { .checksum = { .kind = CHECKSUM_CRC32C, .composite = true } };
	struct object_meta out;
	struct buf b;
	struct arena a;
	struct fault why;
	(void)state;
	buf_init(&b, META_MAX_BYTES);
	arena_init(&a, 1 << 10);
	meta_encode(&none, &b);
	assert_int_equal(buf_str(&b).n, 0);
	assert_int_equal(meta_decode(STR(""), meta_flags(&none), &a, &out, &why), OK);
	assert_int_equal(out.checksum.kind, CHECKSUM_CRC32C);
	assert_true(out.checksum.composite);
	assert_int_equal(out.n_headers + out.n_parts + out.checksum.value.n, 0);
	arena_deinit(&a);
	buf_deinit(&b);
}

static void test_damaged_blob_then_reported(void **state)
{
	struct buf b;
	(void)state;
	buf_init(&b, META_MAX_BYTES);
	meta_encode(&full, &b);
	for (size_t n = 1; n < b.n; n++) {
		struct arena a;
		struct object_meta out;
		arena_init(&a, 1 << 16);
		assert_int_equal(decode((struct str){ b.p, n }, &a, &out), IO);
		arena_deinit(&a);
	}
	for (size_t i = 0; i < b.n; i++) { /* lengths and counts that lead outside: refused or read, never beyond */
		struct arena a;
		struct object_meta out;
		arena_init(&a, 1 << 16);
		b.p[i] = (char)~b.p[i];
		(void)!decode(buf_str(&b), &a, &out);
		b.p[i] = (char)~b.p[i];
		arena_deinit(&a);
	}
	buf_deinit(&b);
}

static void test_arena_that_is_full_then_too_much(void **state)
{
	struct buf b;
	struct arena a;
	struct object_meta out;
	(void)state;
	buf_init(&b, META_MAX_BYTES);
	arena_init(&a, 64);
	meta_encode(&full, &b);
	assert_int_equal(decode(buf_str(&b), &a, &out), LIMIT);
	arena_deinit(&a);
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode_then_decode_gives_the_same),
		cmocka_unit_test(test_nothing_to_store_then_no_blob),
		cmocka_unit_test(test_damaged_blob_then_reported),
		cmocka_unit_test(test_arena_that_is_full_then_too_much),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
