/* News of objects: on time, late, repeated, out of order, and each state of the row. */
#include "unit.h"

#include "image/reconcile.h"

#include "fake/collision.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"

#define NOW_MS 1700000100000

static struct fake_product f;

static int set_up(void **state)
{
	fake_product_init(&f, false);
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	fake_product_deinit(&f);
	return picture_tear_down(state);
}

static struct str etag_of(struct str key)
{
	struct object_info info;
	assert_int_equal(store_head(f.product.store, key, &f.a, &info, &f.why), OK);
	return info.etag;
}

/* Bytes come for row 1, which is made at the first call; returns their ETag. */
static struct str arrive(struct str key, struct str bytes)
{
	fake_product_arrive(&f, key, bytes);
	return etag_of(key);
}

static enum status reconcile(struct str key, struct str etag, struct reconciled *out)
{
	return reconcile_object(&f.product, &(struct written_object){ key, etag, NOW_MS }, &f.a, out, &f.why);
}

static void assert_outcome(struct str key, struct str etag, enum reconcile_outcome wanted)
{
	struct reconciled got = { .outcome = RECONCILE_OUTCOMES };
	assert_int_equal(reconcile(key, etag, &got), OK);
	assert_int_equal(got.outcome, wanted);
	fake_product_check(&f);
}

static void assert_row(enum image_status status, struct str etag)
{
	struct image_row row;
	assert_true(fake_product_row(&f, 1, &row));
	assert_int_equal(row.status, status);
	assert_str(row.etag, etag);
}

static void test_event_of_a_picture_then_uploaded_with_all_its_attributes(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, picture_png(3, 2));
	struct image_row row;
	assert_outcome(key, etag, RECONCILE_ACCEPTED);
	assert_true(fake_product_row(&f, 1, &row));
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_int_equal(row.width, 3);
	assert_int_equal(row.height, 2);
	assert_int_equal(row.file_size, picture_png(3, 2).n);
	assert_int_equal(row.uploaded_ms, NOW_MS);
	assert_int_equal(row.ends_ms, 0);
	assert_str(row.etag, etag);
}

static void test_event_when_delivered_twice_then_recognised_by_one_head_request(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, picture_png(3, 2));
	assert_outcome(key, etag, RECONCILE_ACCEPTED);
	uint64_t calls = fake_store_calls(f.store);
	struct reconciled got;
	assert_int_equal(reconcile(key, etag, &got), OK);
	assert_int_equal(got.outcome, RECONCILE_KNOWN);
	assert_int_equal(fake_store_calls(f.store), calls + 1);
}

static void test_event_of_a_file_that_is_not_a_picture_then_rejected_and_object_deleted(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, STR("<html>"));
	struct reconciled got;
	assert_int_equal(reconcile(key, etag, &got), OK);
	assert_int_equal(got.outcome, RECONCILE_REJECTED);
	assert_true(got.reason.n > 0);
	assert_row(IMAGE_REJECTED, etag);
	assert_false(fake_product_has_object(&f, key));
	assert_outcome(key, etag, RECONCILE_REJECTED_BEFORE); /* delivered again */
}

static void test_event_of_an_object_over_the_limit_then_rejected_without_reading_it(void **state)
{
	f.product.rules.max_size_bytes = 50;
	struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, picture_png(3, 2));
	assert_outcome(key, etag, RECONCILE_REJECTED);
	assert_row(IMAGE_REJECTED, etag);
	assert_false(fake_product_has_object(&f, key));
}

static void test_event_without_a_row_then_the_object_is_deleted(void **state)
{
	struct str key = str_printf(&f.a, "images/%.*s.png", STRF(row_id(&f.a, 9)));
	assert_outcome(key, arrive(key, picture_png(3, 2)), RECONCILE_ORPHAN);
	assert_false(fake_product_has_object(&f, key));
	assert_outcome(key, STR("1"), RECONCILE_ORPHAN); /* gone already */
}

static void test_event_of_a_key_without_a_slot_then_the_object_is_deleted(void **state)
{
	struct str other = str_printf(&f.a, "images/%.*s.gif", STRF(row_id(&f.a, 1)));
	struct str key = fake_product_slot(&f, 1, STR("image/png"));
	assert_outcome(STR("images/readme"), arrive(STR("images/readme"), STR("x")), RECONCILE_ORPHAN);
	assert_false(fake_product_has_object(&f, STR("images/readme")));
	assert_outcome(other, arrive(other, STR("x")), RECONCILE_ORPHAN); /* the row's id, another extension */
	assert_false(fake_product_has_object(&f, other));
	assert_true(fake_product_row(&f, 1, &(struct image_row){ 0 }));
	(void)key;
}

static void test_event_from_elsewhere_then_refused_and_untouched(void **state)
{
	struct reconciled got;
	fake_product_arrive(&f, STR("backup/a.png"), STR("x"));
	assert_int_equal(reconcile(STR("backup/a.png"), STR("1"), &got), INVALID);
	assert_int_equal(f.why.code, F_KEY_INVALID);
	assert_true(fake_product_has_object(&f, STR("backup/a.png")));
}

static void test_event_late_when_the_object_is_gone_then_nothing_changes(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png"));
	assert_outcome(key, STR("1"), RECONCILE_GONE);
	assert_row(IMAGE_PENDING, STR(""));
}

static void test_event_of_overwritten_bytes_then_verified_like_the_first(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), first = arrive(key, picture_png(3, 2));
	struct image_row row;
	assert_outcome(key, first, RECONCILE_ACCEPTED);
	struct str second = arrive(key, picture_png(5, 4));
	assert_outcome(key, second, RECONCILE_ACCEPTED);
	assert_row(IMAGE_UPLOADED, second);
	assert_true(fake_product_row(&f, 1, &row));
	assert_int_equal(row.width, 5);
	assert_outcome(key, first, RECONCILE_KNOWN); /* the older event is delivered last */
	assert_row(IMAGE_UPLOADED, second);
}

/* Row 1 is uploaded with the first body; then the second comes, of the same size and MD5. */
static struct str collide(int64_t second_ms)
{
	f.product.rules.allowed_types = f.product.rules.unverified_types = COLLISION_TYPE;
	struct str key = fake_product_slot(&f, 1, COLLISION_TYPE), first = arrive(key, COLLISION_ONE);
	assert_outcome(key, first, RECONCILE_ACCEPTED);
	assert_outcome(key, first, RECONCILE_KNOWN);
	assert_str(arrive(key, COLLISION_OTHER), first);
	fake_store_set_modified(f.store, key, second_ms);
	return key;
}

static void test_event_of_other_bytes_of_the_same_md5_then_checked_again(void **state)
{
	struct str key = collide(FAKE_PRODUCT_ARRIVED_MS + 1000), etag = etag_of(key);
	struct image_row row;
	assert_outcome(key, etag, RECONCILE_ACCEPTED);
	assert_true(fake_product_row(&f, 1, &row));
	assert_int_equal(row.modified_ms, FAKE_PRODUCT_ARRIVED_MS + 1000);
	assert_outcome(key, etag, RECONCILE_KNOWN);
}

static void test_event_of_other_bytes_of_the_same_md5_that_do_not_pass_then_rejected(void **state)
{
	struct str key = collide(FAKE_PRODUCT_ARRIVED_MS + 1000);
	f.product.rules.max_size_bytes = 100;
	assert_outcome(key, etag_of(key), RECONCILE_REJECTED);
	assert_false(fake_product_has_object(&f, key));
}

static void test_event_soon_after_the_write_then_checked_again_once_its_time_is_certain(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, picture_png(3, 2));
	struct image_row row;
	fake_store_set_modified(f.store, key, NOW_MS - 100);
	for (int i = 0; i < 2; i++) {
		assert_outcome(key, etag, RECONCILE_ACCEPTED);
		assert_true(fake_product_row(&f, 1, &row));
		assert_int_equal(row.modified_ms, 0);
	}
	struct reconciled got;
	assert_int_equal(reconcile_object(&f.product, &(struct written_object){ key, etag, NOW_MS + 60000 }, &f.a, &got, &f.why), OK);
	assert_int_equal(got.outcome, RECONCILE_ACCEPTED);
	assert_true(fake_product_row(&f, 1, &row));
	assert_int_equal(row.modified_ms, NOW_MS - 100);
	assert_int_equal(row.uploaded_ms, NOW_MS);
	assert_outcome(key, etag, RECONCILE_KNOWN);
}

static void test_event_out_of_order_then_the_object_that_is_there_counts(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), first = arrive(key, STR("no picture"));
	struct str second = arrive(key, picture_png(5, 4));
	assert_outcome(key, first, RECONCILE_ACCEPTED);
	assert_row(IMAGE_UPLOADED, second);
	assert_outcome(key, second, RECONCILE_KNOWN);
}

static void test_event_when_good_bytes_were_overwritten_by_bad_ones_then_rejected(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png"));
	assert_outcome(key, arrive(key, picture_png(3, 2)), RECONCILE_ACCEPTED);
	struct str bad = arrive(key, STR("<html>"));
	struct reconciled got;
	assert_int_equal(reconcile(key, bad, &got), OK);
	assert_int_equal(got.outcome, RECONCILE_REJECTED);
	assert_row(IMAGE_REJECTED, bad);
	assert_false(fake_product_has_object(&f, key));
}

static void test_event_when_the_uploaded_object_was_deleted_then_the_row_is_removed(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, picture_png(3, 2));
	struct reconciled got;
	assert_outcome(key, etag, RECONCILE_ACCEPTED);
	fake_store_drop(f.store, key);
	assert_int_equal(reconcile(key, STR("other"), &got), OK);
	assert_int_equal(got.outcome, RECONCILE_GONE);
}

static void remove_row(void *arg)
{
	assert_int_equal(table_remove(f.product.table, row_id(&f.a, 1), 0, &f.why), OK);
}

static void test_event_when_the_row_is_deleted_meanwhile_then_no_object_stays(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, picture_png(3, 2));
	fake_table_meet_nth(f.table, 2, remove_row, NULL); /* 1: get, 2: resolve */
	assert_outcome(key, etag, RECONCILE_ORPHAN);
	assert_false(fake_product_has_object(&f, key));
}

static void write_again(void *arg)
{
	fake_product_arrive(&f, *(struct str *)arg, picture_png(7, 7));
}

static void test_event_when_the_object_changes_during_verification_then_the_one_that_is_there_is_verified(void **state)
{
	struct str key = fake_product_slot(&f, 1, STR("image/png")), second;
	assert_outcome(key, arrive(key, picture_png(3, 2)), RECONCILE_ACCEPTED);
	second = arrive(key, picture_png(5, 4));
	fake_store_meet_nth(f.store, 2, write_again, &key); /* 1: head, 2: get */
	assert_outcome(key, second, RECONCILE_ACCEPTED);
	assert_outcome(key, etag_of(key), RECONCILE_KNOWN);
}

/* Every call of the store and of the table fails once, before and after its work; delivered again, the events
 * lead to the same state. */
static void test_event_when_any_call_fails_then_a_redelivery_completes_it(void **state)
{
	for (uint64_t n = 1; n <= 8; n++) {
		struct reconciled got;
		fake_product_deinit(&f);
		fake_product_init(&f, false);
		struct str key = fake_product_slot(&f, 1, STR("image/png")), etag = arrive(key, n % 2 ? picture_png(3, 2) : STR("no"));
		if (n <= 4)
			fake_store_fail_nth(f.store, (n + 1) / 2, F_UPSTREAM_FAILED);
		else
			fake_table_lose_nth(f.table, (n - 3) / 2, F_UPSTREAM_FAILED);
		(void)!reconcile(key, etag, &got);
		fake_store_fail_nth(f.store, 0, F_NONE);
		fake_table_lose_nth(f.table, 0, F_NONE);
		fake_product_check(&f);
		assert_int_equal(reconcile(key, etag, &got), OK);
		assert_row(n % 2 ? IMAGE_UPLOADED : IMAGE_REJECTED, etag);
		assert_int_equal(fake_product_has_object(&f, key), n % 2);
		fake_product_check(&f);
	}
}

static void test_every_outcome_has_a_name(void **state)
{
	for (enum reconcile_outcome o = 0; o < RECONCILE_OUTCOMES; o++)
		assert_non_null(reconcile_outcome_name(o));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_event_of_a_picture_then_uploaded_with_all_its_attributes),
		TEST(test_event_when_delivered_twice_then_recognised_by_one_head_request),
		TEST(test_event_of_a_file_that_is_not_a_picture_then_rejected_and_object_deleted),
		TEST(test_event_of_an_object_over_the_limit_then_rejected_without_reading_it),
		TEST(test_event_without_a_row_then_the_object_is_deleted),
		TEST(test_event_of_a_key_without_a_slot_then_the_object_is_deleted),
		TEST(test_event_from_elsewhere_then_refused_and_untouched),
		TEST(test_event_late_when_the_object_is_gone_then_nothing_changes),
		TEST(test_event_of_overwritten_bytes_then_verified_like_the_first),
		TEST(test_event_of_other_bytes_of_the_same_md5_then_checked_again),
		TEST(test_event_of_other_bytes_of_the_same_md5_that_do_not_pass_then_rejected),
		TEST(test_event_soon_after_the_write_then_checked_again_once_its_time_is_certain),
		TEST(test_event_out_of_order_then_the_object_that_is_there_counts),
		TEST(test_event_when_good_bytes_were_overwritten_by_bad_ones_then_rejected),
		TEST(test_event_when_the_uploaded_object_was_deleted_then_the_row_is_removed),
		TEST(test_event_when_the_row_is_deleted_meanwhile_then_no_object_stays),
		TEST(test_event_when_the_object_changes_during_verification_then_the_one_that_is_there_is_verified),
		TEST(test_event_when_any_call_fails_then_a_redelivery_completes_it),
		TEST(test_every_outcome_has_a_name),
	};
	return cmocka_run_group_tests_name("confirm", tests, NULL, NULL);
}
