/* Hex, base64 and percent-encoding: the RFCs' vectors, every byte, and what must be refused. */
#include "unit.h"

#include "base/arena.h"
#include "base/codec.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct buf out;

static int begin(void **state)
{
	arena_init(&arena, (size_t)1 << 20);
	buf_init(&out, (size_t)1 << 20);
	return 0;
}

static int end(void **state)
{
	buf_deinit(&out);
	arena_deinit(&arena);
	return 0;
}

static void test_hex_round_trips_for_every_byte(void **state)
{
	unsigned char all[256], back[256];
	char hex[513];
	for (int i = 0; i < 256; i++)
		all[i] = (unsigned char)i;
	hex_encode(all, 256, hex);
	assert_memory_equal(hex, "000102", 6);
	assert_string_equal(hex + 506, "fdfeff");
	assert_true(hex_decode(str_of(hex), back, 256));
	assert_memory_equal(all, back, 256);
}

static void test_hex_decode_accepts_both_cases_and_exact_length(void **state)
{
	unsigned char b[2];
	assert_true(hex_decode(STR("aBCd"), b, 2));
	assert_int_equal(b[0] << 8 | b[1], 0xabcd);
	assert_true(hex_decode(STR(""), b, 0));
	assert_false(hex_decode(STR("abc"), b, 1));
	assert_false(hex_decode(STR("abc"), b, 2));
	assert_false(hex_decode(STR("ab"), b, 2));
	assert_false(hex_decode(STR("abcdef"), b, 2));
	assert_false(hex_decode(STR("ag"), b, 1));
	assert_false(hex_decode(STR("@0"), b, 1));
	assert_false(hex_decode(STR("`0"), b, 1));
	assert_false(hex_decode(STR("0x"), b, 1));
}

/* RFC 4648 10 */
static const struct {
	const char *plain, *base64, *url;
} VECTORS[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" },
};

static void test_base64_gives_the_rfc_vectors_both_ways(void **state)
{
	for (size_t i = 0; i < COUNT_OF(VECTORS); i++) {
		struct str got;
		buf_clear(&out);
		base64_encode(&out, str_of(VECTORS[i].plain));
		assert_str(buf_str(&out), str_of(VECTORS[i].base64));
		assert_true(base64_decode(&arena, buf_str(&out), &got));
		assert_str(got, str_of(VECTORS[i].plain));
		buf_clear(&out);
		base64url_encode(&out, str_of(VECTORS[i].plain));
		assert_str(buf_str(&out), str_of(VECTORS[i].url));
		assert_true(base64url_decode(&arena, buf_str(&out), &got));
		assert_str(got, str_of(VECTORS[i].plain));
	}
}

static void test_base64_round_trips_for_every_byte_and_length(void **state)
{
	char all[256];
	struct str got;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	for (size_t n = 0; n <= 256; n++) {
		buf_clear(&out);
		base64_encode(&out, (struct str){ all, n });
		assert_true(base64_decode(&arena, buf_str(&out), &got));
		assert_str(got, (struct str){ all, n });
	}
}

static void test_base64_when_not_canonical_is_refused(void **state)
{
	const struct str bad[] = { STR("Z"), STR("Zg"), STR("Zg="), STR("Zg==="), STR("="), STR("===="), STR("Z==="), STR("Zg==Zg=="),
		STR("Zh=="), STR("Zm9="), STR("Zm9v\n"), STR(" Zm9v"), STR("Zm-_"), STR("Zm=v"), STR("Zm9\0"), STR("Zm9\xc3") };
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct str got = STR("old");
		assert_false(base64_decode(&arena, bad[i], &got));
		assert_null(got.p);
	}
}

static void test_base64url_when_padded_or_of_the_other_alphabet_is_refused(void **state)
{
	const struct str bad[] = { STR("Zg=="), STR("Z"), STR("Zm9vZ"), STR("Zh"), STR("Zm9"), STR("+/+/"), STR("Zm 9") };
	struct str got;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(base64url_decode(&arena, bad[i], &got));
}

static void test_uri_encode_keeps_the_unreserved_only(void **state)
{
	const char *kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	for (int c = 0; c < 256; c++) {
		char byte = (char)c, want[4] = { byte, 0 };
		buf_clear(&out);
		uri_encode(&out, (struct str){ &byte, 1 }, false);
		if (c == 0 || strchr(kept, c) == NULL)
			snprintf(want, sizeof want, "%%%02X", (unsigned)c);
		assert_str(buf_str(&out), str_of(want));
	}
}

static void test_uri_encode_keeps_slashes_when_given(void **state)
{
	uri_encode(&out, STR("a/b c"), true);
	assert_str(buf_str(&out), STR("a/b%20c"));
}

static void test_uri_decode_undoes_encode(void **state)
{
	char all[256];
	struct str got;
	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	uri_encode(&out, (struct str){ all, 256 }, false);
	assert_true(uri_decode(&arena, buf_str(&out), false, &got));
	assert_str(got, (struct str){ all, 256 });
}

static void test_uri_decode_reads_plus_as_given_and_once_only(void **state)
{
	struct str got;
	assert_true(uri_decode(&arena, STR("a+b%2b%2B"), true, &got));
	assert_str(got, STR("a b++"));
	assert_true(uri_decode(&arena, STR("a+b"), false, &got));
	assert_str(got, STR("a+b"));
	assert_true(uri_decode(&arena, STR("%2525"), false, &got));
	assert_str(got, STR("%25"));
	assert_true(uri_decode(&arena, STR("%00"), false, &got));
	assert_int_equal(got.n, 1);
	assert_true(uri_decode(&arena, (struct str){ NULL, 0 }, false, &got));
	assert_int_equal(got.n, 0);
}

static void test_uri_decode_when_hex_is_missing_refuses(void **state)
{
	const struct str bad[] = {
		STR("%"), STR("a%"), STR("%2"), STR("%2g"), STR("%g2"), STR("%%20"), STR("%+1"), str_slice(STR("%41"), 0, 2),
		str_slice(STR("%41"), 0, 1), /* digits after the end do not count */
	};
	struct str got;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(uri_decode(&arena, bad[i], true, &got));
}

static void test_decoders_when_the_arena_is_full_refuse(void **state)
{
	struct arena small;
	struct str got;
	arena_init(&small, 16);
	assert_false(uri_decode(&small, STR("123456789012345%36"), false, &got));
	assert_false(base64_decode(&small, STR("Zm9v"), &got));
	assert_false(arena_ok(&small));
	arena_deinit(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hex_round_trips_for_every_byte, begin, end),
		cmocka_unit_test_setup_teardown(test_hex_decode_accepts_both_cases_and_exact_length, begin, end),
		cmocka_unit_test_setup_teardown(test_base64_gives_the_rfc_vectors_both_ways, begin, end),
		cmocka_unit_test_setup_teardown(test_base64_round_trips_for_every_byte_and_length, begin, end),
		cmocka_unit_test_setup_teardown(test_base64_when_not_canonical_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_base64url_when_padded_or_of_the_other_alphabet_is_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_uri_encode_keeps_the_unreserved_only, begin, end),
		cmocka_unit_test_setup_teardown(test_uri_encode_keeps_slashes_when_given, begin, end),
		cmocka_unit_test_setup_teardown(test_uri_decode_undoes_encode, begin, end),
		cmocka_unit_test_setup_teardown(test_uri_decode_reads_plus_as_given_and_once_only, begin, end),
		cmocka_unit_test_setup_teardown(test_uri_decode_when_hex_is_missing_refuses, begin, end),
		cmocka_unit_test_setup_teardown(test_decoders_when_the_arena_is_full_refuse, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
