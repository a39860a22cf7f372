/* The fields of a form besides its key: stored headers, digests, ACLs, redirects; and
 * that images can be uploaded through slots only. */
#include "s3/forms.h"

/* Fields, each with the condition that allows it. */
static struct form_parts owner_form_with(struct rig *r, const char *key, const struct header *fields, size_t n)
{
	struct form_parts f = { .file_name = STR("cat.gif"), .file = STR("hello world\n") };
	struct str conditions = STR("[\"starts-with\",\"$key\",\"\"]");
	add(&f, "key", str_of(key));
	for (size_t i = 0; i < n; i++) {
		add(&f, fields[i].name.p, fields[i].value);
		conditions = str_printf(&r->arena, "%.*s,[\"Starts-With\",\"$%.*s\",\"\"]", STRF(conditions), STRF(fields[i].name));
	}
	sign_form(r, &f, conditions.p, clock_now_ms() + 60000);
	return f;
}

static void test_form_when_it_has_header_fields_then_stored_and_returned(void **state)
{
	static const struct header given[] = { { { "Content-Type", 12 }, { "text/css", 8 } }, { { "Cache-Control", 13 }, { "no-store", 8 } },
		{ { "X-Amz-Meta-Who", 14 }, { "J\xC3\xBCrgen", 7 } }, { { "acl", 3 }, { "private", 7 } },
		{ { "x-amz-storage-class", 19 }, { "STANDARD", 8 } }, { { "x-amz-checksum-crc32", 20 }, { "rwg7LQ==", 8 } },
		{ { "content-md5", 11 }, { "b1kCrCNwJL3QwXbLkwY9xA==", 24 } } };
	struct rig *r = *state;
	struct form_parts f = owner_form_with(r, "styles/a.css", given, COUNT_OF(given));
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 204, "\"6f5902ac237024bdd0c176cb93063dc4\"");
	rig_ask(r, &(struct ask){ .key = STR("styles/a.css"), .headers = { { STR("x-amz-checksum-mode"), STR("ENABLED") } } });
	rig_expect(r, 200, NULL);
	assert_true(str_equal(rig_header(r, "Content-Type"), STR("text/css")));
	assert_true(str_equal(rig_header(r, "Cache-Control"), STR("no-store")));
	assert_true(str_equal(rig_header(r, "x-amz-meta-who"), STR("J\xC3\xBCrgen")));
	assert_true(str_equal(rig_header(r, "x-amz-checksum-crc32"), STR("rwg7LQ==")));
}

static void test_form_when_a_field_requests_an_unsupported_feature_then_refused(void **state)
{
	static const struct {
		const char *name, *value, *code;
		int status;
	} rows[] = { { "acl", "mine", "InvalidArgument", 400 }, { "x-amz-acl", "mine", "InvalidArgument", 400 },
		{ "acl", "public-read", "AccessControlListNotSupported", 400 },
		{ "x-amz-acl", "public-read", "AccessControlListNotSupported", 400 },
		{ "x-amz-grant-read", "id=bob", "AccessControlListNotSupported", 400 }, { "tagging", "<Tagging/>", "NotImplemented", 501 },
		{ "x-amz-server-side-encryption", "AES256", "NotImplemented", 501 },
		{ "x-amz-storage-class", "GLACIER", "InvalidStorageClass", 400 }, { "x-amz-security-token", "token", "InvalidToken", 400 },
		{ "x-amz-meta-a", "b\r\nSet-Cookie: c=d", "InvalidArgument", 400 }, { "x-amz-meta-a b", "c", "InvalidArgument", 400 },
		{ "content-md5", "x", "InvalidDigest", 400 }, { "content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest", 400 },
		{ "x-amz-checksum-crc32", "AAAAAA==", "BadDigest", 400 }, { "x-amz-checksum-sha1", "AAAAAA==", "InvalidRequest", 400 },
		{ "x-amz-trailer", "x-amz-checksum-crc32", "InvalidRequest", 400 }, { "redirect", "javascript:alert(1)", "InvalidArgument", 400 } };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct header given = { str_of(rows[i].name), str_of(rows[i].value) };
		struct form_parts f = owner_form_with(r, "k", &given, 1);
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, rows[i].status, rows[i].code);
		rig_expect_empty(r);
	}
}

static void test_form_when_it_has_the_old_redirect_then_it_is_followed(void **state)
{
	struct rig *r = *state;
	struct header given = { STR("redirect"), STR("https://example.com/done") };
	struct form_parts f = owner_form_with(r, "a b", &given, 1);
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 303, NULL);
	assert_true(str_equal(rig_header(r, "Location"),
		STR("https://example.com/done?bucket=" RIG_BUCKET "&key=a%20b&etag=%226f5902ac237024bdd0c176cb93063dc4%22")));
}

/* Images come by slots: the owner's form does not put one there. */
static void test_form_when_the_owner_signs_for_images_then_access_denied(void **state)
{
	struct rig *r = *state;
	struct str keys[] = { STR("images/mine.gif"), rig_slot(r, 1), STR("thumbs/mine.gif") };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct form_parts f = owner_form_with(r, str_cstr(&r->arena, keys[i]), NULL, 0);
		f.file = RIG_GIF;
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 403, "AccessDenied");
	}
	rig_expect_row(r, keys[1], IMAGE_PENDING);
	rig_expect_empty(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_form_when_it_has_header_fields_then_stored_and_returned),
		RIG_TEST(test_form_when_a_field_requests_an_unsupported_feature_then_refused),
		RIG_TEST(test_form_when_it_has_the_old_redirect_then_it_is_followed),
		RIG_TEST(test_form_when_the_owner_signs_for_images_then_access_denied),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
