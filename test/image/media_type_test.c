/* Media types: which are accepted, which are refused and how, and the extensions. */
#include "image/slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static const struct image_rules rules = { .allowed_types = { "image/jpeg, image/png,image/jpg , application/pdf", 49 } };

static enum status read_type(struct str text, struct str *out, struct fault *why)
{
	static struct arena a;
	arena_deinit(&a);
	arena_init(&a, 4096);
	return media_type_read(&rules, text, &a, out, why);
}

static void test_read_of_an_allowed_type_then_canonical(void **state)
{
	static const char *const pairs[][2] = { { "image/jpeg", "image/jpeg" }, { "IMAGE/JPEG", "image/jpeg" }, { "image/jpg", "image/jpeg" },
		{ "Image/JPG", "image/jpeg" }, { "image/png", "image/png" }, { "application/PDF", "application/pdf" } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		struct str got;
		struct fault why;
		assert_int_equal(read_type(str_of(pairs[i][0]), &got, &why), OK);
		assert_true(str_equal(got, str_of(pairs[i][1])));
	}
}

static void test_read_of_another_type_then_not_allowed_and_the_allowed_ones_named(void **state)
{
	static const char *const types[] = { "image/svg+xml", "text/html", "image/gif", "application/vnd.ms-excel", "x/y", "image/jpeg2",
		"az/09", "x-a.b_c+d/!#$&-^_.+" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct str got;
		struct fault why;
		assert_int_equal(read_type(str_of(types[i]), &got, &why), INVALID);
		assert_int_equal(why.code, F_TYPE_NOT_ALLOWED);
		assert_non_null(strstr(why.text, types[i]));
		assert_non_null(strstr(why.text, "image/png"));
	}
}

static void test_read_of_no_media_type_then_bad_field(void **state)
{
	static const struct str bad[] = { { NULL, 0 }, { "", 0 }, { "image", 5 }, { "/", 1 }, { "image/", 6 }, { "/jpeg", 5 },
		{ "image/jpeg/x", 12 }, { " image/jpeg", 11 }, { "image/jpeg ", 11 }, { "image/jpeg; charset=x", 21 }, { "image/jpeg;", 11 },
		{ "image /jpeg", 11 }, { "image/jpeg\0", 11 }, { "image/jp\xc3\xa9g", 11 }, { "image/jpeg\r\nX: y", 16 }, { "*/*", 3 },
		{ "image/jpeg,image/png", 20 } };
	char longest[300];
	struct str got;
	struct fault why;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(read_type(bad[i], &got, &why), INVALID);
		assert_int_equal(why.code, F_BAD_FIELD);
		assert_non_null(strstr(why.text, "fileType"));
	}
	memset(longest, 'a', sizeof(longest));
	longest[2] = '/';
	assert_int_equal(read_type((struct str){ longest, 3 + 128 }, &got, &why), INVALID);
	assert_int_equal(why.code, F_BAD_FIELD);
	assert_int_equal(read_type((struct str){ longest, 3 + 127 }, &got, &why), INVALID);
	assert_int_equal(why.code, F_TYPE_NOT_ALLOWED);
	assert_int_equal(read_type((struct str){ longest, sizeof(longest) }, &got, &why), INVALID);
}

static void test_read_when_memory_runs_out_then_too_much(void **state)
{
	struct arena a;
	struct str got;
	struct fault why;
	(void)state;
	arena_init(&a, 4);
	assert_int_equal(media_type_read(&rules, STR("image/jpeg"), &a, &got, &why), LIMIT);
	arena_deinit(&a);
}

static void test_allowed_then_only_what_the_setting_lists(void **state)
{
	const struct image_rules none = { .allowed_types = { "", 0 } }, jpg = { .allowed_types = { "IMAGE/JPG", 9 } };
	(void)state;
	assert_true(media_type_allowed(&rules, STR("application/pdf")));
	assert_false(media_type_allowed(&rules, STR("image/webp")));
	assert_false(media_type_allowed(&none, STR("image/jpeg")));
	assert_true(media_type_allowed(&jpg, STR("image/jpeg")));
}

static enum status check_types(const char *allowed, const char *unverified, struct fault *why)
{
	const struct image_rules r = { .allowed_types = str_of(allowed), .unverified_types = str_of(unverified) };
	return media_types_check(&r, why);
}

static void test_check_then_what_cannot_be_verified_must_be_named_so(void **state)
{
	static const char *const right[][2] = { { "image/jpeg,image/jpg, IMAGE/WEBP ,image/gif,image/png", "" },
		{ "image/png,Image/TIFF", "image/tiff" }, { "text/html,application/pdf", "application/PDF , text/html" } };
	static const struct {
		const char *allowed, *unverified, *sentence;
	} wrong[] = {
		{ "image/jpeg,image/tiff", "",
			"--allowed-types names image/tiff, which cannot be verified here. Remove it, or name it in --unverified-types" },
		{ "image/svg+xml,image/tiff", "image/tiff", "--allowed-types names image/svg+xml," },
		{ "image/jpeg", "image/jpg", "--unverified-types (TINTYPE_UNVERIFIED_TYPES) names image/jpeg, which is always verified" },
		{ "image/jpeg", "image/tiff", "--unverified-types (TINTYPE_UNVERIFIED_TYPES) names image/tiff, which --allowed-types does not" },
	};
	struct fault why;
	(void)state;
	for (size_t i = 0; i < COUNT_OF(right); i++)
		assert_int_equal(check_types(right[i][0], right[i][1], &why), OK);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(check_types(wrong[i].allowed, wrong[i].unverified, &why), INVALID);
		assert_int_equal(why.code, F_BAD_SETTING);
		assert_true(str_starts_with(str_of(why.text), str_of(wrong[i].sentence)));
	}
}

static void test_unverified_then_only_what_is_named_and_never_what_can_be_verified(void **state)
{
	const struct image_rules r = { .allowed_types = { "image/jpeg,image/tiff", 21 }, .unverified_types = { "image/jpeg, Image/TIFF", 22 } };
	(void)state;
	assert_true(media_type_unverified(&r, STR("image/tiff")));
	assert_false(media_type_unverified(&r, STR("image/jpeg")));
	assert_false(media_type_unverified(&r, STR("image/bmp")));
	assert_false(media_type_unverified(&rules, STR("")));
}

static struct str served(const char *type, const char *verdict)
{
	const struct image_row row = { .file_type = str_of(type), .verdict = str_of(verdict) };
	return media_type_served(&row);
}

static void test_served_then_the_type_of_what_is_verified_and_bytes_of_the_rest(void **state)
{
	static const char *const shown[] = { "image/jpeg", "image/png", "image/gif", "image/webp" };
	static const char *const downloads[] = { "image/svg+xml", "text/html", "application/pdf", "image/tiff", "image/heic", "image/avif",
		"" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(shown); i++)
		assert_true(media_type_displayable(str_of(shown[i])) && str_equal(served(shown[i], ""), str_of(shown[i])));
	for (size_t i = 0; i < COUNT_OF(downloads); i++)
		assert_true(!media_type_displayable(str_of(downloads[i])) && str_equal(served(downloads[i], ""), STR("application/octet-stream")));
	assert_true(str_equal(served("image/heic", "ok"), STR("image/heic")));
	assert_true(str_equal(served("image/svg+xml", "ok"), STR("application/octet-stream")));
}

static void test_heif_then_needed_where_it_is_allowed_and_not_named_unverified(void **state)
{
	const struct image_rules both = { .allowed_types = { "image/jpeg, image/HEIC,image/avif", 33 } };
	const struct image_rules unseen = { .allowed_types = { "image/heic,image/png", 20 }, .unverified_types = { "Image/heic", 10 } };
	(void)state;
	assert_true(media_types_need_heif(&both) && media_types_check(&both, NULL) == OK);
	assert_false(media_types_need_heif(&unseen));
	assert_true(media_types_check(&unseen, NULL) == OK && media_type_unverified(&unseen, STR("image/heic")));
	assert_false(media_types_need_heif(&rules));
}

static void test_extension_then_of_each_known_type_and_bin_of_others(void **state)
{
	static const char *const pairs[][2] = { { "image/jpeg", "jpg" }, { "image/png", "png" }, { "image/gif", "gif" },
		{ "image/webp", "webp" }, { "image/avif", "avif" }, { "image/heic", "heic" }, { "image/tiff", "tif" }, { "application/pdf", "pdf" },
		{ "text/csv", "bin" }, { "", "bin" } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		assert_true(str_equal(media_type_extension(str_of(pairs[i][0])), str_of(pairs[i][1])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_of_an_allowed_type_then_canonical),
		cmocka_unit_test(test_read_of_another_type_then_not_allowed_and_the_allowed_ones_named),
		cmocka_unit_test(test_read_of_no_media_type_then_bad_field),
		cmocka_unit_test(test_read_when_memory_runs_out_then_too_much),
		cmocka_unit_test(test_allowed_then_only_what_the_setting_lists),
		cmocka_unit_test(test_check_then_what_cannot_be_verified_must_be_named_so),
		cmocka_unit_test(test_unverified_then_only_what_is_named_and_never_what_can_be_verified),
		cmocka_unit_test(test_served_then_the_type_of_what_is_verified_and_bytes_of_the_rest),
		cmocka_unit_test(test_heif_then_needed_where_it_is_allowed_and_not_named_unverified),
		cmocka_unit_test(test_extension_then_of_each_known_type_and_bin_of_others),
	};
	return cmocka_run_group_tests_name("media_type", tests, NULL, NULL);
}
