/* The sweep function over the fakes: what it removes, the slice that follows from the time, and that it ends in time. */
#include "unit.h"

#include "lambda/sweep_function.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/log/log.h"
#include "fake/fake_cdn.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct fake_product f;
static struct arena a;
static struct buf answer;
static int log_fd;

static int set_up(void **state)
{
	fake_product_init(&f, false);
	arena_init(&a, 1 << 20);
	log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_int_equal(log_start(&(struct log_options){ .level = LOG_ERROR, .direct_fd = log_fd }, &f.why), OK);
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	log_stop();
	close(log_fd);
	fake_product_deinit(&f);
	arena_deinit(&a);
	return picture_tear_down(state);
}

/* Run it with so much time left. */
static enum status sweep(int64_t left_ms)
{
	struct event_sender none = { 0 };
	struct sweep_function to = { .product = &f.product, .events = &none };
	const struct invocation in = { .id = STR("i"), .deadline_ms = clock_now_ms() + left_ms, .event = STR("{}") };
	buf_init_arena(&answer, &a, 4096);
	return sweep_function_run(&to, &in, &a, &answer, &f.why);
}

static uint64_t done(const char *name)
{
	json_t *json = json_loadb(answer.p, answer.n, 0, NULL);
	assert_non_null(json);
	json_int_t n = json_integer_value(json_object_get(json, name));
	json_decref(json);
	return (uint64_t)n;
}

/* An object without a row, old enough to be removed. */
static struct str orphan_of(unsigned slice)
{
	struct str key = str_printf(&f.a, "images/%03x00000-0000-4000-8000-000000000000.png", slice % SWEEP_SLICES);
	fake_product_arrive(&f, key, STR("no row"));
	return key;
}

static void test_sweep_then_due_rows_are_resolved_or_removed(void **state)
{
	struct image_row row;
	(void)state;
	fake_product_slot(&f, 1, STR("image/png"));
	fake_product_arrive(&f, fake_product_slot(&f, 2, STR("image/png")), picture_png(3, 2));
	assert_int_equal(sweep(60000), OK);
	assert_int_equal(done("ended"), 1);
	assert_int_equal(done("confirmed"), 1);
	assert_false(fake_product_row(&f, 1, &row));
	assert_true(fake_product_row(&f, 2, &row));
	assert_int_equal(row.status, IMAGE_UPLOADED);
}

/* The next slice too, if the test runs just as it begins. */
static void test_sweep_then_orphans_of_the_slice_of_this_quarter_of_an_hour_alone(void **state)
{
	unsigned slice = (unsigned)(clock_now_ms() / SWEEP_EVERY_MS % SWEEP_SLICES);
	struct str now = orphan_of(slice), next = orphan_of(slice + 1), far = orphan_of(slice + 2);
	(void)state;
	assert_int_equal(sweep(60000), OK);
	assert_int_equal(done("orphans"), 1);
	assert_true(fake_product_has_object(&f, now) != fake_product_has_object(&f, next));
	assert_true(fake_product_has_object(&f, far));
}

/* A copy of an image that is gone. */
static struct str copy_of(unsigned slice)
{
	struct str key = str_printf(&f.a, "public/%02x000000-0000-4000-8000-000000000000/original", slice % SWEEP_COPY_SLICES);
	fake_product_arrive(&f, key, STR("no row"));
	return key;
}

static void test_sweep_then_copies_of_the_slice_of_this_quarter_of_an_hour_alone(void **state)
{
	unsigned slice = (unsigned)(clock_now_ms() / SWEEP_EVERY_MS % SWEEP_COPY_SLICES);
	struct str now = copy_of(slice), next = copy_of(slice + 1), far = copy_of(slice + 2);
	struct fake_cdn cdn;
	(void)state;
	fake_cdn_init(&cdn, f.product.store);
	f.product.cdn = &cdn.port;
	assert_int_equal(sweep(60000), OK);
	assert_int_equal(done("copies"), 1);
	assert_true(fake_product_has_object(&f, now) != fake_product_has_object(&f, next));
	assert_true(fake_product_has_object(&f, far));
	fake_cdn_deinit(&cdn);
}

static void test_sweep_then_thumbnails_of_images_that_are_gone_of_the_same_slice_alone(void **state)
{
	unsigned slice = (unsigned)(clock_now_ms() / SWEEP_EVERY_MS % SWEEP_SLICES);
	struct str keys[3];
	(void)state;
	for (unsigned i = 0; i < COUNT_OF(keys); i++) {
		keys[i] = str_printf(&f.a, "thumbs/%03x00000-0000-4000-8000-000000000000/small-1a2b3c4d.webp", (slice + i) % SWEEP_SLICES);
		fake_product_arrive(&f, keys[i], STR("no row"));
	}
	assert_int_equal(sweep(60000), OK);
	assert_int_equal(done("orphans"), 1);
	assert_true(fake_product_has_object(&f, keys[0]) != fake_product_has_object(&f, keys[1]));
	assert_true(fake_product_has_object(&f, keys[2]));
}

/* Each slice once in a round, and in each round from another place: an invocation that has no time for a whole slice does not end at the
 * same image each time. */
static void test_sweep_limit_then_each_slice_is_begun_at_another_place_in_each_round(void **state)
{
	static const unsigned slices[] = { SWEEP_SLICES, SWEEP_COPY_SLICES };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(slices); i++) {
		const int64_t round_ms = slices[i] * SWEEP_EVERY_MS, begin_ms = 1700000000000 / round_ms * round_ms;
		struct str first = { 0 }, last = { 0 };
		bool begun[256] = { false };
		for (unsigned round = 0; round < 256; round++) {
			struct gc_limits slice = { 0 }, same = { 0 };
			unsigned char place;
			sweep_limit(&slice, begin_ms + round * round_ms + 7 * SWEEP_EVERY_MS, slices[i], &a);
			sweep_limit(&same, begin_ms + round * round_ms + 8 * SWEEP_EVERY_MS - 1, slices[i], &a);
			assert_str(same.prefix, slice.prefix);
			assert_str(same.start, slice.start);
			assert_str(slice.prefix, slices[i] == SWEEP_SLICES ? STR("007") : STR("07"));
			assert_true(hex_decode(slice.start, &place, 1) && !begun[place]);
			begun[place] = true;
		}
		struct gc_limits slice = { 0 };
		sweep_limit(&slice, begin_ms, slices[i], &a);
		first = slice.prefix;
		sweep_limit(&slice, begin_ms + round_ms - 1, slices[i], &a);
		last = slice.prefix;
		assert_str(first, slices[i] == SWEEP_SLICES ? STR("000") : STR("00"));
		assert_str(last, slices[i] == SWEEP_SLICES ? STR("fff") : STR("ff"));
	}
}

/* An orphan of a slice, at a place in it. */
static struct str orphan_at(struct str slice, unsigned char place)
{
	struct str key = str_printf(&f.a, "images/%.*s%02x000-0000-4000-8000-000000000000.png", STRF(slice), place);
	fake_product_arrive(&f, key, STR("no row"));
	return key;
}

/* Of two orphans the one at the place is looked at before the one in front of it: it is that one whose removal fails. */
static void test_sweep_then_it_begins_at_the_place_of_this_round(void **state)
{
	struct gc_limits now = { 0 };
	unsigned char place;
	(void)state;
	sweep_limit(&now, clock_now_ms(), SWEEP_SLICES, &a);
	assert_true(hex_decode(now.start, &place, 1));
	struct str before = orphan_at(now.prefix, (unsigned char)(place - 1)), at = orphan_at(now.prefix, place);
	fake_store_fail_nth(f.store, 4, F_STORAGE_FAILED); /* after the two lists of thumbnails, and the list of the first page */
	assert_int_equal(sweep(60000), IO);
	assert_false(fake_product_has_object(&f, before));
	assert_true(fake_product_has_object(&f, at));
}

static void test_sweep_when_no_time_is_left_then_nothing_is_begun(void **state)
{
	struct image_row row;
	(void)state;
	fake_product_slot(&f, 1, STR("image/png"));
	assert_int_equal(sweep(0), OK);
	assert_int_equal(done("ended"), 0);
	assert_true(fake_product_row(&f, 1, &row));
}

static void test_sweep_when_a_part_fails_then_the_others_are_done_and_the_invocation_fails(void **state)
{
	struct image_row row;
	(void)state;
	fake_product_slot(&f, 1, STR("image/png"));
	fake_product_slot(&f, 2, STR("image/png"));
	fake_table_fail_nth(f.table, 2, F_STORAGE_FAILED); /* the first removal */
	assert_int_equal(sweep(60000), IO);
	assert_int_equal(f.why.code, F_STORAGE_FAILED);
	assert_true(fake_product_row(&f, 1, &row) != fake_product_row(&f, 2, &row));
	assert_int_equal(sweep(60000), OK);
	assert_false(fake_product_row(&f, 1, &row) || fake_product_row(&f, 2, &row));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sweep_then_due_rows_are_resolved_or_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_then_orphans_of_the_slice_of_this_quarter_of_an_hour_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_then_thumbnails_of_images_that_are_gone_of_the_same_slice_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_then_copies_of_the_slice_of_this_quarter_of_an_hour_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_limit_then_each_slice_is_begun_at_another_place_in_each_round, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_then_it_begins_at_the_place_of_this_round, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_when_no_time_is_left_then_nothing_is_begun, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep_when_a_part_fails_then_the_others_are_done_and_the_invocation_fails, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
