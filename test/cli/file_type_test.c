/* The media type of a file by its first bytes and its name. */
#include "cli/file_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define UNKNOWN "application/octet-stream"
#define BYTES(literal) ((struct str){ "" literal, sizeof(literal) - 1 })

static void assert_type(struct str start, const char *name, const char *type)
{
	struct str got = file_type(start, str_of(name));
	if (!str_equal(got, str_of(type)))
		fail_msg("%s: %.*s, not %s", name, STRF(got), type);
}

static void test_type_when_bytes_are_known_then_whatever_the_name(void **state)
{
	assert_type(BYTES("\xff\xd8\xff\xe0JFIF"), "x.png", "image/jpeg");
	assert_type(BYTES("\x89PNG\r\n\x1a\n"), "x", "image/png");
	assert_type(BYTES("GIF89a"), "x.mp4", "image/gif");
	assert_type(BYTES("GIF87a"), "x", "image/gif");
	assert_type(BYTES("RIFF1234WEBPVP8 "), "x", "image/webp");
	assert_type(BYTES("%PDF-1.7"), "x.jpg", "application/pdf");
	assert_type(BYTES("BM1234"), "", "image/bmp");
	assert_type(BYTES("II*\0"), "x.jpg", "image/tiff");
	assert_type(BYTES("MM\0+"), "x.jpg", "image/tiff");
}

static void test_type_when_bytes_are_not_those_of_the_name_then_unknown(void **state)
{
	assert_type(BYTES("hello"), "x.JPG", UNKNOWN);
	assert_type(BYTES("GIF88a"), "x.gif", UNKNOWN);
	assert_type(BYTES("RIFF1234WAVE"), "x.webp", UNKNOWN);
	assert_type(BYTES("hello"), "x.heic", UNKNOWN);
	assert_type(BYTES(""), "x.pdf", UNKNOWN);
}

static void test_type_when_bytes_show_none_then_that_of_the_extension(void **state)
{
	assert_type(BYTES("<svg"), "x.svg", "image/svg+xml");
	assert_type(BYTES("\0\0\0\x18"
					  "ftypisom"),
		"a.b.MP4", "video/mp4");
	assert_type(BYTES("RIFF1234WAVE"), "x.wav", "audio/wav");
	assert_type(BYTES("hello"), "\xff.txt", "text/plain");
	assert_type(BYTES("hello"), "mp4", UNKNOWN);
	assert_type(BYTES("hello"), "x.", UNKNOWN);
	assert_type(BYTES("hello"), "x.mp4.exe", UNKNOWN);
	assert_type(BYTES(""), "", UNKNOWN);
}

static void test_type_when_brands_then_the_first_that_is_known(void **state)
{
	assert_type(BYTES("\0\0\0\x18"
					  "ftypmif1\0\0\0\0miafavif"),
		"x", "image/avif");
	assert_type(BYTES("\0\0\0\x14"
					  "ftypmif1\0\0\0\0heic"),
		"x.mp4", "image/heic");
	assert_type(BYTES("\0\0\0\x14"
					  "ftypavif\0\0\0\0mif1"),
		"x", "image/avif");
	assert_type(BYTES("\0\0\0\x14"
					  "ftypmsf1\0\0\0\0avif"),
		"x", "image/heic");
	assert_type(BYTES("\0\0\0\x14"
					  "ftypmif1\0\0\0\0avis"),
		"x", UNKNOWN);
	assert_type(BYTES("\0\0\0\x14"
					  "ftypmif1\0\0\0\0miafavif"),
		"x", UNKNOWN);
	assert_type(BYTES("\0\0\0\x14"
					  "ftypmif1avif"),
		"x", UNKNOWN);
	assert_type(BYTES("\0\0\0\x14"
					  "ftyphei"),
		"x", UNKNOWN);
	assert_type(BYTES("\0\0\0\x02"
					  "ftypheic"),
		"x", UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type_when_bytes_are_known_then_whatever_the_name),
		cmocka_unit_test(test_type_when_bytes_are_not_those_of_the_name_then_unknown),
		cmocka_unit_test(test_type_when_bytes_show_none_then_that_of_the_extension),
		cmocka_unit_test(test_type_when_brands_then_the_first_that_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
