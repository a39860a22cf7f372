/* All thumbnails of an image over fakes: when they are asked for, what is made and recorded, and images that change or go meanwhile. */
#include "image/thumb_set.h"

#include "base/hash.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include "image/maintenance/gc.h"
#include "image/image_service.h"
#include "image/reconcile.h"
#include "image/thumb_objects.h"
#include "unit.h"

#include <string.h>

#define PRESETS STR("small:160x160,medium:512x512,large:1280x1280")
#define ALL 6 /* each as WebP and as JPEG */

static struct fake_product f;
static struct thumb_objects store;
static struct thumbnails *t;

static struct {
	struct thumb_queue port;
	unsigned sent;
	enum fault_code fails; /* the next call; F_NONE: none */
	char etag[64];
} queue;

static enum status send_fake(struct thumb_queue *q, struct str id, struct str etag, struct fault *why)
{
	(void)q;
	assert_true(uuid_valid(id) && etag.n < sizeof queue.etag);
	if (queue.fails != F_NONE) {
		enum fault_code code = queue.fails;
		queue.fails = F_NONE;
		return fault_write(why, code, "as told");
	}
	queue.sent++;
	memcpy(queue.etag, etag.p, etag.n + 1);
	return OK;
}

static const struct thumb_queue_ops queue_ops = { send_fake };

/* A renderer whose thumbnails say of what bytes they are. */
static struct {
	struct renderer port;
	unsigned jobs, fails_at;
	enum fault_code fault; /* of the job fails_at; F_NONE: the picture is too much for it */
	void (*meanwhile)(void);
} fake;

static enum status run_fake(
	struct renderer *r, const struct renderer_job *job, struct arena *a, struct renderer_result *out, struct fault *why)
{
	(void)r;
	void (*meanwhile)(void) = fake.meanwhile;
	fake.meanwhile = NULL;
	if (meanwhile != NULL)
		meanwhile();
	*out = (struct renderer_result){ .answer = { .code = RENDER_NONE } };
	if (++fake.jobs == fake.fails_at && fake.fault != F_NONE)
		return fault_write(why, fake.fault, "as told");
	if (fake.jobs == fake.fails_at) {
		out->answer.code = RENDER_UNREADABLE;
		return OK;
	}
	out->answer.presets = (uint8_t)job->presets;
	for (size_t i = 0; i < job->presets; i++)
		out->thumb[i] = str_printf(a, "%zu of %zu bytes", i, job->bytes.n);
	return OK;
}

static const struct renderer_ops fake_ops = { run_fake };

static int set_up(void **state)
{
	fake_product_init(&f, false);
	memset(&queue, 0, sizeof queue);
	memset(&fake, 0, sizeof fake);
	queue.port.ops = &queue_ops;
	fake.port.ops = &fake_ops;
	f.product.renderer = &fake.port;
	thumb_objects_init(&store, f.product.store);
	const struct thumbnails_options o = {
		.presets = PRESETS, .at_upload = STR(""), .product = &f.product, .store = &store.port, .queue = &queue.port
	};
	assert_int_equal(thumbnails_new(&o, &t, &f.why), OK);
	f.product.thumbnails = t;
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	thumbnails_free(&t);
	fake_product_deinit(&f);
	return picture_tear_down(state);
}

static struct image_row row_now(void)
{
	struct image_row row;
	assert_true(fake_product_row(&f, 1, &row));
	return row;
}

static struct str key;

static enum reconcile_outcome reconcile(void)
{
	struct reconciled done = { .outcome = RECONCILE_OUTCOMES };
	const struct written_object what = { .key = key, .now_ms = 1700000100000 };
	enum status st = reconcile_object(&f.product, &what, &f.a, &done, &f.why);
	return st == OK ? done.outcome : RECONCILE_OUTCOMES;
}

/* Row 1, verified. */
static struct image_row uploaded(void)
{
	key = fake_product_slot(&f, 1, STR("image/png"));
	fake_product_arrive(&f, key, picture_png(3, 2));
	assert_int_equal(reconcile(), RECONCILE_ACCEPTED);
	return row_now();
}

/* Other bytes, verified too. */
static void replace(void)
{
	fake_product_arrive(&f, key, picture_png(8, 9));
	assert_int_equal(reconcile(), RECONCILE_ACCEPTED);
}

static void remove_image(void)
{
	assert_int_equal(image_service_remove(&f.product, row_now().image_id, &f.why), OK);
}

static void expect_made(const struct image_row *of, enum thumb_set_outcome wanted)
{
	enum thumb_set_outcome outcome = THUMB_SET_OUTCOMES;
	assert_int_equal(thumb_set_make(t, of->image_id, of->etag, &outcome, &f.why), OK);
	assert_string_equal(thumb_set_outcome_name(outcome), thumb_set_outcome_name(wanted));
}

/* What links may name, and what is there. */
static void expect_offered(size_t n)
{
	struct image_row row = row_now();
	enum render_format formats[2];
	size_t offered = 0;
	for (size_t i = 0; i < thumbnails_count(t); i++)
		for (size_t k = 0, of = thumbnails_offered(t, i, &row, formats); k < of; k++, offered++) {
			struct object_file file = { .fd = -1 };
			assert_true(thumbnails_has(t, &row, thumbnails_variant(t, i, formats[k])));
			assert_int_equal(thumbnails_get(t, &row, thumbnails_variant(t, i, formats[k]), NULL, &f.a, &file, &f.why), OK);
			assert_true(str_ends_with(file.bytes, str_printf(&f.a, "of %zu bytes", (size_t)row.file_size)));
		}
	assert_int_equal(offered, n);
}

static void test_accepted_image_then_asked_for_and_made_and_offered(void **state)
{
	struct image_row row = uploaded();
	assert_int_equal(queue.sent, 1);
	assert_string_equal(queue.etag, row.etag.p);
	expect_offered(0);
	expect_made(&row, THUMB_SET_MADE);
	assert_int_equal(fake.jobs, 2); /* of at most four thumbnails */
	assert_int_equal(fake_store_count(f.store), 1 + ALL);
	expect_offered(ALL);
	expect_made(&row, THUMB_SET_COMPLETE);
	assert_int_equal(fake.jobs, 2);
	assert_int_equal(reconcile(), RECONCILE_KNOWN);
	assert_int_equal(queue.sent, 1);
}

static void test_what_is_not_there_then_not_offered_and_not_made_by_who_asks_for_it(void **state)
{
	struct image_row row = uploaded();
	struct object_file file;
	struct str variant = thumbnails_variant(t, 0, RENDER_TO_WEBP);
	assert_false(thumbnails_has(t, &row, variant));
	assert_int_equal(thumbnails_get(t, &row, variant, NULL, &f.a, &file, &f.why), NOT_FOUND);
	assert_int_equal(f.why.code, F_NO_SUCH_IMAGE);
	assert_int_equal(fake.jobs, 0);
	assert_int_equal(fake_store_count(f.store), 1);
}

static void test_accepted_image_without_thumbnails_then_its_next_event_and_complete_ask_again(void **state)
{
	struct image_row row = uploaded(), now;
	assert_int_equal(reconcile(), RECONCILE_KNOWN);
	assert_int_equal(queue.sent, 2);
	assert_int_equal(image_service_complete(&f.product, row.image_id, &f.a, &now, &f.why), OK);
	assert_int_equal(queue.sent, 3);
	expect_made(&row, THUMB_SET_MADE);
	assert_int_equal(image_service_complete(&f.product, row.image_id, &f.a, &now, &f.why), OK);
	assert_int_equal(queue.sent, 3);
}

static void test_queue_that_fails_then_the_event_fails_and_complete_does_not(void **state)
{
	struct image_row now;
	key = fake_product_slot(&f, 1, STR("image/png"));
	fake_product_arrive(&f, key, picture_png(3, 2));
	queue.fails = F_UPSTREAM_FAILED;
	assert_int_equal(reconcile(), RECONCILE_OUTCOMES);
	assert_int_equal(f.why.code, F_UPSTREAM_FAILED);
	assert_int_equal(row_now().status, IMAGE_UPLOADED);
	queue.fails = F_UPSTREAM_FAILED;
	assert_int_equal(image_service_complete(&f.product, row_now().image_id, &f.a, &now, &f.why), OK);
	assert_int_equal(queue.sent, 0);
	assert_int_equal(reconcile(), RECONCILE_KNOWN); /* the event, delivered again */
	assert_int_equal(queue.sent, 1);
}

static enum status walk(void)
{
	struct gc_result done = { 0 };
	return gc_orphans(&f.product, 1700000200000, NULL, &done, &f.why);
}

static void test_sweep_then_it_asks_for_what_is_missing(void **state)
{
	struct gc_result done = { 0 };
	key = fake_product_slot(&f, 1, STR("image/png"));
	fake_product_arrive(&f, key, picture_png(3, 2));
	assert_int_equal(gc_run(&f.product, 1800000000000, NULL, &done, &f.why), OK);
	assert_int_equal(done.reconciled, 1);
	assert_int_equal(queue.sent, 1);
	assert_int_equal(walk(), OK);
	assert_int_equal(queue.sent, 2);
	queue.fails = F_UPSTREAM_FAILED;
	assert_int_equal(walk(), UPSTREAM);
	struct image_row row = row_now();
	expect_made(&row, THUMB_SET_MADE);
	assert_int_equal(walk(), OK);
	assert_int_equal(queue.sent, 2);
}

static void test_rejected_or_pending_image_then_nothing_is_asked_for_or_made(void **state)
{
	key = fake_product_slot(&f, 1, STR("image/png"));
	struct image_row row = row_now();
	row.etag = STR("0123");
	expect_made(&row, THUMB_SET_NONE);
	fake_product_arrive(&f, key, STR("<html>"));
	assert_int_equal(reconcile(), RECONCILE_REJECTED);
	expect_made(&row, THUMB_SET_NONE);
	assert_int_equal(queue.sent + fake.jobs, 0);
	row.image_id = row_id(&f.a, 99);
	expect_made(&row, THUMB_SET_GONE);
}

static void test_image_deleted_while_they_are_made_then_none_is_left(void **state)
{
	struct image_row row = uploaded();
	fake.meanwhile = remove_image;
	expect_made(&row, THUMB_SET_GONE);
	assert_int_equal(fake_store_count(f.store), 0);
}

static void test_image_deleted_or_rejected_after_a_call_was_ended_then_what_that_left_goes(void **state)
{
	struct image_row row = uploaded();
	assert_int_equal(thumbnails_keep(t, &row, thumbnails_variant(t, 0, RENDER_TO_WEBP), STR("left"), &f.why), OK);
	assert_int_equal(table_remove(f.product.table, row.image_id, 0, &f.why), OK);
	expect_made(&row, THUMB_SET_GONE);
	assert_int_equal(fake_store_count(f.store), 1); /* the object, for its event to remove */

	key = fake_product_slot(&f, 1, STR("image/png"));
	fake_product_arrive(&f, key, STR("<html>"));
	assert_int_equal(reconcile(), RECONCILE_REJECTED);
	assert_int_equal(thumbnails_keep(t, &row, thumbnails_variant(t, 0, RENDER_TO_WEBP), STR("left"), &f.why), OK);
	expect_made(&row, THUMB_SET_NONE);
	assert_int_equal(fake_store_count(f.store), 0);
}

static void test_bytes_that_were_not_verified_then_not_decoded(void **state)
{
	struct image_row row = uploaded();
	fake_product_arrive(&f, key, picture_png(8, 9));
	expect_made(&row, THUMB_SET_STALE);
	fake_product_arrive(&f, key, picture_png(300, 200)); /* larger than the row says */
	expect_made(&row, THUMB_SET_STALE);
	fake_store_drop(f.store, key);
	expect_made(&row, THUMB_SET_STALE);
	assert_int_equal(fake.jobs, 0);
	expect_offered(0);
}

static void test_bytes_replaced_while_they_are_made_then_all_are_of_the_new_ones(void **state)
{
	struct image_row row = uploaded();
	fake.meanwhile = replace;
	expect_made(&row, THUMB_SET_MADE);
	assert_int_equal(fake.jobs, 4);
	expect_offered(ALL);
}

static void test_message_of_earlier_bytes_then_all_are_made_again(void **state)
{
	struct image_row first = uploaded();
	replace();
	struct image_row second = row_now();
	expect_made(&second, THUMB_SET_MADE);
	/* what a call for the first bytes leaves that was ended before it could record */
	assert_int_equal(thumbnails_keep(t, &first, thumbnails_variant(t, 0, RENDER_TO_WEBP), STR("0 of the first"), &f.why), OK);
	expect_made(&first, THUMB_SET_MADE);
	expect_offered(ALL);
}

static void test_renderer_or_store_that_fails_then_repeated_and_completed(void **state)
{
	struct image_row row = uploaded();
	enum thumb_set_outcome outcome;
	fake.fails_at = 1;
	fake.fault = F_OVERLOADED;
	assert_int_equal(thumb_set_make(t, row.image_id, row.etag, &outcome, &f.why), BUSY);
	expect_offered(0);
	fake.fails_at = 3;
	fake.fault = F_DEADLINE;
	assert_int_equal(thumb_set_make(t, row.image_id, row.etag, &outcome, &f.why), TIMEOUT); /* the second of two jobs */
	expect_offered(4);
	fake_store_fail_nth(f.store, 1, F_UPSTREAM_FAILED); /* reading the object */
	assert_int_equal(thumb_set_make(t, row.image_id, row.etag, &outcome, &f.why), UPSTREAM);
	fake_table_fail_nth(f.table, 2, F_UPSTREAM_FAILED); /* recording */
	assert_int_equal(thumb_set_make(t, row.image_id, row.etag, &outcome, &f.why), UPSTREAM);
	expect_offered(4);
	expect_made(&row, THUMB_SET_MADE);
	expect_offered(ALL);
}

static void test_picture_that_the_renderer_does_not_survive_then_said_and_not_repeated(void **state)
{
	struct image_row row = uploaded();
	fake.fails_at = 1;
	expect_made(&row, THUMB_SET_BROKEN);
	expect_offered(0);
	fake.fails_at = 3;
	expect_made(&row, THUMB_SET_BROKEN);
	expect_offered(4);
	assert_int_equal(fake_store_count(f.store), 1 + 4);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_accepted_image_then_asked_for_and_made_and_offered),
		TEST(test_what_is_not_there_then_not_offered_and_not_made_by_who_asks_for_it),
		TEST(test_accepted_image_without_thumbnails_then_its_next_event_and_complete_ask_again),
		TEST(test_queue_that_fails_then_the_event_fails_and_complete_does_not),
		TEST(test_sweep_then_it_asks_for_what_is_missing),
		TEST(test_rejected_or_pending_image_then_nothing_is_asked_for_or_made),
		TEST(test_image_deleted_while_they_are_made_then_none_is_left),
		TEST(test_image_deleted_or_rejected_after_a_call_was_ended_then_what_that_left_goes),
		TEST(test_bytes_that_were_not_verified_then_not_decoded),
		TEST(test_bytes_replaced_while_they_are_made_then_all_are_of_the_new_ones),
		TEST(test_message_of_earlier_bytes_then_all_are_made_again),
		TEST(test_renderer_or_store_that_fails_then_repeated_and_completed),
		TEST(test_picture_that_the_renderer_does_not_survive_then_said_and_not_repeated),
	};
	return cmocka_run_group_tests_name("thumb_set", tests, NULL, NULL);
}
