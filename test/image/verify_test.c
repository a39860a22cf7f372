/* Verifying an object: what it resolves, what it leaves alone, and what a failure may not do. */
#include "image/verify.h"

#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define NOW_MS 1700000100000

static int set_up(void **state)
{
	static struct fake_product f;
	fake_product_init(&f, false);
	*state = &f;
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	fake_product_deinit(*state);
	return picture_tear_down(state);
}

/* Row 1 with these bytes as its object. */
static struct image_row arrive(struct fake_product *f, struct str bytes)
{
	struct image_row row;
	fake_product_arrive(f, fake_product_slot(f, 1, STR("image/png")), bytes);
	assert_true(fake_product_row(f, 1, &row));
	return row;
}

static enum status verify(struct fake_product *f, const struct image_row *row, struct image_row *now)
{
	return verify_object(&f->product, row, NOW_MS, &f->a, now, &f->why);
}

static void assert_pending(struct fake_product *f)
{
	struct image_row row;
	assert_true(fake_product_row(f, 1, &row));
	assert_int_equal(row.status, IMAGE_PENDING);
}

static void test_verify_of_a_picture_then_uploaded_at_the_time_that_was_given(void **state)
{
	struct image_row row = arrive(*state, picture_png(3, 2)), now;
	assert_int_equal(verify(*state, &row, &now), OK);
	assert_int_equal(now.status, IMAGE_UPLOADED);
	assert_int_equal(now.uploaded_ms, NOW_MS);
	fake_product_check(*state);
}

static void test_verify_of_a_file_that_is_not_a_picture_then_rejected_and_bytes_removed(void **state)
{
	struct image_row row = arrive(*state, STR("<html>")), now;
	assert_int_equal(verify(*state, &row, &now), OK);
	assert_int_equal(now.status, IMAGE_REJECTED);
	assert_int_equal(now.ends_ms, NOW_MS + (int64_t)604800 * 1000);
	assert_false(fake_product_has_object(*state, row.key));
}

static void test_verify_without_an_object_then_no_such_key_and_still_pending(void **state)
{
	struct fake_product *f = *state;
	struct image_row row, now = { .width = 77 };
	fake_product_slot(f, 1, STR("image/png"));
	assert_true(fake_product_row(f, 1, &row));
	assert_int_equal(verify(f, &row, &now), NOT_FOUND);
	assert_int_equal(f->why.code, F_NO_SUCH_KEY);
	assert_int_equal(now.width, 77);
	assert_pending(f);
}

static void test_verify_when_the_row_is_gone_then_no_such_image(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = arrive(f, picture_png(3, 2)), now;
	assert_int_equal(table_remove(f->product.table, row.image_id, 0, &f->why), OK);
	assert_int_equal(verify(f, &row, &now), NOT_FOUND);
	assert_int_equal(f->why.code, F_NO_SUCH_IMAGE);
}

static void test_verify_when_there_is_no_memory_for_the_object_then_no_verdict(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = arrive(f, picture_png(3, 2)), now;
	fake_store_fail_nth(f->store, 1, F_TOO_MUCH);
	assert_int_equal(verify(f, &row, &now), LIMIT);
	assert_int_equal(f->why.code, F_TOO_MUCH);
	assert_pending(f);
	assert_true(fake_product_has_object(f, row.key));
}

static void test_verify_when_the_bytes_of_a_rejection_cannot_be_removed_then_logged_and_rejected(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = arrive(f, STR("<html>")), now;
	fake_store_fail_nth(f->store, 2, F_STORAGE_FAILED); /* 1: get, 2: remove */
	assert_int_equal(verify(f, &row, &now), IO);
	assert_true(fake_product_row(f, 1, &now));
	assert_int_equal(now.status, IMAGE_REJECTED);
	assert_true(fake_product_has_object(f, row.key));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_verify_of_a_picture_then_uploaded_at_the_time_that_was_given),
		TEST(test_verify_of_a_file_that_is_not_a_picture_then_rejected_and_bytes_removed),
		TEST(test_verify_without_an_object_then_no_such_key_and_still_pending),
		TEST(test_verify_when_the_row_is_gone_then_no_such_image),
		TEST(test_verify_when_there_is_no_memory_for_the_object_then_no_verdict),
		TEST(test_verify_when_the_bytes_of_a_rejection_cannot_be_removed_then_logged_and_rejected),
	};
	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
