/* WebPs that are built to keep or to break one rule each. Whether browsers show them was seen in Chromium. */
#include "fake/pictures.h"
#include "unit.h"

/* 4 x 2 each */
#define LOSSY PICTURE_WEBP_LOSSY
#define LOSSLESS PICTURE_WEBP_LOSSLESS
#define ALPHA PICTURE_WEBP_ALPHA
#define UNKNOWN picture_riff_chunk("abcd", BYTES("xyz"))
#define PROFILE picture_riff_chunk("ICCP", BYTES("profile"))
#define METADATA JOIN(picture_riff_chunk("EXIF", BYTES("x")), picture_riff_chunk("XMP ", BYTES("x")))
#define PARAMETERS picture_riff_chunk("ANIM", BYTES("\0\0\0\0\0\0"))
#define STILL extended(0x10)
#define ANIMATED JOIN(extended(0x12), PARAMETERS)

/* 4 x 2 */
static struct str extended(unsigned flags)
{
	char data[10] = { (char)flags, 0, 0, 0, 3, 0, 0, 1, 0, 0 };
	return picture_riff_chunk("VP8X", (struct str){ data, 10 });
}

static struct str frame_at(struct str place, struct str chunks)
{
	return picture_riff_chunk("ANMF", JOIN(place, BYTES("\x03\0\0\x01\0\0\0\0\0\0"), chunks));
}

static struct str frame(struct str chunks)
{
	return frame_at(BYTES("\0\0\0\0\0\0"), chunks);
}

static struct str lossy(struct str tag, struct str sides, struct str parts)
{
	return picture_riff_chunk("VP8 ", JOIN(tag, BYTES("\x9d\x01\x2a"), sides, parts));
}

#define SIDES BYTES("\x04\0\x02\0")

static void test_webp_of_each_kind_then_size_and_frames(void **state)
{
	const struct {
		struct str chunks;
		uint32_t frames;
	} kinds[] = { { LOSSY, 1 }, { LOSSLESS, 1 }, { JOIN(LOSSY, UNKNOWN), 1 }, { JOIN(STILL, LOSSY), 1 }, { JOIN(STILL, LOSSLESS), 1 },
		{ JOIN(STILL, ALPHA, LOSSY), 1 }, { JOIN(STILL, UNKNOWN, LOSSY, UNKNOWN), 1 }, { JOIN(STILL, LOSSY, PARAMETERS, frame(LOSSY)), 1 },
		{ JOIN(ANIMATED, frame(LOSSLESS), frame(LOSSY), frame(JOIN(ALPHA, LOSSY))), 3 }, { JOIN(ANIMATED, UNKNOWN, frame(LOSSY)), 1 },
		{ JOIN(ANIMATED, frame(JOIN(LOSSY, UNKNOWN, UNKNOWN)), UNKNOWN), 1 },
		{ JOIN(extended(0x02), picture_riff_chunk("ANIM", BYTES("\0\0\0\0\0\0\0\0")), frame(LOSSY)), 1 },
		/* what readers may ignore, and metadata anywhere */
		{ JOIN(STILL, PROFILE, PROFILE, LOSSY), 1 }, { JOIN(STILL, PROFILE, ALPHA, LOSSY), 1 },
		{ JOIN(STILL, LOSSY, PARAMETERS, PARAMETERS), 1 }, { JOIN(STILL, METADATA, PROFILE, METADATA, LOSSY, METADATA), 1 },
		{ JOIN(extended(0x32), METADATA, PROFILE, METADATA, PARAMETERS, METADATA, frame(LOSSY), METADATA, frame(LOSSY), METADATA), 2 },
		{ JOIN(LOSSY, PROFILE), 1 } };
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct probe got = accept_picture(picture_riff(kinds[i].chunks));
		assert_int_equal(got.width, 4);
		assert_int_equal(got.height, 2);
		assert_int_equal(got.frames, kinds[i].frames);
		assert_int_equal(got.orientation, 0);
	}
}

static void test_webp_cut_anywhere_then_refused(void **state)
{
	const struct str all[] = { picture_riff(LOSSY), picture_riff(JOIN(STILL, ALPHA, LOSSY)),
		picture_riff(JOIN(ANIMATED, frame(LOSSLESS), frame(LOSSY))) };
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		for (size_t n = 12; n < all[i].n; n++)
			refuse_picture(str_slice(all[i], 0, n), "it ends too early");
		accept_picture(JOIN(all[i], BYTES("trailing")));
	}
}

/* The file's, though no browser applies it. */
static void test_webp_exif_then_orientation_with_or_without_the_jpeg_prefix(void **state)
{
	struct str tiff = BYTES("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
	assert_int_equal(accept_picture(picture_riff(JOIN(STILL, LOSSY, picture_riff_chunk("EXIF", tiff)))).orientation, 6);
	assert_int_equal(
		accept_picture(picture_riff(JOIN(STILL, LOSSY, picture_riff_chunk("EXIF", JOIN(BYTES("Exif\0\0"), tiff))))).orientation, 6);
	struct str six = picture_riff_chunk("EXIF", tiff), none = picture_riff_chunk("EXIF", BYTES(""));
	assert_int_equal(accept_picture(picture_riff(JOIN(STILL, six, LOSSY, none))).orientation, 6);
	assert_int_equal(accept_picture(picture_riff(JOIN(STILL, none, LOSSY, six))).orientation, 0);
}

static void test_webp_frame_header_then_as_decoders_read_it(void **state)
{
	const char *key = "its VP8 data do not begin with a key frame", *version = "its VP8 frame is of an unknown version or not to be shown";
	const char *parts = "the parts of its VP8 data do not fit", *lossless = "its VP8L data do not begin with the signature";
	accept_picture(picture_riff(lossy(BYTES("\x36\0\0"), SIDES, BYTES("ab"))));
	refuse_picture(picture_riff(lossy(BYTES("\x31\0\0"), SIDES, BYTES("ab"))), key);
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ",
					   BYTES("\x30\0\0\x9d\x01\x2b\x04\0\x02\0"
							 "ab"))),
		key);
	refuse_picture(picture_riff(lossy(BYTES("\x38\0\0"), SIDES, BYTES("ab"))), version);
	refuse_picture(picture_riff(lossy(BYTES("\x3e\0\0"), SIDES, BYTES("ab"))), version);
	refuse_picture(picture_riff(lossy(BYTES("\x20\0\0"), SIDES, BYTES("ab"))), version);
	refuse_picture(picture_riff(lossy(BYTES("\x10\0\0"), SIDES, BYTES("ab"))), parts);
	refuse_picture(picture_riff(lossy(BYTES("\x30\0\0"), SIDES, BYTES(""))), parts);
	refuse_picture(picture_riff(lossy(BYTES("\x30\0\0"), SIDES, BYTES("a"))), parts);
	refuse_picture(picture_riff(lossy(BYTES("\x50\0\0"), SIDES, BYTES("ab"))), parts);
	refuse_picture(picture_riff(lossy(BYTES("\xf0\xff\xff"), SIDES, BYTES("ab"))), parts);
	refuse_picture(picture_riff(lossy(BYTES("\x30\0\0"), BYTES("\0\0\x02\0"), BYTES("ab"))), "its width or height is 0");
	refuse_picture(picture_riff(lossy(BYTES("\x30\0\0"), BYTES("\x02\0\0\xc0"), BYTES("ab"))), "its width or height is 0");
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ", BYTES("\x10\0\0"))), "its VP8 data are too short");
	refuse_picture(picture_riff(picture_riff_chunk("VP8 ", BYTES(""))), "its VP8 data are too short");
	refuse_picture(picture_riff(picture_riff_chunk("VP8L",
					   BYTES("\x2e\x03\x40\0\0"
							 "a"))),
		lossless);
	refuse_picture(picture_riff(picture_riff_chunk("VP8L",
					   BYTES("\x2f\x03\x40\0\x20"
							 "a"))),
		lossless);
	refuse_picture(picture_riff(picture_riff_chunk("VP8L", BYTES("\x2f"))), "its VP8L data are too short");
	refuse_picture(picture_riff(picture_riff_chunk("VP8L", BYTES("\x2f\x03\x40\0\0"))), "its VP8L data are too short");
}

static void test_webp_that_breaks_a_rule_then_bad_and_why(void **state)
{
	const char *early = "it ends too early", *none = "it has no picture";
	refuse_picture(picture_riff(picture_riff_chunk("VP8X", BYTES("\x08\0\0"))), "its VP8X chunk has a wrong length");
	refuse_picture(
		picture_riff(JOIN(picture_riff_chunk("VP8X", BYTES("\0\0\0\0\x03\0\0\x01\0\0\0\0")), LOSSY)), "its VP8X chunk has a wrong length");
	refuse_picture(picture_riff(picture_riff_chunk("VP8X", BYTES("\x08\0\0\0\xff\xff\xff\xff\xff\xff"))),
		"its canvas is larger than the format allows");
	refuse_picture(picture_riff(JOIN(extended(0x01), LOSSY)), "its VP8X chunk has an unknown flag");
	refuse_picture(picture_riff(JOIN(extended(0x40), LOSSY)), "its VP8X chunk has an unknown flag");
	refuse_picture(picture_riff(JOIN(extended(0x80), LOSSY)), "its VP8X chunk has an unknown flag");
	accept_picture(picture_riff(JOIN(extended(0x3c), LOSSY)));
	refuse_picture(picture_riff(picture_riff_chunk("ICCP", BYTES("profile"))), "its first chunk is not an image");
	refuse_picture(picture_riff(JOIN(ALPHA, LOSSY)), "its first chunk is not an image");
	refuse_picture(picture_riff(STILL), none);
	refuse_picture(picture_riff(ANIMATED), none);
	refuse_picture(picture_riff(JOIN(STILL, PARAMETERS, frame(LOSSY))), none);
	refuse_picture(picture_riff(JOIN(STILL, STILL, LOSSY)), "it has two VP8X chunks");
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, STILL)), "it has two VP8X chunks");
	refuse_picture(picture_riff(BYTES("")), "its RIFF size is too small");
	refuse_picture(picture_riff(BYTES("VP8 \x64\0\0\0\x30\0\0\x9d\x01\x2a\x04\0\x02\0ab")), early);
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, BYTES("EXIF\xff\xff\xff\xff"))), early);
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, BYTES("abcd"))), early);
}

/* Alpha data of n bytes with this first byte. */
static struct str alpha_of(unsigned bits, size_t n)
{
	char data[17] = { (char)bits };
	return picture_riff_chunk("ALPH", (struct str){ data, 1 + n });
}

/* As libwebp: no reserved bits, and 4 x 2 pixels need 8 bytes where nothing is compressed. */
static void test_webp_alpha_data_then_known_methods_and_long_enough(void **state)
{
	const char *broken = "its alpha data are broken", *cut = "its alpha data are too short";
	for (unsigned bits = 0; bits < 256; bits++)
		for (size_t n = 0; n <= 9; n++) {
			struct str alpha = alpha_of(bits, n), still = picture_riff(JOIN(STILL, alpha, LOSSY));
			struct str animated = picture_riff(JOIN(ANIMATED, frame(LOSSY), frame(JOIN(alpha, LOSSY))));
			bool known = n > 0 && (bits & 3) <= 1 && (bits >> 4 & 3) <= 1 && bits >> 6 == 0;
			if (known && ((bits & 3) == 1 || n >= 8)) {
				accept_picture(still);
				accept_picture(animated);
			} else {
				refuse_picture(still, known ? cut : broken);
				refuse_picture(animated, known ? cut : broken);
			}
		}
}

static void test_webp_images_in_wrong_places_then_bad(void **state)
{
	const char *two = "it has two pictures", *outside = "it has a picture outside the frames of its animation",
			   *before = "a frame comes before the ANIM chunk", *parameters = "it has two ANIM chunks",
			   *late = "its colour profile comes too late";
	const char *alpha = "its alpha data are not followed by VP8 data", *more = "a frame has more than one picture",
			   *begin = "a frame does not begin with its picture";
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, LOSSY)), two);
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, UNKNOWN, LOSSLESS)), two);
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, ALPHA)), two);
	refuse_picture(picture_riff(JOIN(STILL, ALPHA, LOSSLESS)), alpha);
	refuse_picture(picture_riff(JOIN(STILL, ALPHA, UNKNOWN, LOSSY)), alpha);
	refuse_picture(picture_riff(JOIN(STILL, ALPHA, ALPHA, LOSSY)), alpha);
	refuse_picture(picture_riff(JOIN(STILL, ALPHA)), "it ends too early");
	refuse_picture(picture_riff(JOIN(STILL, picture_riff_chunk("ALPH", BYTES("")), LOSSY)), "its alpha data are broken");
	refuse_picture(picture_riff(JOIN(STILL,
					   picture_riff_chunk("ALPH",
						   BYTES("\x02"
								 "ab")),
					   LOSSY)),
		"its alpha data are broken");
	refuse_picture(picture_riff(JOIN(STILL, PARAMETERS, LOSSY)), outside);
	refuse_picture(picture_riff(JOIN(ANIMATED, PARAMETERS, frame(LOSSY))), parameters);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(LOSSY), UNKNOWN, PARAMETERS)), parameters);
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, PROFILE)), late);
	refuse_picture(picture_riff(JOIN(STILL, PROFILE, LOSSY, METADATA, PROFILE)), late);
	refuse_picture(picture_riff(JOIN(ANIMATED, PROFILE, frame(LOSSY))), late);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(LOSSY), PROFILE)), late);
	refuse_picture(picture_riff(JOIN(STILL, ALPHA, PROFILE, LOSSY)), alpha);
	refuse_picture(picture_riff(JOIN(ANIMATED, LOSSY)), outside);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(LOSSY), LOSSLESS)), outside);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(LOSSY), ALPHA)), outside);
	refuse_picture(picture_riff(JOIN(extended(0x02), frame(LOSSY))), before);
	refuse_picture(picture_riff(JOIN(extended(0x02), frame(LOSSY), PARAMETERS)), before);
	refuse_picture(picture_riff(JOIN(STILL, LOSSY, frame(LOSSY))), before);
	refuse_picture(
		picture_riff(JOIN(extended(0x02), picture_riff_chunk("ANIM", BYTES("\0\0\0\0\0")), frame(LOSSY))), "its ANIM chunk is too short");
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(UNKNOWN, LOSSY)))), begin);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(ALPHA, LOSSLESS)))), alpha);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(ALPHA, UNKNOWN, LOSSY)))), alpha);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(ALPHA, ALPHA, LOSSY)))), alpha);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(LOSSY, LOSSY)))), more);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(LOSSY, UNKNOWN, ALPHA)))), more);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(LOSSY, frame(LOSSY))))), more);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(LOSSY), frame(JOIN(UNKNOWN, LOSSY)))), begin);
}

static void test_webp_frames_smaller_than_their_chunks_then_bad(void **state)
{
	const char *early = "it ends too early";
	struct str tail = JOIN(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(BYTES("VP8 \x64\0\0\0\x30\0\0\x9d\x01\x2a\x04\0\x02\0ab")), tail)), early);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(LOSSY, BYTES("abcd\x64\0\0\0xy"))), tail)), early);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(JOIN(LOSSY, BYTES("abcd"))), tail)), early);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(BYTES("")), tail)), early);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(ALPHA), tail)), early);
	refuse_picture(picture_riff(JOIN(ANIMATED, picture_riff_chunk("ANMF", BYTES("short")))), "a frame's header is too short");
}

static void test_webp_whose_pictures_are_of_another_size_then_bad(void **state)
{
	const char *canvas = "its picture is not of the canvas's size", *size = "a frame's picture is not of the frame's size",
			   *outside = "a frame lies outside the image";
	struct str tag = BYTES("\x30\0\0"), big = lossy(tag, BYTES("\xff\x3f\xff\x3f"), BYTES("ab"));
	struct str wide = lossy(tag, BYTES("\x05\0\x02\0"), BYTES("ab")), high = lossy(tag, BYTES("\x04\0\x03\0"), BYTES("ab"));
	struct str largest = picture_riff_chunk("VP8X", BYTES("\x08\0\0\0\0\0\1\xfe\xff\0")); /* 65537 x 65535 = 2^32 - 1 */
	refuse_picture(picture_riff(JOIN(STILL, big)), canvas);
	refuse_picture(picture_riff(JOIN(STILL, wide)), canvas);
	refuse_picture(picture_riff(JOIN(STILL, high)), canvas);
	refuse_picture(picture_riff(JOIN(largest, LOSSY)), canvas);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(wide))), size);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(high))), size);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame(big))), size);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame_at(BYTES("\1\0\0\0\0\0"), LOSSLESS))), outside);
	refuse_picture(picture_riff(JOIN(ANIMATED, frame_at(BYTES("\0\0\0\xff\xff\xff"), LOSSLESS))), outside);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_webp_of_each_kind_then_size_and_frames),
		cmocka_unit_test(test_webp_cut_anywhere_then_refused),
		cmocka_unit_test(test_webp_exif_then_orientation_with_or_without_the_jpeg_prefix),
		cmocka_unit_test(test_webp_frame_header_then_as_decoders_read_it),
		cmocka_unit_test(test_webp_that_breaks_a_rule_then_bad_and_why),
		cmocka_unit_test(test_webp_alpha_data_then_known_methods_and_long_enough),
		cmocka_unit_test(test_webp_images_in_wrong_places_then_bad),
		cmocka_unit_test(test_webp_frames_smaller_than_their_chunks_then_bad),
		cmocka_unit_test(test_webp_whose_pictures_are_of_another_size_then_bad),
	};
	return cmocka_run_group_tests_name("probe_webp", tests, picture_set_up, picture_tear_down);
}
