/* Delivery links without sockets: on the embedded engine and on a remote store, with each call of each port failing in turn, and with
 * more bytes requested than may be held. The headers of a good response are in test/blackbox/delivery_test.mjs. */
#include "delivery/delivery.h"

#include "fake/fake_product.h"
#include "fake/rows.h"
#include "fake/trapped.h"
#include "http/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define KEY "a-key-of-thirty-two-characters-or-more"
#define BUCKET STR("image-uploads")
#define BYTES STR("the bytes of a picture")
#define HELD_MAX 8

/* The handler behind: it notes what it was given. */
struct next_handler {
	struct handler handler;
	unsigned calls;
};

static enum handler_step next_on_head(struct handler *h, struct request_context *x)
{
	(void)x;
	((struct next_handler *)h)->calls++;
	return HANDLER_READ_BODY;
}

static enum status next_on_body(struct handler *h, struct request_context *x, const char *p, size_t n)
{
	(void)x;
	assert_int_equal(n, 4);
	assert_memory_equal(p, "body", 4);
	((struct next_handler *)h)->calls++;
	return OK;
}

static void next_run(struct handler *h, struct request_context *x)
{
	(void)x;
	((struct next_handler *)h)->calls++;
}

static void next_on_end(struct handler *h, struct request_context *x, const struct fault *why)
{
	(void)x;
	(void)why;
	((struct next_handler *)h)->calls++;
}

static const struct handler_ops next_ops = { next_on_head, next_on_body, next_run, next_on_end, next_on_end, next_run };

struct fixture {
	struct fake_product fake; /* of a remote store */
	struct trapped *engine;   /* of the embedded one; NULL: remote */
	struct product product;
	struct next_handler next;
	struct delivery *delivery;
	struct request_context x[HELD_MAX]; /* responses that are being sent */
	size_t n;
};

static int open_fixture(void **state, bool remote)
{
	static struct fixture f;
	f = (struct fixture){ .next = { .handler = { .ops = &next_ops, .arena_bytes = 1 << 20 } } };
	fake_product_init(&f.fake, false);
	f.product = f.fake.product;
	if (!remote) {
		f.engine = trapped_new(BUCKET, 100);
		f.product.table = trapped_table(f.engine);
		f.product.store = trapped_store(f.engine);
	}
	assert_true(delivery_keys_parse(STR(KEY), &f.product.delivery.keys));
	f.product.delivery.url = STR("https://img.example");
	f.product.delivery.ttl_s = 86400;
	f.delivery = delivery_new(&(struct delivery_options){
		.product = &f.product, .buckets = remote ? NULL : trapped_buckets(f.engine), .bucket = BUCKET, .next = &f.next.handler });
	assert_non_null(f.delivery);
	*state = &f;
	return 0;
}

static int open_remote(void **state)
{
	return open_fixture(state, true);
}

static int open_local(void **state)
{
	return open_fixture(state, false);
}

static void release_all(struct fixture *f)
{
	while (f->n > 0) {
		struct request_context *x = &f->x[--f->n];
		answer_reset(&x->answer);
		arena_deinit(&x->arena);
	}
}

static int close_fixture(void **state)
{
	struct fixture *f = *state;
	release_all(f);
	delivery_free(&f->delivery);
	if (f->engine != NULL)
		trapped_free(&f->engine);
	fake_product_deinit(&f->fake);
	return 0;
}

/* A public image n of these bytes; file_size 0: their own. */
static void make_image(struct fixture *f, unsigned n, uint64_t file_size)
{
	struct arena *a = &f->fake.a;
	struct image_row row = row_pending(a, n), now;
	struct object_info info;
	struct fault why;
	row.is_public = true;
	assert_int_equal(table_insert(f->product.table, &row, &why), OK);
	assert_int_equal(store_put(f->product.store, row.key, STR("image/jpeg"), BYTES, &why), OK);
	assert_int_equal(store_head(f->product.store, row.key, a, &info, &why), OK);
	struct resolution s = row_verdict(a, n, 1700000000000, STR(""));
	s.etag = info.etag;
	s.file_size = file_size > 0 ? file_size : BYTES.n;
	assert_int_equal(table_resolve(f->product.table, &s, a, &now, &why), OK);
}

static struct request_context *begin_request(struct fixture *f, const char *method, struct str path)
{
	assert_true(f->n < HELD_MAX);
	struct request_context *x = &f->x[f->n++];
	*x = (struct request_context){ 0 };
	arena_init(&x->arena, 1 << 20);
	answer_init(&x->answer);
	x->request = (struct request){ .arena = &x->arena, .id = STR("request-1"), .method = str_of(method), .target = path, .path = path };
	return x;
}

/* Its response is held until release_all. */
static struct request_context *ask(struct fixture *f, const char *method, unsigned n, const struct header *header)
{
	struct handler *h = delivery_handler(f->delivery);
	struct str id = row_id(&f->fake.a, n);
	struct request_context *x = begin_request(f, method, str_printf(&f->fake.a, "/i/%.*s/original", STRF(id)));
	x->request.headers = header;
	x->request.n_headers = header != NULL;
	enum handler_step step = h->ops->on_head(h, x);
	if (step == HANDLER_RUN)
		h->ops->run(h, x);
	assert_true(x->answer.status != 0);
	assert_true(step == HANDLER_ANSWER || f->engine == NULL);
	return x;
}

static struct str header_of(const struct request_context *x, const char *name)
{
	return header_find(x->answer.headers, x->answer.n_headers, str_of(name));
}

static void expect_str(struct str got, const char *want)
{
	if (!str_equal(got, str_of(want)))
		fail_msg("\"%.*s\" is not \"%s\"", STRF(got), want);
}

static void expect_problem(const struct request_context *x, int status)
{
	assert_int_equal(x->answer.status, status);
	expect_str(header_of(x, "Cache-Control"), "no-store");
	expect_str(header_of(x, "Content-Type"), "application/problem+json");
	expect_str(header_of(x, "Access-Control-Allow-Origin"), "*");
	assert_true(x->answer.hold == NULL && x->answer.fd < 0);
	assert_true(header_of(x, "ETag").p == NULL);
}

static void test_other_paths_then_the_next_handler_gets_all_of_them(void **state)
{
	static const char *const paths[] = { "/", "/i", "/image-uploads/i/x", "/prod/images", "/I/x/original", "//i/x" };
	struct fixture *f = *state;
	struct handler *h = delivery_handler(f->delivery);
	struct fault why = { .code = F_BODY_CUT };
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct request_context *x = begin_request(f, "PUT", str_of(paths[i]));
		f->next.calls = 0;
		assert_int_equal(h->ops->on_head(h, x), HANDLER_READ_BODY);
		assert_int_equal(h->ops->on_body(h, x, "body", 4), OK);
		h->ops->run(h, x);
		h->ops->run_async(h, x);
		h->ops->on_abort(h, x, &why);
		h->ops->on_error(h, x, &why);
		assert_int_equal(f->next.calls, 6);
		release_all(f);
	}
	assert_int_equal(h->arena_bytes, f->next.handler.arena_bytes);
}

static void test_errors_of_the_listener_then_a_problem_that_no_cache_keeps(void **state)
{
	struct fixture *f = *state;
	struct handler *h = delivery_handler(f->delivery);
	struct fault why = { 0 };
	struct request_context *x = begin_request(f, "GET", STR("/i/x"));
	(void)fault_set(&why, BAD_HOST, "no such host");
	h->ops->on_error(h, x, &why);
	expect_problem(x, 403);
	h->ops->on_abort(h, x, &why);
	struct request_context *with_body = begin_request(f, "GET", STR("/i/x"));
	assert_int_equal(h->ops->on_body(h, with_body, "body", 4), LIMIT);
	expect_problem(with_body, 413);
	assert_int_equal(f->next.calls, 0);
}

static void test_get_then_the_bytes_and_each_failing_call_is_a_problem(void **state)
{
	struct fixture *f = *state;
	make_image(f, 1, 0);
	struct request_context *x = ask(f, "GET", 1, NULL);
	assert_int_equal(x->answer.status, 200);
	assert_true(x->answer.fd >= 0 || str_equal(x->answer.body, BYTES));
	release_all(f);
	for (unsigned table = 0; table < 2; table++) {
		if (f->engine == NULL && table == 1)
			fake_table_fail_nth(f->fake.table, 1, F_UPSTREAM_FAILED);
		else if (f->engine == NULL)
			fake_store_fail_nth(f->fake.store, 1, F_UPSTREAM_FAILED);
		else if (table == 1)
			trapped_table_fail_nth(f->engine, 1, F_STORAGE_FAILED);
		else
			trapped_fail_nth(f->engine, 1, F_STORAGE_FAILED);
		expect_problem(ask(f, "GET", 1, NULL), f->engine == NULL ? 502 : 503);
		release_all(f);
	}
	assert_int_equal(ask(f, "GET", 1, NULL)->answer.status, 200);
}

static void test_get_of_a_range_then_its_bytes_alone(void **state)
{
	struct fixture *f = *state;
	const struct header range = { STR("range"), STR("bytes=4-8") };
	make_image(f, 1, 0);
	struct request_context *x = ask(f, "GET", 1, &range);
	assert_int_equal(x->answer.status, 206);
	expect_str(header_of(x, "Content-Range"), "bytes 4-8/22");
	if (x->answer.fd < 0)
		expect_str(x->answer.body, "bytes");
	assert_int_equal(x->answer.fd_offset, 4);
	assert_int_equal(x->answer.fd_length, 5);
}

static void test_get_when_the_object_is_gone_then_404(void **state)
{
	struct fixture *f = *state;
	struct image_row row;
	struct fault why;
	make_image(f, 1, 0);
	assert_int_equal(table_get(f->product.table, row_id(&f->fake.a, 1), &f->fake.a, &row, &why), OK);
	assert_int_equal(store_remove(f->product.store, row.key, &why), OK);
	expect_problem(ask(f, "GET", 1, NULL), 404);
	expect_problem(ask(f, "GET", 2, NULL), 404);
}

static void test_remote_head_and_304_then_the_store_is_not_asked(void **state)
{
	struct fixture *f = *state;
	make_image(f, 1, 0);
	uint64_t calls = fake_store_calls(f->fake.store);
	struct request_context *x = ask(f, "HEAD", 1, NULL);
	assert_int_equal(x->answer.status, 200);
	expect_str(header_of(x, "Content-Length"), "22");
	const struct header same = { STR("if-none-match"), header_of(x, "ETag") };
	struct request_context *again = ask(f, "GET", 1, &same);
	assert_int_equal(again->answer.status, 304);
	expect_str(header_of(again, "Cache-Control"), "public, max-age=3600");
	assert_int_equal(fake_store_calls(f->fake.store), calls);
}

static void test_remote_object_that_was_replaced_then_404_until_it_is_verified(void **state)
{
	struct fixture *f = *state;
	static const char *const others[] = { "other bytes of picture", "more bytes than there were" };
	struct image_row row;
	struct fault why;
	make_image(f, 1, 0);
	assert_int_equal(table_get(f->product.table, row_id(&f->fake.a, 1), &f->fake.a, &row, &why), OK);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		assert_int_equal(store_put(f->product.store, row.key, STR("image/jpeg"), str_of(others[i]), &why), OK);
		expect_problem(ask(f, "GET", 1, NULL), 404);
	}
}

static void test_remote_when_more_is_requested_than_may_be_held_then_redirects(void **state)
{
	struct fixture *f = *state;
	for (unsigned i = 0; i < 5; i++)
		make_image(f, i, (uint64_t)16 << 20);
	make_image(f, 5, ((uint64_t)16 << 20) + 1);
	for (unsigned round = 0; round < 2; round++) {
		struct request_context *large = ask(f, "GET", 5, NULL);
		assert_int_equal(large->answer.status, 302);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(ask(f, "GET", i, NULL)->answer.status, 200);
		struct request_context *x = ask(f, "GET", 4, NULL);
		assert_int_equal(x->answer.status, 302);
		expect_str(header_of(x, "Cache-Control"), "no-store");
		assert_true(str_find(header_of(x, "Location"), STR("X-Amz-Signature=")) < header_of(x, "Location").n);
		assert_true(header_of(x, "ETag").p == NULL);
		release_all(f);
	}
}

#define LOCAL(name) cmocka_unit_test_setup_teardown(name, open_local, close_fixture)
#define REMOTE(name) cmocka_unit_test_setup_teardown(name, open_remote, close_fixture)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCAL(test_other_paths_then_the_next_handler_gets_all_of_them),
		REMOTE(test_other_paths_then_the_next_handler_gets_all_of_them),
		LOCAL(test_errors_of_the_listener_then_a_problem_that_no_cache_keeps),
		LOCAL(test_get_then_the_bytes_and_each_failing_call_is_a_problem),
		REMOTE(test_get_then_the_bytes_and_each_failing_call_is_a_problem),
		LOCAL(test_get_of_a_range_then_its_bytes_alone),
		REMOTE(test_get_of_a_range_then_its_bytes_alone),
		LOCAL(test_get_when_the_object_is_gone_then_404),
		REMOTE(test_get_when_the_object_is_gone_then_404),
		REMOTE(test_remote_head_and_304_then_the_store_is_not_asked),
		REMOTE(test_remote_object_that_was_replaced_then_404_until_it_is_verified),
		REMOTE(test_remote_when_more_is_requested_than_may_be_held_then_redirects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
