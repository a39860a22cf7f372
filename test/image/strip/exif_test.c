/* What is read of EXIF before it is removed. */
#include "fake/stripped.h"
#include "unit.h"

#include "image/strip/formats.h"

#include <string.h>

static struct str number(bool big, uint32_t n, size_t size)
{
	char *p = arena_alloc(picture_arena, size);
	for (size_t i = 0; i < size; i++)
		p[big ? size - 1 - i : i] = (char)(n >> 8 * i);
	return (struct str){ p, size };
}

struct entry {
	uint32_t tag, type, count;
	struct str value; /* four bytes, or as many as there are */
};

/* A directory at `at`, with what does not fit in an entry behind it. */
static struct str directory(bool big, size_t at, const struct entry *entries, size_t n)
{
	struct str head = number(big, (uint32_t)n, 2), tail = BYTES("");
	size_t behind = at + 2 + 12 * n + 4;
	for (size_t i = 0; i < n; i++) {
		struct str value = entries[i].value;
		if (value.n > 4) {
			value = number(big, (uint32_t)(behind + tail.n), 4);
			tail = JOIN(tail, entries[i].value);
		} else {
			value = JOIN(value, (struct str){ "\0\0\0", 4 - value.n });
		}
		head = JOIN(head, number(big, entries[i].tag, 2), number(big, entries[i].type, 2), number(big, entries[i].count, 4), value);
	}
	return JOIN(head, BYTES("\0\0\0\0"), tail);
}

#define TEXT(tag, text) \
	{ \
		tag, EXIF_ASCII, sizeof(text) - 1, BYTES(text) \
	}

static struct str angle(bool big, uint32_t degrees, uint32_t minutes, uint32_t seconds100)
{
	return JOIN(number(big, degrees, 4), number(big, 1, 4), number(big, minutes, 4), number(big, 1, 4), number(big, seconds100, 4),
		number(big, 100, 4));
}

struct camera {
	const char *taken, *offset, *latitude_ref, *longitude_ref;
	uint32_t degrees;
};

static struct strip_facts facts_of(bool big, const struct camera *c)
{
	struct entry taken[] = { { EXIF_TAKEN, EXIF_ASCII, (uint32_t)strlen(c->taken) + 1, (struct str){ c->taken, strlen(c->taken) + 1 } },
		{ EXIF_TAKEN_OFFSET, EXIF_ASCII, (uint32_t)strlen(c->offset) + 1, (struct str){ c->offset, strlen(c->offset) + 1 } } };
	struct entry place[] = { { GPS_LATITUDE_REF, EXIF_ASCII, 2, (struct str){ c->latitude_ref, 2 } },
		{ GPS_LATITUDE, EXIF_RATIONAL, 3, angle(big, c->degrees, 30, 4500) },
		{ GPS_LONGITUDE_REF, EXIF_ASCII, 2, (struct str){ c->longitude_ref, 2 } },
		{ GPS_LONGITUDE, EXIF_RATIONAL, 3, angle(big, 7, 15, 0) } };
	struct entry first[] = { TEXT(EXIF_MAKE, "Example  \0"), TEXT(EXIF_MODEL, "A long name, one of a camera\0"),
		{ EXIF_ORIENTATION, EXIF_SHORT, 1, number(big, 6, 2) }, { EXIF_DIRECTORY, EXIF_LONG, 1, number(big, 0, 4) },
		{ EXIF_GPS_DIRECTORY, EXIF_LONG, 1, number(big, 0, 4) } };
	size_t exif_at = 8 + directory(big, 8, first, COUNT_OF(first)).n;
	struct str exif = directory(big, exif_at, taken, COUNT_OF(taken));
	first[3].value = number(big, (uint32_t)exif_at, 4);
	first[4].value = number(big, (uint32_t)(exif_at + exif.n), 4);
	struct str all = JOIN(big ? BYTES("MM\0*\0\0\0\x08") : BYTES("II*\0\x08\0\0\0"), directory(big, 8, first, COUNT_OF(first)), exif,
		directory(big, exif_at + exif.n, place, COUNT_OF(place)));
	struct strip_facts whole = { 0 };
	exif_facts(all, &whole);
	for (size_t n = 0; n < all.n; n++) { /* cut anywhere: no read beyond the end */
		struct strip_facts cut = { 0 };
		char *copy = arena_alloc(picture_arena, n);
		memcpy(copy, all.p, n);
		exif_facts((struct str){ copy, n }, &cut);
	}
	return whole;
}

static const struct camera SWISS = { "2024:05:06 07:08:09", "+02:00", "N", "E", 46 };

static void test_exif_of_either_byte_order_then_all_facts(void **state)
{
	for (int big = 0; big < 2; big++) {
		struct strip_facts f = facts_of(big, &SWISS);
		assert_int_equal(f.orientation, 6);
		assert_string_equal(f.taken_at, "2024-05-06T07:08:09+02:00");
		assert_string_equal(f.make, "Example");
		assert_string_equal(f.model, "A long name, one of a camera");
		assert_true(f.has_position);
		assert_true(f.latitude > 46.5124 && f.latitude < 46.5126);
		assert_true(f.longitude > 7.2499 && f.longitude < 7.2501);
	}
}

static void test_exif_time_of_another_form_then_none(void **state)
{
	static const char *const times[] = { "", "    :  :     :  :  ", "0000:00:00 00:00:00", "2024-05-06 07:08:09", "2024:05:06 07:08",
		"2024:05:06 07:08:099", "2024:05:06\n07:08:09" };
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		struct camera c = SWISS;
		c.taken = times[i];
		assert_string_equal(facts_of(true, &c).taken_at, "");
	}
	struct camera c = SWISS;
	c.offset = "+2:00";
	assert_string_equal(facts_of(true, &c).taken_at, "2024-05-06T07:08:09");
	c.offset = "-05:30";
	assert_string_equal(facts_of(true, &c).taken_at, "2024-05-06T07:08:09-05:30");
}

static void test_exif_position_south_west_then_negative_and_an_impossible_one_then_none(void **state)
{
	struct camera c = SWISS;
	c.latitude_ref = "S";
	c.longitude_ref = "W";
	assert_true(facts_of(false, &c).latitude < -46.5);
	assert_true(facts_of(false, &c).longitude < -7.2);
	c.latitude_ref = "X";
	assert_false(facts_of(false, &c).has_position);
	c.latitude_ref = "N";
	c.degrees = 91;
	assert_false(facts_of(false, &c).has_position);
}

static void test_exif_minimal_then_nothing_but_the_orientation(void **state)
{
	for (uint32_t n = 1; n <= 8; n++) {
		char block[EXIF_MINIMAL_BYTES];
		exif_minimal(n, block);
		assert_str(((struct str){ block, sizeof block }), picture_tiff("MM", 0x0112, n));
		assert_int_equal(exif_orientation((struct str){ block, sizeof block }), n);
	}
}

static void test_exif_facts_not_asked_for_then_zeros(void **state)
{
	const struct strip_options facts = { .facts = true };
	struct str tiff = picture_tiff("II", 0x0112, 3);
	struct str png =
		JOIN(BYTES("\x89PNG\r\n\x1a\n"), picture_chunk("IHDR", BYTES("\0\0\0\x02\0\0\0\x03\x08\x02\0\0\0")), picture_chunk("eXIf", tiff));
	struct str jpeg = JOIN(BYTES("\xff\xd8\xff\xe1\0\x22"
								 "Exif\0\0"),
		tiff, str_slice(picture_jpeg(8, 8), 2, SIZE_MAX));
	assert_int_equal(strip_checked(png, &facts).result.facts.orientation, 3);
	assert_int_equal(strip_checked(jpeg, &facts).result.facts.orientation, 3);
	assert_int_equal(strip_checked(png, NULL).result.facts.orientation, 0);
	assert_int_equal(strip_checked(jpeg, NULL).result.facts.orientation, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, picture_set_up, picture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exif_of_either_byte_order_then_all_facts),
		TEST(test_exif_time_of_another_form_then_none),
		TEST(test_exif_position_south_west_then_negative_and_an_impossible_one_then_none),
		TEST(test_exif_minimal_then_nothing_but_the_orientation),
		TEST(test_exif_facts_not_asked_for_then_zeros),
	};
	return cmocka_run_group_tests_name("strip exif", tests, NULL, NULL);
}
