/* The life of an image on the embedded engine: the product's own calls over the real adapters, from the
 * slot to the end of each path, and with the sweep and a second caller in between. */
#include "image/verify.h"
#include "image/image_service.h"
#include "image/slot.h"
#include "image/maintenance/gc.h"
#include "fake/open_slot.h"
#include "fake/pictures.h"
#include "store/fixture.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define DAY_MS ((int64_t)86400000)

struct life {
	struct fixture fixture;
	struct product product;
	struct arena a;
	struct fault why;
};

static int set_up(void **state)
{
	static struct life l;
	l = (struct life){ 0 };
	fixture_init(&l.fixture);
	fixture_open(&l.fixture);
	arena_init(&l.a, (size_t)16 << 20);
	l.product = (struct product){ .rules = { .allowed_types = STR("image/jpeg,image/png"),
									  .max_size_bytes = 5242880,
									  .max_pixels = 50000000,
									  .url_ttl_s = 300,
									  .pending_ttl_s = 3600,
									  .rejected_ttl_s = 604800,
									  .orphan_ttl_s = 86400 },
		.store = &engine_ports(l.fixture.engine)->store,
		.table = &engine_ports(l.fixture.engine)->table };
	*state = &l;
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	struct life *l = *state;
	fixture_deinit(&l->fixture);
	arena_deinit(&l->a);
	return picture_tear_down(state);
}

static struct slot new_slot(struct life *l)
{
	const struct slot_request r = { .file_name = STR("\xc3\xa9 \"1\".png"), .file_type = STR("image/png") };
	struct slot s;
	assert_int_equal(open_slot(&l->product, &r, &l->a, &s, &l->why), OK);
	return s;
}

/* A body of the store's handler. */
struct sent_body {
	struct slot_body port;
	struct life *life;
	struct incoming *in;
	struct str key;
};

static enum status commit_sent(struct slot_body *port, const struct resolution *s, struct image_row *now, struct fault *why)
{
	struct sent_body *b = (struct sent_body *)port;
	const struct object_commit c = { .bucket = b->life->fixture.options.bucket,
		.key = b->key,
		.content_type = s->file_type,
		.resolve = s,
		.arena = &b->life->a,
		.now = now };
	return bucket_finish(&b->in, &c, why);
}

static enum status compare_sent(struct slot_body *port, bool *same, struct fault *why)
{
	struct sent_body *b = (struct sent_body *)port;
	struct object o;
	TRY(store_get(b->life->product.store, b->key, b->port.what.bytes.n, &b->life->a, &o, why));
	*same = str_equal(o.body, b->port.what.bytes);
	return OK;
}

static enum status send(struct life *l, const struct slot *s, struct str body)
{
	struct sent_body b = { .life = l, .key = s->row.key, .port = { .commit = commit_sent, .compare = compare_sent } };
	struct image_row row, now;
	struct str seen;
	unsigned char md5[MD5_BYTES];
	char hex[2 * MD5_BYTES + 1];
	b.port.what = (struct received_bytes){ .bytes = body, .now_ms = clock_now_ms() };
	TRY(verdict_check_slot(&l->product, s->row.image_id, s->row.key, b.port.what.now_ms, &l->a, &row, &l->why));
	TRY(bucket_begin(&engine_ports(l->fixture.engine)->buckets, body.n, &b.in, &l->why));
	assert_int_equal(bucket_write(b.in, body.p, body.n, &l->why), OK);
	assert_int_equal(bucket_view(b.in, &seen, md5, &l->why), OK);
	hex_encode(md5, MD5_BYTES, hex);
	b.port.what.etag = str_dup(&l->a, str_of(hex));
	enum status end = verify_body(&l->product, &row, &b.port, &l->a, &now, &l->why);
	bucket_abandon(&b.in);
	return l->why.code == F_IMAGE_REJECTED ? OK : end;
}

static enum status complete(struct life *l, const struct slot *s, struct image_row *out)
{
	return image_service_complete(&l->product, s->row.image_id, &l->a, out, &l->why);
}

static bool has_object(struct life *l, struct str key)
{
	struct object_info info;
	return store_head(l->product.store, key, &l->a, &info, &l->why) == OK;
}

static bool has_row(struct life *l, const struct slot *s)
{
	struct image_row row;
	return table_get(l->product.table, s->row.image_id, &l->a, &row, &l->why) == OK;
}

static struct gc_result sweep(struct life *l, int64_t now_ms)
{
	struct gc_result done = { 0 };
	assert_int_equal(gc_run(&l->product, now_ms, NULL, &done, &l->why), OK);
	assert_int_equal(gc_orphans(&l->product, now_ms, NULL, &done, &l->why), OK);
	return done;
}

static void test_image_that_passes_then_listed_repeated_downloaded_and_deleted(void **state)
{
	struct life *l = *state;
	struct slot s = new_slot(l);
	struct image_row row;
	struct image_page page;
	struct presigned p;
	assert_int_equal(complete(l, &s, &row), CONFLICT);
	assert_int_equal(l->why.code, F_NOT_ARRIVED);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(send(l, &s, picture_png(300, 200)), OK);
	assert_int_equal(send(l, &s, picture_png(300, 201)), CONFLICT);
	assert_int_equal(l->why.code, F_SLOT_TAKEN);
	assert_int_equal(complete(l, &s, &row), OK);
	assert_int_equal(row.width, 300);
	assert_true(str_equal(row.file_name, s.row.file_name));
	assert_true(str_equal(row.delete_hash, s.row.delete_hash));
	assert_int_equal(table_list(l->product.table, &(struct image_query){ .limit = 10 }, &l->a, &page, &l->why), OK);
	assert_int_equal(page.n, 1);
	assert_int_equal(image_service_download(&l->product, &row, STR("GET"), &l->a, &p, &l->why), OK);
	assert_true(str_starts_with(p.url, s.address));
	assert_int_equal(sweep(l, INT64_MAX / 2).ended, 0);
	assert_int_equal(image_service_remove(&l->product, s.row.image_id, &l->why), OK);
	assert_false(has_object(l, s.row.key));
	assert_int_equal(image_service_remove(&l->product, s.row.image_id, &l->why), NOT_FOUND);
	assert_int_equal(send(l, &s, picture_png(300, 200)), DENIED);
	fixture_settles(&l->fixture, 0);
	fixture_check(&l->fixture);
}

static void test_image_that_fails_verification_then_rejected_and_forgotten_after_a_week(void **state)
{
	struct life *l = *state;
	struct slot s = new_slot(l);
	struct image_row row;
	assert_int_equal(send(l, &s, STR("<html>")), OK);
	assert_int_equal(send(l, &s, picture_png(3, 2)), DENIED);
	assert_int_equal(l->why.code, F_SLOT_ENDED);
	assert_int_equal(complete(l, &s, &row), OK);
	assert_int_equal(row.status, IMAGE_REJECTED);
	assert_false(has_object(l, s.row.key));
	assert_int_equal(sweep(l, row.ends_ms - 1).forgotten, 0);
	assert_int_equal(sweep(l, row.ends_ms).forgotten, 1);
	assert_false(has_row(l, &s));
	fixture_settles(&l->fixture, 0);
	fixture_check(&l->fixture);
}

static void test_slot_without_bytes_then_removed_after_it_expired(void **state)
{
	struct life *l = *state;
	struct slot s = new_slot(l), form = s;
	const struct slot_request r = { .file_name = STR("a"), .file_type = STR("image/jpeg"), .form = true };
	assert_int_equal(open_slot(&l->product, &r, &l->a, &form, &l->why), OK);
	assert_int_equal(sweep(l, s.row.ends_ms - 1).ended, 0);
	assert_int_equal(sweep(l, form.row.ends_ms).ended, 2);
	assert_false(has_row(l, &s));
	assert_int_equal(send(l, &s, picture_png(3, 2)), DENIED);
}

/* The owner's key may put what it requires; the sweep checks what is under images/. */
static void test_object_without_a_row_then_removed_after_a_day(void **state)
{
	struct life *l = *state;
	struct str key = STR("images/0f8fad5b-d9cb-469f-a165-70867728950e.png");
	struct slot s = new_slot(l);
	assert_int_equal(store_put(l->product.store, key, STR("image/png"), picture_png(3, 2), &l->why), OK);
	assert_int_equal(store_put(l->product.store, STR("docs/a"), STR("image/png"), picture_png(3, 2), &l->why), OK);
	assert_int_equal(store_put(l->product.store, s.row.key, STR("image/png"), picture_png(3, 2), &l->why), OK);
	struct gc_result done = sweep(l, clock_now_ms());
	assert_int_equal(done.orphans, 0);
	assert_int_equal(done.reconciled, 1);
	done = sweep(l, clock_now_ms() + DAY_MS + 1000);
	assert_int_equal(done.orphans, 1);
	assert_false(has_object(l, key));
	assert_true(has_object(l, STR("docs/a")));
	assert_true(has_object(l, s.row.key));
	fixture_settles(&l->fixture, 2);
	fixture_check(&l->fixture);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_image_that_passes_then_listed_repeated_downloaded_and_deleted),
		TEST(test_image_that_fails_verification_then_rejected_and_forgotten_after_a_week),
		TEST(test_slot_without_bytes_then_removed_after_it_expired),
		TEST(test_object_without_a_row_then_removed_after_a_day),
	};
	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
