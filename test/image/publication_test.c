/* The copies of public images: there while the row says so, whatever fails and whoever comes in between; and the URLs. */
#include "unit.h"

#include "fake/fake_cdn.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include "image/image_service.h"
#include "image/publication.h"
#include "image/reconcile.h"
#include "image/verify.h"

#define NOW_MS 1700000100000

struct fixture {
	struct fake_product f; /* first: the fixture of pictures takes this address */
	struct fake_cdn cdn;
	struct str key;
};

static struct fixture x;

static struct str copy_key(void)
{
	return str_printf(&x.f.a, "public/%.*s/original", STRF(row_id(&x.f.a, 1)));
}

static bool has_copy(void)
{
	return fake_product_has_object(&x.f, copy_key());
}

static struct str forgotten_path(void)
{
	return str_printf(&x.f.a, "/public/%.*s/*", STRF(row_id(&x.f.a, 1)));
}

static struct image_row the_row(void)
{
	struct image_row row;
	assert_true(fake_product_row(&x.f, 1, &row));
	return row;
}

static struct image_row set_visibility(bool is_public)
{
	struct image_row now;
	const struct image_change change = { .image_id = row_id(&x.f.a, 1), .has_visibility = true, .is_public = is_public };
	assert_int_equal(table_change(x.f.product.table, &change, &x.f.a, &now, &x.f.why), OK);
	return now;
}

static enum status complete(void)
{
	struct image_row now;
	return image_service_complete(&x.f.product, row_id(&x.f.a, 1), &x.f.a, &now, &x.f.why);
}

/* A slot, its picture, and nobody who has looked at it. */
static int set_up(void **state)
{
	(void)state;
	fake_product_init(&x.f, false);
	fake_cdn_init(&x.cdn, x.f.product.store);
	x.f.product.cdn = &x.cdn.port;
	x.key = fake_product_slot(&x.f, 1, STR("image/png"));
	*state = &x;
	int made = picture_set_up(state);
	fake_product_arrive(&x.f, x.key, picture_png(3, 2));
	return made;
}

static int tear_down(void **state)
{
	fake_cdn_deinit(&x.cdn);
	fake_product_deinit(&x.f);
	return picture_tear_down(state);
}

static void test_an_upload_that_is_private_then_no_copy_and_nothing_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(complete(), OK);
	assert_false(has_copy());
	assert_int_equal(trap_calls(&x.cdn.trap), 0);
}

static void test_an_upload_that_is_public_from_the_start_then_copied_when_it_is_accepted(void **state)
{
	struct arena *a = &x.f.a;
	struct object copy;
	(void)state;
	set_visibility(true);
	assert_false(has_copy());
	assert_int_equal(complete(), OK);
	assert_int_equal(store_get(x.f.product.store, copy_key(), 1 << 20, a, &copy, &x.f.why), OK);
	assert_str(copy.info.etag, the_row().etag);
	assert_str(copy.info.content_type, STR("image/png"));
	assert_int_equal(complete(), OK);
	assert_int_equal(trap_calls(&x.cdn.trap), 1); /* that is there already */
}

static void test_an_upload_whose_copy_fails_then_the_event_that_comes_again_makes_it(void **state)
{
	struct reconciled done;
	const struct written_object what = { .key = x.key, .now_ms = NOW_MS };
	(void)state;
	set_visibility(true);
	trap_fail(&x.cdn.trap, 1, F_UPSTREAM_FAILED);
	assert_int_equal(reconcile_object(&x.f.product, &what, &x.f.a, &done, &x.f.why), UPSTREAM);
	assert_false(has_copy());
	assert_int_equal(the_row().status, IMAGE_UPLOADED);
	assert_int_equal(reconcile_object(&x.f.product, &what, &x.f.a, &done, &x.f.why), OK);
	assert_true(has_copy());
}

static void test_made_private_then_the_copies_go_before_the_cdn_forgets_and_again_however_often(void **state)
{
	struct image_row row;
	(void)state;
	assert_int_equal(complete(), OK);
	row = set_visibility(true);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_NAMED, &x.f.why), OK);
	assert_true(has_copy());
	row = set_visibility(false);
	trap_fail(&x.cdn.trap, 1, F_UPSTREAM_FAILED);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_HIDDEN, &x.f.why), UPSTREAM);
	assert_false(has_copy());
	assert_int_equal(x.cdn.n_paths, 0);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_HIDDEN, &x.f.why), OK);
	assert_int_equal(x.cdn.n_paths, 1);
	assert_str(x.cdn.paths[0], forgotten_path());
}

/* More than fifteen deletions in a minute or two must not fail. */
static void test_too_many_are_forgotten_at_once_then_each_copy_by_its_own_path(void **state)
{
	struct arena *a = &x.f.a;
	(void)state;
	assert_int_equal(complete(), OK);
	struct image_row row = set_visibility(true);
	struct str small = str_printf(a, "public/%.*s/small-1a2b3c4d.webp", STRF(row.image_id));
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_NAMED, &x.f.why), OK);
	fake_product_arrive(&x.f, small, STR("a thumbnail"));
	row = set_visibility(false);
	trap_fail(&x.cdn.trap, 1, F_OVERLOADED);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_HIDDEN, &x.f.why), OK);
	assert_int_equal(x.cdn.n_paths, 2);
	assert_str(x.cdn.paths[0], str_printf(a, "/public/%.*s/original", STRF(row.image_id)));
	assert_str(x.cdn.paths[1], str_printf(a, "/%.*s", STRF(small)));
	trap_fail(&x.cdn.trap, 1, F_OVERLOADED); /* the copies are gone, so no path is known */
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_HIDDEN, &x.f.why), BUSY);
}

static void hide_meanwhile(void *arg)
{
	(void)arg;
	struct image_row row = set_visibility(false);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_HIDDEN, &x.f.why), OK);
	assert_false(has_copy());
}

static void test_made_private_while_it_is_copied_then_no_copy_stays(void **state)
{
	(void)state;
	assert_int_equal(complete(), OK);
	struct image_row row = set_visibility(true);
	trap_meet(&x.cdn.trap, 1, hide_meanwhile, NULL);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_NAMED, &x.f.why), OK);
	assert_false(has_copy());
	assert_str(x.cdn.paths[x.cdn.n_paths - 1], forgotten_path());
}

static void delete_meanwhile(void *arg)
{
	(void)arg;
	assert_int_equal(image_service_remove(&x.f.product, row_id(&x.f.a, 1), &x.f.why), OK);
	fake_product_arrive(&x.f, x.key, picture_png(3, 2)); /* what the copy had begun to read */
}

static void test_deleted_while_it_is_copied_then_no_copy_stays_and_it_says_so(void **state)
{
	(void)state;
	assert_int_equal(complete(), OK);
	struct image_row row = set_visibility(true);
	trap_meet(&x.cdn.trap, 1, delete_meanwhile, NULL);
	row.etag = STR("");
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_NAMED, &x.f.why), NOT_FOUND);
	assert_int_equal(x.f.why.code, F_NO_SUCH_IMAGE);
	assert_false(has_copy());
}

static void test_deleted_then_the_copy_goes_and_only_a_public_one_is_forgotten(void **state)
{
	(void)state;
	set_visibility(true);
	assert_int_equal(complete(), OK);
	assert_int_equal(image_service_remove(&x.f.product, row_id(&x.f.a, 1), &x.f.why), OK);
	assert_false(has_copy());
	assert_false(fake_product_has_object(&x.f, x.key));
	assert_int_equal(x.cdn.n_paths, 1);

	fake_product_slot(&x.f, 2, STR("image/png"));
	assert_int_equal(image_service_remove(&x.f.product, row_id(&x.f.a, 2), &x.f.why), OK);
	assert_int_equal(x.cdn.n_paths, 1);
}

static void test_deleted_when_the_cdn_fails_then_the_image_stays_and_the_call_can_be_repeated(void **state)
{
	(void)state;
	set_visibility(true);
	assert_int_equal(complete(), OK);
	trap_fail(&x.cdn.trap, 1, F_UPSTREAM_FAILED);
	assert_int_equal(image_service_remove(&x.f.product, row_id(&x.f.a, 1), &x.f.why), UPSTREAM);
	assert_true(the_row().is_public && fake_product_has_object(&x.f, x.key));
	assert_int_equal(image_service_remove(&x.f.product, row_id(&x.f.a, 1), &x.f.why), OK);
	assert_false(has_copy());
	assert_false(fake_product_has_object(&x.f, x.key));
	assert_int_equal(x.cdn.n_paths, 1);
}

/* In a migration: the row's removal is the table's second call. */
static void test_deleted_when_the_table_refuses_changes_then_the_image_and_its_copy_stay(void **state)
{
	(void)state;
	set_visibility(true);
	assert_int_equal(complete(), OK);
	fake_table_fail_nth(x.f.table, 2, F_READ_ONLY);
	assert_int_equal(image_service_remove(&x.f.product, row_id(&x.f.a, 1), &x.f.why), BUSY);
	assert_int_equal(x.f.why.code, F_READ_ONLY);
	assert_true(the_row().is_public && has_copy() && fake_product_has_object(&x.f, x.key));
}

static void test_other_bytes_then_they_are_copied_when_they_are_accepted_and_the_old_are_forgotten(void **state)
{
	(void)state;
	set_visibility(true);
	assert_int_equal(complete(), OK);
	struct image_row before = the_row();
	fake_product_arrive(&x.f, x.key, picture_png(5, 5));
	assert_int_equal(publication_update(&x.f.product, &before, PUBLICATION_NAMED, &x.f.why), OK);
	struct object_info copy;
	assert_int_equal(store_head(x.f.product.store, copy_key(), &x.f.a, &copy, &x.f.why), OK);
	assert_str(copy.etag, before.etag); /* not those that nobody has verified */
	assert_int_equal(complete(), OK);
	assert_int_equal(store_head(x.f.product.store, copy_key(), &x.f.a, &copy, &x.f.why), OK);
	assert_str(copy.etag, the_row().etag);
	assert_int_equal(x.cdn.n_paths, 1);

	fake_product_arrive(&x.f, x.key, STR("<html>"));
	assert_int_equal(complete(), OK);
	assert_int_equal(the_row().status, IMAGE_REJECTED);
	assert_false(has_copy());
	assert_int_equal(x.cdn.n_paths, 2);
}

#define SMALL "small-1a2b3c4d.webp"

static void test_thumbnails_that_are_recorded_then_copied_with_their_image_and_gone_with_it(void **state)
{
	struct arena *a = &x.f.a;
	struct image_row row, now;
	struct object_info copy;
	struct str url, id = row_id(a, 1), key = str_printf(a, "public/%.*s/" SMALL, STRF(id));
	(void)state;
	set_visibility(true);
	assert_int_equal(complete(), OK);
	row = the_row();
	assert_false(publication_has(&x.f.product, &row, STR(SMALL)));
	assert_int_equal(
		store_put(x.f.product.store, str_printf(a, "thumbs/%.*s/" SMALL, STRF(id)), STR("image/webp"), STR("RIFF"), &x.f.why), OK);
	assert_int_equal(table_set_thumbs(x.f.product.table, id, row.etag, STR("gone-1a2b3c4d.jpg," SMALL), a, &now, &x.f.why), OK);
	assert_int_equal(publication_update(&x.f.product, &now, PUBLICATION_THUMBS, &x.f.why), OK);
	assert_int_equal(store_head(x.f.product.store, key, a, &copy, &x.f.why), OK);
	assert_str(copy.content_type, STR("image/webp"));
	assert_true(publication_has(&x.f.product, &now, STR(SMALL)));
	assert_int_equal(image_service_link(&x.f.product, &now, STR(SMALL), 0, a, &url, &x.f.why), OK);
	assert_str(url, str_printf(a, "https://cdn.test/%.*s", STRF(key)));
	row = set_visibility(false);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_HIDDEN, &x.f.why), OK);
	assert_false(fake_product_has_object(&x.f, key));
	assert_false(has_copy());
	assert_int_equal(image_service_link(&x.f.product, &row, STR(SMALL), 1900000000, a, &url, &x.f.why), OK);
	assert_str(url, str_printf(a, "https://cdn.test/thumbs/%.*s/" SMALL "?name=&type=&Expires=1900000000", STRF(id)));
	row = set_visibility(true);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_NAMED, &x.f.why), OK);
	assert_true(fake_product_has_object(&x.f, key) && has_copy());
}

/* An image is accepted with its metadata; then the rules require that metadata that identifies a person is removed first. */
static void test_repaired_when_the_rules_forbid_showing_it_then_its_copies_go(void **state)
{
	bool removed = false;
	(void)state;
	x.f.product.rules.strip = false;
	assert_int_equal(complete(), OK);
	struct image_row row = set_visibility(true);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_NAMED, &x.f.why), OK);
	assert_int_equal(publication_repair(&x.f.product, row.image_id, &removed, &x.f.why), OK);
	assert_true(!removed && has_copy() && !row.stripped);
	x.f.product.rules.strip = true;
	assert_int_equal(publication_repair(&x.f.product, row.image_id, &removed, &x.f.why), OK);
	assert_true(removed && !has_copy());
}

static void publish_meanwhile(void *arg)
{
	(void)arg;
	struct image_row row = set_visibility(true);
	assert_int_equal(publication_update(&x.f.product, &row, PUBLICATION_NAMED, &x.f.why), OK);
}

static void test_repaired_while_it_is_made_public_then_its_copies_are_made_again(void **state)
{
	bool removed = false;
	(void)state;
	assert_int_equal(complete(), OK);
	assert_int_equal(publication_repair(&x.f.product, the_row().image_id, &removed, &x.f.why), OK);
	assert_true(removed && !has_copy());
	trap_meet(&x.cdn.trap, 1, publish_meanwhile, NULL);
	assert_int_equal(publication_repair(&x.f.product, the_row().image_id, &removed, &x.f.why), OK);
	assert_true(removed && has_copy());
	assert_int_equal(publication_repair(&x.f.product, the_row().image_id, &removed, &x.f.why), OK);
	assert_true(!removed && has_copy());
}

static void test_links_then_signed_unless_the_image_is_public(void **state)
{
	struct str url, again;
	struct presigned get;
	struct arena *a = &x.f.a;
	(void)state;
	assert_int_equal(complete(), OK);
	struct image_row row = the_row();
	assert_true(image_service_has_links(&x.f.product));
	x.f.product.delivery.ttl_s = 3600;
	assert_int_equal(image_service_link(&x.f.product, &row, STR("original"), 0, a, &url, &x.f.why), OK);
	assert_int_equal(image_service_link(&x.f.product, &row, STR("original"), 0, a, &again, &x.f.why), OK);
	assert_str(again, url);
	struct str begin = str_printf(a, "https://cdn.test/%.*s?name=", STRF(row.key));
	assert_true(str_starts_with(url, begin) && str_find(url, STR("&type=image/png&Expires=")) < url.n);
	assert_int_equal(image_service_download(&x.f.product, &row, STR("GET"), a, &get, &x.f.why), OK);
	assert_true(str_starts_with(get.url, begin));
	assert_str(get.address, STR_CONCAT(a, STR("https://cdn.test/"), row.key));
	assert_true(str_ends_with(get.url, str_printf(a, "Expires=%lld", (long long)get.expires_ms / 1000)));
	assert_true(get.expires_ms > clock_now_ms() + 299000 && get.expires_ms <= clock_now_ms() + (300 + DOWNLOAD_WINDOW_S) * 1000);
	row.is_public = true;
	assert_int_equal(image_service_link(&x.f.product, &row, STR("original"), 0, a, &url, &x.f.why), OK);
	assert_str(url, str_printf(a, "https://cdn.test/public/%.*s/original", STRF(row.image_id)));
	assert_int_equal(image_service_link(&x.f.product, &row, STR("original"), 1900000000, a, &url, &x.f.why), OK);
	assert_true(str_starts_with(url, begin) && str_ends_with(url, STR("Expires=1900000000")));
	x.cdn.has_no_key = true;
	assert_int_equal(image_service_link(&x.f.product, &row, STR("original"), 1900000000, a, &url, &x.f.why), IO);
	assert_int_equal(image_service_download(&x.f.product, &row, STR("GET"), a, &get, &x.f.why), IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_repaired_when_the_rules_forbid_showing_it_then_its_copies_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many_are_forgotten_at_once_then_each_copy_by_its_own_path, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_upload_that_is_private_then_no_copy_and_nothing_is_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_upload_that_is_public_from_the_start_then_copied_when_it_is_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_an_upload_whose_copy_fails_then_the_event_that_comes_again_makes_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_made_private_then_the_copies_go_before_the_cdn_forgets_and_again_however_often, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_made_private_while_it_is_copied_then_no_copy_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deleted_while_it_is_copied_then_no_copy_stays_and_it_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deleted_then_the_copy_goes_and_only_a_public_one_is_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_deleted_when_the_table_refuses_changes_then_the_image_and_its_copy_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_deleted_when_the_cdn_fails_then_the_image_stays_and_the_call_can_be_repeated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_other_bytes_then_they_are_copied_when_they_are_accepted_and_the_old_are_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_thumbnails_that_are_recorded_then_copied_with_their_image_and_gone_with_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_repaired_while_it_is_made_public_then_its_copies_are_made_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links_then_signed_unless_the_image_is_public, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
