/* Verifying an object: what it resolves, what it leaves alone, and what a failure may not do. */
#include "image/verify.h"

#include "base/hash.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include "image/strip/strip.h"
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

/* A picture with bytes behind its end, which are removed from it. */
static struct str longer_picture(void)
{
	return JOIN(picture_png(3, 2), BYTES("behind the end"));
}

static void assert_stripped(struct fake_product *f)
{
	struct image_row row;
	char hex[2 * SHA256_BYTES + 1];
	struct object o;
	assert_true(fake_product_row(f, 1, &row));
	sha256_hex(longer_picture(), hex);
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_int_equal(row.received_size, longer_picture().n);
	assert_true(str_equal(row.received_sha256, str_of(hex)));
	assert_true(row.stripped && row.removed == STRIP_TRAILER);
	assert_int_equal(row.file_size, picture_png(3, 2).n);
	assert_int_equal(store_get(f->product.store, row.key, 1000, &f->a, &o, &f->why), OK);
	assert_true(str_equal(o.body, picture_png(3, 2)));
	fake_product_check(f);
}

static void test_verify_of_a_picture_with_something_to_remove_then_the_object_is_replaced(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = arrive(f, longer_picture()), now;
	assert_int_equal(verify(f, &row, &now), OK);
	assert_int_equal(now.status, IMAGE_UPLOADED);
	assert_stripped(f);
	/* and the event of that is no second replacement */
	fake_store_fail_nth(f->store, 2, F_STORAGE_FAILED); /* 1: get */
	assert_int_equal(verify(f, &now, &row), OK);
	fake_store_fail_nth(f->store, 0, F_NONE);
	assert_stripped(f);
}

/* A failure, or a response that is lost, at each call: the row is pending until the object is there, and the next time repairs it. */
static void test_verify_that_ends_in_the_middle_then_the_next_one_completes_it(void **state)
{
	struct fake_product *f = *state;
	for (unsigned kind = 0; kind < 4; kind++)
		for (unsigned n = 1; n <= 2; n++) { /* the store: get, put; the table: what it will be, that it is there */
			struct image_row row, now;
			tear_down(state);
			set_up(state);
			row = arrive(f, longer_picture());
			if (kind < 2)
				(kind == 0 ? fake_store_fail_nth : fake_store_lose_nth)(f->store, n, F_STORAGE_FAILED);
			else
				(kind == 2 ? fake_table_fail_nth : fake_table_lose_nth)(f->table, n, F_STORAGE_FAILED);
			assert_int_equal(verify(f, &row, &now), IO);
			fake_product_check(f);
			assert_true(fake_product_row(f, 1, &row));
			if (row.status == IMAGE_PENDING)
				assert_int_equal(verify(f, &row, &now), OK);
			assert_stripped(f);
		}
}

static void test_verify_of_a_picture_when_strip_is_off_then_it_stays_as_it_is(void **state)
{
	struct fake_product *f = *state;
	struct image_row row = arrive(f, longer_picture()), now;
	f->product.rules.strip = false;
	assert_int_equal(verify(f, &row, &now), OK);
	assert_true(!now.stripped && now.removed == 0);
	assert_int_equal(now.file_size, longer_picture().n);
	fake_product_check(f);
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
		TEST(test_verify_of_a_picture_with_something_to_remove_then_the_object_is_replaced),
		TEST(test_verify_that_ends_in_the_middle_then_the_next_one_completes_it),
		TEST(test_verify_of_a_picture_when_strip_is_off_then_it_stays_as_it_is),
		TEST(test_verify_when_the_bytes_of_a_rejection_cannot_be_removed_then_logged_and_rejected),
	};
	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
