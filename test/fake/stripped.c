/* The strip on pictures of tests. See stripped.h. */
#include "fake/stripped.h"

#include "base/buf.h"
#include "base/mem.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define MORE_MAX 64 /* what the strip may add to a file of a few bytes */

struct stripped strip_in_pieces(struct str in, size_t piece_bytes, const struct strip_options *options)
{
	struct strip s;
	struct str piece;
	const struct strip_result *result;
	struct buf out CLEANUP(buf_deinit);
	struct str left = in;
	buf_init(&out, 2 * in.n + MORE_MAX);
	strip_init(&s, options);
	while (left.n > 0) {
		struct str next = str_slice(left, 0, piece_bytes);
		char *copy = mem_new(next.n, 1);
		assert_non_null(copy);
		memcpy(copy, next.p, next.n);
		left = str_slice(left, next.n, left.n);
		next.p = copy;
		while (strip_next(&s, &next, &piece))
			buf_put(&out, piece);
		assert_int_equal(next.n, 0);
		mem_free(copy);
	}
	if (strip_end(&s, &piece))
		buf_put(&out, piece);
	assert_true(buf_ok(&out));
	assert_int_equal(strip_result(&s, &result, NULL), OK);
	assert_int_equal(result->received_bytes, in.n);
	assert_int_equal(result->stored_bytes, out.n);
	if (result->patch.n > 0) {
		assert_true(result->patch.at + result->patch.n <= out.n);
		memcpy(out.p + result->patch.at, result->patch.bytes, result->patch.n);
	}
	struct stripped got = { str_dup(picture_arena, buf_str(&out)), *result };
	strip_deinit(&s);
	return got;
}

static void check_verdict(struct str in, struct str out)
{
	struct probe before, after;
	assert_int_equal(probe_exactly(in, &before), probe_exactly(out, &after));
	assert_int_equal(before.type, after.type);
	assert_int_equal(before.width, after.width);
	assert_int_equal(before.height, after.height);
	assert_int_equal(before.frames, after.frames);
	assert_int_equal(after.orientation, before.type == PROBE_WEBP ? 0 : before.orientation);
}

static void check_same(struct str got, struct str want)
{
	if (!str_equal(got, want))
		fail_msg("%zu bytes are left, which are not the %zu expected ones", got.n, want.n);
}

struct stripped strip_checked(struct str in, const struct strip_options *options)
{
	static const size_t pieces[] = { 1, 2, 3, 5, 61, 4096 };
	struct stripped whole = strip_in_pieces(in, in.n + 1, options);
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		struct stripped other = strip_in_pieces(in, pieces[i], options);
		check_same(other.bytes, whole.bytes);
		assert_memory_equal(&other.result, &whole.result, sizeof whole.result);
	}
	check_same(strip_in_pieces(whole.bytes, whole.bytes.n + 1, options).bytes, whole.bytes);
	check_verdict(in, whole.bytes);
	return whole;
}

void expect_stripped(struct str in, struct str want, uint32_t removed)
{
	struct stripped got = strip_checked(in, NULL);
	if (got.bytes.n != want.n || memcmp(got.bytes.p, want.p, want.n) != 0) {
		for (size_t i = 0; i < got.bytes.n; i++)
			print_error("%02x%c", (unsigned char)got.bytes.p[i], i % 32 == 31 ? '\n' : ' ');
		print_error("\n");
	}
	check_same(got.bytes, want);
	assert_int_equal(got.result.removed, removed);
}

void expect_no_secret_if_cut(struct str all, const struct strip_options *options)
{
	for (size_t n = 0; n < all.n; n++) {
		struct stripped got = strip_checked(str_slice(all, 0, n), options);
		assert_int_equal(str_find(got.bytes, STR("SEC")), got.bytes.n);
	}
}

struct str picture_tiff(const char *order, uint32_t tag, uint32_t value)
{
	char t = (char)tag, g = (char)(tag >> 8), v = (char)value, l = (char)(value >> 8);
	if (order[0] == 'M')
		return JOIN(BYTES("MM\0*\0\0\0\x08\0\1"), ((struct str){ (char[]){ g, t, 0, 3, 0, 0, 0, 1, l, v, 0, 0 }, 12 }), BYTES("\0\0\0\0"));
	return JOIN(BYTES("II*\0\x08\0\0\0\1\0"), ((struct str){ (char[]){ t, g, 3, 0, 1, 0, 0, 0, v, l, 0, 0 }, 12 }), BYTES("\0\0\0\0"));
}
