/* The walk on the fakes of a remote store: what is only on its way is no finding; copies of a CDN; failures of the ports; the end on
 * request. What is found on real backends is in test/blackbox/fsck_test.mjs and fsck_cloud_test.mjs. */
#include "unit.h"

#include "fake/fake_cdn.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include "image/maintenance/fsck.h"
#include "image/publication.h"
#include "image/verify.h"

#include <stdio.h>
#include <string.h>

#define NOW_MS 1700000100000
#define IMAGES 3

struct place {
	struct fake_product f; /* first: the fixture of pictures takes this address */
	struct fake_cdn cdn;
	struct str keys[IMAGES + 1];
	struct fsck_options options;
	char found[1024];                /* "kind subject;" of each, in the order of their subjects */
	int stop_after;                  /* items; 0: never */
	void (*between)(struct place *); /* before what was found is examined again */
	uint64_t progressed;
};

static struct place x;

static void note_found(void *arg, const struct finding *f)
{
	size_t n = strlen(x.found);
	(void)arg;
	(void)snprintf(x.found + n, sizeof x.found - n, "%s %.*s;", finding_words(f->kind)->name, STRF(f->subject));
}

static void note_progress(void *arg, const struct fsck_result *r)
{
	(void)arg, (void)r;
	x.progressed++;
}

/* Asked before each item, and while it waits: the last item of the first pass has been examined when it waits. */
static bool asks_to_stop(void *arg)
{
	(void)arg;
	if (x.between != NULL && x.progressed == 2 * IMAGES) { /* the images, the objects but one, and the users */
		x.between(&x);
		x.between = NULL;
	}
	return x.stop_after > 0 && x.progressed >= (uint64_t)x.stop_after;
}

static int set_up(void **state)
{
	memset(&x, 0, sizeof x);
	fake_product_init(&x.f, false);
	*state = &x;
	int made = picture_set_up(state);
	for (unsigned i = 1; i <= IMAGES; i++) {
		struct image_row row, now;
		x.keys[i] = fake_product_slot(&x.f, i, STR("image/png"));
		fake_product_arrive(&x.f, x.keys[i], picture_png(3, 2));
		assert_true(fake_product_row(&x.f, i, &row));
		assert_int_equal(verify_object(&x.f.product, &row, NOW_MS, &x.f.a, &now, &x.f.why), OK);
		assert_int_equal(now.status, IMAGE_UPLOADED);
	}
	fake_cdn_init(&x.cdn, x.f.product.store);
	x.f.product.cdn = &x.cdn.port;
	x.options = (struct fsck_options){
		.product = &x.f.product, .jobs = 1, .settle_ms = 1, .stop = asks_to_stop, .progress = note_progress, .found = note_found
	};
	return made;
}

static int tear_down(void **state)
{
	fake_cdn_deinit(&x.cdn);
	fake_product_deinit(&x.f);
	return picture_tear_down(state);
}

/* How many items have findings, or -1 when it fails. */
static int run(struct fsck_result *r)
{
	struct fsck_items items CLEANUP(fsck_items_deinit) = { 0 };
	x.found[0] = '\0';
	x.progressed = 0;
	return fsck_run(&x.options, r, &items, &x.f.why) == OK ? (int)items.n : -1;
}

static const char *line(const char *kind, struct str subject)
{
	return str_cstr(&x.f.a, str_printf(&x.f.a, "%s %.*s;", kind, STRF(subject)));
}

static void test_fsck_of_what_is_right_then_nothing_by_any_number_of_threads(void **state)
{
	struct fsck_result r;
	(void)state;
	for (unsigned jobs = 1; jobs <= 4; jobs++) {
		x.options.jobs = jobs;
		assert_int_equal(run(&r), 0);
		assert_string_equal(x.found, "");
		assert_int_equal(r.images, IMAGES);
		assert_int_equal(r.objects, IMAGES);
		assert_int_equal(r.found, 0);
	}
}

static void put_back(struct place *p)
{
	fake_product_arrive(&p->f, p->keys[2], picture_png(3, 2));
}

static void test_fsck_when_an_object_comes_between_both_looks_then_no_finding(void **state)
{
	struct fsck_result r;
	(void)state;
	fake_store_drop(x.f.store, x.keys[2]);
	assert_int_equal(run(&r), 1);
	assert_string_equal(x.found, line("object_missing", row_id(&x.f.a, 2)));
	x.between = put_back;
	assert_int_equal(run(&r), 0);
	assert_null(x.between);
	assert_string_equal(x.found, "");
}

static void remove_row(void *arg)
{
	(void)arg;
	(void)!table_remove(x.f.product.table, row_id(&x.f.a, 2), 0, &x.f.why);
}

static void test_fsck_when_the_row_goes_after_its_object_then_no_finding(void **state)
{
	struct fsck_result r;
	(void)state;
	fake_store_drop(x.f.store, x.keys[2]);
	/* the counts, the list, then the row again after its object was not found */
	fake_table_meet_nth(x.f.table, 3, remove_row, NULL);
	assert_int_equal(run(&r), 0);
	assert_string_equal(x.found, "");
}

struct note_sink {
	struct finding_sink sink;
	int repaired, left;
};

static void note_repair(struct finding_sink *sink, const struct finding *f)
{
	struct note_sink *s = (struct note_sink *)sink;
	s->repaired += f->repaired;
	s->left += !f->repaired;
}

static void repair(struct str item)
{
	struct note_sink s = { .sink = { .found = note_repair } };
	assert_int_equal(fsck_examine(&x.options, item, true, &s.sink, &x.f.why), OK);
	assert_int_equal(s.repaired, 1);
	assert_int_equal(s.left, 0);
}

static void test_fsck_of_copies_of_a_cdn_then_missing_ones_are_made_and_others_removed(void **state)
{
	struct image_row now;
	struct fsck_result r;
	struct str id = row_id(&x.f.a, 1), copy = str_printf(&x.f.a, "public/%.*s/original", STRF(id));
	struct image_change change = { .image_id = id, .has_visibility = true, .is_public = true };
	(void)state;
	assert_int_equal(table_change(x.f.product.table, &change, &x.f.a, &now, &x.f.why), OK);
	assert_int_equal(run(&r), 1);
	assert_string_equal(x.found, line("copy_missing", id));
	repair(str_printf(&x.f.a, "image/%.*s", STRF(id)));
	assert_true(fake_product_has_object(&x.f, copy));
	assert_int_equal(run(&r), 0);
	change.is_public = false;
	assert_int_equal(table_change(x.f.product.table, &change, &x.f.a, &now, &x.f.why), OK);
	assert_int_equal(run(&r), 1);
	assert_string_equal(x.found, line("copy_unwanted", copy));
	repair(str_printf(&x.f.a, "key/%.*s", STRF(copy)));
	assert_false(fake_product_has_object(&x.f, copy));
	assert_int_equal(run(&r), 0);
}

static void test_fsck_when_a_port_fails_then_it_could_not_be_done_or_an_object_not_read(void **state)
{
	struct fsck_result r;
	(void)state;
	for (uint64_t n = 1; n <= 3; n++) { /* the counts, the list, a row */
		fake_table_fail_nth(x.f.table, n, F_UPSTREAM_FAILED);
		int found = run(&r);
		assert_true(found == -1 && x.f.why.code == F_UPSTREAM_FAILED);
	}
	fake_table_fail_nth(x.f.table, 0, F_UPSTREAM_FAILED);
	fake_store_fail_nth(x.f.store, 1, F_UPSTREAM_FAILED); /* read a second time, it is there */
	assert_int_equal(run(&r), 0);
	assert_int_equal(r.found, 0);
}

static void test_fsck_that_is_stopped_then_it_says_so(void **state)
{
	struct fsck_result r;
	(void)state;
	x.stop_after = 1;
	assert_int_equal(run(&r), -1);
	assert_int_equal(x.f.why.code, F_DEADLINE);
	assert_int_equal(r.images, 1);
}

static void test_examine_of_what_is_not_there_then_nothing_or_refused(void **state)
{
	struct note_sink s = { .sink = { .found = note_repair } };
	(void)state;
	assert_int_equal(fsck_examine(&x.options, str_printf(&x.f.a, "image/%.*s", STRF(row_id(&x.f.a, 99))), true, &s.sink, &x.f.why), OK);
	assert_int_equal(fsck_examine(&x.options, STR("key/images/none"), true, &s.sink, &x.f.why), OK);
	assert_int_equal(fsck_examine(&x.options, STR("thumbs/aa"), true, &s.sink, &x.f.why), INVALID);
	assert_int_equal(s.repaired + s.left, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fsck_of_what_is_right_then_nothing_by_any_number_of_threads),
		TEST(test_fsck_when_an_object_comes_between_both_looks_then_no_finding),
		TEST(test_fsck_when_the_row_goes_after_its_object_then_no_finding),
		TEST(test_fsck_of_copies_of_a_cdn_then_missing_ones_are_made_and_others_removed),
		TEST(test_fsck_when_a_port_fails_then_it_could_not_be_done_or_an_object_not_read),
		TEST(test_fsck_that_is_stopped_then_it_says_so),
		TEST(test_examine_of_what_is_not_there_then_nothing_or_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
