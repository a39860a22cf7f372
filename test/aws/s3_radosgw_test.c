/* Against a real distributed engine that checks every signature: what presigned URLs
 * and forms let their holder do, and a whole upload. */
#include "aws/s3_engine.h"
#include "aws/surroundings.h"
#include "fake/fake_product.h"
#include "fake/open_slot.h"
#include "fake/pictures.h"
#include "image/reconcile.h"
#include "image/image_service.h"
#include "image/slot.h"

#include "base/buf.h"
#include "base/clock.h"
#include "http/client/client.h"

static struct s3_engine engine;
static struct arena arena;
static struct fault why;

static struct http_response send_as_client(const char *method, struct str url, const struct header *headers, size_t n, struct str body)
{
	struct http_response r;
	struct http_client *c = http_client_new();
	struct http_request q = { .method = str_of(method), .url = url, .headers = headers, .n_headers = n, .body = body };
	assert_int_equal(http_send(c, &q, &arena, &r, &why), OK);
	http_client_free(&c);
	return r;
}

static void test_presigned_urls_when_used_then_only_what_was_signed_is_accepted(void **state)
{
	struct s3_world w;
	struct presigned put, get;
	struct object o;
	const struct header type = { STR("Content-Type"), STR("image/png") }, other = { STR("Content-Type"), STR("image/gif") };
	s3_world_make(&w, &engine, false);
	const struct presign_request p = { .method = STR("PUT"),
		.key = STR("images/a \xc3\xa9+b.png"),
		.now_ms = clock_now_ms(),
		.expires_s = 300,
		.headers = &type,
		.n_headers = 1 };
	const struct presign_request g = {
		.method = STR("GET"), .key = p.key, .now_ms = p.now_ms, .expires_s = 300, .disposition = STR("attachment; filename=\"x y.png\"")
	};
	assert_int_equal(store_presign(w.store, &p, &arena, &put, &why), OK);
	assert_int_equal(store_presign(w.store, &g, &arena, &get, &why), OK);
	assert_int_equal(send_as_client("PUT", put.url, &other, 1, STR("body")).status, 403);
	assert_int_equal(send_as_client("PUT", put.address, &type, 1, STR("body")).status, 403);
	assert_int_equal(send_as_client("PUT", put.url, &type, 1, STR("body")).status, 200);
	struct http_response r = send_as_client("GET", get.url, NULL, 0, STR(""));
	assert_int_equal(r.status, 200);
	assert_str(r.body, STR("body"));
	assert_str(response_header(&r, STR("Content-Disposition")), g.disposition);
	assert_int_equal(send_as_client("GET", get.address, NULL, 0, STR("")).status, 403);
	assert_int_equal(store_get(w.store, p.key, 100, &arena, &o, &why), OK);
	assert_str(o.info.content_type, STR("image/png"));
	s3_world_unmake(&w);
}

static void test_presigned_put_when_overwriting_is_denied_then_only_the_first_remains(void **state)
{
	struct s3_world w;
	struct presigned put;
	struct object o;
	s3_world_make(&w, &engine, true);
	const struct presign_request p = { .method = STR("PUT"), .key = STR("k"), .now_ms = clock_now_ms(), .expires_s = 300 };
	assert_int_equal(store_presign(w.store, &p, &arena, &put, &why), OK);
	assert_int_equal(send_as_client("PUT", put.url, NULL, 0, STR("unconditional")).status, 403);
	assert_int_equal(send_as_client("PUT", put.url, put.added, put.n_added, STR("first")).status, 200);
	assert_int_equal(send_as_client("PUT", put.url, put.added, put.n_added, STR("second")).status, 412);
	assert_int_equal(store_get(w.store, p.key, 100, &arena, &o, &why), OK);
	assert_str(o.body, STR("first"));
	s3_world_unmake(&w);
}

static struct http_response post(const struct post_form *f, struct str body)
{
	static const struct header type = { { "Content-Type", 12 }, { "multipart/form-data; boundary=xyz", 33 } };
	struct buf b;
	buf_init_arena(&b, &arena, 1 << 20);
	for (size_t i = 0; i < f->n_fields; i++)
		buf_printf(&b, "--xyz\r\nContent-Disposition: form-data; name=\"%.*s\"\r\n\r\n%.*s\r\n", STRF(f->fields[i].name),
			STRF(f->fields[i].value));
	buf_printf(&b, "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n%.*s\r\n--xyz--\r\n", STRF(body));
	return send_as_client("POST", f->url, &type, 1, buf_str(&b));
}

static void test_form_when_posted_then_stored_within_its_sizes(void **state)
{
	struct s3_world w;
	struct post_form f;
	struct object o;
	s3_world_make(&w, &engine, false);
	const struct form_request r = { .key = STR("images/a.png"),
		.content_type = STR("image/png"),
		.min_size = 2,
		.max_size = 4,
		.now_ms = clock_now_ms(),
		.expires_s = 300 };
	assert_int_equal(store_form(w.store, &r, &arena, &f, &why), OK);
	assert_true(post(&f, STR("12345")).status >= 400);
	assert_int_equal(store_get(w.store, r.key, 100, &arena, &o, &why), NOT_FOUND);
	assert_int_equal(post(&f, STR("1234")).status, 204);
	assert_int_equal(store_get(w.store, r.key, 100, &arena, &o, &why), OK);
	assert_str(o.body, STR("1234"));
	s3_world_unmake(&w);
}

static void slot_and_put(struct product *p, struct str bytes, struct slot *out)
{
	const struct slot_request asked = {
		.file_name = STR("a \xc3\xa9.png"), .file_type = STR("image/png"), .has_size = true, .file_size = bytes.n
	};
	assert_int_equal(open_slot(p, &asked, &arena, out, &why), OK);
	assert_int_equal(send_as_client("PUT", out->url, out->headers, out->n_headers, STR("too short")).status, 403);
	assert_int_equal(send_as_client("PUT", out->url, out->headers, out->n_headers, bytes).status, 200);
}

static void test_upload_when_whole_then_recorded_listed_read_and_deleted(void **state)
{
	struct s3_world w;
	struct fake_product f;
	struct slot good, bad;
	struct reconciled done;
	struct image_row row;
	struct image_page page;
	struct presigned get;
	struct str picture = picture_png(3, 2);
	s3_world_make(&w, &engine, false);
	fake_product_init(&f, false);
	struct product p = { .rules = f.product.rules, .store = w.store, .table = f.product.table };
	slot_and_put(&p, picture, &good);
	slot_and_put(&p, STR("<html>"), &bad);
	const struct written_object of_good = { .key = good.row.key, .etag = STR("e"), .now_ms = clock_now_ms() };
	const struct written_object of_bad = { .key = bad.row.key, .etag = STR("e"), .now_ms = clock_now_ms() };
	assert_int_equal(reconcile_object(&p, &of_good, &arena, &done, &why), OK);
	assert_int_equal(done.outcome, RECONCILE_ACCEPTED);
	assert_int_equal(reconcile_object(&p, &of_bad, &arena, &done, &why), OK);
	assert_int_equal(done.outcome, RECONCILE_REJECTED);
	assert_int_equal(table_list(p.table, &(struct image_query){ .limit = 10 }, &arena, &page, &why), OK);
	assert_int_equal(page.n, 1);
	assert_int_equal(image_service_read(&p, good.row.image_id, &arena, &row, &why), OK);
	assert_int_equal(row.width, 3);
	assert_int_equal(image_service_download(&p, &row, STR("GET"), &arena, &get, &why), OK);
	assert_str(send_as_client("GET", get.url, NULL, 0, STR("")).body, picture);
	assert_int_equal(image_service_remove(&p, good.row.image_id, &why), OK);
	assert_int_equal(send_as_client("GET", get.url, NULL, 0, STR("")).status, 404);
	struct object_page left;
	assert_int_equal(store_list(w.store, IMAGE_PREFIX, STR(""), 10, &arena, &left, &why), OK);
	assert_int_equal(left.n, 0);
	fake_product_deinit(&f);
	s3_world_unmake(&w);
}

static int set_up(void **state)
{
	picture_set_up(state);
	arena_init(&arena, 16u << 20);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	picture_tear_down(state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_presigned_urls_when_used_then_only_what_was_signed_is_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_presigned_put_when_overwriting_is_denied_then_only_the_first_remains, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_upload_when_whole_then_recorded_listed_read_and_deleted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_form_when_posted_then_stored_within_its_sizes, set_up, tear_down),
	};
	s3_engine_start(&engine);
	int failed = cmocka_run_group_tests_name("URLs and forms on radosgw", tests, NULL, NULL);
	s3_engine_stop(&engine);
	return failed;
}
