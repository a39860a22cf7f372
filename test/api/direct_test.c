/* POST /images: forms and bodies, what is refused, and that nothing is left of what was not stored: on the real engine, whose ports
 * fail at every call, and by temporary files into a remote store. */
#include "api/fixture.h"

#include "base/metrics.h"
#include "fake/trapped.h"
#include "image/image_service.h"

#define BUCKET STR("image-uploads")
#define FORM "multipart/form-data; boundary=XyZ"
#define PART(head, content) "--XyZ\r\nContent-Disposition: form-data; " head "\r\n\r\n" content "\r\n"
#define FILE_HEAD "--XyZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cat.png\"\r\nContent-Type: image/jpeg\r\n\r\n"
#define NAME_PART PART("name=\"fileName\"", "my \xc3\xa4.png")
#define END "--XyZ--\r\n"

static struct trapped *engine;

static int set_up_on(const struct api_options *more)
{
	struct api_options o = *more;
	engine = trapped_new(BUCKET, 1000);
	o.direct = DIRECT_STORE;
	o.buckets = trapped_buckets(engine);
	o.bucket = BUCKET;
	fixture_open(&o);
	fixture.product.table = trapped_table(engine);
	fixture.product.store = trapped_store(engine);
	fixture.product.rules.strip = true;
	return 0;
}

static int set_up(void **state)
{
	return set_up_on(&(struct api_options){ .cors_origins = STR("*, https://named.example") });
}

static int set_up_with_key(void **state)
{
	return set_up_on(&(struct api_options){ .cors_origins = STR("*"), .key = STR(KEY), .images = ACCESS_KEYS });
}

static int tear_down(void **state)
{
	fixture_teardown(state);
	trapped_free(&engine);
	return 0;
}

static int set_up_spooled(void **state)
{
	fixture_open(&(struct api_options){ .cors_origins = STR("*"), .direct = DIRECT_SPOOLED });
	return 0;
}

static int set_up_spooled_with_key(void **state)
{
	fixture_open(&(struct api_options){ .cors_origins = STR("*"), .key = STR(KEY), .direct = DIRECT_SPOOLED });
	return 0;
}

/* `before` the file's bytes, and `after` them. */
static struct str join_form(const char *before, const char *after)
{
	struct str file = { (const char *)tiny_png, sizeof tiny_png };
	return STR_CONCAT(&fixture.own, str_of(before), file, str_of(after));
}

static const struct answer *send_in_pieces(struct str body, const char *content_type, size_t piece)
{
	return ask_in_pieces((struct ask){ "POST", "/prod/images", .body = body.p, .body_bytes = body.n, .content_type = content_type }, piece);
}

static const struct answer *send_form(const char *before, const char *after)
{
	return send_in_pieces(join_form(before, after), FORM, SIZE_MAX);
}

static struct image_counts count_rows(void)
{
	struct image_counts n;
	struct fault why;
	assert_int_equal(table_counts(fixture.product.table, &n, &why), OK);
	return n;
}

static void assert_nothing_is_left(void)
{
	struct image_counts n = count_rows();
	assert_true(n.pending == 0 && n.uploaded == 0 && n.rejected == 0);
	if (engine == NULL) {
		assert_int_equal(fake_store_count(fixture.store), 0);
		return;
	}
	assert_int_equal(trapped_open_bodies(engine), 0);
	assert_int_equal(trapped_count(engine), 0);
}

/* 201 with a whole record. */
static void assert_created(const char *name)
{
	assert_int_equal(fixture.x.answer.status, 201);
	assert_str(answer_text("status"), "uploaded");
	assert_str(answer_text("fileName"), name);
	assert_str(answer_text("fileType"), "image/png");
	assert_int_equal(answer_integer("fileSize"), sizeof tiny_png);
	assert_int_equal(answer_integer("width"), 1);
	assert_int_equal(answer_text("deleteToken").n, request_header(&fixture.x.request, STR("authorization")).n > 0 ? 0 : 43);
	assert_str(header_of("Location"), path_of("/prod/images/", answer_text("imageId"), ""));
	assert_true(str_equal(fixture.x.answer.image_id, answer_text("imageId")));
}

static void test_form_when_the_fields_come_in_any_order_and_pieces_then_created(void **state)
{
	static const struct {
		const char *before, *after;
	} forms[] = { { FILE_HEAD, "\r\n" NAME_PART END }, { NAME_PART FILE_HEAD, "\r\n" END } };
	static const size_t pieces[] = { 1, 7, 64, SIZE_MAX };
	uint64_t n = 0;

	for (size_t i = 0; i < COUNT_OF(forms); i++)
		for (size_t k = 0; k < COUNT_OF(pieces); k++) {
			int64_t accepted = metric_get(M_UPLOADS_ACCEPTED);
			send_in_pieces(join_form(forms[i].before, forms[i].after), FORM, pieces[k]);
			assert_created("my \xc3\xa4.png");
			assert_int_equal(count_rows().uploaded, ++n);
			assert_int_equal(metric_get(M_UPLOADS_ACCEPTED), accepted + 1);
		}
	assert_int_equal(count_rows().pending, 0);
}

static void test_name_when_not_given_then_that_of_the_file_without_its_path_or_of_its_type(void **state)
{
	static const struct {
		const char *head, *name;
	} rows[] = {
		{ "name=\"file\"; filename=\"cat.png\"", "cat.png" },
		{ "name=\"file\"; filename=\"C:\\\\x\\\\cat.png\"", "cat.png" },
		{ "name=\"file\"; filename=\"\"", "image.png" },
		{ "name=\"file\"", "image.png" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		send_form(str_printf(&fixture.own, "--XyZ\r\nContent-Disposition: form-data; %s\r\n\r\n", rows[i].head).p, "\r\n" END);
		assert_created(rows[i].name);
	}
}

static void test_metadata_when_an_object_of_strings_then_in_the_record_and_else_refused(void **state)
{
	static const char *const bad[] = { "", "x", "[]", "{\"a\":1}", "{\"a\":{}}" };

	send_form(PART("name=\"metadata\"", "{\"album\":\"7\"}") FILE_HEAD, "\r\n" END);
	assert_created("cat.png");
	assert_true(holds(fixture.x.answer.body, "\"metadata\":{\"album\":\"7\"}"));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct str head = STR("\r\n--XyZ\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n");
		send_form(FILE_HEAD, STR_CONCAT(&fixture.own, head, str_of(bad[i]), STR("\r\n" END)).p);
		assert_int_equal(fixture.x.answer.status, 400);
		assert_int_equal(count_rows().uploaded, 1);
	}
}

static void test_body_when_raw_then_created_whatever_type_it_declares(void **state)
{
	static const char *const types[] = { "image/png", "image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded", NULL };

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		struct ask q = { "POST", "/prod/images?fileName=a%20b.png", .body = (const char *)tiny_png, .body_bytes = sizeof tiny_png };
		q.content_type = types[i];
		q.chunked = i == 0;
		ask(q);
		assert_created("a b.png");
	}
	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png);
	assert_created("image.png");
}

static void test_form_when_wrong_then_refused_and_nothing_is_left(void **state)
{
	static const struct {
		const char *before, *after, *code;
		int status;
		const char *word;
	} rows[] = {
		{ PART("name=\"image\"; filename=\"a\"", ""), END, "bad_field", 400, "Unknown field \"image\"" },
		{ PART("name=\"userId\"", "7") FILE_HEAD, "\r\n" END, "bad_field", 400, "Unknown field \"userId\"" },
		{ FILE_HEAD, "\r\n" PART("name=\"userId\"", "7") END, "bad_field", 400, "Unknown field \"userId\"" },
		{ FILE_HEAD, "\r\n" PART("name=\"file\"", "x") END, "bad_field", 400, "more than one file" },
		{ NAME_PART NAME_PART FILE_HEAD, "\r\n" END, "bad_field", 400, "fileName is given twice" },
		{ PART("name=\"fileName\"", "") FILE_HEAD, "\r\n" END, "bad_field", 400, "fileName is missing or empty" },
		{ PART("name=\"fileName\"", "a\xff") FILE_HEAD, "\r\n" END, "bad_field", 400, "UTF-8" },
		{ FILE_HEAD, "\r\n" PART("name=\"fileName\"", " ") END, "bad_field", 400, "blank" },
		{ FILE_HEAD, "\r\n--XyZ", "form_malformed", 400, "ends before its last boundary" },
		{ FILE_HEAD, "\r\n", "form_malformed", 400, "ends before its last boundary" },
		{ FILE_HEAD, "\r\n--XyZ;", "form_malformed", 400, "not well-formed" },
		{ "no form at all ", "", "form_malformed", 400, "ends before its last boundary" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		send_form(rows[i].before, rows[i].after);
		assert_problem(rows[i].status, rows[i].code);
		if (!holds(fixture.x.answer.body, str_printf(&fixture.own, "%.*s", STRF(str_slice(str_of(rows[i].word), 0, 12))).p))
			fail_msg("%zu: %.*s", i, STRF(fixture.x.answer.body));
		assert_nothing_is_left();
	}
}

static void test_form_when_without_a_file_or_with_an_empty_one_then_it_says_so(void **state)
{
	static const struct {
		const char *body, *code;
	} rows[] = { { NAME_PART END, "bad_field" }, { END, "bad_field" }, { FILE_HEAD "\r\n" END, "image_empty" }, { "", "image_empty" } };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		send_in_pieces(str_of(rows[i].body), FORM, SIZE_MAX);
		assert_problem(400, rows[i].code);
		assert_nothing_is_left();
	}
}

static void test_form_when_its_texts_or_what_follows_it_are_large_then_refused(void **state)
{
	char *many = arena_array(&fixture.own, 20001, 1);

	memset(many, 'a', 20000);
	many[20000] = '\0';
	struct str name = STR_CONCAT(&fixture.own, STR("--XyZ\r\nContent-Disposition: form-data; name=\"fileName\"\r\n\r\n"), str_of(many));
	send_in_pieces(name, FORM, 1000);
	assert_problem(400, "bad_field");
	assert_true(holds(fixture.x.answer.body, "over 16384 bytes"));
	send_form(FILE_HEAD, STR_CONCAT(&fixture.own, STR("\r\n" END), str_of(many), STR("")).p);
	assert_problem(400, "form_malformed");
	assert_nothing_is_left();
}

static void test_head_when_it_cannot_be_followed_by_an_image_then_refused_at_once(void **state)
{
	static const struct {
		const char *target, *type;
		int status;
		const char *code;
	} rows[] = {
		{ "/prod/images", "multipart/form-data", 400, "form_malformed" },
		{ "/prod/images", "multipart/form-data; boundary=", 400, "form_malformed" },
		{ "/prod/images?fileName=a.png", FORM, 400, "bad_field" },
		{ "/prod/images?filename=a.png", "image/png", 400, "bad_field" },
		{ "/prod/images?fileName=a.png&fileName=a.png", "image/png", 400, "bad_field" },
		{ "/prod/images", "application/json", 400, "bad_field" },
		{ "/prod/images", "application/json; charset=utf-8", 400, "bad_field" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ASK("POST", rows[i].target, "{}", .content_type = rows[i].type);
		assert_problem(rows[i].status, rows[i].code);
		assert_int_equal(fixture.step, HANDLER_ANSWER);
		assert_nothing_is_left();
	}
	ASK("POST", "/prod/images?fileName=", (const char *)tiny_png, sizeof tiny_png);
	assert_problem(400, "bad_field");
	ASK("POST", "/prod/images");
	assert_problem(400, "image_empty");
	assert_nothing_is_left();
}

static void test_file_when_over_the_limit_then_413_before_or_while_it_comes(void **state)
{
	fixture.product.rules.max_size_bytes = sizeof tiny_png - 1;
	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png);
	assert_problem(413, "image_too_large");
	assert_int_equal(fixture.step, HANDLER_ANSWER);
	for (size_t piece = 1; piece < 100; piece += 33) {
		ask_in_pieces((struct ask){ "POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png, .chunked = true }, piece);
		assert_problem(413, "image_too_large");
		send_in_pieces(join_form(FILE_HEAD, "\r\n" END), FORM, piece);
		assert_problem(413, "image_too_large");
		assert_nothing_is_left();
	}
	fixture.product.rules.max_size_bytes = sizeof tiny_png;
	send_in_pieces(join_form(FILE_HEAD, "\r\n" END), FORM, 1);
	assert_created("cat.png");
}

static void test_file_when_not_of_an_allowed_type_then_415_and_nothing_is_left(void **state)
{
	ASK("POST", "/prod/images", "<html>", .content_type = "image/png");
	assert_problem(415, "type_not_allowed");
	assert_true(holds(fixture.x.answer.body, "image/jpeg"));
	ASK("POST", "/prod/images", "%PDF-1.7", .content_type = "application/pdf");
	assert_problem(415, "type_not_allowed");
	fixture.product.rules.allowed_types = STR("image/jpeg");
	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png, .content_type = "image/jpeg");
	assert_problem(415, "type_not_allowed");
	assert_nothing_is_left();
}

static void test_file_when_its_type_is_accepted_unverified_then_the_declared_one_counts(void **state)
{
	fixture.product.rules.allowed_types = STR("image/png,application/pdf");
	fixture.product.rules.unverified_types = STR("application/pdf");
	ASK("POST", "/prod/images?fileName=a.pdf", "%PDF-1.7", .content_type = "application/pdf");
	assert_int_equal(fixture.x.answer.status, 201);
	assert_str(answer_text("fileType"), "application/pdf");
	ASK("POST", "/prod/images", "%PDF-1.7");
	assert_problem(415, "type_not_allowed");
	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png, .content_type = "application/pdf");
	assert_created("image.png");
}

static void test_image_when_damaged_then_rejected_with_its_reason_and_a_row_that_says_it(void **state)
{
	int64_t rejected = metric_get(M_UPLOADS_REJECTED);
	struct image_row row;
	struct fault why;

	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png - 20);
	assert_problem(409, "image_rejected");
	assert_int_equal(metric_get(M_UPLOADS_REJECTED), rejected + 1);
	struct image_counts n = count_rows();
	assert_true(n.pending == 0 && n.uploaded == 0 && n.rejected == 1);
	assert_int_equal(table_get(fixture.product.table, fixture.x.answer.image_id, &fixture.own, &row, &why), OK);
	assert_true(str_equal(row.reason, answer_text("detail")));
	if (engine != NULL)
		assert_int_equal(trapped_open_bodies(engine) + trapped_count(engine), 0);
	else
		assert_int_equal(fake_store_count(fixture.store), 0);
}

static void test_body_when_cut_then_nothing_is_left(void **state)
{
	struct handler *handler = api_handler(fixture.api);
	struct str form = join_form(NAME_PART FILE_HEAD, "\r\n" END);
	struct fault why = { .code = F_BODY_CUT };
	int64_t failed = metric_get(M_UPLOADS_FAILED);

	for (size_t n = 0; n < form.n; n++) {
		fixture_exchange(&(struct ask){ "POST", "/prod/images", .content_type = FORM });
		fixture.x.request.chunked = true;
		assert_int_equal(handler->ops->on_head(handler, &fixture.x), HANDLER_READ_BODY);
		assert_true(fixture.x.slow_body_is_rate);
		assert_int_equal(handler->ops->on_body(handler, &fixture.x, form.p, n), OK);
		handler->ops->on_abort(handler, &fixture.x, &why);
		assert_int_equal(fixture.x.answer.status, 0);
		assert_nothing_is_left();
	}
	assert_true(metric_get(M_UPLOADS_FAILED) > failed);
}

static void test_every_call_of_the_engine_when_it_fails_then_nothing_is_left_but_what_is_answered(void **state)
{
	static const enum fault_code codes[] = { F_STORAGE_FAILED, F_DISK_FULL };

	for (size_t i = 0; i < COUNT_OF(codes); i++)
		for (uint64_t n = 1;; n++) {
			trapped_fail_nth(engine, n, codes[i]);
			const struct answer *ans = send_in_pieces(join_form(FILE_HEAD, "\r\n" NAME_PART END), FORM, 16);
			uint64_t uploaded = count_rows().uploaded;
			trapped_fail_nth(engine, 0, F_NONE);
			if (ans->status == 201) {
				assert_true(n > 4);
				assert_int_equal(uploaded, i + 1);
				break;
			}
			assert_problem(503, fault_name(codes[i]));
			assert_int_equal(uploaded, i);
			assert_int_equal(count_rows().pending, 0);
			assert_int_equal(trapped_open_bodies(engine), 0);
			assert_int_equal(trapped_count(engine), i);
		}
}

static void test_table_of_the_engine_when_it_fails_for_a_rejected_image_then_its_fault(void **state)
{
	for (uint64_t n = 1; n <= 2; n++) {
		trapped_table_fail_nth(engine, n, F_STORAGE_FAILED);
		ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png - 20);
		trapped_table_fail_nth(engine, 0, F_NONE);
		assert_problem(503, "storage_failed");
		assert_int_equal(count_rows().rejected, 0);
		assert_int_equal(trapped_open_bodies(engine), 0);
	}
}

static void fail_nth(bool of_table, uint64_t n)
{
	if (of_table)
		fake_table_fail_nth(fixture.table, n, F_UPSTREAM_FAILED);
	else
		fake_store_fail_nth(fixture.store, n, F_UPSTREAM_FAILED);
}

static void test_every_call_of_a_remote_store_when_it_fails_then_nothing_is_left_but_what_is_answered(void **state)
{
	for (unsigned of_table = 0; of_table < 2; of_table++)
		for (uint64_t n = 1;; n++) {
			struct fault why;
			fail_nth(of_table, n);
			send_form(FILE_HEAD, "\r\n" END);
			fail_nth(of_table, 0);
			/* The last call of the store signs the URLs of the answer, for an image that is there. */
			if (count_rows().uploaded == 0) {
				assert_problem(502, "upstream_failed");
				assert_nothing_is_left();
				continue;
			}
			assert_true(n > 2);
			bool was_signing = fixture.x.answer.status != 201;
			assert_true(!was_signing || !of_table);
			assert_int_equal(table_remove(fixture.product.table, fixture.x.answer.image_id, 0, &why), OK);
			if (!was_signing)
				break;
		}
}

/* Each call of the remote store and of the table fails in turn, and each time the repeated request makes the image of the first one. */
static void test_repeat_after_a_remote_store_has_failed_then_one_image(void **state)
{
	const struct ask q = { "POST", "/prod/images", .body = (const char *)tiny_png, .body_bytes = sizeof tiny_png,
		.authorization = "Bearer " KEY, .idempotency_key = "one" };
	bool failed = true;

	fixture.product.has_request_secret = true;
	for (unsigned of_table = 0; of_table < 2; of_table++)
		for (uint64_t n = 1; failed || n == 1; n++) {
			struct fault why;
			fixture.product.request_secret[0] = (unsigned char)n;
			fixture.product.request_secret[1] = (unsigned char)of_table;
			fail_nth(of_table, n);
			ask(q);
			fail_nth(of_table, 0);
			failed = fixture.x.answer.status != 201;
			if (failed)
				assert_problem(502, "upstream_failed");
			ask(q);
			assert_true(fixture.x.answer.status == 200 || (failed && fixture.x.answer.status == 201));
			assert_str(answer_text("status"), "uploaded");
			assert_int_equal(count_rows().uploaded, 1);
			assert_int_equal(count_rows().pending, 0);
			assert_int_equal(fake_store_count(fixture.store), 1);
			assert_int_equal(image_service_remove(&fixture.product, fixture.x.answer.image_id, &why), OK);
		}
}

static void test_page_of_another_origin_when_not_named_then_403(void **state)
{
	static const struct {
		const char *host, *origin, *site;
		int status;
	} rows[] = {
		{ "a.example:8080", NULL, NULL, 201 },
		{ "a.example:8080", "http://a.example:8080", "same-origin", 201 },
		{ "a.example:8080", "https://A.example:8080", NULL, 201 },
		{ "a.example:8080", "https://named.example", "cross-site", 201 },
		{ "a.example:8080", NULL, "none", 201 },
		{ "a.example:8080", "http://a.example", "same-site", 403 },
		{ "a.example:8080", "http://b.example:8080", "cross-site", 403 },
		{ "a.example:8080", "http://localhost:3000", NULL, 403 },
		{ "a.example:8080", "null", NULL, 403 },
		{ "a.example:8080", "://", NULL, 403 },
		{ "a.example:8080", NULL, "cross-site", 403 },
		{ NULL, "http://", NULL, 403 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png, .host = rows[i].host, .origin = rows[i].origin,
			.fetch_site = rows[i].site);
		if (fixture.x.answer.status != rows[i].status)
			fail_msg("row %zu: %d", i, fixture.x.answer.status);
		if (rows[i].status == 403)
			assert_problem(403, "cross_site");
	}
}

static void test_record_when_the_caller_may_not_read_images_then_nothing_in_it_leads_to_the_bytes(void **state)
{
	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png);
	assert_created("image.png");
	assert_false(answer_has("downloadUrl") || answer_has("links") || answer_has("expiresAt"));
	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png, .authorization = "Bearer " KEY);
	assert_created("image.png");
	assert_true(answer_has("downloadUrl") && answer_has("expiresAt"));
}

static void test_image_when_this_server_takes_none_then_501_names_the_slot(void **state)
{
	ASK("POST", "/prod/images", (const char *)tiny_png, sizeof tiny_png);
	assert_problem(501, "use_slot");
	assert_true(holds(answer_text("detail"), "/prod/upload"));
	ASK("POST", "/prod/upload", "x", .content_type = FORM);
	assert_problem(400, "bad_json");
	assert_false(holds(answer_text("detail"), "/prod/images"));
}

static void test_form_when_sent_to_upload_then_the_answer_names_the_route(void **state)
{
	ASK("POST", "/prod/upload", "x", .content_type = FORM);
	assert_problem(400, "bad_json");
	assert_true(holds(answer_text("detail"), "/prod/images"));
}

#define ON_ENGINE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SPOOLED(name) \
	{ \
#name "_spooled", name, set_up_spooled, fixture_teardown, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ENGINE(test_form_when_the_fields_come_in_any_order_and_pieces_then_created),
		SPOOLED(test_form_when_the_fields_come_in_any_order_and_pieces_then_created),
		ON_ENGINE(test_name_when_not_given_then_that_of_the_file_without_its_path_or_of_its_type),
		ON_ENGINE(test_metadata_when_an_object_of_strings_then_in_the_record_and_else_refused),
		ON_ENGINE(test_body_when_raw_then_created_whatever_type_it_declares),
		SPOOLED(test_body_when_raw_then_created_whatever_type_it_declares),
		ON_ENGINE(test_form_when_wrong_then_refused_and_nothing_is_left),
		SPOOLED(test_form_when_wrong_then_refused_and_nothing_is_left),
		ON_ENGINE(test_form_when_without_a_file_or_with_an_empty_one_then_it_says_so),
		ON_ENGINE(test_form_when_its_texts_or_what_follows_it_are_large_then_refused),
		ON_ENGINE(test_head_when_it_cannot_be_followed_by_an_image_then_refused_at_once),
		ON_ENGINE(test_file_when_over_the_limit_then_413_before_or_while_it_comes),
		SPOOLED(test_file_when_over_the_limit_then_413_before_or_while_it_comes),
		ON_ENGINE(test_file_when_not_of_an_allowed_type_then_415_and_nothing_is_left),
		SPOOLED(test_file_when_not_of_an_allowed_type_then_415_and_nothing_is_left),
		ON_ENGINE(test_file_when_its_type_is_accepted_unverified_then_the_declared_one_counts),
		ON_ENGINE(test_image_when_damaged_then_rejected_with_its_reason_and_a_row_that_says_it),
		SPOOLED(test_image_when_damaged_then_rejected_with_its_reason_and_a_row_that_says_it),
		ON_ENGINE(test_body_when_cut_then_nothing_is_left),
		SPOOLED(test_body_when_cut_then_nothing_is_left),
		ON_ENGINE(test_every_call_of_the_engine_when_it_fails_then_nothing_is_left_but_what_is_answered),
		ON_ENGINE(test_table_of_the_engine_when_it_fails_for_a_rejected_image_then_its_fault),
		cmocka_unit_test_setup_teardown(
			test_repeat_after_a_remote_store_has_failed_then_one_image, set_up_spooled_with_key, fixture_teardown),
		SPOOLED(test_every_call_of_a_remote_store_when_it_fails_then_nothing_is_left_but_what_is_answered),
		ON_ENGINE(test_page_of_another_origin_when_not_named_then_403),
		cmocka_unit_test_setup_teardown(
			test_record_when_the_caller_may_not_read_images_then_nothing_in_it_leads_to_the_bytes, set_up_with_key, tear_down),
		cmocka_unit_test_setup_teardown(test_image_when_this_server_takes_none_then_501_names_the_slot, fixture_setup, fixture_teardown),
		ON_ENGINE(test_form_when_sent_to_upload_then_the_answer_names_the_route),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
