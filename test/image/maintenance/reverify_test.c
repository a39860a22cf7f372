/* Images of before, over fakes: what is written to a row and to an object, what a failure at any call leaves, and that a second run
 * goes on. */
#include "image/maintenance/reverify.h"

#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include "image/strip/strip.h"
#include "unit.h"

#include <limits.h>

#define UPLOADED_MS 1600000000000
#define BEFORE(n) (UPLOADED_MS + (n)*1000)

static struct fake_product f;

/* A renderer that takes what holds DAMAGE for damaged, HUGE for too large, FAULT for blemished. */
static struct {
	struct renderer port;
	unsigned jobs, busy;
	struct str refuses; /* bytes with this are damaged too */
} fake;

static bool holds(struct str bytes, struct str word)
{
	return word.n > 0 && str_find(bytes, word) < bytes.n;
}

static enum status run_fake(
	struct renderer *r, const struct renderer_job *job, struct arena *a, struct renderer_result *out, struct fault *why)
{
	assert_int_equal(job->ops, RENDER_CHECK | RENDER_HASH);
	fake.jobs++;
	if (fake.busy > 0) {
		fake.busy--;
		return fault_set(why, OVERLOADED, "busy");
	}
	enum render_code code = holds(job->bytes, STR("DAMAGE")) || (fake.refuses.n > 0 && !holds(job->bytes, fake.refuses)) ? RENDER_DAMAGED
		: holds(job->bytes, STR("HUGE"))  ? RENDER_TOO_MANY_PIXELS
		: holds(job->bytes, STR("FAULT")) ? RENDER_END_MISSING
										  : RENDER_NONE;
	*out = (struct renderer_result){ .answer = { .code = (uint8_t)code, .verdict = (uint8_t)render_code_verdict(code) } };
	if (out->answer.verdict <= RENDER_BLEMISHED) {
		out->answer.width = 3;
		out->answer.height = 2;
		out->answer.hash_bytes = 5;
		out->answer.dominant = 0x12345600;
	}
	return OK;
}

static const struct renderer_ops fake_ops = { run_fake };

static int set_up(void **state)
{
	fake_product_init(&f, false);
	fake.port = (struct renderer){ .ops = &fake_ops };
	fake.jobs = fake.busy = 0;
	fake.refuses = STR("");
	f.product.renderer = &fake.port;
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	fake_product_deinit(&f);
	return picture_tear_down(state);
}

/* One run, and what it called. */
static struct run {
	struct reverify_result done;
	struct fault why; /* of the last image that failed */
	unsigned corrupt, failed;
	unsigned waits_left; /* before it is told to stop */
	int64_t waited[64];
	size_t n_waited;
	bool stopped;
} run;

static bool wait_for(void *arg, int64_t until_ms)
{
	assert_ptr_equal(arg, &run);
	if (until_ms > 0 && run.n_waited < COUNT_OF(run.waited))
		run.waited[run.n_waited++] = until_ms;
	return run.waits_left-- > 0;
}

static void note(void *arg, const struct reverify_result *so_far, const struct image_row *row, const struct fault *why)
{
	uint64_t sum =
		so_far->before + so_far->ok + so_far->recoverable + so_far->corrupt + so_far->over_limit + so_far->changed + so_far->failed;
	assert_ptr_equal(arg, &run);
	assert_int_equal(so_far->seen, sum);
	run.corrupt += row != NULL && why == NULL;
	run.failed += row != NULL && why != NULL;
	if (why != NULL)
		run.why = *why;
}

static enum status reverify_some(bool strip, unsigned waits)
{
	struct reverify_options o = {
		.product = &f.product, .strip = strip, .per_second = 1000, .wait = wait_for, .progress = note, .arg = &run
	};
	run = (struct run){ .waits_left = waits };
	enum status st = reverify_run(&o, &run.done, &run.stopped, &f.why);
	assert_int_equal(run.corrupt, run.done.corrupt);
	assert_int_equal(run.failed, run.done.failed);
	return st;
}

static void reverify(bool strip)
{
	assert_int_equal(reverify_some(strip, UINT_MAX), OK);
	assert_false(run.stopped);
}

/* Row n, as a version wrote it that neither decoded nor stripped. */
static struct image_row before(unsigned n, struct str type, struct str bytes)
{
	struct object_info info;
	struct image_row row;
	struct str key = fake_product_slot(&f, n, type);
	fake_product_arrive(&f, key, bytes);
	assert_int_equal(store_head(f.product.store, key, &f.a, &info, &f.why), OK);
	const struct resolution s = { .image_id = row_id(&f.a, n),
		.status = IMAGE_UPLOADED,
		.file_type = type,
		.file_size = bytes.n,
		.etag = info.etag,
		.width = 3,
		.height = 2,
		.frames = 1,
		.uploaded_ms = BEFORE(n),
		.reason = STR(""),
		.received_sha256 = STR(""),
		.kept_metadata = STR(""),
		.verdict = STR(""),
		.damage = STR(""),
		.placeholder = STR(""),
		.color = STR("") };
	assert_int_equal(table_resolve(f.product.table, &s, &f.a, &row, &f.why), OK);
	return row;
}

static struct image_row row_of(unsigned n)
{
	struct image_row row;
	assert_true(fake_product_row(&f, n, &row));
	return row;
}

static struct str bytes_of(const struct image_row *row)
{
	struct object o;
	assert_int_equal(store_get(f.product.store, row->key, 1 << 20, &f.a, &o, &f.why), OK);
	return o.body;
}

/* A picture with one more chunk before its end. */
static struct str png_with(const char *chunk, const char *text)
{
	struct str png = picture_png(3, 2), end = str_slice(png, png.n - 12, png.n);
	return JOIN(str_slice(png, 0, png.n - 12), picture_chunk(chunk, str_of(text)), end);
}

/* With a text in it, which is removed. */
static struct str private_png(const char *text)
{
	return png_with("tEXt", text);
}

/* Whose pixels are damaged, whatever is removed. */
static struct str damaged_png(void)
{
	return png_with("IDAT", "DAMAGE");
}

static void assert_text(struct str got, const char *want)
{
	assert_true(str_equal(got, str_of(want)));
}

static void test_reverify_then_the_row_has_what_decoding_finds_and_the_rest_stays(void **state)
{
	struct str bytes = private_png("where");
	struct image_row was = before(1, STR("image/png"), bytes);
	reverify(false);
	struct image_row now = row_of(1);
	assert_int_equal(run.done.ok, 1);
	assert_int_equal(run.done.stripped, 0);
	assert_text(now.verdict, "ok");
	assert_text(now.color, "#123456");
	assert_true(now.placeholder.n > 0);
	assert_false(now.stripped);
	assert_int_equal(now.received_sha256.n, 0);
	assert_int_equal(now.uploaded_ms, BEFORE(1));
	assert_true(str_equal(now.etag, was.etag) && str_equal(bytes_of(&now), bytes));
	reverify(false);
	assert_int_equal(run.done.before, 1);
	assert_int_equal(fake.jobs, 1);
}

static void test_reverify_with_strip_then_nothing_private_is_stored_and_the_row_says_what_there_was(void **state)
{
	struct str bytes = private_png("SECRET");
	before(1, STR("image/png"), bytes);
	reverify(true);
	struct image_row now = row_of(1);
	struct str stored = bytes_of(&now);
	assert_int_equal(run.done.ok, 1);
	assert_int_equal(run.done.stripped, 1);
	assert_true(now.stripped && now.removed == STRIP_TEXT);
	assert_true(str_equal(stored, picture_png(3, 2)));
	assert_int_equal(now.file_size, stored.n);
	assert_int_equal(now.received_size, bytes.n);
	assert_int_equal(now.received_sha256.n, 64);
	assert_int_equal(now.uploaded_ms, BEFORE(1));
	fake_product_check(&f);
}

static void test_reverify_with_strip_after_one_without_then_stripped_too_and_one_with_nothing_private_is_not_written(void **state)
{
	before(1, STR("image/png"), private_png("SECRET"));
	before(2, STR("image/png"), picture_png(3, 2));
	reverify(false);
	uint64_t calls = fake_store_calls(f.store);
	reverify(true);
	assert_int_equal(run.done.stripped, 2);
	assert_int_equal(fake_store_calls(f.store) - calls, 2 + 1); /* gets, and one put */
	assert_true(row_of(1).stripped && row_of(2).stripped);
	assert_int_equal(row_of(2).removed, 0);
}

static void test_reverify_of_a_damaged_one_then_marked_and_its_bytes_stay_as_they_are(void **state)
{
	struct str bytes = damaged_png();
	before(1, STR("image/png"), bytes);
	for (int strip = 0; strip < 2; strip++) {
		reverify(strip == 1);
		struct image_row now = row_of(1);
		assert_int_equal(strip == 0 ? run.done.corrupt : run.done.before, 1);
		assert_int_equal(now.status, IMAGE_UPLOADED);
		assert_text(now.verdict, "corrupt");
		assert_text(now.damage, "damaged");
		assert_false(now.stripped);
		assert_true(str_equal(bytes_of(&now), bytes));
	}
}

/* What would be left of it does not decode, while it itself does. */
static void test_reverify_with_strip_that_would_do_harm_then_not_stripped(void **state)
{
	struct str bytes = private_png("needed");
	fake.refuses = STR("needed");
	before(1, STR("image/png"), bytes);
	reverify(true);
	struct image_row now = row_of(1);
	assert_int_equal(run.done.ok, 1);
	assert_int_equal(run.done.stripped, 0);
	assert_text(now.verdict, "ok");
	assert_false(now.stripped);
	assert_true(str_equal(bytes_of(&now), bytes));
}

static void test_reverify_of_all_kinds_then_every_image_is_counted_once(void **state)
{
	before(1, STR("image/png"), private_png("FAULT"));
	before(2, STR("image/png"), private_png("HUGE"));
	before(3, STR("image/heic"), STR("not one that is decoded"));
	before(4, STR("image/jpeg"), picture_jpeg(3, 2));
	before(5, STR("image/webp"), picture_webp(4, 2));
	before(6, STR("image/gif"), picture_gif(3, 2));
	struct image_row gone = before(7, STR("image/gif"), picture_gif(3, 2));
	fake_store_drop(f.store, gone.key);
	fake_product_slot(&f, 8, STR("image/png"));
	reverify(false);
	const struct reverify_result *r = &run.done;
	assert_int_equal(r->total, 7);
	assert_int_equal(r->seen, 7);
	assert_int_equal(r->before, 1);
	assert_int_equal(r->ok, 3);
	assert_int_equal(r->recoverable, 1);
	assert_int_equal(r->over_limit, 1);
	assert_int_equal(r->failed, 1);
	assert_int_equal(run.why.code, F_NO_SUCH_KEY);
	assert_text(row_of(1).verdict, "recoverable");
	assert_text(row_of(1).damage, "end_missing");
	assert_int_equal(row_of(2).verdict.n, 0);
	assert_int_equal(row_of(8).status, IMAGE_PENDING);
}

static void test_reverify_of_one_image_then_its_row_is_new_each_time_and_its_bytes_stay(void **state)
{
	const struct reverify_options o = { .product = &f.product };
	struct image_row now;
	struct str bytes = damaged_png();
	before(1, STR("image/png"), bytes);
	assert_int_equal(reverify_image(&o, row_id(&f.a, 1), &f.a, &now, &f.why), OK);
	assert_true(now.damage.n > 0);
	assert_int_equal(reverify_image(&o, row_id(&f.a, 1), &f.a, &now, &f.why), OK);
	assert_true(now.damage.n > 0 && now.file_size == bytes.n);
	fake.busy = 1;
	assert_int_equal(reverify_image(&o, row_id(&f.a, 1), &f.a, &now, &f.why), BUSY);
	fake_product_slot(&f, 2, STR("image/jpeg"));
	assert_int_equal(reverify_image(&o, row_id(&f.a, 2), &f.a, &now, &f.why), CONFLICT);
	assert_int_equal(reverify_image(&o, row_id(&f.a, 3), &f.a, &now, &f.why), NOT_FOUND);
	f.product.renderer = NULL;
	assert_int_equal(reverify_image(&o, row_id(&f.a, 1), &f.a, &now, &f.why), CONFLICT);
	assert_int_equal(f.why.code, F_NOT_HERE);
}

static void test_reverify_when_no_renderer_is_free_then_it_waits(void **state)
{
	before(1, STR("image/png"), picture_png(3, 2));
	fake.busy = 3;
	reverify(false);
	assert_int_equal(run.done.ok, 1);
	assert_int_equal(fake.jobs, 4);
}

/* Each image is begun after the time that the one before left for it. */
static void test_reverify_then_the_rate_bounds_when_each_is_begun(void **state)
{
	for (unsigned n = 1; n <= 5; n++)
		before(n, STR("image/png"), picture_png(3, 2));
	reverify(false);
	assert_int_equal(run.n_waited, 4); /* the first need not wait */
	for (size_t i = 1; i < run.n_waited; i++)
		assert_true(run.waited[i] >= run.waited[i - 1]);
}

static void test_reverify_that_is_stopped_then_a_second_run_does_the_rest(void **state)
{
	for (unsigned n = 1; n <= 250; n++)
		before(n, STR("image/png"), private_png("SECRET"));
	uint64_t done = 0;
	for (unsigned waits = 60; done < 250; waits += 60) {
		assert_int_equal(reverify_some(true, waits), OK);
		done += run.done.stripped;
		assert_int_equal(run.done.seen, waits < 250 ? waits : 250);
		assert_int_equal(run.stopped, waits < 250);
	}
	assert_int_equal(fake.jobs, 250);
	fake_product_check(&f);
}

/* A failure of any call, done or not, and the end of the process after it: the next run repairs what it left, and nothing is lost. */
static void fail_at(unsigned nth, bool of_table, bool lost)
{
	void (*fail_table)(struct fake_table *, uint64_t, enum fault_code) = lost ? fake_table_lose_nth : fake_table_fail_nth;
	void (*fail_store)(struct fake_store *, uint64_t, enum fault_code) = lost ? fake_store_lose_nth : fake_store_fail_nth;
	struct str bytes[3] = { private_png("SECRET one"), private_png("SECRET two"), damaged_png() };
	for (unsigned n = 1; n <= 3; n++)
		before(n, STR("image/png"), bytes[n - 1]);
	if (of_table)
		fail_table(f.table, nth, F_STORAGE_FAILED);
	else
		fail_store(f.store, nth, F_STORAGE_FAILED);
	enum status first = reverify_some(true, UINT_MAX);
	assert_true(first == OK || of_table);     /* a list that fails is reported */
	fail_table(f.table, 0, F_STORAGE_FAILED); /* if it was not reached */
	fail_store(f.store, 0, F_STORAGE_FAILED);
	for (unsigned n = 1; n <= 3; n++)
		assert_int_equal(row_of(n).status, IMAGE_UPLOADED);
	reverify(true);
	assert_int_equal(run.done.failed + run.done.changed, 0);
	for (unsigned n = 1; n <= 3; n++) {
		struct image_row now = row_of(n);
		assert_int_equal(now.uploaded_ms, BEFORE(n));
		assert_text(now.verdict, n == 3 ? "corrupt" : "ok");
		assert_int_equal(now.stripped, n != 3);
		assert_int_equal(now.received_size, n == 3 ? 0 : bytes[n - 1].n);
		assert_true(str_equal(bytes_of(&now), n == 3 ? bytes[2] : picture_png(3, 2)));
	}
	fake_product_check(&f);
}

static void test_reverify_when_any_call_fails_then_the_next_run_repairs_it(void **state)
{
	for (int lost = 0; lost < 2; lost++)
		for (int table = 0; table < 2; table++)
			for (unsigned nth = 1; nth <= 8; nth++) {
				fail_at(nth, table == 1, lost == 1);
				tear_down(state);
				set_up(state);
			}
}

static void remove_first(void *arg)
{
	assert_int_equal(table_remove(f.product.table, row_id(&f.a, 1), 0, &f.why), OK);
}

static void test_reverify_of_an_image_that_is_deleted_meanwhile_then_no_object_is_left(void **state)
{
	for (uint64_t nth = 1; nth <= 2; nth++) {
		before(1, STR("image/png"), private_png("SECRET"));
		fake_store_meet_nth(f.store, nth, remove_first, NULL); /* before the get; before the put */
		reverify(true);
		assert_int_equal(run.done.changed, 1);
		struct image_row row;
		assert_false(fake_product_row(&f, 1, &row));
		assert_int_equal(fake_store_count(f.store), nth == 1 ? 1 : 0); /* whoever deletes it deletes the object next */
		fake_store_drop(f.store, row_pending(&f.a, 1).key);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
		TEST(test_reverify_then_the_row_has_what_decoding_finds_and_the_rest_stays),
		TEST(test_reverify_with_strip_then_nothing_private_is_stored_and_the_row_says_what_there_was),
		TEST(test_reverify_with_strip_after_one_without_then_stripped_too_and_one_with_nothing_private_is_not_written),
		TEST(test_reverify_of_a_damaged_one_then_marked_and_its_bytes_stay_as_they_are),
		TEST(test_reverify_with_strip_that_would_do_harm_then_not_stripped),
		TEST(test_reverify_of_all_kinds_then_every_image_is_counted_once),
		TEST(test_reverify_of_one_image_then_its_row_is_new_each_time_and_its_bytes_stay),
		TEST(test_reverify_when_no_renderer_is_free_then_it_waits),
		TEST(test_reverify_then_the_rate_bounds_when_each_is_begun),
		TEST(test_reverify_that_is_stopped_then_a_second_run_does_the_rest),
		TEST(test_reverify_when_any_call_fails_then_the_next_run_repairs_it),
		TEST(test_reverify_of_an_image_that_is_deleted_meanwhile_then_no_object_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
