/* The image service on the fakes: complete, delete and download, with concurrent changes in between, and with
 * each call of each port failing, or losing its result, in turn. */
#include "image/image_service.h"

#include "base/buf.h"
#include "base/clock.h"
#include "fake/fake_product.h"
#include "fake/pictures.h"
#include "fake/rows.h"
#include "base/rate_limit.h"
#include "image/maintenance/gc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

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

static enum status complete(struct fake_product *f, unsigned n, struct image_row *out)
{
	return image_service_complete(&f->product, row_id(&f->a, n), &f->a, out, &f->why);
}

/* complete */

static void test_complete_when_a_good_object_is_there_then_uploaded(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row, stored;
	struct str key = fake_product_slot(f, 1, STR("image/png")), picture = picture_png(300, 200);
	(void)state;
	fake_product_arrive(f, key, picture);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(complete(f, 1, &row), OK);
		assert_int_equal(row.status, IMAGE_UPLOADED);
		assert_int_equal(row.width, 300);
		assert_int_equal(row.file_size, picture.n);
		assert_int_equal(row.ends_ms, 0);
		assert_true(fake_product_row(f, 1, &stored));
		assert_true(row_equal(&row, &stored));
		fake_product_check(f);
	}
	end(f);
}

static void test_complete_when_a_bad_object_is_there_then_rejected_and_bytes_are_gone(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str key = fake_product_slot(f, 1, STR("image/png"));
	(void)state;
	fake_product_arrive(f, key, STR("<html>"));
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(complete(f, 1, &row), OK);
		assert_int_equal(row.status, IMAGE_REJECTED);
		assert_true(row.reason.n > 0);
		assert_false(fake_product_has_object(f, key));
	}
	end(f);
}

static void test_complete_when_the_object_is_over_the_limit_then_rejected_unread(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str key = fake_product_slot(f, 1, STR("image/png"));
	(void)state;
	f->product.rules.max_size_bytes = 10;
	fake_product_arrive(f, key, picture_png(3, 2));
	assert_int_equal(complete(f, 1, &row), OK);
	assert_int_equal(row.status, IMAGE_REJECTED);
	assert_int_equal(row.file_size, picture_png(3, 2).n);
	assert_false(fake_product_has_object(f, key));
	end(f);
}

static void test_complete_at_the_size_limit_then_uploaded(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str head = picture_jpeg(3, 2), key = fake_product_slot(f, 1, STR("image/jpeg"));
	char *rest = arena_alloc(&f->a, 5242880 - head.n);
	(void)state;
	struct buf all;
	buf_init(&all, 5242880);
	buf_put(&all, head);
	buf_put(&all, (struct str){ rest, 5242880 - head.n });
	fake_product_arrive(f, key, buf_str(&all));
	buf_deinit(&all);
	assert_int_equal(complete(f, 1, &row), OK);
	assert_int_equal(row.status, IMAGE_UPLOADED);
	assert_int_equal(row.received_size, 5242880);
	end(f);
}

static void test_complete_when_nothing_arrived_then_not_arrived_and_still_pending(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row = { .width = 77 };
	(void)state;
	fake_product_slot(f, 1, STR("image/png"));
	assert_int_equal(complete(f, 1, &row), CONFLICT);
	assert_int_equal(f->why.code, F_NOT_ARRIVED);
	assert_int_equal(row.width, 77);
	assert_true(fake_product_row(f, 1, &row));
	assert_int_equal(row.status, IMAGE_PENDING);
	end(f);
}

static void test_complete_of_an_unknown_image_then_no_such_image(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	(void)state;
	assert_int_equal(complete(f, 1, &row), NOT_FOUND);
	assert_int_equal(f->why.code, F_NO_SUCH_IMAGE);
	end(f);
}

/* races, made certain: the other one acts just before our n-th call */

static void other_uploads(void *arg)
{
	struct fake_product *f = arg;
	struct image_row now;
	struct fault why;
	struct str picture = picture_png(3, 2);
	struct resolution s = row_verdict(&f->a, 1, 5000, STR(""));
	struct object_info info;
	struct str key = row_pending(&f->a, 1).key;
	assert_int_equal(store_put(f->product.store, key, STR("image/png"), picture, &why), OK);
	assert_int_equal(store_head(f->product.store, key, &f->a, &info, &why), OK);
	s.etag = info.etag;
	s.file_size = info.size;
	assert_int_equal(table_resolve(f->product.table, &s, &f->a, &now, &why), OK);
}

static void other_rejects(void *arg)
{
	struct fake_product *f = arg;
	struct image_row now;
	struct fault why;
	struct resolution s = row_verdict(&f->a, 1, 5000, STR("no image"));
	assert_int_equal(table_resolve(f->product.table, &s, &f->a, &now, &why), OK);
}

static void other_removes(void *arg)
{
	struct fake_product *f = arg;
	struct fault why;
	assert_int_equal(image_service_remove(&f->product, row_id(&f->a, 1), &why), OK);
}

/* complete makes four calls when a good object is there: get, get object, resolve; and get again without. */
static void test_complete_when_another_uploads_in_between_then_its_row(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 3; at++) {
		struct fake_product *f = begin(true);
		struct image_row row;
		fake_product_slot(f, 1, STR("image/png"));
		if (at < 2)
			fake_table_meet_nth(f->table, at + 1, other_uploads, f);
		else
			fake_store_meet_nth(f->store, 1, other_uploads, f);
		assert_int_equal(complete(f, 1, &row), OK);
		assert_int_equal(row.status, IMAGE_UPLOADED);
		fake_product_check(f);
		end(f);
	}
}

static void test_complete_when_another_rejects_in_between_then_its_verdict_and_no_bytes(void **state)
{
	(void)state;
	for (unsigned arrived = 0; arrived < 2; arrived++) {
		struct fake_product *f = begin(false);
		struct image_row row;
		struct str key = fake_product_slot(f, 1, STR("image/png"));
		if (arrived)
			fake_product_arrive(f, key, picture_png(3, 2));
		fake_table_meet_nth(f->table, 2, other_rejects, f);
		assert_int_equal(complete(f, 1, &row), OK);
		assert_int_equal(row.status, IMAGE_REJECTED);
		assert_true(str_equal(row.reason, STR("no image")));
		assert_false(fake_product_has_object(f, key));
		end(f);
	}
}

static void test_complete_when_another_deletes_in_between_then_no_such_image(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 2; at++) {
		struct fake_product *f = begin(false);
		struct image_row row;
		struct str key = fake_product_slot(f, 1, STR("image/png"));
		fake_product_arrive(f, key, picture_png(3, 2));
		fake_table_meet_nth(f->table, at, other_removes, f);
		assert_int_equal(complete(f, 1, &row), NOT_FOUND);
		assert_int_equal(f->why.code, F_NO_SUCH_IMAGE);
		assert_false(fake_product_has_object(f, key));
		end(f);
	}
}

/* every call failing in turn */

struct fault_case {
	bool on_store, lose;
	unsigned n;
};

static void arm(struct fake_product *f, const struct fault_case *c)
{
	void (*table)(struct fake_table *, uint64_t, enum fault_code) = c->lose ? fake_table_lose_nth : fake_table_fail_nth;
	void (*store)(struct fake_store *, uint64_t, enum fault_code) = c->lose ? fake_store_lose_nth : fake_store_fail_nth;
	if (c->on_store)
		store(f->store, c->n, F_UPSTREAM_FAILED);
	else
		table(f->table, c->n, F_UPSTREAM_FAILED);
}

static void disarm(struct fake_product *f)
{
	fake_table_fail_nth(f->table, 0, F_NONE);
	fake_table_lose_nth(f->table, 0, F_NONE);
	fake_store_fail_nth(f->store, 0, F_NONE);
	fake_store_lose_nth(f->store, 0, F_NONE);
}

/* The cases 0..31: which port, whether it fails or loses, the first to eighth call. */
static struct fault_case case_of(unsigned i)
{
	return (struct fault_case){ i & 1, i & 2, 1 + i / 4 };
}

static void test_complete_when_any_call_fails_then_it_may_be_repeated(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		struct fake_product *f = begin(false);
		struct image_row row;
		struct fault_case c = case_of(i / 2);
		bool good = i & 1;
		struct str key = fake_product_slot(f, 1, STR("image/png"));
		fake_product_arrive(f, key, good ? picture_png(3, 2) : STR("<html>"));
		arm(f, &c);
		enum status first = complete(f, 1, &row);
		disarm(f);
		assert_true(first == OK || (first == UPSTREAM && f->why.code == F_UPSTREAM_FAILED));
		fake_product_check(f);
		assert_int_equal(complete(f, 1, &row), OK);
		assert_int_equal(row.status, good ? IMAGE_UPLOADED : IMAGE_REJECTED);
		fake_product_check(f);
		struct gc_result swept = { 0 };
		assert_int_equal(gc_orphans(&f->product, clock_now_ms(), NULL, &swept, &f->why), OK);
		assert_int_equal(fake_product_has_object(f, key), good);
		end(f);
	}
}

static void test_remove_when_any_call_fails_then_a_retry_or_the_sweep_removes_all(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		struct fake_product *f = begin(i & 1);
		struct image_row row;
		struct gc_result swept = { 0 };
		struct fault_case c = case_of(i / 2);
		struct str key = fake_product_slot(f, 1, STR("image/png"));
		fake_product_arrive(f, key, picture_png(3, 2));
		assert_int_equal(complete(f, 1, &row), OK);
		arm(f, &c);
		enum status first = image_service_remove(&f->product, row_id(&f->a, 1), &f->why);
		disarm(f);
		assert_true(first == OK || first == UPSTREAM);
		fake_product_check(f);
		enum status again = image_service_remove(&f->product, row_id(&f->a, 1), &f->why);
		assert_true(again == (first == OK ? NOT_FOUND : again));
		assert_false(fake_product_row(f, 1, &row));
		assert_int_equal(gc_orphans(&f->product, clock_now_ms() + 86400001, NULL, &swept, &f->why), OK);
		assert_int_equal(fake_store_count(f->store), 0);
		end(f);
	}
}

/* remove */

static void test_remove_whatever_the_state_then_row_and_object_are_gone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct fake_product *f = begin(i & 1);
		struct image_row row;
		struct str key = fake_product_slot(f, 1, STR("image/png"));
		if (i >= 2)
			fake_product_arrive(f, key, i >= 4 ? picture_png(3, 2) : STR("<html>"));
		if (i >= 2)
			assert_int_equal(complete(f, 1, &row), OK);
		assert_int_equal(image_service_remove(&f->product, row_id(&f->a, 1), &f->why), OK);
		assert_false(fake_product_row(f, 1, &row));
		assert_int_equal(fake_store_count(f->store), 0);
		assert_int_equal(image_service_remove(&f->product, row_id(&f->a, 1), &f->why), NOT_FOUND);
		assert_int_equal(f->why.code, F_NO_SUCH_IMAGE);
		end(f);
	}
}

/* read */

static enum status read(struct fake_product *f, struct image_row *out)
{
	return image_service_read(&f->product, row_id(&f->a, 1), &f->a, out, &f->why);
}

static void test_read_of_a_pending_image_then_verified_as_often_as_the_limit_allows(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	struct str key = fake_product_slot(f, 1, STR("image/png"));
	(void)state;
	f->product.recheck_limit = rate_limit_new(1, RECHECK_EVERY_MS);
	assert_int_equal(read(f, &row), OK);
	assert_int_equal(row.status, IMAGE_PENDING);
	assert_int_equal(fake_store_calls(f->store), 1);
	assert_int_equal(read(f, &row), OK);
	assert_int_equal(fake_store_calls(f->store), 1);
	fake_product_arrive(f, key, picture_png(30, 20));
	rate_limit_free(&f->product.recheck_limit);
	f->product.recheck_limit = rate_limit_new(1, RECHECK_EVERY_MS);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(read(f, &row), OK);
		assert_int_equal(row.status, IMAGE_UPLOADED);
		assert_int_equal(row.width, 30);
		assert_int_equal(fake_store_calls(f->store), 3); /* the second by arrive */
	}
	rate_limit_free(&f->product.recheck_limit);
	end(f);
}

static void test_read_where_the_store_sends_events_then_never_verified(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	(void)state;
	fake_product_slot(f, 1, STR("image/png"));
	assert_int_equal(read(f, &row), OK);
	assert_int_equal(row.status, IMAGE_PENDING);
	assert_int_equal(fake_store_calls(f->store), 0);
	end(f);
}

static void test_read_when_verification_fails_then_the_row_as_it_was(void **state)
{
	(void)state;
	for (unsigned at = 0; at < 2; at++) {
		struct fake_product *f = begin(false);
		struct image_row row;
		struct str key = fake_product_slot(f, 1, STR("image/png"));
		f->product.recheck_limit = rate_limit_new(1, RECHECK_EVERY_MS);
		fake_product_arrive(f, key, picture_png(3, 2));
		if (at == 0)
			fake_store_fail_nth(f->store, 1, F_UPSTREAM_FAILED);
		else
			fake_table_fail_nth(f->table, 2, F_UPSTREAM_FAILED);
		assert_int_equal(read(f, &row), OK);
		assert_int_equal(row.status, IMAGE_PENDING);
		rate_limit_free(&f->product.recheck_limit);
		end(f);
	}
}

static void test_read_when_there_is_no_row_or_it_is_removed_meanwhile_then_no_such_image(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row;
	(void)state;
	f->product.recheck_limit = rate_limit_new(1, RECHECK_EVERY_MS);
	assert_int_equal(read(f, &row), NOT_FOUND);
	assert_int_equal(f->why.code, F_NO_SUCH_IMAGE);
	struct str key = fake_product_slot(f, 1, STR("image/png"));
	fake_product_arrive(f, key, picture_png(3, 2));
	fake_table_meet_nth(f->table, 2, other_removes, f);
	assert_int_equal(read(f, &row), NOT_FOUND);
	assert_int_equal(f->why.code, F_NO_SUCH_IMAGE);
	rate_limit_free(&f->product.recheck_limit);
	end(f);
}

/* download */

static void test_download_then_url_carries_name_and_verdict_type(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row = row_pending(&f->a, 1);
	struct presigned p;
	(void)state;
	row.file_name = STR("a b\"c.jpg");
	assert_int_equal(image_service_download(&f->product, &row, STR("GET"), &f->a, &p, &f->why), OK);
	assert_true(str_find(p.url, STR("response-content-type=image%2Fjpeg")) < p.url.n);
	assert_true(
		str_find(p.url,
			STR("response-content-disposition=inline%3B%20filename%3D%22a%20b_c.jpg%22%3B%20filename%2A%3DUTF-8%27%27a%2520b%2522c.jpg")) <
		p.url.n);
	assert_true(str_find(p.url, STR("X-Amz-Expires=600&")) < p.url.n);
	assert_int_equal(p.expires_ms % (DOWNLOAD_WINDOW_S * 1000), 0);
	assert_true(str_ends_with(p.address, row.key));
	row.file_type = STR("image/svg+xml");
	assert_int_equal(image_service_download(&f->product, &row, STR("GET"), &f->a, &p, &f->why), OK);
	assert_true(str_find(p.url, STR("response-content-type=application%2Foctet-stream")) < p.url.n);
	assert_true(str_find(p.url, STR("response-content-disposition=attachment%3B")) < p.url.n);
	fake_store_fail_nth(f->store, 1, F_UPSTREAM_FAILED);
	assert_int_equal(image_service_download(&f->product, &row, STR("GET"), &f->a, &p, &f->why), UPSTREAM);
	end(f);
}

static void test_download_when_memory_runs_out_then_too_much(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row = row_pending(&f->a, 1);
	struct presigned p;
	struct arena little;
	(void)state;
	arena_init(&little, 16);
	assert_int_equal(image_service_download(&f->product, &row, STR("GET"), &little, &p, &f->why), LIMIT);
	arena_deinit(&little);
	end(f);
}

static void test_download_of_a_get_then_signed_as_of_its_window_and_of_a_head_as_of_now(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row = row_pending(&f->a, 1);
	struct presigned get, head;
	(void)state;
	int64_t before_ms = clock_now_ms();
	assert_int_equal(image_service_download(&f->product, &row, STR("GET"), &f->a, &get, &f->why), OK);
	assert_int_equal(image_service_download(&f->product, &row, STR("HEAD"), &f->a, &head, &f->why), OK);
	int64_t after_ms = clock_now_ms(), life_ms = (int64_t)f->product.rules.url_ttl_s * 1000, window_ms = (int64_t)DOWNLOAD_WINDOW_S * 1000;
	assert_int_equal(get.expires_ms % window_ms, life_ms % window_ms);
	assert_true(get.expires_ms > before_ms + life_ms && get.expires_ms <= after_ms + life_ms + window_ms);
	assert_true(head.expires_ms > before_ms + life_ms - 1000 && head.expires_ms <= after_ms + life_ms);
	end(f);
}

static void test_link_then_signed_unless_the_image_is_public_and_the_same_each_time(void **state)
{
	struct fake_product *f = begin(false);
	struct image_row row = row_pending(&f->a, 1);
	struct delivery_link link;
	struct arena little;
	(void)state;
	assert_false(image_service_has_links(&f->product));
	assert_true(delivery_keys_parse(STR("a-key-of-thirty-two-characters-or-more"), &f->product.delivery.keys));
	assert_false(image_service_has_links(&f->product));
	f->product.delivery.url = STR("https://img.example");
	f->product.delivery.ttl_s = 3600;
	assert_true(image_service_has_links(&f->product));
	int64_t now_s = clock_now_ms() / 1000;
	struct str url, again;
	assert_int_equal(image_service_link(&f->product, &row, STR("original"), 0, &f->a, &url, &f->why), OK);
	assert_true(str_starts_with(url, f->product.delivery.url));
	assert_int_equal(image_service_link(&f->product, &row, STR("original"), 0, &f->a, &again, &f->why), OK);
	assert_true(str_equal(again, url));
	assert_int_equal(
		delivery_link_read(str_slice(url, f->product.delivery.url.n, url.n), &f->product.delivery.keys, now_s, &link), DELIVERY_VALID);
	assert_true(link.is_signed && link.expires_s >= now_s + 3600 && link.expires_s <= now_s + 3600 + 86400 + 60);
	row.is_public = true;
	assert_int_equal(image_service_link(&f->product, &row, STR("original"), 0, &f->a, &url, &f->why), OK);
	assert_true(str_equal(url, str_printf(&f->a, "https://img.example/i/%.*s/original", STRF(row.image_id))));
	assert_int_equal(image_service_link(&f->product, &row, STR("original"), now_s + 5, &f->a, &url, &f->why), OK);
	assert_int_equal(
		delivery_link_read(str_slice(url, f->product.delivery.url.n, url.n), &f->product.delivery.keys, now_s, &link), DELIVERY_VALID);
	assert_true(link.is_signed && link.expires_s == now_s + 5);
	arena_init(&little, 16);
	assert_int_equal(image_service_link(&f->product, &row, STR("original"), 0, &little, &url, &f->why), LIMIT);
	arena_deinit(&little);
	end(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complete_when_a_good_object_is_there_then_uploaded),
		cmocka_unit_test(test_complete_when_a_bad_object_is_there_then_rejected_and_bytes_are_gone),
		cmocka_unit_test(test_complete_when_the_object_is_over_the_limit_then_rejected_unread),
		cmocka_unit_test(test_complete_at_the_size_limit_then_uploaded),
		cmocka_unit_test(test_complete_when_nothing_arrived_then_not_arrived_and_still_pending),
		cmocka_unit_test(test_complete_of_an_unknown_image_then_no_such_image),
		cmocka_unit_test(test_complete_when_another_uploads_in_between_then_its_row),
		cmocka_unit_test(test_complete_when_another_rejects_in_between_then_its_verdict_and_no_bytes),
		cmocka_unit_test(test_complete_when_another_deletes_in_between_then_no_such_image),
		cmocka_unit_test(test_complete_when_any_call_fails_then_it_may_be_repeated),
		cmocka_unit_test(test_remove_when_any_call_fails_then_a_retry_or_the_sweep_removes_all),
		cmocka_unit_test(test_remove_whatever_the_state_then_row_and_object_are_gone),
		cmocka_unit_test(test_read_of_a_pending_image_then_verified_as_often_as_the_limit_allows),
		cmocka_unit_test(test_read_where_the_store_sends_events_then_never_verified),
		cmocka_unit_test(test_read_when_verification_fails_then_the_row_as_it_was),
		cmocka_unit_test(test_read_when_there_is_no_row_or_it_is_removed_meanwhile_then_no_such_image),
		cmocka_unit_test(test_download_then_url_carries_name_and_verdict_type),
		cmocka_unit_test(test_download_when_memory_runs_out_then_too_much),
		cmocka_unit_test(test_download_of_a_get_then_signed_as_of_its_window_and_of_a_head_as_of_now),
		cmocka_unit_test(test_link_then_signed_unless_the_image_is_public_and_the_same_each_time),
	};
	return cmocka_run_group_tests_name("gallery", tests, NULL, NULL);
}
