/* POST forms: policy, fields, limits, answers; whole and byte by byte. */
#include "s3/forms.h"
#include "unit.h"

static void test_form_when_slot_is_filled_then_204_with_etag_and_location(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts f = slot_form(r, key);
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 204, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
	assert_int_equal(rig_body(r).n, 0);
	assert_true(str_equal(rig_header(r, "Location"), str_printf(&r->arena, "http://" RIG_HOST "/" RIG_BUCKET "/%.*s", STRF(key))));
	assert_string_equal(r->x.answer.route, "POST /form");
	rig_expect_row(r, key, IMAGE_UPLOADED);
	post(r, &f, "/" RIG_BUCKET "/");
	rig_expect(r, 204, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
	f.file = RIG_OTHER_GIF;
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 412, "PreconditionFailed");
}

static void test_form_when_it_arrives_byte_by_byte_then_it_is_the_same(void **state)
{
	struct rig *r = *state;
	for (unsigned piece = 1; piece < 40; piece += 2) {
		struct str key = rig_slot(r, piece);
		struct form_parts f = slot_form(r, key);
		r->piece = piece;
		post(r, &f, "/" RIG_BUCKET);
		rig_expect(r, 204, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
	}
}

static void test_form_when_not_an_image_then_rejected(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts f = slot_form(r, key);
	f.file = RIG_NO_IMAGE;
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidRequest");
	rig_expect_row(r, key, IMAGE_REJECTED);
	f.file = RIG_GIF;
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "AccessDenied");
	rig_expect_empty(r);
}

static void test_form_when_file_breaks_the_range_then_refused_and_the_row_stays_pending(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts f = slot_form(r, key);
	char *large = arena_alloc(&r->arena, 1001);
	memset(large, '\r', 1001);
	for (r->piece = 0; r->piece < 2; r->piece++) {
		f.file = (struct str){ large, 1001 };
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 400, "EntityTooLarge");
		f.file = STR("");
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 400, "EntityTooSmall");
		rig_expect_empty(r);
		rig_expect_row(r, key, IMAGE_PENDING);
	}
	f.file = RIG_GIF;
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 204, NULL);
}

static void test_field_when_altered_left_out_or_added_then_refused(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts good = slot_form(r, key);
	for (size_t i = 0; i < good.n; i++) {
		struct form_parts f = good;
		f.fields[i].value = str_printf(&r->arena, "%.*sx", STRF(good.fields[i].value));
		post(r, &f, "/" RIG_BUCKET);
		if (rig_status(r) != 400 && rig_status(r) != 403)
			fail_msg("%.*s altered: %d", STRF(good.fields[i].name), rig_status(r));
		f = good;
		memmove(&f.fields[i], &f.fields[i + 1], (f.n - i) * sizeof(f.fields[0]));
		f.n--;
		post(r, &f, "/" RIG_BUCKET);
		if (rig_status(r) != 400 && rig_status(r) != 403)
			fail_msg("without %.*s: %d", STRF(good.fields[i].name), rig_status(r));
		f = good;
		add(&f, good.fields[i].name.p, good.fields[i].value);
		f.fields[f.n - 1].name = good.fields[i].name;
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 400, "InvalidArgument");
	}
	static const char *const more[] = { "x-amz-acl", "acl", "success_action_redirect", "x-amz-meta-a", "bucket2" };
	for (size_t i = 0; i < COUNT_OF(more); i++) {
		struct form_parts f = good;
		add(&f, more[i], STR("public-read"));
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 403, "AccessDenied");
	}
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
}

static void test_form_when_it_has_no_policy_then_access_denied(void **state)
{
	struct rig *r = *state;
	struct form_parts f = { .file = RIG_GIF };
	add(&f, "key", rig_slot(r, 1));
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "AccessDenied");
}

static void test_form_when_signed_by_version_2_then_invalid_request_names_version_4(void **state)
{
	struct rig *r = *state;
	struct form_parts f = { .file = RIG_GIF };
	add(&f, "key", rig_slot(r, 1));
	add(&f, "AWSAccessKeyId", STR("AKIAOWNEROWNEROWNER0"));
	add(&f, "policy", STR("e30="));
	add(&f, "signature", STR("c2lnbmF0dXJl"));
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidRequest");
	assert_true(str_find(rig_element(r, "Message"), STR("AWS4-HMAC-SHA256")) < rig_element(r, "Message").n);
}

static void test_form_when_sent_to_another_bucket_then_refused(void **state)
{
	struct rig *r = *state;
	struct form_parts f = slot_form(r, rig_slot(r, 1));
	post(r, &f, "/other");
	rig_expect_error(r, 403, "AccessDenied");
	rig_expect_empty(r);
}

static void test_form_when_the_slots_key_signs_for_another_place_then_access_denied(void **state)
{
	struct rig *r = *state;
	struct form_parts f = slot_form(r, STR("k"));
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "AccessDenied");
	rig_expect_empty(r);
}

static void test_signature_when_key_is_unknown_or_signature_wrong_then_reported(void **state)
{
	struct rig *r = *state;
	struct form_parts f = slot_form(r, rig_slot(r, 1)), other = f;
	struct str credential = *value_of(&f, "x-amz-credential");
	*value_of(&other, "x-amz-credential") =
		str_printf(&r->arena, "AKIAUNKNOWNUNKNOWN00%.*s", STRF(str_slice(credential, 20, credential.n)));
	post(r, &other, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "InvalidAccessKeyId");
	other = f;
	*value_of(&other, "x-amz-signature") = STR("0000000000000000000000000000000000000000000000000000000000000000");
	post(r, &other, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	assert_int_equal(rig_element(r, "StringToSign").n, 0);
	r->options.explain = true;
	rig_renew(r);
	post(r, &other, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "SignatureDoesNotMatch");
	assert_true(str_equal(rig_element(r, "StringToSign"), *value_of(&f, "policy")));
	*value_of(&other, "x-amz-algorithm") = STR("AWS4-HMAC-MD5");
	post(r, &other, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidArgument");
}

static void test_policy_when_expired_or_malformed_then_reported(void **state)
{
	struct rig *r = *state;
	struct form_parts f = { .file = STR("x") };
	add(&f, "key", STR("k"));
	sign_form(r, &f, "{\"key\":\"k\"}", clock_now_ms() - 1000);
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "AccessDenied");
	assert_true(str_find(rig_element(r, "Message"), STR("expired")) < rig_element(r, "Message").n);
	f = owner_form(r, "k", "nonsense");
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidPolicyDocument");
	rig_expect_empty(r);
}

static void test_plain_object_when_policy_allows_then_stored(void **state)
{
	struct rig *r = *state;
	struct form_parts f = owner_form(r, "k", "{\"key\":\"k\"}");
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 204, "\"6f5902ac237024bdd0c176cb93063dc4\"");
	rig_ask(r, &(struct ask){ .key = STR("k") });
	assert_true(str_equal(rig_body(r), STR("hello world\n")));
	assert_true(str_equal(rig_header(r, "Content-Type"), STR("binary/octet-stream")));
}

static void test_key_when_it_has_a_filename_placeholder_then_replaced(void **state)
{
	static const struct {
		const char *key, *file_name, *stored;
	} rows[] = { { "up/${filename}", "cat.gif", "up/cat.gif" }, { "up/${filename}", "C:\\\\fakepath\\\\dog.gif", "up/dog.gif" },
		{ "up/${filename}", "/tmp/../cow.gif", "up/cow.gif" }, { "up/a-${filename}-b", "c", "up/a-c-b" },
		{ "up/${filename}${filename}", "c", "up/cc" }, { "up/${filename}/${filename}.${filename}", "a/b", "up/b/b.b" },
		{ "up/x${filename}", "tail\\", "up/x" }, { "up/${filename}", "C:\\dir\\a.png", "up/a.png" },
		{ "up/${filename}", "\xE6\x97\xA5.gif", "up/\xE6\x97\xA5.gif" }, { "up/${filename", "c", "up/${filename" },
		{ "up/$${filename}}", "${filename}", "up/$${filename}}" } };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct form_parts f = owner_form(r, rows[i].key, "[\"starts-with\",\"$key\",\"up/\"]");
		f.file_name = str_of(rows[i].file_name);
		post(r, &f, "/" RIG_BUCKET);
		rig_expect(r, 204, NULL);
		rig_ask(r, &(struct ask){ .key = str_of(rows[i].stored) });
		rig_expect(r, 200, NULL);
	}
	/* the policy is about the key as it is stored */
	struct form_parts f = owner_form(r, "${filename}", "[\"starts-with\",\"$key\",\"up/\"]");
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 403, "AccessDenied");
}

/* "The variable is recognized by all form fields": what is stored, where the browser is sent, and what the policy sees. */
static void test_fields_when_they_have_a_filename_placeholder_then_replaced_before_the_policy(void **state)
{
	static const char *const conditions =
		"[\"starts-with\",\"$key\",\"up/\"],{\"x-amz-meta-name\":\"a b.png, a b.png\"},{\"Content-Disposition\":\"inline; filename=\\\"a b.png\\\"\"},"
		"[\"starts-with\",\"$success_action_redirect\",\"http://ex.example/done/a b.png\"]";
	struct rig *r = *state;
	struct form_parts f = { .file_name = STR("C:\\x/a b.png"), .file = STR("hello world\n") };

	add(&f, "key", STR("up/${filename}"));
	add(&f, "x-amz-meta-name", STR("${filename}, ${filename}"));
	add(&f, "Content-Disposition", STR("inline; filename=\"${filename}\""));
	add(&f, "success_action_redirect", STR("http://ex.example/done/${filename}#${filename}"));
	sign_form(r, &f, conditions, clock_now_ms() + 60000);
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 303, NULL);
	assert_str(rig_header(r, "Location"),
		STR("http://ex.example/done/a%20b.png?bucket=" RIG_BUCKET
			"&key=up%2Fa%20b.png&etag=%226f5902ac237024bdd0c176cb93063dc4%22#a%20b.png"));
	rig_ask(r, &(struct ask){ .key = STR("up/a b.png") });
	rig_expect(r, 200, NULL);
	assert_str(rig_header(r, "x-amz-meta-name"), STR("a b.png, a b.png"));
	assert_str(rig_header(r, "Content-Disposition"), STR("inline; filename=\"a b.png\""));
}

static void test_fields_when_the_filename_makes_them_too_large_then_malformed(void **state)
{
	struct rig *r = *state;
	struct form_parts f = { .file = STR("x") };
	char *name = arena_alloc(&r->arena, 2000), *many = arena_alloc(&r->arena, 12 * 11);

	memset(name, 'n', 2000);
	for (size_t i = 0; i < 12; i++)
		memcpy(many + 11 * i, "${filename}", 11);
	f.file_name = (struct str){ name, 2000 };
	add(&f, "key", STR("up/x"));
	add(&f, "x-amz-meta-name", (struct str){ many, 12 * 11 });
	sign_form(r, &f, "[\"starts-with\",\"$key\",\"\"],[\"starts-with\",\"$x-amz-meta-name\",\"\"]", clock_now_ms() + 60000);
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "MalformedPOSTRequest");
	rig_expect_empty(r);
}

static void test_key_when_missing_or_invalid_then_reported(void **state)
{
	char longer[1026];
	struct rig *r = *state;
	struct form_parts f = { .file = STR("x") };
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidArgument");
	f = owner_form(r, "", "[\"starts-with\",\"$key\",\"\"]");
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidArgument");
	f = owner_form(r, "a\xFF", "[\"starts-with\",\"$key\",\"\"]");
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidArgument");
	memset(longer, 'k', 1025);
	longer[1025] = '\0';
	f = owner_form(r, longer, "[\"starts-with\",\"$key\",\"\"]");
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "KeyTooLongError");
	rig_expect_empty(r);
	assert_int_equal(trapped_calls(r->engine), 0);
}

static struct form_parts form_with(struct rig *r, const char *name, const char *value)
{
	struct form_parts f = { .file = STR("hello world\n") };
	add(&f, "Key", STR("a b"));
	add(&f, name, str_of(value));
	const struct str conditions = str_printf(&r->arena, "{\"key\":\"a b\"},[\"starts-with\",\"$%s\",\"\"]", name);
	sign_form(r, &f, conditions.p, clock_now_ms() + 60000);
	return f;
}

static void test_success_when_status_is_requested_then_that_status(void **state)
{
	static const struct {
		const char *asked;
		int status;
	} rows[] = { { "200", 200 }, { "201", 201 }, { "204", 204 }, { "302", 204 }, { "x", 204 } };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct form_parts f = form_with(r, "success_action_status", rows[i].asked);
		post(r, &f, "/" RIG_BUCKET);
		rig_expect(r, rows[i].status, "\"6f5902ac237024bdd0c176cb93063dc4\"");
		assert_int_equal(rig_body(r).n > 0, rows[i].status == 201);
		if (rows[i].status != 201)
			continue;
		assert_true(str_equal(rig_element(r, "Key"), STR("a b")));
		assert_true(str_equal(rig_element(r, "Bucket"), STR(RIG_BUCKET)));
		assert_true(str_equal(rig_element(r, "ETag"), STR("&quot;6f5902ac237024bdd0c176cb93063dc4&quot;")));
		assert_true(str_equal(rig_element(r, "Location"), STR("http://" RIG_HOST "/" RIG_BUCKET "/a%20b")));
	}
}

static void test_success_when_redirect_is_requested_then_303_with_key_and_etag(void **state)
{
	static const struct {
		const char *url, *target;
	} rows[] = {
		{ "https://app.example/done",
			"https://app.example/done?bucket=" RIG_BUCKET "&key=a%20b&etag=%226f5902ac237024bdd0c176cb93063dc4%22" },
		{ "http://app.example/?x=1",
			"http://app.example/?x=1&bucket=" RIG_BUCKET "&key=a%20b&etag=%226f5902ac237024bdd0c176cb93063dc4%22" },
		{ "http://app.example/#frag",
			"http://app.example/?bucket=" RIG_BUCKET "&key=a%20b&etag=%226f5902ac237024bdd0c176cb93063dc4%22#frag" },
		{ "http://app.example/?x#f?g",
			"http://app.example/?x&bucket=" RIG_BUCKET "&key=a%20b&etag=%226f5902ac237024bdd0c176cb93063dc4%22#f?g" },
		{ "http://app.example/\xC3\xA9",
			"http://app.example/%C3%A9?bucket=" RIG_BUCKET "&key=a%20b&etag=%226f5902ac237024bdd0c176cb93063dc4%22" },
	};
	static const char *const bad[] = { "javascript:alert(1)", "//app.example", "https://a\r\nSet-Cookie: b" };
	struct rig *r = *state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct form_parts f = form_with(r, "success_action_redirect", bad[i]);
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 400, "InvalidArgument");
	}
	rig_expect_empty(r);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct form_parts f = form_with(r, "success_action_redirect", rows[i].url);
		post(r, &f, "/" RIG_BUCKET);
		rig_expect(r, 303, NULL);
		assert_true(str_equal(rig_header(r, "Location"), str_of(rows[i].target)));
	}
}

static void test_names_when_in_any_case_and_the_file_without_filename_then_accepted(void **state)
{
	struct rig *r = *state;
	struct form_parts f = slot_form(r, rig_slot(r, 1));
	for (size_t i = 0; i < f.n; i++) {
		char *name = arena_alloc(&r->arena, f.fields[i].name.n);
		for (size_t j = 0; j < f.fields[i].name.n; j++) {
			char c = f.fields[i].name.p[j];
			name[j] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
		}
		f.fields[i].name.p = name;
	}
	f.file_name = STR("");
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 204, NULL);
}

static void test_field_when_it_follows_the_file_then_ignored(void **state)
{
	static const char *const names[] = { "key", "file2", "x-amz-acl", "submit" };
	struct rig *r = *state;
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		struct str key = rig_slot(r, i);
		struct form_parts f = slot_form(r, key);
		f.after = (struct header){ str_of(names[i]), STR("other") };
		post(r, &f, "/" RIG_BUCKET);
		rig_expect(r, 204, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
		assert_int_equal(rig_row(r, key).file_size, RIG_GIF.n);
	}
}

static void test_form_when_it_has_two_files_then_malformed_and_none_is_stored(void **state)
{
	static const struct header seconds[] = { { { "file", 4 }, { "other", 5 } }, { { "FILE", 4 }, { "", 0 } },
		{ { "file", 4 }, { "\r\n", 2 } } };
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts f = slot_form(r, key);
	for (unsigned i = 0; i < COUNT_OF(seconds); i++) {
		f.after = seconds[i];
		for (r->piece = 0; r->piece < 3; r->piece++) {
			post(r, &f, "/" RIG_BUCKET);
			rig_expect_error(r, 400, "MalformedPOSTRequest");
			rig_expect_row(r, key, IMAGE_PENDING);
		}
	}
	rig_expect_empty(r);
	f.after = (struct header){ 0 };
	post(r, &f, "/" RIG_BUCKET);
	rig_expect(r, 204, "\"a5098c60b3b0c879a2c7af6c68b7b53f\"");
}

static void test_form_when_malformed_then_nothing_is_stored(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts f = slot_form(r, key);
	f.cut = true;
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "MalformedPOSTRequest");
	f.cut = false;
	f.without_file = true;
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "InvalidArgument");
	rig_send(r, &(struct ask){ .method = "POST", .body = STR("no form"), .more = { { STR("Content-Type"), TYPE } } }, STR("/" RIG_BUCKET));
	rig_expect_error(r, 400, "MalformedPOSTRequest");
	rig_send(r, &(struct ask){ .method = "POST", .body = STR(""), .more = { { STR("Content-Type"), TYPE } } }, STR("/" RIG_BUCKET));
	rig_expect_error(r, 400, "MalformedPOSTRequest");
	rig_send(r,
		&(struct ask){ .method = "POST",
			.body = STR("--a\r\nno header\r\n\r\n"),
			.more = { { STR("Content-Type"), STR("multipart/form-data; boundary=a") } } },
		STR("/" RIG_BUCKET));
	rig_expect_error(r, 400, "MalformedPOSTRequest");
	rig_send(r, &(struct ask){ .method = "POST", .body = STR("x"), .more = { { STR("Content-Type"), STR("multipart/form-data") } } },
		STR("/" RIG_BUCKET));
	rig_expect_error(r, 400, "MalformedPOSTRequest");
	rig_send(r, &(struct ask){ .method = "POST", .no_length = true, .more = { { STR("Content-Type"), TYPE } } }, STR("/" RIG_BUCKET));
	rig_expect_error(r, 411, "MissingContentLength");
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
}

static void test_fields_when_too_many_or_too_large_then_malformed(void **state)
{
	struct rig *r = *state;
	struct form_parts f = { .file = STR("x") };
	char *large = arena_alloc(&r->arena, 20480);
	for (unsigned i = 0; i < 65; i++)
		add(&f, str_printf(&r->arena, "field%u", i).p, STR("v"));
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_error(r, 400, "MalformedPOSTRequest");
	memset(large, 'v', 20480);
	f = (struct form_parts){ .file = STR("x") };
	add(&f, "policy", (struct str){ large, 20480 });
	for (r->piece = 0; r->piece < 3; r->piece++) {
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 400, "MalformedPOSTRequest");
	}
	rig_expect_empty(r);
}

static void test_trailer_when_it_never_ends_then_malformed(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts f = slot_form(r, key);
	char *large = arena_alloc(&r->arena, 30000);
	memset(large, 'v', 30000);
	f.after = (struct header){ STR("more"), { large, 30000 } };
	for (r->piece = 0; r->piece < 200; r->piece += 100) {
		post(r, &f, "/" RIG_BUCKET);
		rig_expect_error(r, 400, "MalformedPOSTRequest");
	}
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
}

static void test_port_when_its_nth_call_fails_then_slow_down_and_nothing_is_left(void **state)
{
	struct rig *r = *state;
	for (unsigned n = 1;; n++) {
		struct str key = rig_slot(r, n);
		struct form_parts f = slot_form(r, key);
		trapped_fail_nth(r->engine, n, F_DISK_FULL);
		post(r, &f, "/" RIG_BUCKET);
		if (rig_status(r) == 204) {
			assert_int_equal(n, 5); /* begin, write, view, finish failed before */
			break;
		}
		rig_expect_error(r, 503, "SlowDown");
		rig_expect_empty(r);
		rig_expect_row(r, key, IMAGE_PENDING);
	}
	trapped_fail_nth(r->engine, 0, F_NONE);
}

static void test_form_when_the_client_disconnects_then_nothing_is_left(void **state)
{
	struct rig *r = *state;
	struct str key = rig_slot(r, 1);
	struct form_parts f = slot_form(r, key);
	r->cut = true;
	f.cut = true;
	post(r, &f, "/" RIG_BUCKET);
	rig_expect_empty(r);
	rig_expect_row(r, key, IMAGE_PENDING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_form_when_slot_is_filled_then_204_with_etag_and_location),
		RIG_TEST(test_form_when_it_arrives_byte_by_byte_then_it_is_the_same),
		RIG_TEST(test_form_when_not_an_image_then_rejected),
		RIG_TEST(test_form_when_file_breaks_the_range_then_refused_and_the_row_stays_pending),
		RIG_TEST(test_field_when_altered_left_out_or_added_then_refused),
		RIG_TEST(test_form_when_it_has_no_policy_then_access_denied),
		RIG_TEST(test_form_when_signed_by_version_2_then_invalid_request_names_version_4),
		RIG_TEST(test_form_when_sent_to_another_bucket_then_refused),
		RIG_TEST(test_form_when_the_slots_key_signs_for_another_place_then_access_denied),
		RIG_TEST(test_signature_when_key_is_unknown_or_signature_wrong_then_reported),
		RIG_TEST(test_policy_when_expired_or_malformed_then_reported),
		RIG_TEST(test_plain_object_when_policy_allows_then_stored),
		RIG_TEST(test_key_when_it_has_a_filename_placeholder_then_replaced),
		RIG_TEST(test_fields_when_they_have_a_filename_placeholder_then_replaced_before_the_policy),
		RIG_TEST(test_fields_when_the_filename_makes_them_too_large_then_malformed),
		RIG_TEST(test_key_when_missing_or_invalid_then_reported),
		RIG_TEST(test_success_when_status_is_requested_then_that_status),
		RIG_TEST(test_success_when_redirect_is_requested_then_303_with_key_and_etag),
		RIG_TEST(test_names_when_in_any_case_and_the_file_without_filename_then_accepted),
		RIG_TEST(test_field_when_it_follows_the_file_then_ignored),
		RIG_TEST(test_form_when_it_has_two_files_then_malformed_and_none_is_stored),
		RIG_TEST(test_form_when_malformed_then_nothing_is_stored),
		RIG_TEST(test_fields_when_too_many_or_too_large_then_malformed),
		RIG_TEST(test_trailer_when_it_never_ends_then_malformed),
		RIG_TEST(test_port_when_its_nth_call_fails_then_slow_down_and_nothing_is_left),
		RIG_TEST(test_form_when_the_client_disconnects_then_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
