/* Thumbnails over fakes: presets, one job for many requests, what is remembered, and images that go while one is made. */
#include "image/thumbnails.h"

#include "fake/fake_product.h"
#include "fake/rows.h"
#include "fake/pictures.h"
#include "image/image_service.h"
#include "image/reconcile.h"
#include "image/thumb_objects.h"
#include "image/verify.h"
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PRESETS STR("small:160x160,wide:1200x400:cover:q75:e4")

static struct fake_product f;
static struct thumb_objects store;
static struct thumbnails *t;

/* A renderer that waits to be let go. */
static struct {
	struct renderer port;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool held;
	unsigned jobs;
	enum render_code code;
	struct render_preset asked;
	char bytes[16]; /* the first of the picture's */
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static enum status run_fake(
	struct renderer *r, const struct renderer_job *job, struct arena *a, struct renderer_result *out, struct fault *why)
{
	pthread_mutex_lock(&fake.lock);
	fake.jobs++;
	fake.asked = job->preset[0];
	(void)snprintf(fake.bytes, sizeof fake.bytes, "%.*s", STRF(job->bytes));
	pthread_cond_broadcast(&fake.changed);
	while (fake.held)
		pthread_cond_wait(&fake.changed, &fake.lock);
	*out = (struct renderer_result){ .answer = { .code = (uint8_t)fake.code, .verdict = (uint8_t)render_code_verdict(fake.code) } };
	pthread_mutex_unlock(&fake.lock);
	if (out->answer.verdict < RENDER_BROKEN) {
		out->answer.presets = 1;
		out->thumb[0] = STR("RIFF of a thumbnail");
	}
	return OK;
}

static const struct renderer_ops fake_ops = { run_fake };

static void hold(bool held)
{
	pthread_mutex_lock(&fake.lock);
	fake.held = held;
	pthread_cond_broadcast(&fake.changed);
	pthread_mutex_unlock(&fake.lock);
}

static unsigned count_jobs(void)
{
	pthread_mutex_lock(&fake.lock);
	unsigned n = fake.jobs;
	pthread_mutex_unlock(&fake.lock);
	return n;
}

static enum status make(struct str presets, struct str at_upload)
{
	struct thumbnails_options o = { .presets = presets, .at_upload = at_upload, .product = &f.product, .store = &store.port, .makers = 2 };
	return thumbnails_new(&o, &t, &f.why);
}

static int set_up(void **state)
{
	fake_product_init(&f, false);
	fake.port = (struct renderer){ .ops = &fake_ops };
	fake.jobs = 0;
	fake.code = RENDER_NONE;
	f.product.renderer = &fake.port;
	thumb_objects_init(&store, f.product.store);
	return picture_set_up(state);
}

static int tear_down(void **state)
{
	thumbnails_free(&t);
	fake_product_deinit(&f);
	return picture_tear_down(state);
}

/* The bytes are the object's by now; its ETag. */
static struct str arrive(struct str key, struct str bytes)
{
	struct object_info info;
	fake_product_arrive(&f, key, bytes);
	assert_int_equal(store_head(f.product.store, key, &f.a, &info, &f.why), OK);
	return info.etag;
}

/* An uploaded row with an object. */
static struct image_row uploaded(unsigned n)
{
	struct image_row row;
	struct resolution s = row_verdict(&f.a, n, 1700000000000, STR(""));
	s.etag = arrive(fake_product_slot(&f, n, STR("image/jpeg")), STR("bytes"));
	assert_int_equal(table_resolve(f.product.table, &s, &f.a, &row, &f.why), OK);
	return row;
}

static void test_presets_then_variants_that_change_with_them(void **state)
{
	assert_int_equal(make(PRESETS, STR("small")), OK);
	assert_int_equal(thumbnails_count(t), 2);
	struct str small = thumbnails_variant(t, 0, RENDER_TO_WEBP), wide = thumbnails_variant(t, 1, RENDER_TO_JPEG);
	assert_true(str_starts_with(small, STR("small-")) && str_ends_with(small, STR(".webp")));
	assert_true(str_starts_with(wide, STR("wide-")) && str_ends_with(wide, STR(".jpg")));
	small = str_dup(&f.a, small);
	wide = str_dup(&f.a, wide);
	assert_int_equal(thumbnails_at_upload(t)->width, 160);
	thumbnails_free(&t);
	assert_int_equal(make(STR("small:160x160, wide:1200x400:cover:q76:e4"), STR("")), OK);
	assert_str(thumbnails_variant(t, 0, RENDER_TO_WEBP), small);
	assert_false(str_equal(thumbnails_variant(t, 1, RENDER_TO_JPEG), wide));
	assert_null(thumbnails_at_upload(t));
}

static void test_formats_of_a_preset_then_those_of_the_links(void **state)
{
	static const struct {
		const char *preset;
		bool alpha;
		size_t n;
		enum render_format formats[2], made; /* made: of the job at upload */
	} CASES[] = { { "a:16x16", false, 2, { RENDER_TO_WEBP, RENDER_TO_JPEG }, RENDER_TO_WEBP },
		{ "a:16x16:webp", true, 2, { RENDER_TO_WEBP, RENDER_TO_PNG }, RENDER_TO_WEBP },
		{ "a:16x16:animated", false, 2, { RENDER_TO_WEBP, RENDER_TO_JPEG }, RENDER_TO_ANIMATION },
		{ "a:16x16:jpeg", false, 1, { RENDER_TO_JPEG }, RENDER_TO_JPEG },
		{ "a:16x16:jpeg:q70", true, 1, { RENDER_TO_PNG }, RENDER_TO_JPEG } };
	struct image_row row = uploaded(1);
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		enum render_format formats[2];
		row.placeholder = CASES[i].alpha ? STR("AACA") : STR("");
		assert_int_equal(make(str_of(CASES[i].preset), STR("a")), OK);
		assert_int_equal(thumbnails_formats(t, 0, &row, formats), CASES[i].n);
		assert_memory_equal(formats, CASES[i].formats, CASES[i].n * sizeof *formats);
		for (enum render_format one = RENDER_TO_WEBP; one <= RENDER_TO_PNG; one++)
			assert_int_equal(
				thumbnails_has(t, &row, thumbnails_variant(t, 0, one)), one == formats[0] || (CASES[i].n == 2 && one == formats[1]));
		assert_int_equal(thumbnails_at_upload(t)->format, CASES[i].made);
		struct object_file kept = { .fd = -1 };
		thumbnails_keep_upload(t, &row, STR("bytes"));
		struct str first = thumbnails_variant(t, 0, formats[0]);
		enum status found = thumb_find(&store.port, row.image_id, first, &f.a, &kept, &f.why);
		assert_int_equal(found, formats[0] == RENDER_TO_PNG ? NOT_FOUND : OK); /* which is made when it is asked for */
		object_file_close(&kept);
		thumbnails_remove(t, &row);
		thumbnails_free(&t);
	}
}

static void expect_size(const struct image_row *row, size_t preset, uint32_t width, uint32_t height)
{
	struct render_size size = thumbnails_size(t, row, preset);
	assert_int_equal(size.crop_width, width);
	assert_int_equal(size.crop_height, height);
}

static void test_size_then_upright_as_browsers_show_it(void **state)
{
	struct image_row row = uploaded(1);
	assert_int_equal(make(PRESETS, STR("")), OK);
	row.orientation = 1;
	row.width = 4000;
	row.height = 3000;
	expect_size(&row, 0, 160, 120);
	expect_size(&row, 1, 1200, 400);
	row.orientation = 6;
	expect_size(&row, 0, 120, 160);
	row.file_type = STR("image/webp"); /* whose orientation browsers do not apply */
	expect_size(&row, 0, 160, 120);
	row.width = 0;
	expect_size(&row, 0, 0, 0);
}

static void test_malformed_presets_then_refused(void **state)
{
	static const char *const BAD[] = { ",", "small", "small:", "small:160", "small:0x160", "small:160x5000", "Small:160x160", "-a:160x160",
		"small:160x160:best", "small:160x160:q0", "small:160x160:q101", "small:160x160:e7", "small:160x160:q", "original:160x160",
		"a:16x16,a:17x17", "a:16x16,b:16x16,c:16x16,d:16x16,e:16x16,f:16x16,g:16x16,h:16x16,i:16x16", "a:16x16,", "a:16x16:png",
		"a:16x16:jpeg2", "a:16x16:fit:cover", "a:16x16:jpeg:animated", "a:16x16:q70:q80", "a:16x16:e1:e1" };
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		if (make(str_of(BAD[i]), STR("")) != INVALID)
			fail_msg("\"%s\" is taken", BAD[i]);
		assert_null(t);
	}
	assert_int_equal(make(PRESETS, STR("large")), INVALID);
}

static void test_malformed_preset_then_which_and_what_must_be_otherwise(void **state)
{
	static const char *const CASES[][3] = { { "small:160x160,B:160x160", "a name must be", "\"B:160x160\"" },
		{ "original:160x160", "a name must be", "not original" }, { "small", ":WIDTHxHEIGHT", "\"small\"" },
		{ "small:160x160,tiny:15x160", "16 to 4096 pixels", "\"tiny:15x160\"" },
		{ "huge:160x4097", "16 to 4096 pixels", "\"huge:160x4097\"" }, { "small:160x160:q0", ":q1 to :q100", "\"small:160x160:q0\"" },
		{ "small:160x160,small:99x99", "each name must be another one", "\"small:99x99\"" },
		{ "a:16x16,b:16x16,c:16x16,d:16x16,e:16x16,f:16x16,g:16x16,h:16x16,i:16x16", "8 presets at most", "\"i:16x16\"" } };
	for (size_t i = 0; i < COUNT_OF(CASES); i++) {
		assert_int_equal(make(str_of(CASES[i][0]), STR("")), INVALID);
		for (size_t k = 1; k < 3; k++)
			if (strstr(f.why.text, CASES[i][k]) == NULL)
				fail_msg("%s: %s", CASES[i][0], f.why.text);
	}
	assert_int_equal(make(PRESETS, STR("large")), INVALID);
	assert_non_null(strstr(f.why.text, "must be none, or the name of a preset of --thumbnails, not \"large\""));
}

struct asking {
	struct thumbnail_wait wait;
	enum status status;
	_Atomic bool done;
};

static void on_done(struct thumbnail_wait *w, enum status st)
{
	struct asking *r = (struct asking *)w;
	r->status = st;
	r->done = true;
}

static void test_many_requests_then_one_job_and_all_answered(void **state)
{
	static struct asking requests[50];
	struct image_row row = uploaded(1);
	struct object_file file;
	assert_int_equal(make(PRESETS, STR("")), OK);
	struct str variant = thumbnails_variant(t, 1, RENDER_TO_JPEG);
	assert_int_equal(thumbnails_find(t, &row, variant, &f.a, &file, &f.why), NOT_FOUND);
	assert_int_equal(f.why.code, F_NO_SUCH_KEY);
	hold(true);
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		requests[i] = (struct asking){ .wait = { .done = on_done } };
		thumbnails_make(t, &row, variant, NULL, &requests[i].wait);
	}
	hold(false);
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		wait_until(requests[i].done);
		assert_int_equal(requests[i].status, OK);
	}
	assert_int_equal(count_jobs(), 1);
	assert_int_equal(fake.asked.width, 1200);
	assert_int_equal(fake.asked.quality, 75);
	assert_int_equal(fake.asked.format, RENDER_TO_JPEG);
	assert_int_equal(thumbnails_get(t, &row, variant, NULL, &f.a, &file, &f.why), OK);
	assert_str(file.bytes, STR("RIFF of a thumbnail"));
	assert_str(file.info.content_type, STR("image/jpeg"));
	assert_int_equal(count_jobs(), 1);
}

static void test_image_that_cannot_be_decoded_then_that_is_remembered(void **state)
{
	struct image_row row = uploaded(1);
	struct object_file file;
	fake.code = RENDER_DAMAGED;
	assert_int_equal(make(PRESETS, STR("")), OK);
	struct str variant = thumbnails_variant(t, 0, RENDER_TO_WEBP);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(thumbnails_get(t, &row, variant, NULL, &f.a, &file, &f.why), NOT_FOUND);
		assert_int_equal(f.why.code, F_NO_SUCH_IMAGE);
	}
	assert_int_equal(count_jobs(), 1);
}

static void test_image_deleted_while_one_is_made_then_none_is_left(void **state)
{
	static struct asking r = { .wait = { .done = on_done } };
	struct image_row row = uploaded(1);
	assert_int_equal(make(PRESETS, STR("")), OK);
	f.product.thumbnails = t;
	hold(true);
	thumbnails_make(t, &row, thumbnails_variant(t, 0, RENDER_TO_WEBP), NULL, &r.wait);
	wait_until(count_jobs() == 1);
	assert_int_equal(image_service_remove(&f.product, row.image_id, &f.why), OK);
	hold(false);
	wait_until(r.done);
	assert_int_equal(r.status, NOT_FOUND);
	assert_int_equal(fake_store_count(f.store), 0);
	f.product.thumbnails = NULL;
}

/* Row 1 as if these bytes had been written over its own and verified; without a reason they are accepted. */
static void overwrite(struct str bytes, struct str reason)
{
	struct image_row row, now;
	assert_true(fake_product_row(&f, 1, &row));
	struct resolution s = row_verdict(&f.a, 1, 1700000200000, reason);
	s.replaces = row.etag;
	s.etag = arrive(row.key, bytes);
	assert_int_equal(table_resolve(f.product.table, &s, &f.a, &now, &f.why), OK);
}

static void test_bytes_replaced_while_one_is_made_then_it_is_made_again_of_the_new_ones(void **state)
{
	static struct asking r = { .wait = { .done = on_done } };
	struct image_row row = uploaded(1);
	assert_int_equal(make(PRESETS, STR("")), OK);
	hold(true);
	thumbnails_make(t, &row, thumbnails_variant(t, 0, RENDER_TO_WEBP), NULL, &r.wait);
	wait_until(count_jobs() == 1);
	overwrite(STR("others"), STR(""));
	hold(false);
	wait_until(r.done);
	assert_int_equal(r.status, OK);
	assert_int_equal(count_jobs(), 2);
	assert_string_equal(fake.bytes, "others");
	assert_int_equal(fake_store_count(f.store), 2);
}

static void test_image_rejected_while_one_is_made_then_none_is_left(void **state)
{
	static struct asking r = { .wait = { .done = on_done } };
	struct image_row row = uploaded(1);
	assert_int_equal(make(PRESETS, STR("")), OK);
	hold(true);
	thumbnails_make(t, &row, thumbnails_variant(t, 0, RENDER_TO_WEBP), NULL, &r.wait);
	wait_until(count_jobs() == 1);
	overwrite(STR("others"), STR("It is damaged."));
	hold(false);
	wait_until(r.done);
	assert_int_equal(r.status, NOT_FOUND);
	assert_int_equal(fake_store_count(f.store), 1);
}

static void test_bytes_that_were_not_verified_then_not_decoded(void **state)
{
	struct image_row row = uploaded(1);
	struct object_file file;
	assert_int_equal(make(PRESETS, STR("")), OK);
	fake_product_arrive(&f, row.key, STR("others"));
	assert_int_equal(thumbnails_get(t, &row, thumbnails_variant(t, 0, RENDER_TO_WEBP), NULL, &f.a, &file, &f.why), NOT_FOUND);
	assert_int_equal(f.why.code, F_NO_SUCH_IMAGE);
	assert_int_equal(count_jobs(), 0);
	assert_int_equal(fake_store_count(f.store), 1);
}

static void test_other_variants_and_images_then_not_found(void **state)
{
	struct object_file file;
	struct image_row row = uploaded(1);
	assert_int_equal(make(PRESETS, STR("")), OK);
	static const char *const NONE[] = { "original", "small", "small-00000000.webp", "" };
	for (size_t i = 0; i < COUNT_OF(NONE); i++) {
		assert_int_equal(thumbnails_get(t, &row, str_of(NONE[i]), NULL, &f.a, &file, &f.why), NOT_FOUND);
		assert_int_equal(f.why.code, F_NO_SUCH_IMAGE);
	}
	assert_int_equal(thumbnails_get(t, &row, thumbnails_variant(t, 0, RENDER_TO_PNG), NULL, &f.a, &file, &f.why), NOT_FOUND);
	row.file_type = STR("image/svg+xml");
	assert_false(thumbnails_possible(&row));
	assert_int_equal(thumbnails_get(t, &row, thumbnails_variant(t, 0, RENDER_TO_WEBP), NULL, &f.a, &file, &f.why), NOT_FOUND);
	assert_int_equal(count_jobs(), 0);
}

static enum status make_without_makers(void)
{
	const struct thumbnails_options o = { .presets = PRESETS, .at_upload = STR("small"), .product = &f.product, .store = &store.port };
	return thumbnails_new(&o, &t, &f.why);
}

static void test_without_makers_then_the_caller_makes_it(void **state)
{
	struct image_row row = uploaded(1);
	struct object_file file;
	assert_int_equal(make_without_makers(), OK);
	struct str variant = thumbnails_variant(t, 0, RENDER_TO_WEBP);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(thumbnails_get(t, &row, variant, NULL, &f.a, &file, &f.why), OK);
		assert_str(file.bytes, STR("RIFF of a thumbnail"));
	}
	assert_int_equal(count_jobs(), 1);
	assert_int_equal(thumbnails_get(t, &row, STR("small-00000000.webp"), NULL, &f.a, &file, &f.why), NOT_FOUND);
	assert_int_equal(f.why.code, F_NO_SUCH_IMAGE);
}

static void test_without_a_renderer_then_only_named(void **state)
{
	f.product.renderer = NULL;
	assert_int_equal(make_without_makers(), OK);
	assert_true(str_starts_with(thumbnails_variant(t, 1, RENDER_TO_WEBP), STR("wide-")));
}

/* A pending row and its object, which is a picture; verified with a renderer and the thumbnail at upload. */
static struct image_row arrived(unsigned n)
{
	struct image_row row;
	f.product.rules.check = CHECK_DECODE;
	assert_int_equal(make_without_makers(), OK);
	f.product.thumbnails = t;
	fake_product_arrive(&f, fake_product_slot(&f, n, STR("image/png")), picture_png(3, 2));
	assert_true(fake_product_row(&f, n, &row));
	return row;
}

static enum status verify(const struct image_row *row)
{
	struct image_row now;
	return verify_object(&f.product, row, 1700000100000, &f.a, &now, &f.why);
}

static void test_verified_object_then_its_thumbnail_is_kept_once_and_as_long_as_the_image(void **state)
{
	struct image_row row = arrived(1);
	assert_int_equal(verify(&row), OK);
	assert_int_equal(fake_store_count(f.store), 2);
	assert_true(fake_product_row(&f, 1, &row));
	uint64_t calls = fake_store_calls(f.store);
	assert_int_equal(verify(&row), OK);
	assert_int_equal(fake_store_calls(f.store) - calls, 1); /* read, and nothing written */
	assert_int_equal(fake_store_count(f.store), 2);
	fake.code = RENDER_DAMAGED; /* of a stricter renderer */
	assert_int_equal(verify(&row), OK);
	assert_int_equal(fake_store_count(f.store), 0);
}

static void test_verified_object_whose_row_was_deleted_then_no_thumbnail_is_left(void **state)
{
	struct image_row row = arrived(1);
	assert_int_equal(table_remove(f.product.table, row.image_id, 0, &f.why), OK);
	assert_int_equal(verify(&row), NOT_FOUND);
	assert_int_equal(fake_store_count(f.store), 1); /* the object, for the caller to remove */
}

static void keep_one(void *row)
{
	assert_int_equal(thumb_keep(&store.port, ((struct image_row *)row)->image_id, STR("small-00000000.webp"), STR("RIFF"), &f.why), OK);
}

static void test_bytes_replaced_then_none_is_left_of_the_old_ones_that_was_kept_before_the_row_said_so(void **state)
{
	struct image_row row = arrived(1);
	assert_int_equal(verify(&row), OK);
	assert_true(fake_product_row(&f, 1, &row));
	struct str etag = arrive(row.key, picture_png(4, 2));
	fake_table_meet_nth(f.table, 1, keep_one, &row); /* the row is resolved then */
	assert_int_equal(verify(&row), OK);
	assert_true(fake_product_row(&f, 1, &row));
	assert_str(row.etag, etag);
	assert_int_equal(fake_store_count(f.store), 1);
}

static enum status commit_then_delete(struct slot_body *b, const struct resolution *s, struct image_row *now, struct fault *why)
{
	TRY(table_resolve(f.product.table, s, &f.a, now, why));
	return image_service_remove(&f.product, s->image_id, why);
}

static enum status compare_nothing(struct slot_body *b, bool *same, struct fault *why)
{
	*same = false;
	return OK;
}

static void test_image_deleted_right_after_its_commit_then_no_thumbnail_is_left(void **state)
{
	struct image_row row = arrived(1), now;
	struct str bytes = picture_png(3, 2);
	struct slot_body b = { .what = { .bytes = bytes, .size = bytes.n, .etag = arrive(row.key, bytes), .now_ms = 1700000100000 },
		.commit = commit_then_delete,
		.compare = compare_nothing };
	assert_int_equal(verify_body(&f.product, &row, &b, &f.a, &now, &f.why), OK);
	assert_int_equal(count_jobs(), 1);
	assert_int_equal(fake_store_count(f.store), 0);
}

static void test_object_without_a_row_then_thumbnails_that_a_crash_left_are_removed_too(void **state)
{
	struct image_row row = arrived(1);
	struct reconciled done;
	assert_int_equal(thumb_keep(&store.port, row.image_id, STR("small-00000000.webp"), STR("RIFF"), &f.why), OK);
	assert_int_equal(table_remove(f.product.table, row.image_id, 0, &f.why), OK);
	const struct written_object what = { .key = row.key, .now_ms = 1700000100000 };
	assert_int_equal(reconcile_object(&f.product, &what, &f.a, &done, &f.why), OK);
	assert_int_equal(done.outcome, RECONCILE_ORPHAN);
	assert_int_equal(fake_store_count(f.store), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_presets_then_variants_that_change_with_them),
		TEST(test_formats_of_a_preset_then_those_of_the_links),
		TEST(test_size_then_upright_as_browsers_show_it),
		TEST(test_malformed_presets_then_refused),
		TEST(test_malformed_preset_then_which_and_what_must_be_otherwise),
		TEST(test_many_requests_then_one_job_and_all_answered),
		TEST(test_image_that_cannot_be_decoded_then_that_is_remembered),
		TEST(test_image_deleted_while_one_is_made_then_none_is_left),
		TEST(test_bytes_replaced_while_one_is_made_then_it_is_made_again_of_the_new_ones),
		TEST(test_image_rejected_while_one_is_made_then_none_is_left),
		TEST(test_bytes_that_were_not_verified_then_not_decoded),
		TEST(test_other_variants_and_images_then_not_found),
		TEST(test_without_makers_then_the_caller_makes_it),
		TEST(test_without_a_renderer_then_only_named),
		TEST(test_verified_object_then_its_thumbnail_is_kept_once_and_as_long_as_the_image),
		TEST(test_verified_object_whose_row_was_deleted_then_no_thumbnail_is_left),
		TEST(test_bytes_replaced_then_none_is_left_of_the_old_ones_that_was_kept_before_the_row_said_so),
		TEST(test_image_deleted_right_after_its_commit_then_no_thumbnail_is_left),
		TEST(test_object_without_a_row_then_thumbnails_that_a_crash_left_are_removed_too),
	};
	return cmocka_run_group_tests_name("thumbnails", tests, NULL, NULL);
}
