/* The sweep on the fakes: which rows expire, are removed, confirmed, or left unchanged; many
 * rows in steps; and with each call of each port failing in turn. */
#include "image/maintenance/gc.h"

#include "base/metrics.h"
#include "fake/fake_cdn.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define LATE_MS ((int64_t)1800000000000) /* every pending row of rows.h has ended */
#define DAY_MS ((int64_t)86400000)

static struct fake_product *begin(bool holds)
{
	static struct fake_product f;
	fake_product_init(&f, holds);
	picture_set_up(NULL);
	return &f;
}

static void end(struct fake_product *f)
{
	picture_tear_down(NULL);
	fake_product_deinit(f);
}

static struct gc_result run(struct fake_product *f, int64_t now_ms)
{
	struct gc_result done = { 0 };
	assert_int_equal(gc_run(&f->product, now_ms, NULL, &done, &f->why), OK);
	return done;
}

static struct gc_result orphans(struct fake_product *f, int64_t now_ms)
{
	struct gc_result done = { 0 };
	assert_int_equal(gc_orphans(&f->product, now_ms, NULL, &done, &f->why), OK);
	return done;
}

static void assert_done(struct gc_result got, struct gc_result want)
{
	assert_int_equal(got.ended, want.ended);
	assert_int_equal(got.forgotten, want.forgotten);
	assert_int_equal(got.reconciled, want.reconciled);
	assert_int_equal(got.rejected, want.rejected);
	assert_int_equal(got.orphans, want.orphans);
	assert_int_equal(got.copies, want.copies);
}

static bool stop_always(void *arg)
{
	(void)arg;
	return true;
}

/* Stops when it is asked for the n-th time. */
static bool stop_at_nth(void *n)
{
	return --*(int *)n <= 0;
}

static void resolve(struct fake_product *f, unsigned n, int64_t uploaded_ms, struct str reason)
{
	struct image_row now;
	struct resolution s = row_verdict(&f->a, n, uploaded_ms, reason);
	assert_int_equal(table_resolve(f->product.table, &s, &f->a, &now, &f->why), OK);
}

/* rows */

static void test_run_of_a_pending_row_then_removed_only_when_it_is_due(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	(void)state;
	fake_product_slot(f, 1, STR("image/png"));
	assert_true(fake_product_row(f, 1, &row));
	assert_done(run(f, row.ends_ms - 1), (struct gc_result){ 0 });
	assert_true(fake_product_row(f, 1, &row));
	assert_done(run(f, row.ends_ms), (struct gc_result){ .ended = 1 });
	assert_false(fake_product_row(f, 1, &row));
	assert_done(run(f, row.ends_ms), (struct gc_result){ 0 });
	end(f);
}

static void test_run_of_a_pending_row_with_an_object_then_it_is_checked_first(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str good = fake_product_slot(f, 1, STR("image/png")), bad = fake_product_slot(f, 2, STR("image/png"));
	(void)state;
	fake_product_arrive(f, good, picture_png(3, 2));
	fake_product_arrive(f, bad, STR("<html>"));
	int64_t accepted = metric_get(M_UPLOADS_ACCEPTED), rejected = metric_get(M_UPLOADS_REJECTED);
	assert_done(run(f, LATE_MS), (struct gc_result){ .reconciled = 1, .rejected = 1 });
	assert_int_equal(metric_get(M_UPLOADS_ACCEPTED), accepted + 1);
	assert_int_equal(metric_get(M_UPLOADS_REJECTED), rejected + 1);
	assert_true(fake_product_row(f, 1, &row));
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_true(fake_product_row(f, 2, &row));
	assert_int_equal(row.status, IMAGE_REJECTED);
	assert_false(fake_product_has_object(f, bad));
	fake_product_check(f);
	end(f);
}

static void test_run_of_a_rejected_row_then_removed_with_what_is_left_of_it(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str key = fake_product_slot(f, 1, STR("image/png"));
	(void)state;
	resolve(f, 1, 5000, STR("no image")); /* ends at 6000 */
	fake_product_arrive(f, key, STR("left over"));
	assert_done(run(f, 5999), (struct gc_result){ 0 });
	assert_done(run(f, 6000), (struct gc_result){ .forgotten = 1 });
	assert_false(fake_product_row(f, 1, &row));
	assert_int_equal(fake_store_count(f->store), 0);
	end(f);
}

static void test_run_of_an_uploaded_row_then_never_removed(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	(void)state;
	fake_product_slot(f, 1, STR("image/png"));
	resolve(f, 1, 5000, STR(""));
	assert_done(run(f, INT64_MAX), (struct gc_result){ 0 });
	assert_true(fake_product_row(f, 1, &row));
	end(f);
}

static void test_run_of_many_rows_then_all_are_processed_in_batches(void **state)
{
	struct fake_product *f = begin(false);
	struct image_counts c;
	(void)state;
	for (unsigned n = 0; n < 250; n++)
		fake_product_slot(f, n, STR("image/png"));
	assert_done(run(f, LATE_MS), (struct gc_result){ .ended = 250 });
	assert_int_equal(table_counts(f->product.table, &c, &f->why), OK);
	assert_int_equal(c.pending, 0);
	end(f);
}

static void other_uploads(void *arg)
{
	struct fake_product *f = arg;
	resolve(f, 1, 5000, STR(""));
}

static void test_run_when_the_row_is_uploaded_in_between_then_it_stays(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	(void)state;
	fake_product_slot(f, 1, STR("image/png"));
	fake_table_meet_nth(f->table, 2, other_uploads, f); /* 1: due, 2: remove */
	assert_done(run(f, LATE_MS), (struct gc_result){ 0 });
	assert_true(fake_product_row(f, 1, &row));
	assert_int_equal(row.status, IMAGE_UPLOADED);
	end(f);
}

static void test_run_when_one_object_cannot_be_read_then_the_others_are_done_and_it_is_reported(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	struct image_row row;
	(void)state;
	for (unsigned n = 0; n < 3; n++)
		fake_product_slot(f, n, STR("image/png"));
	fake_store_fail_nth(f->store, 1, F_STORAGE_FAILED);
	assert_int_equal(gc_run(&f->product, LATE_MS, NULL, &done, &f->why), IO);
	assert_int_equal(f->why.code, F_STORAGE_FAILED);
	assert_int_equal(done.ended, 2);
	assert_true(fake_product_row(f, 0, &row));
	assert_done(run(f, LATE_MS), (struct gc_result){ .ended = 1 });
	end(f);
}

static void fill_mixed(struct fake_product *f)
{
	fake_product_slot(f, 1, STR("image/png"));
	fake_product_arrive(f, fake_product_slot(f, 2, STR("image/png")), picture_png(3, 2));
	fake_product_arrive(f, fake_product_slot(f, 3, STR("image/png")), STR("<html>"));
	fake_product_slot(f, 4, STR("image/png"));
	resolve(f, 4, 5000, STR("no image"));
}

static void check_mixed_swept(struct fake_product *f)
{
	struct image_row row;
	assert_false(fake_product_row(f, 1, &row));
	assert_true(fake_product_row(f, 2, &row));
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_true(fake_product_row(f, 3, &row));
	assert_int_equal(row.status, IMAGE_REJECTED);
	assert_false(fake_product_row(f, 4, &row));
	assert_int_equal(fake_store_count(f->store), 1);
	fake_product_check(f);
}

static void test_run_when_any_call_fails_or_its_result_is_lost_then_the_next_run_completes_the_work(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 48; i++) {
		struct fake_product *f = begin(false);
		struct gc_result done = { 0 };
		unsigned n = 1 + i / 4;
		fill_mixed(f);
		void (*table)(struct fake_table *, uint64_t, enum fault_code) = i & 1 ? fake_table_lose_nth : fake_table_fail_nth;
		void (*store)(struct fake_store *, uint64_t, enum fault_code) = i & 1 ? fake_store_lose_nth : fake_store_fail_nth;
		if (i & 2)
			table(f->table, n, F_UPSTREAM_FAILED);
		else
			store(f->store, n, F_UPSTREAM_FAILED);
		enum status first = gc_run(&f->product, LATE_MS, NULL, &done, &f->why);
		assert_true(first == OK || first == UPSTREAM);
		table(f->table, 0, F_NONE);
		store(f->store, 0, F_NONE);
		fake_product_check(f);
		assert_int_equal(gc_run(&f->product, LATE_MS, NULL, &done, &f->why), OK);
		orphans(f, LATE_MS);
		check_mixed_swept(f);
		end(f);
	}
}

/* objects */

static void arrive_at(struct fake_product *f, struct str key, int64_t modified_ms)
{
	fake_product_arrive(f, key, picture_png(3, 2));
	fake_store_set_modified(f->store, key, modified_ms);
}

static void test_orphans_then_only_objects_without_a_row_for_a_day_are_removed(void **state)
{
	static const char *const unexplained[] = { "images/0f8fad5b-d9cb-469f-a165-70867728950e.png", "images/notes.txt", "images/" };
	struct fake_product *f = begin(false);
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unexplained); i++) {
		struct str key = str_of(unexplained[i]);
		arrive_at(f, key, LATE_MS - DAY_MS + 1);
		assert_done(orphans(f, LATE_MS), (struct gc_result){ 0 });
		assert_true(fake_product_has_object(f, key));
		assert_done(orphans(f, LATE_MS + 1), (struct gc_result){ .orphans = 1 });
		assert_false(fake_product_has_object(f, key));
	}
	end(f);
}

static void test_orphans_then_objects_outside_of_images_stay(void **state)
{
	struct fake_product *f = begin(false);
	(void)state;
	arrive_at(f, STR("image"), 1);
	arrive_at(f, STR("docs/a"), 1);
	arrive_at(f, STR("zzz"), 1);
	assert_done(orphans(f, LATE_MS), (struct gc_result){ 0 });
	assert_int_equal(fake_store_count(f->store), 3);
	end(f);
}

static void test_orphans_of_a_row_with_another_key_then_gone_after_a_day(void **state)
{
	struct fake_product *f = begin(false);
	struct str key = fake_product_slot(f, 1, STR("image/png"));
	(void)state;
	struct str other = str_printf(&f->a, "%.*spng", (int)(key.n - 3), key.p);
	arrive_at(f, other, LATE_MS - 2 * DAY_MS);
	assert_done(orphans(f, LATE_MS), (struct gc_result){ .orphans = 1 });
	assert_int_equal(fake_store_count(f->store), 0);
	end(f);
}

static void test_orphans_of_each_state_then_confirmed_removed_or_kept(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str good = fake_product_slot(f, 1, STR("image/png")), bad = fake_product_slot(f, 2, STR("image/png"));
	struct str rejected = fake_product_slot(f, 3, STR("image/png"));
	(void)state;
	fake_product_arrive(f, good, picture_png(3, 2));
	fake_product_arrive(f, bad, STR("<html>"));
	resolve(f, 3, 5000, STR("no image"));
	fake_product_arrive(f, rejected, STR("left over"));
	assert_done(orphans(f, 7000), (struct gc_result){ .reconciled = 1, .rejected = 1, .orphans = 1 });
	assert_true(fake_product_row(f, 1, &row));
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_int_equal(fake_store_count(f->store), 1);
	assert_done(orphans(f, LATE_MS), (struct gc_result){ 0 });
	fake_product_check(f);
	end(f);
}

static void test_orphans_when_an_image_was_overwritten_then_its_row_describes_the_new_bytes(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str better = fake_product_slot(f, 1, STR("image/png")), worse = fake_product_slot(f, 2, STR("image/png"));
	(void)state;
	fake_product_arrive(f, better, picture_png(3, 2));
	fake_product_arrive(f, worse, picture_png(3, 2));
	assert_done(orphans(f, 7000), (struct gc_result){ .reconciled = 2 });
	fake_product_arrive(f, better, picture_png(30, 20));
	fake_product_arrive(f, worse, STR("<html>"));
	assert_done(orphans(f, 8000), (struct gc_result){ .reconciled = 1, .rejected = 1 });
	assert_true(fake_product_row(f, 1, &row));
	assert_int_equal(row.width, 30);
	assert_true(fake_product_row(f, 2, &row));
	assert_int_equal(row.status, IMAGE_REJECTED);
	assert_false(fake_product_has_object(f, worse));
	fake_product_check(f);
	end(f);
}

static void test_orphans_of_many_objects_then_all_pages_are_read(void **state)
{
	struct fake_product *f = begin(false);
	(void)state;
	for (unsigned n = 0; n < 1100; n++)
		arrive_at(f, str_printf(&f->a, "images/%04u", n), n % 2 == 0 ? 1 : LATE_MS);
	assert_done(orphans(f, LATE_MS), (struct gc_result){ .orphans = 550 });
	assert_int_equal(fake_store_count(f->store), 550);
	end(f);
}

static void test_orphans_with_a_prefix_then_only_ids_that_begin_with_it(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	(void)state;
	for (unsigned n = 0; n < 0x400; n++)
		arrive_at(f, str_printf(&f->a, "images/%03x-%u", n, n), 1);
	assert_int_equal(gc_orphans(&f->product, LATE_MS, &(struct gc_limits){ .prefix = STR("0f") }, &done, &f->why), OK);
	assert_done(done, (struct gc_result){ .orphans = 16 });
	assert_false(fake_product_has_object(f, STR("images/0f0-240")));
	assert_true(fake_product_has_object(f, STR("images/0ef-239")));
	assert_true(fake_product_has_object(f, STR("images/100-256")));
	end(f);
}

static void test_orphans_when_stopped_then_another_start_comes_to_the_others(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	int asked = 5;
	(void)state;
	for (unsigned n = 0; n < 16; n++)
		arrive_at(f, str_printf(&f->a, "images/a%x-%u", n, n), 1);
	arrive_at(f, STR("images/b0"), 1);
	struct gc_limits limits = { .prefix = STR("a"), .start = STR("e"), .stop = stop_at_nth, .stop_arg = &asked };
	assert_int_equal(gc_orphans(&f->product, LATE_MS, &limits, &done, &f->why), OK);
	assert_int_equal(done.orphans, 2);
	assert_false(fake_product_has_object(f, STR("images/ae-14")) || fake_product_has_object(f, STR("images/af-15")));
	assert_true(fake_product_has_object(f, STR("images/a0-0")));
	limits.stop = NULL;
	assert_int_equal(gc_orphans(&f->product, LATE_MS, &limits, &done, &f->why), OK);
	assert_int_equal(done.orphans, 16);
	assert_int_equal(fake_store_count(f->store), 1);
	end(f);
}

/* The CDN is there since after the images were made public, or an interrupted change has left no copy. */
static void test_orphans_of_a_public_image_without_copies_then_they_are_made(void **state)
{
	struct fake_product *f = begin(false);
	struct fake_cdn cdn;
	struct gc_result done = { 0 };
	struct image_row row, now;
	struct str id = row_id(&f->a, 1), original = str_printf(&f->a, "public/%.*s/original", STRF(id));
	struct str small = str_printf(&f->a, "public/%.*s/small-1a2b3c4d.webp", STRF(id));
	const struct image_change publish = { .image_id = id, .has_visibility = true, .is_public = true };
	(void)state;
	fake_cdn_init(&cdn, f->product.store);
	fake_product_arrive(f, fake_product_slot(f, 1, STR("image/png")), picture_png(3, 2));
	fake_product_arrive(f, fake_product_slot(f, 2, STR("image/png")), picture_png(3, 2)); /* private */
	assert_done(orphans(f, 7000), (struct gc_result){ .reconciled = 2 });
	assert_true(fake_product_row(f, 1, &row));
	arrive_at(f, str_printf(&f->a, "thumbs/%.*s/small-1a2b3c4d.webp", STRF(id)), 1);
	assert_int_equal(table_set_thumbs(f->product.table, id, row.etag, STR("small-1a2b3c4d.webp"), &f->a, &now, &f->why), OK);
	assert_int_equal(table_change(f->product.table, &publish, &f->a, &now, &f->why), OK);
	f->product.cdn = &cdn.port;
	trap_fail(&cdn.trap, 1, F_UPSTREAM_FAILED);
	assert_int_equal(gc_orphans(&f->product, 8000, NULL, &done, &f->why), UPSTREAM);
	assert_false(fake_product_has_object(f, original));
	assert_done(orphans(f, 8000), (struct gc_result){ 0 });
	assert_true(fake_product_has_object(f, original) && fake_product_has_object(f, small));
	assert_false(fake_product_has_object(f, str_printf(&f->a, "public/%.*s/original", STRF(row_id(&f->a, 2)))));
	uint64_t calls = trap_calls(&cdn.trap);
	assert_done(orphans(f, 8000), (struct gc_result){ 0 });
	assert_int_equal(trap_calls(&cdn.trap), calls);
	fake_cdn_deinit(&cdn);
	end(f);
}

/* Rows of every kind, each with a copy in public/; of some the copy may not stay. */
static void test_copies_then_those_of_images_that_are_gone_private_or_rejected_go(void **state)
{
	struct fake_product *f = begin(false);
	struct fake_cdn cdn;
	struct gc_result done = { 0 };
	struct image_row now;
	enum { GONE = 6 };
	(void)state;
	fake_cdn_init(&cdn, f->product.store);
	for (unsigned n = 1; n <= GONE; n++) {
		struct str id = row_id(&f->a, n);
		if (n != GONE)
			fake_product_slot(f, n, STR("image/png"));
		if (n < 3)
			resolve(f, n, 5000, STR(""));
		if (n == 3)
			resolve(f, n, 5000, STR("not an image"));
		const struct image_change publish = { .image_id = id, .has_visibility = true, .is_public = true };
		if (n != 2 && n != 4 && n != GONE)
			assert_int_equal(table_change(f->product.table, &publish, &f->a, &now, &f->why), OK);
		arrive_at(f, str_printf(&f->a, "public/%.*s/original", STRF(id)), 1);
		arrive_at(f, str_printf(&f->a, "public/%.*s/small-1a2b3c4d.webp", STRF(id)), 1);
	}
	arrive_at(f, STR("public/robots.txt"), 1);
	assert_int_equal(gc_copies(&f->product, LATE_MS, NULL, &done, &f->why), OK);
	assert_done(done, (struct gc_result){ 0 }); /* there is no CDN */
	f->product.cdn = &cdn.port;
	trap_fail(&cdn.trap, 1, F_UPSTREAM_FAILED);
	assert_int_equal(gc_copies(&f->product, LATE_MS, NULL, &done, &f->why), UPSTREAM);
	assert_done(done, (struct gc_result){ .copies = 3 });
	for (unsigned n = 1; n <= GONE; n++) {
		bool stays = n == 1 || n == 5; /* public, and uploaded or pending */
		struct str id = row_id(&f->a, n);
		assert_int_equal(fake_product_has_object(f, str_printf(&f->a, "public/%.*s/original", STRF(id))), stays);
		assert_int_equal(fake_product_has_object(f, str_printf(&f->a, "public/%.*s/small-1a2b3c4d.webp", STRF(id))), stays);
	}
	assert_int_equal(cdn.n_paths, 3);
	assert_true(fake_product_has_object(f, STR("public/robots.txt")));
	assert_int_equal(gc_copies(&f->product, LATE_MS, NULL, &done, &f->why), OK);
	assert_done(done, (struct gc_result){ .copies = 3 });
	fake_cdn_deinit(&cdn);
	end(f);
}

/* A deletion that was cut off after the row leaves the thumbnails, which no other part of the sweep comes to. */
static void test_thumbs_then_those_of_images_that_are_gone_or_rejected_go_once_they_are_a_day_old(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	enum { PENDING = 1, UPLOADED, REJECTED, GONE, RECENT };
	(void)state;
	for (unsigned n = PENDING; n <= RECENT; n++) {
		struct str id = row_id(&f->a, n);
		if (n < GONE)
			fake_product_slot(f, n, STR("image/png"));
		if (n == UPLOADED || n == REJECTED)
			resolve(f, n, 5000, n == UPLOADED ? STR("") : STR("not an image"));
		arrive_at(f, str_printf(&f->a, "thumbs/%.*s/medium-1a2b3c4d.webp", STRF(id)), n == RECENT ? LATE_MS : 1);
		arrive_at(f, str_printf(&f->a, "thumbs/%.*s/small-1a2b3c4d.webp", STRF(id)), n == RECENT ? LATE_MS : 1);
	}
	arrive_at(f, STR("thumbs/robots.txt"), 1);
	assert_int_equal(gc_thumbs(&f->product, LATE_MS, NULL, &done, &f->why), OK);
	assert_done(done, (struct gc_result){ .orphans = 4 });
	for (unsigned n = PENDING; n <= RECENT; n++) {
		struct str key = str_printf(&f->a, "thumbs/%.*s/small-1a2b3c4d.webp", STRF(row_id(&f->a, n)));
		assert_int_equal(fake_product_has_object(f, key), n != REJECTED && n != GONE);
	}
	assert_true(fake_product_has_object(f, STR("thumbs/robots.txt")));
	f->product.objects_change = false; /* the objects of the embedded store below thumbs/ are the users' own */
	assert_int_equal(gc_thumbs(&f->product, LATE_MS + DAY_MS, NULL, &done, &f->why), OK);
	assert_done(done, (struct gc_result){ .orphans = 4 });
	end(f);
}

static void test_thumbs_when_the_table_fails_then_none_is_removed(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	struct str key = str_printf(&f->a, "thumbs/%.*s/small-1a2b3c4d.webp", STRF(row_id(&f->a, 1)));
	(void)state;
	arrive_at(f, key, 1);
	fake_table_fail_nth(f->table, 1, F_UPSTREAM_FAILED);
	assert_int_equal(gc_thumbs(&f->product, LATE_MS, NULL, &done, &f->why), UPSTREAM);
	assert_true(fake_product_has_object(f, key));
	assert_int_equal(gc_thumbs(&f->product, LATE_MS, NULL, &done, &f->why), OK);
	assert_false(fake_product_has_object(f, key));
	end(f);
}

static void test_orphans_when_the_table_fails_then_no_object_is_removed(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	struct str key = fake_product_slot(f, 1, STR("image/png"));
	(void)state;
	arrive_at(f, key, 1);
	arrive_at(f, STR("images/0f8fad5b-d9cb-469f-a165-70867728950e.png"), 1);
	fake_table_fail_nth(f->table, 1, F_STORAGE_FAILED);
	assert_int_equal(gc_orphans(&f->product, LATE_MS, NULL, &done, &f->why), IO);
	assert_int_equal(f->why.code, F_STORAGE_FAILED);
	assert_int_equal(done.orphans + done.reconciled, 1);
	assert_true(fake_product_has_object(f, key) || done.orphans == 1);
	orphans(f, LATE_MS);
	assert_int_equal(fake_store_count(f->store), 1);
	assert_true(fake_product_has_object(f, key));
	fake_product_check(f);
	end(f);
}

static void test_both_parts_into_one_result_then_summed_up(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	(void)state;
	fake_product_slot(f, 1, STR("image/png"));
	arrive_at(f, STR("images/a"), 1);
	assert_int_equal(gc_run(&f->product, LATE_MS, NULL, &done, &f->why), OK);
	assert_int_equal(gc_orphans(&f->product, LATE_MS, NULL, &done, &f->why), OK);
	assert_done(done, (struct gc_result){ .ended = 1, .orphans = 1 });
	end(f);
}

static void test_both_parts_when_stopped_then_the_page_is_not_finished(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	int asked_rows = 4, asked_objects = 4;
	(void)state;
	for (unsigned n = 1; n <= 10; n++) {
		fake_product_slot(f, n, STR("image/png"));
		arrive_at(f, str_printf(&f->a, "images/%u", n), 1);
	}
	assert_int_equal(gc_run(&f->product, LATE_MS, &(struct gc_limits){ .stop = stop_at_nth, .stop_arg = &asked_rows }, &done, &f->why), OK);
	assert_int_equal(
		gc_orphans(&f->product, LATE_MS, &(struct gc_limits){ .stop = stop_at_nth, .stop_arg = &asked_objects }, &done, &f->why), OK);
	assert_done(done, (struct gc_result){ .ended = 2, .orphans = 2 }); /* the first asks for the page */
	end(f);
}

static void test_orphans_when_stopped_then_nothing_more(void **state)
{
	struct fake_product *f = begin(false);
	struct gc_result done = { 0 };
	(void)state;
	arrive_at(f, STR("images/a"), 1);
	assert_int_equal(gc_orphans(&f->product, LATE_MS, &(struct gc_limits){ .stop = stop_always }, &done, &f->why), OK);
	assert_int_equal(done.orphans, 0);
	assert_int_equal(fake_store_count(f->store), 1);
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_of_a_pending_row_then_removed_only_when_it_is_due),
		cmocka_unit_test(test_run_of_a_pending_row_with_an_object_then_it_is_checked_first),
		cmocka_unit_test(test_run_of_a_rejected_row_then_removed_with_what_is_left_of_it),
		cmocka_unit_test(test_run_of_an_uploaded_row_then_never_removed),
		cmocka_unit_test(test_run_of_many_rows_then_all_are_processed_in_batches),
		cmocka_unit_test(test_run_when_the_row_is_uploaded_in_between_then_it_stays),
		cmocka_unit_test(test_run_when_one_object_cannot_be_read_then_the_others_are_done_and_it_is_reported),
		cmocka_unit_test(test_run_when_any_call_fails_or_its_result_is_lost_then_the_next_run_completes_the_work),
		cmocka_unit_test(test_orphans_then_only_objects_without_a_row_for_a_day_are_removed),
		cmocka_unit_test(test_orphans_then_objects_outside_of_images_stay),
		cmocka_unit_test(test_orphans_of_a_row_with_another_key_then_gone_after_a_day),
		cmocka_unit_test(test_orphans_of_each_state_then_confirmed_removed_or_kept),
		cmocka_unit_test(test_orphans_when_an_image_was_overwritten_then_its_row_describes_the_new_bytes),
		cmocka_unit_test(test_orphans_of_many_objects_then_all_pages_are_read),
		cmocka_unit_test(test_orphans_with_a_prefix_then_only_ids_that_begin_with_it),
		cmocka_unit_test(test_orphans_when_stopped_then_another_start_comes_to_the_others),
		cmocka_unit_test(test_orphans_of_a_public_image_without_copies_then_they_are_made),
		cmocka_unit_test(test_copies_then_those_of_images_that_are_gone_private_or_rejected_go),
		cmocka_unit_test(test_thumbs_then_those_of_images_that_are_gone_or_rejected_go_once_they_are_a_day_old),
		cmocka_unit_test(test_thumbs_when_the_table_fails_then_none_is_removed),
		cmocka_unit_test(test_orphans_when_the_table_fails_then_no_object_is_removed),
		cmocka_unit_test(test_orphans_when_stopped_then_nothing_more),
		cmocka_unit_test(test_both_parts_when_stopped_then_the_page_is_not_finished),
		cmocka_unit_test(test_both_parts_into_one_result_then_summed_up),
	};
	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
