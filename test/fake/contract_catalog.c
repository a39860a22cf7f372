/* The contract of the bucket catalog: buckets come and go whole, listings go by bytes and skip common prefixes,
 * removals of many are one change. */
#include "fake/contract_catalog.h"

#include "fake/bodies.h"
#include <stdlib.h>
#include <string.h>

#define ANN STR("ann")
#define BOB STR("bob")

static void make(struct bench *b, const char *name)
{
	assert_int_equal(catalog_create(b->w.catalog, str_of(name), ANN, &b->why), OK);
}

static void put(struct bench *b, const char *key)
{
	body_put(b, STR("shelf"), str_of(key), str_of(key));
}

/* buckets */

static void test_create_then_reported_and_kept(void **state)
{
	struct bench *b = *state;
	struct bucket_info i;
	make(b, "shelf");
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(catalog_info(b->w.catalog, STR("shelf"), &b->a, &i, &b->why), OK);
		assert_str(i.name, STR("shelf"));
		assert_str(i.owner, ANN);
		assert_str(i.cors, STR(""));
		assert_true(i.created_ms > 1000000000000);
		bench_reopen(b);
	}
	assert_fails(b, catalog_create(b->w.catalog, STR("shelf"), ANN, &b->why), F_BUCKET_EXISTS);
	assert_fails(b, catalog_create(b->w.catalog, STR("shelf"), BOB, &b->why), F_BUCKET_EXISTS);
	assert_fails(b, catalog_create(b->w.catalog, b->w.bucket_name, BOB, &b->why), F_BUCKET_EXISTS);
}

static void test_info_then_only_for_the_exact_name(void **state)
{
	static const char *const others[] = { "", "nobodys", "..", ".", "shelf ", "shel", "shelfx", "SHELF" };
	struct bench *b = *state;
	struct bucket_info i = { .created_ms = -5 };
	make(b, "shelf");
	for (size_t k = 0; k < COUNT_OF(others); k++)
		assert_fails(b, catalog_info(b->w.catalog, str_of(others[k]), &b->a, &i, &b->why), F_NO_SUCH_BUCKET);
	assert_int_equal(i.created_ms, -5);
}

static void test_image_bucket_then_it_exists_and_cannot_be_deleted(void **state)
{
	struct bench *b = *state;
	struct bucket_info i;
	assert_int_equal(catalog_info(b->w.catalog, b->w.bucket_name, &b->a, &i, &b->why), OK);
	assert_str(i.owner, STR("tintype"));
	assert_fails(b, catalog_remove(b->w.catalog, b->w.bucket_name, &b->why), F_ACCESS_DENIED);
}

static void test_remove_then_gone_and_its_name_is_free(void **state)
{
	struct bench *b = *state;
	struct bucket_info i;
	make(b, "shelf");
	put(b, "k");
	assert_fails(b, catalog_remove(b->w.catalog, STR("shelf"), &b->why), F_BUCKET_NOT_EMPTY);
	struct object_removal r = { .key = STR("k") };
	assert_int_equal(catalog_remove_objects(b->w.catalog, STR("shelf"), &r, 1, &b->why), OK);
	assert_int_equal(catalog_remove(b->w.catalog, STR("shelf"), &b->why), OK);
	assert_fails(b, catalog_info(b->w.catalog, STR("shelf"), &b->a, &i, &b->why), F_NO_SUCH_BUCKET);
	assert_fails(b, catalog_remove(b->w.catalog, STR("shelf"), &b->why), F_NO_SUCH_BUCKET);
	assert_int_equal(catalog_create(b->w.catalog, STR("shelf"), BOB, &b->why), OK);
	assert_int_equal(catalog_info(b->w.catalog, STR("shelf"), &b->a, &i, &b->why), OK);
	assert_str(i.owner, BOB);
	body_expect_absent(b, STR("shelf"), STR("k"));
}

static void test_list_of_buckets_then_an_owners_by_name_in_pages(void **state)
{
	static const char *const sorted[] = { "a-1", "a-2", "a.1", "b", "zoo" };
	struct bench *b = *state;
	struct bucket_page page;
	struct str after = STR("");
	make(b, "zoo"), make(b, "a.1"), make(b, "a-2"), make(b, "b"), make(b, "a-1");
	assert_int_equal(catalog_create(b->w.catalog, STR("bobs"), BOB, &b->why), OK);
	for (size_t i = 0; i < COUNT_OF(sorted); i += 2) {
		assert_int_equal(catalog_list(b->w.catalog, ANN, after, 2, &b->a, &page, &b->why), OK);
		assert_int_equal(page.n, i + 2 <= COUNT_OF(sorted) ? 2 : 1);
		assert_int_equal(page.more, i + 2 < COUNT_OF(sorted));
		for (size_t k = 0; k < page.n; k++)
			assert_str(page.buckets[k].name, str_of(sorted[i + k]));
		after = page.buckets[page.n - 1].name;
	}
	assert_int_equal(catalog_list(b->w.catalog, STR(""), STR("b"), 10, &b->a, &page, &b->why), OK);
	assert_true(page.n >= 2 && str_equal(page.buckets[0].name, STR("bobs")) && str_equal(page.buckets[page.n - 1].name, STR("zoo")));
	assert_int_equal(catalog_list(b->w.catalog, STR("nobody"), STR(""), 10, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
	assert_false(page.more);
}

static void test_set_cors_then_kept_until_deleted(void **state)
{
	struct bench *b = *state;
	struct bucket_info i;
	struct str big = body_noise(b, 60000);
	memset((char *)(uintptr_t)big.p, 'c', big.n);
	make(b, "shelf");
	assert_int_equal(catalog_set_cors(b->w.catalog, STR("shelf"), big, &b->why), OK);
	bench_reopen(b);
	assert_int_equal(catalog_info(b->w.catalog, STR("shelf"), &b->a, &i, &b->why), OK);
	assert_str(i.cors, big);
	assert_int_equal(catalog_set_cors(b->w.catalog, STR("shelf"), STR(""), &b->why), OK);
	assert_int_equal(catalog_info(b->w.catalog, STR("shelf"), &b->a, &i, &b->why), OK);
	assert_str(i.cors, STR(""));
	assert_fails(b, catalog_set_cors(b->w.catalog, STR("nobodys"), big, &b->why), F_NO_SUCH_BUCKET);
}

static void test_objects_of_two_buckets_then_separate(void **state)
{
	struct bench *b = *state;
	make(b, "shelf"), make(b, "drawer");
	body_put(b, STR("shelf"), STR("k"), STR("in the shelf"));
	body_expect_absent(b, STR("drawer"), STR("k"));
	body_put(b, STR("drawer"), STR("k"), STR("in the drawer"));
	assert_str(body_get(b, STR("shelf"), STR("k")), STR("in the shelf"));
	assert_str(body_get(b, STR("drawer"), STR("k")), STR("in the drawer"));
}

/* listings */

static const char *const keys[] = { "a", "a/", "a/1", "a/1/x", "a/2", "a//", "a0", "b--c--d", "b--c", "b-", "b", "c/\xC3\xA9/1",
	"c/\xC3\xA9/2", "c/\xEF\xBF\xBF", "c/\xF0\x9F\x90\xB1/x", "c/z", "A", "Z/1", "\x01/ctl", "d/e/f/g", "d/e/f/h", "d/e/i" };

static int by_bytes(const void *a, const void *b)
{
	return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* The expected listing, computed naively. */
struct model {
	struct str entries[COUNT_OF(keys)];
	bool group[COUNT_OF(keys)];
	size_t n;
};

static void make_model(const struct object_query *q, struct model *m)
{
	struct str sorted[COUNT_OF(keys)];
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		sorted[i] = str_of(keys[i]);
	qsort(sorted, COUNT_OF(keys), sizeof(sorted[0]), by_bytes);
	m->n = 0;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct str key = sorted[i], rest = str_slice(key, q->prefix.n, key.n);
		if (!str_starts_with(key, q->prefix))
			continue;
		size_t at = q->delimiter.n > 0 ? str_find(rest, q->delimiter) : rest.n;
		bool group = at < rest.n;
		struct str entry = group ? str_slice(key, 0, q->prefix.n + at + q->delimiter.n) : key;
		bool given = group ? str_starts_with(q->after, entry) || str_compare(entry, q->after) <= 0 : str_compare(entry, q->after) <= 0;
		if (q->after.n > 0 && given)
			continue;
		if (m->n > 0 && group && str_equal(m->entries[m->n - 1], entry))
			continue;
		m->group[m->n] = group;
		m->entries[m->n++] = entry;
	}
}

static void expect_entry(const struct listed *got, struct str entry, bool group)
{
	assert_str(got->info.key, entry);
	if (group) {
		assert_int_equal(got->info.etag.n, 0);
		return;
	}
	assert_int_equal(got->info.etag.n, 32);
	assert_int_equal(got->info.size, entry.n);
	assert_true(got->info.modified_ms > 0);
}

/* All pages of a query, with the limit that it has. */
static void expect_pages(struct bench *b, struct object_query q)
{
	struct model m;
	struct listing page = { .more = true };
	size_t at = 0;
	make_model(&q, &m);
	while (page.more) {
		assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
		assert_true(page.n <= q.limit && page.n <= m.n - at);
		for (size_t i = 0; i < page.n; i++, at++)
			expect_entry(&page.entries[i], m.entries[at], m.group[at]);
		assert_int_equal(page.more, at < m.n);
		if (page.more)
			assert_int_equal(page.n, q.limit);
		q.after = page.n > 0 ? page.entries[page.n - 1].info.key : q.after;
	}
	assert_int_equal(at, m.n);
}

static void test_list_of_objects_then_equal_to_a_naive_implementation(void **state)
{
	static const char *const prefixes[] = { "", "a", "a/", "b-", "c/", "c/\xC3", "d/e/", "nothing", "\xff", "zzz", "a/1" };
	static const char *const delimiters[] = { "", "/", "--", "-", "/e/", "a", "\xC3\xA9" };
	static const char *const afters[] = { "", "a", "a/", "a/1", "a/zzz", "b--", "b--c", "c/\xC3\xA9/1", "A", "~", "\xff\xff", "d/e/f/g",
		"\x01" };
	static const uint32_t limits[] = { 1, 2, 3, 1000 };
	struct bench *b = *state;
	make(b, "shelf"), make(b, "aaa"), make(b, "zzz");
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		put(b, keys[i]);
	body_put(b, STR("aaa"), STR("a/other"), STR("x"));
	body_put(b, STR("zzz"), STR("a/other"), STR("x"));
	for (size_t p = 0; p < COUNT_OF(prefixes); p++)
		for (size_t d = 0; d < COUNT_OF(delimiters); d++)
			for (size_t a = 0; a < COUNT_OF(afters); a++)
				expect_pages(b,
					(struct object_query){ .bucket = STR("shelf"),
						.prefix = str_of(prefixes[p]),
						.delimiter = str_of(delimiters[d]),
						.after = str_of(afters[a]),
						.limit = limits[(p + d + a) % COUNT_OF(limits)] });
}

static void test_list_of_nothing_then_empty(void **state)
{
	struct bench *b = *state;
	struct listing page;
	struct object_query q = { .bucket = STR("shelf"), .limit = 1000 };
	assert_fails(b, catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), F_NO_SUCH_BUCKET);
	make(b, "shelf");
	assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
	assert_false(page.more);
	put(b, "k");
	q.limit = 0;
	assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
	assert_false(page.more);
}

static void test_list_with_texts_longer_than_any_key_then_still_right(void **state)
{
	struct bench *b = *state;
	struct listing page;
	struct str longest = body_noise(b, 1024), longer = body_noise(b, 5000);
	memset((char *)(uintptr_t)longest.p, 'm', longest.n);
	memset((char *)(uintptr_t)longer.p, 'm', longer.n);
	make(b, "shelf");
	body_put(b, STR("shelf"), longest, STR("x"));
	put(b, "n");
	struct object_query q = { .bucket = STR("shelf"), .after = longer, .limit = 10 };
	assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 1);
	assert_str(page.entries[0].info.key, STR("n"));
	q = (struct object_query){ .bucket = STR("shelf"), .prefix = longer, .limit = 10 };
	assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
	q = (struct object_query){ .bucket = STR("shelf"), .delimiter = longer, .after = str_slice(longest, 0, 1023), .limit = 10 };
	assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 2);
	assert_str(page.entries[0].info.key, longest);
}

static void test_list_when_the_arena_is_full_then_too_much(void **state)
{
	struct bench *b = *state;
	struct listing page;
	struct arena small;
	struct object_query q = { .bucket = STR("shelf"), .limit = 1 };
	make(b, "shelf");
	put(b, "k");
	arena_init(&small, 16);
	assert_fails(b, catalog_list_objects(b->w.catalog, &q, &small, &page, &b->why), F_TOO_MUCH);
	arena_deinit(&small);
	arena_init(&small, sizeof(struct listed) + 16);
	assert_fails(b, catalog_list_objects(b->w.catalog, &q, &small, &page, &b->why), F_TOO_MUCH);
	arena_deinit(&small);
}

static void test_list_then_gives_the_kind_of_checksum(void **state)
{
	struct bench *b = *state;
	struct listing page;
	struct incoming *in = body_receive(b, STR("hello"));
	struct object_commit c = body_commit(b, STR("k"));
	make(b, "shelf");
	c.bucket = STR("shelf");
	c.meta.checksum = (struct object_checksum){ CHECKSUM_SHA1, true, STR("qvTGHdzF6KLavt4PO0gs2a6pQ00=-1") };
	assert_int_equal(bucket_finish(&in, &c, &b->why), OK);
	struct object_query q = { .bucket = STR("shelf"), .limit = 10 };
	assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.entries[0].checksum, CHECKSUM_SHA1);
	assert_true(page.entries[0].composite);
}

/* removals */

static void test_remove_of_many_then_each_has_its_result(void **state)
{
	struct bench *b = *state;
	make(b, "shelf");
	put(b, "plain"), put(b, "same"), put(b, "other"), put(b, "any"), put(b, "stays");
	struct object_removal all[] = {
		{ .key = STR("plain") },
		{ .key = STR("never was") },
		{ .key = STR("same"), .if_etag = body_etag(b, STR("same")) },
		{ .key = STR("other"), .if_etag = body_etag(b, STR("same")) },
		{ .key = STR("any"), .if_etag = STR("*") },
		{ .key = STR("plain"), .if_etag = STR("*") },
		{ .key = STR("plain") },
		{ .key = STR("never was"), .if_etag = body_etag(b, STR("same")) },
	};
	static const enum fault_code want[] = { F_NONE, F_NONE, F_NONE, F_PRECONDITION, F_NONE, F_NO_SUCH_KEY, F_NONE, F_NO_SUCH_KEY };
	assert_int_equal(catalog_remove_objects(b->w.catalog, STR("shelf"), all, COUNT_OF(all), &b->why), OK);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_int_equal(all[i].status, fault_status(want[i]));
		if (want[i] != F_NONE)
			assert_int_equal(all[i].why.code, want[i]);
	}
	bench_reopen(b);
	body_expect_absent(b, STR("shelf"), STR("plain"));
	body_expect_absent(b, STR("shelf"), STR("same"));
	body_expect_absent(b, STR("shelf"), STR("any"));
	assert_str(body_get(b, STR("shelf"), STR("other")), STR("other"));
	assert_str(body_get(b, STR("shelf"), STR("stays")), STR("stays"));
	assert_fails(b, catalog_remove_objects(b->w.catalog, STR("nobodys"), all, 1, &b->why), F_NO_SUCH_BUCKET);
	assert_int_equal(catalog_remove_objects(b->w.catalog, STR("shelf"), NULL, 0, &b->why), OK);
}

static void test_remove_of_the_maximum_at_once_then_all_are_removed(void **state)
{
	struct bench *b = *state;
	struct object_removal *all = arena_array(&b->a, REMOVALS_MAX, sizeof(*all));
	struct listing page;
	make(b, "shelf");
	assert_non_null(all);
	for (size_t i = 0; i < REMOVALS_MAX; i++)
		all[i].key = str_printf(&b->a, "%04zu", i);
	for (size_t i = 0; i < REMOVALS_MAX; i += 50)
		body_put(b, STR("shelf"), all[i].key, STR("x"));
	assert_int_equal(catalog_remove_objects(b->w.catalog, STR("shelf"), all, REMOVALS_MAX, &b->why), OK);
	struct object_query q = { .bucket = STR("shelf"), .limit = 1 };
	assert_int_equal(catalog_list_objects(b->w.catalog, &q, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_create_then_reported_and_kept),
	BENCH_TEST(test_info_then_only_for_the_exact_name),
	BENCH_TEST(test_image_bucket_then_it_exists_and_cannot_be_deleted),
	BENCH_TEST(test_remove_then_gone_and_its_name_is_free),
	BENCH_TEST(test_list_of_buckets_then_an_owners_by_name_in_pages),
	BENCH_TEST(test_set_cors_then_kept_until_deleted),
	BENCH_TEST(test_objects_of_two_buckets_then_separate),
	BENCH_TEST(test_list_of_objects_then_equal_to_a_naive_implementation),
	BENCH_TEST(test_list_of_nothing_then_empty),
	BENCH_TEST(test_list_with_texts_longer_than_any_key_then_still_right),
	BENCH_TEST(test_list_when_the_arena_is_full_then_too_much),
	BENCH_TEST(test_list_then_gives_the_kind_of_checksum),
	BENCH_TEST(test_remove_of_many_then_each_has_its_result),
	BENCH_TEST(test_remove_of_the_maximum_at_once_then_all_are_removed),
};

int contract_catalog(const struct contract_maker *maker)
{
	return bench_run(maker, "bucket_catalog", tests, COUNT_OF(tests));
}
