/* Slots: the order of the checks, what is in the row, the URL and the form, and that a failure at any
 * step leaves either no row or hands out nothing. */
#include "image/slot.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "fake/fake_product.h"
#include "fake/open_slot.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

static int set_up(void **state)
{
	static struct fake_product f;
	fake_product_init(&f, false);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	fake_product_deinit(*state);
	return 0;
}

static struct slot_request cat(void)
{
	return (struct slot_request){ .file_name = STR("cat.jpg"), .file_type = STR("image/jpeg") };
}

static struct slot opened_slot(struct fake_product *f, const struct slot_request *r)
{
	struct slot s;
	assert_int_equal(open_slot(&f->product, r, &f->a, &s, &f->why), OK);
	return s;
}

static uint64_t pending(struct fake_product *f)
{
	struct image_counts c;
	assert_int_equal(table_counts(f->product.table, &c, &f->why), OK);
	return c.pending;
}

static void assert_refused(struct fake_product *f, const struct slot_request *r, enum fault_code code, const char *word)
{
	struct slot s = { .n_headers = 77 };
	assert_int_equal(open_slot(&f->product, r, &f->a, &s, &f->why), fault_status(code));
	assert_int_equal(f->why.code, code);
	assert_non_null(strstr(f->why.text, word));
	assert_int_equal(s.n_headers, 77);
	assert_int_equal(pending(f), 0);
}

static void test_open_when_a_size_is_required_then_refused_without_one(void **state)
{
	struct fake_product *f = *state;
	struct slot_request put = cat(), form = cat();
	form.form = true;
	f->product.rules.require_size = true;
	assert_refused(f, &put, F_BAD_FIELD, "fileSize");
	assert_refused(f, &form, F_BAD_FIELD, "fileSize");
	put.has_size = true;
	put.file_size = 1;
	opened_slot(f, &put);
	assert_int_equal(pending(f), 1);
}

static void test_open_then_the_row_is_committed_as_it_is_returned(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	struct image_row row;
	int64_t before_ms = clock_now_ms();
	r.file_name = STR("r\xc3\xa9sum\xc3\xa9.jpg");
	r.file_type = STR("IMAGE/JPG");
	r.owner = STR("somebody");
	struct slot s = opened_slot(f, &r);
	assert_int_equal(table_get(f->product.table, s.row.image_id, &f->a, &row, &f->why), OK);
	assert_int_equal(row.status, IMAGE_PENDING);
	assert_true(uuid_valid(row.image_id));
	assert_true(str_equal(row.key, str_printf(&f->a, "images/%.*s.jpg", STRF(row.image_id))));
	assert_true(str_equal(row.file_name, r.file_name));
	assert_true(str_equal(row.file_type, STR("image/jpeg")));
	assert_true(str_equal(row.owner, r.owner));
	assert_int_equal(row.file_size, 0);
	assert_true(row.created_ms >= before_ms && row.created_ms <= clock_now_ms());
	assert_int_equal(row.expires_ms, s.expires_ms);
	assert_int_equal(row.ends_ms, s.expires_ms + 3600 * 1000);
	assert_int_equal(row.uploaded_ms, 0);
}

static void test_open_then_every_text_of_the_row_is_set(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	struct slot s = opened_slot(f, &r);
	assert_non_null(s.row.owner.p);
	assert_non_null(s.row.etag.p);
	assert_non_null(s.row.reason.p);
	fake_table_fail_nth(f->table, 1, F_DISK_FULL);
	assert_int_equal(open_slot(&f->product, &r, &f->a, &s, &f->why), BUSY);
}

static void test_open_then_the_token_is_long_and_only_its_digest_is_kept(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	char hex[2 * SHA256_BYTES + 1];
	r.anonymous = true;
	struct slot first = opened_slot(f, &r), second = opened_slot(f, &r);
	struct str raw;
	sha256_hex(first.delete_token, hex);
	assert_true(str_equal(first.row.delete_hash, str_of(hex)));
	assert_true(base64url_decode(&f->a, first.delete_token, &raw));
	assert_true(raw.n == 32 && delete_token_valid(first.delete_token));
	r.anonymous = false;
	struct slot known = opened_slot(f, &r);
	assert_int_equal(known.delete_token.n + known.row.delete_hash.n, 0);
	assert_false(str_equal(first.delete_token, second.delete_token));
	assert_false(str_equal(first.row.image_id, second.row.image_id));
}

static void test_delete_token_then_by_its_length_and_alphabet(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = { { "", false }, { "x", false }, { "0123456789abcdefghijklmnopqrstuvwxyzABCDE-_", true },
		{ "0123456789abcdefghijklmnopqrstuvwxyzABCDE-_x", false }, { "0123456789abcdefghijklmnopqrstuvwxyzABCDE-.", false },
		{ "0123456789abcdefghijklmnopqrstuvwxyzABCDE-~", false }, { "0123456789abcdefghijklmnopqrstuvwxyzABCDE-=", false },
		{ "0123456789abcdefghijklmnopqrst-_", true }, { "0123456789abcdefghijklmnopqrst /", false } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_int_equal(delete_token_valid(str_of(rows[i].text)), rows[i].valid);
}

static void test_open_without_a_size_then_type_is_signed_and_listed(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	struct slot s = opened_slot(f, &r);
	assert_true(str_find(s.url, STR("X-Amz-SignedHeaders=content-type%3Bhost&")) < s.url.n);
	assert_true(str_find(s.url, STR("X-Amz-Expires=300&")) < s.url.n);
	assert_true(str_starts_with(s.url, s.address));
	assert_true(str_ends_with(s.address, s.row.key));
	assert_int_equal(s.n_headers, 1);
	assert_true(str_equal(s.headers[0].name, STR("Content-Type")));
	assert_true(str_equal(s.headers[0].value, STR("image/jpeg")));
}

static void test_open_where_the_store_denies_overwriting_then_its_header_is_listed_too(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	fake_store_deny_overwrite(f->store);
	struct slot s = opened_slot(f, &r);
	assert_true(str_find(s.url, STR("X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match&")) < s.url.n);
	assert_int_equal(s.n_headers, 2);
	assert_true(str_equal(s.headers[0].name, STR("Content-Type")));
	assert_true(str_equal(s.headers[1].name, STR("If-None-Match")));
	assert_true(str_equal(s.headers[1].value, STR("*")));
}

/* That the length's value is signed is seen by the signature, which must be of this value and no other. */
static void test_open_with_a_size_then_length_is_signed_but_not_listed(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	struct presigned same;
	r.has_size = true;
	r.file_size = 5242880;
	struct slot s = opened_slot(f, &r);
	const struct header headers[] = { { STR("Content-Type"), STR("image/jpeg") }, { STR("Content-Length"), STR("5242880") } };
	const struct presign_request want = {
		.method = STR("PUT"), .key = s.row.key, .now_ms = s.row.created_ms, .expires_s = 300, .headers = headers, .n_headers = 2
	};
	assert_int_equal(store_presign(f->product.store, &want, &f->a, &same, &f->why), OK);
	assert_true(str_equal(s.url, same.url));
	assert_int_equal(s.n_headers, 1);
	assert_int_equal(s.row.file_size, 5242880);
}

static struct str field(const struct slot *s, const char *name)
{
	for (size_t i = 0; i < s->n_headers; i++)
		if (str_equal(s->headers[i].name, str_of(name)))
			return s->headers[i].value;
	return (struct str){ NULL, 0 };
}

static void test_open_of_a_form_then_fields_and_range(void **state)
{
	static const struct {
		uint64_t size;
		const char *range;
	} cases[] = { { 0, "[\"content-length-range\",1,5242880]" }, { 777, "[\"content-length-range\",777,777]" } };
	struct fake_product *f = *state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slot_request r = cat();
		struct str policy;
		r.form = true;
		r.has_size = cases[i].size > 0;
		r.file_size = cases[i].size;
		struct slot s = opened_slot(f, &r);
		assert_true(str_equal(field(&s, "key"), s.row.key));
		assert_true(str_equal(field(&s, "Content-Type"), STR("image/jpeg")));
		assert_true(base64_decode(&f->a, field(&s, "policy"), &policy));
		assert_true(str_find(policy, str_of(cases[i].range)) < policy.n);
		assert_true(str_starts_with(s.address, s.url));
	}
	assert_int_equal(pending(f), 2);
}

static void test_open_of_a_wrong_request_then_reported_in_order_and_no_row(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = { .has_size = true, .file_size = 0 };
	assert_refused(f, &r, F_BAD_FIELD, "fileName");
	r.file_name = STR(" \t");
	assert_refused(f, &r, F_BAD_FIELD, "fileName");
	r.file_name = STR("a");
	assert_refused(f, &r, F_BAD_FIELD, "fileType");
	r.file_type = STR("image/jpeg; charset=x");
	assert_refused(f, &r, F_BAD_FIELD, "fileType");
	r.file_type = STR("image/svg+xml");
	assert_refused(f, &r, F_TYPE_NOT_ALLOWED, "image/svg+xml");
	r.file_type = STR("image/png");
	assert_refused(f, &r, F_BAD_FIELD, "fileSize");
	r.file_size = 5242881;
	assert_refused(f, &r, F_IMAGE_TOO_LARGE, "5242880");
	r.file_size = UINT64_MAX;
	assert_refused(f, &r, F_IMAGE_TOO_LARGE, "5242880");
	r.file_size = 1;
	opened_slot(f, &r);
}

static void test_open_when_the_url_cannot_be_made_then_no_row(void **state)
{
	struct fake_product *f = *state;
	for (unsigned form = 0; form < 2; form++) {
		struct slot_request r = cat();
		struct slot s;
		r.form = form;
		fake_store_fail_nth(f->store, 1, F_UPSTREAM_FAILED);
		assert_int_equal(open_slot(&f->product, &r, &f->a, &s, &f->why), UPSTREAM);
		assert_int_equal(pending(f), 0);
	}
}

static void test_open_when_the_row_cannot_be_committed_then_nothing_is_returned(void **state)
{
	static const enum fault_code codes[] = { F_DISK_FULL, F_SLOTS_FULL, F_STORAGE_FAILED };
	struct fake_product *f = *state;
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		struct slot_request r = cat();
		struct slot s = { .n_headers = 77 };
		fake_table_fail_nth(f->table, 1, codes[i]);
		assert_int_equal(open_slot(&f->product, &r, &f->a, &s, &f->why), fault_status(codes[i]));
		assert_int_equal(f->why.code, codes[i]);
		assert_int_equal(s.n_headers, 77);
		assert_int_equal(pending(f), 0);
	}
}

static void seen_by_insert(void *arg)
{
	*(bool *)arg = true;
}

static void test_open_then_the_url_is_computed_before_the_row_is_committed(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	bool inserted = false;
	uint64_t before = fake_store_calls(f->store);
	fake_table_meet_nth(f->table, 1, seen_by_insert, &inserted);
	opened_slot(f, &r);
	assert_true(inserted);
	assert_int_equal(fake_store_calls(f->store), before + 1);
}

static void test_open_when_memory_runs_out_at_any_byte_then_too_much_and_no_row(void **state)
{
	struct fake_product *f = *state;
	struct slot_request r = cat();
	struct slot s;
	enum status end = LIMIT;
	size_t cap = 0;
	for (; end != OK && cap < 60; cap++) { /* up to where the fake's own URL needs more, which asserts */
		struct arena a;
		arena_init(&a, cap);
		end = open_slot(&f->product, &r, &a, &s, &f->why);
		arena_deinit(&a);
		assert_int_equal(end, LIMIT);
		assert_int_equal(pending(f), 0);
	}
}

static void test_open_then_visibility_is_the_requests_or_else_the_rules(void **state)
{
	struct fake_product *f = *state;
	for (unsigned i = 0; i < 8; i++) {
		struct slot_request r = cat();
		r.has_visibility = i & 1;
		r.is_public = i & 2;
		f->product.rules.is_public = i & 4;
		struct slot s = opened_slot(f, &r);
		bool expected = r.has_visibility ? r.is_public : f->product.rules.is_public;
		assert_int_equal(s.row.is_public, expected);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_when_a_size_is_required_then_refused_without_one),
		TEST(test_open_then_the_row_is_committed_as_it_is_returned),
		TEST(test_open_then_every_text_of_the_row_is_set),
		TEST(test_open_then_visibility_is_the_requests_or_else_the_rules),
		TEST(test_open_then_the_token_is_long_and_only_its_digest_is_kept),
		TEST(test_delete_token_then_by_its_length_and_alphabet),
		TEST(test_open_without_a_size_then_type_is_signed_and_listed),
		TEST(test_open_where_the_store_denies_overwriting_then_its_header_is_listed_too),
		TEST(test_open_with_a_size_then_length_is_signed_but_not_listed),
		TEST(test_open_of_a_form_then_fields_and_range),
		TEST(test_open_of_a_wrong_request_then_reported_in_order_and_no_row),
		TEST(test_open_when_the_url_cannot_be_made_then_no_row),
		TEST(test_open_when_the_row_cannot_be_committed_then_nothing_is_returned),
		TEST(test_open_then_the_url_is_computed_before_the_row_is_committed),
		TEST(test_open_when_memory_runs_out_at_any_byte_then_too_much_and_no_row),
	};
	return cmocka_run_group_tests_name("slot", tests, NULL, NULL);
}
