/* Delivery links: what is written is read again, and nothing else is. */
#include "image/delivery_link.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define ID "0f8fad5b-d9cb-469f-a165-70867728950e"
#define VARIANT "small-1a2b3c4d.webp"
#define SIGNATURE "JsmTOMCTeYBU1sOEDteIRQ" /* by Python's hmac */
#define PATH "/i/" SIGNATURE ".1800000000/" ID "/" VARIANT
#define KEY "0123456789abcdefghijklmnopqrstuv"
#define OTHER_KEY "vutsrqponmlkjihgfedcba9876543210"
#define NOW 1799999999

static const struct delivery_keys keys = { { { KEY, 32 } }, 1 };
static const struct delivery_keys both = { { { OTHER_KEY, 32 }, { KEY, 32 } }, 2 };
static const struct delivery_keys other = { { { OTHER_KEY, 32 } }, 1 };
static const struct delivery_keys none;
static const struct delivery_link link_of_id = { { ID, 36 }, { VARIANT, sizeof(VARIANT) - 1 }, true, 1800000000 };

static enum delivery_answer read_path(const char *path, const struct delivery_keys *with, int64_t now_s)
{
	struct delivery_link got;
	char *copy = strdup(path); /* of exactly its size */
	enum delivery_answer answer = delivery_link_read((struct str){ copy, strlen(path) }, with, now_s, &got);
	free(copy);
	return answer;
}

static void test_delivery_link_signed_then_the_vector_of_another_program(void **state)
{
	char text[256];
	struct buf b;
	buf_init_fixed(&b, text, sizeof text);
	delivery_link_write(&b, &link_of_id, STR(KEY));
	assert_str(buf_str(&b), STR(PATH));
}

static void test_delivery_link_signed_then_read_until_it_expires(void **state)
{
	struct delivery_link got;
	assert_int_equal(delivery_link_read(STR(PATH), &keys, NOW, &got), DELIVERY_VALID);
	assert_str(got.image_id, STR(ID));
	assert_str(got.variant, STR(VARIANT));
	assert_true(got.is_signed);
	assert_int_equal(got.expires_s, 1800000000);
	assert_int_equal(delivery_link_read(STR(PATH), &keys, 1800000000, &got), DELIVERY_EXPIRED);
	assert_int_equal(delivery_link_read(STR(PATH), &keys, 1800000001, &got), DELIVERY_EXPIRED);
}

static void test_delivery_link_of_either_key_then_valid_and_of_no_other(void **state)
{
	assert_int_equal(read_path(PATH, &both, NOW), DELIVERY_VALID);
	assert_int_equal(read_path(PATH, &other, NOW), DELIVERY_UNKNOWN);
	assert_int_equal(read_path(PATH, &none, NOW), DELIVERY_UNKNOWN);
	assert_int_equal(read_path(PATH, &other, 1800000001), DELIVERY_UNKNOWN); /* not even that it is over */
}

static void test_delivery_link_public_then_valid_without_a_key(void **state)
{
	struct delivery_link got;
	assert_int_equal(delivery_link_read(STR("/i/" ID "/original"), &none, NOW, &got), DELIVERY_VALID);
	assert_str(got.image_id, STR(ID));
	assert_str(got.variant, STR("original"));
	assert_false(got.is_signed);
	char text[256];
	struct buf b;
	buf_init_fixed(&b, text, sizeof text);
	delivery_link_write(&b, &got, STR(""));
	assert_str(buf_str(&b), STR("/i/" ID "/original"));
}

static void test_delivery_link_with_any_byte_altered_or_cut_then_unknown(void **state)
{
	char path[] = PATH;
	for (size_t i = 0; i < sizeof path - 1; i++) {
		char c = path[i];
		for (int bit = 0; bit < 8; bit++) {
			path[i] = (char)(c ^ 1 << bit);
			if (path[i] != '\0' && read_path(path, &both, NOW) != DELIVERY_UNKNOWN)
				fail_msg("%s is accepted", path);
		}
		path[i] = '\0';
		assert_int_equal(read_path(path, &both, NOW), DELIVERY_UNKNOWN);
		path[i] = c;
	}
}

static void test_delivery_link_of_another_form_then_unknown(void **state)
{
	static const char *const paths[] = { "", "/", "/i", "/i/", "/i//", "/i/" ID, "/i/" ID "/", "/i/" ID "/other", "/i/" ID "/original/",
		"/i/" ID "/original?x", "/i/" ID "//original", "//i/" ID "/original", "/I/" ID "/original",
		"/i/%30f8fad5b-d9cb-469f-a165-70867728950e/original", "/i/0F8FAD5B-D9CB-469F-A165-70867728950E/original", PATH "/",
		"/i/" SIGNATURE "./" ID "/" VARIANT, "/i/." SIGNATURE "/" ID "/" VARIANT, "/i/" SIGNATURE ".01800000000/" ID "/" VARIANT,
		"/i/" SIGNATURE ".+1800000000/" ID "/" VARIANT, "/i/" SIGNATURE ".180000000000/" ID "/" VARIANT,
		"/i/" SIGNATURE ".1800000000.0/" ID "/" VARIANT, "/i/" SIGNATURE "==.1800000000/" ID "/" VARIANT,
		"/i/" SIGNATURE "A.1800000000/" ID "/" VARIANT,
		"/i/JsmTOMCTeYBU1sOEDteIRR.1800000000/" ID "/" VARIANT /* the same bytes, spelled otherwise */, "/i/.1800000000/" ID "/" VARIANT,
		"/i/" SIGNATURE ".1800000000/" ID "/original", "/i/" SIGNATURE ".1800000000/" ID "/small-1a2b3c4d.jpg",
		"/i/" SIGNATURE ".1800000000/1f8fad5b-d9cb-469f-a165-70867728950e/" VARIANT };
	for (size_t i = 0; i < COUNT_OF(paths); i++)
		if (read_path(paths[i], &both, NOW) != DELIVERY_UNKNOWN)
			fail_msg("%s is accepted", paths[i]);
	assert_true(delivery_link_is_path(STR("/i/anything")));
	assert_false(delivery_link_is_path(STR("/images/anything")));
}

static void test_delivery_variant_then_its_parts_and_back(void **state)
{
	static const char *const good[] = { "original", "small-00000000.jpg", "a-12345678.png", "large-wide-deadbeef.webp", "w2-abcdef01.webp",
		"abcdefghijabcdefghijabcdefghij32-00000000.jpg" };
	static const char *const bad[] = { "", "Original", "original.jpg", "small", "small.jpg", "small-00000000", "small-00000000.",
		"small-00000000.gif", "small-00000000.jpeg", "small-0000000.jpg", "small-000000000.jpg", "small-0000000G.jpg", "small-ABCDEF01.jpg",
		"Small-00000000.jpg", "-00000000.jpg", "--00000000.jpg", "small--00000000.jpg", "-small-00000000.jpg", "sm/all-00000000.jpg",
		"sm.all-00000000.jpg", "small-00000000.jpg.jpg", "abcdefghijabcdefghijabcdefghij323-00000000.jpg" };
	struct delivery_variant v;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		char text[128];
		struct buf b;
		buf_init_fixed(&b, text, sizeof text);
		assert_true(delivery_variant_parse(str_of(good[i]), &v));
		delivery_variant_write(&b, &v);
		assert_str(buf_str(&b), str_of(good[i]));
	}
	assert_str(v.hash, STR("00000000"));
	assert_str(v.format, STR("jpg"));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (delivery_variant_parse(str_of(bad[i]), &v))
			fail_msg("%s is accepted", bad[i]);
}

static void test_delivery_variant_hash_then_the_start_of_sha256(void **state)
{
	char hash[DELIVERY_HASH_CHARS + 1];
	delivery_variant_hash(STR("small 160 fit webp 80 2; renderer 1"), hash);
	assert_string_equal(hash, "5023a90f"); /* by Python's hashlib */
}

static void test_delivery_keys_then_one_or_two_of_enough_characters(void **state)
{
	struct delivery_keys got;
	char longest[DELIVERY_KEY_MAX + 2];
	memset(longest, 'k', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_true(delivery_keys_parse(STR(KEY), &got));
	assert_int_equal(got.n, 1);
	assert_str(got.keys[0], STR(KEY));
	assert_true(delivery_keys_parse(STR(KEY "," OTHER_KEY), &got));
	assert_int_equal(got.n, 2);
	assert_str(got.keys[1], STR(OTHER_KEY));
	assert_true(delivery_keys_parse(str_of(longest + 1), &got));
	assert_false(delivery_keys_parse(str_of(longest), &got));
	static const char *const bad[] = { "", ",", KEY ",", "," KEY, KEY "," KEY, KEY "," OTHER_KEY "," KEY "x",
		"0123456789abcdefghijklmnopqrstu", KEY " ", KEY ";" };
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (delivery_keys_parse(str_of(bad[i]), &got))
			fail_msg("\"%s\" is accepted", bad[i]);
}

static void test_delivery_expiry_then_the_same_for_a_day_and_not_less_than_asked_for(void **state)
{
	const int64_t day = 86400;
	int64_t first = delivery_link_expiry(STR(ID), NOW, day);
	int changes = 0;
	for (int64_t t = NOW; t < NOW + 3 * day; t += 60) {
		int64_t at = delivery_link_expiry(STR(ID), t, day);
		assert_true(at >= t + day && at < t + 2 * day);
		assert_true((at - first) % day == 0);
		changes += at != delivery_link_expiry(STR(ID), t + 60, day);
	}
	assert_int_equal(changes, 3);
	assert_int_equal(delivery_link_expiry(STR(ID), first - day, day), first);
	assert_int_equal(delivery_link_expiry(STR(ID), first - day + 1, day), first + day);
	assert_true(delivery_link_expiry(STR(ID), 0, 0) >= 0);
	assert_int_not_equal((delivery_link_expiry(STR("1f8fad5b-d9cb-469f-a165-70867728950e"), NOW, day) - first) % day, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery_link_signed_then_the_vector_of_another_program),
		cmocka_unit_test(test_delivery_link_signed_then_read_until_it_expires),
		cmocka_unit_test(test_delivery_link_of_either_key_then_valid_and_of_no_other),
		cmocka_unit_test(test_delivery_link_public_then_valid_without_a_key),
		cmocka_unit_test(test_delivery_link_with_any_byte_altered_or_cut_then_unknown),
		cmocka_unit_test(test_delivery_link_of_another_form_then_unknown),
		cmocka_unit_test(test_delivery_variant_then_its_parts_and_back),
		cmocka_unit_test(test_delivery_variant_hash_then_the_start_of_sha256),
		cmocka_unit_test(test_delivery_keys_then_one_or_two_of_enough_characters),
		cmocka_unit_test(test_delivery_expiry_then_the_same_for_a_day_and_not_less_than_asked_for),
	};
	return cmocka_run_group_tests_name("delivery link", tests, NULL, NULL);
}
