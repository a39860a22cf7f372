/* The contract of the object store, first half: put, get, head, remove and list with every key that may
 * trip an adapter, and the same after the adapter was opened again. What presign and form compute is
 * in contract_store_urls.c. */
#include "fake/contract_store.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "fake/bench.h"
#include <pthread.h>
#include <string.h>

static void put(struct bench *b, struct str key, struct str body)
{
	assert_int_equal(store_put(b->w.store, key, STR("image/jpeg"), body, &b->why), OK);
}

static void assert_object_is(struct bench *b, struct str key, struct str body)
{
	struct object o;
	assert_int_equal(store_get(b->w.store, key, UINT64_MAX, &b->a, &o, &b->why), OK);
	assert_str(o.body, body);
	assert_str(o.info.key, key);
	assert_int_equal(o.info.size, body.n);
}

static void assert_absent(struct bench *b, struct str key)
{
	struct object o;
	struct object_info info;
	assert_fails(b, store_get(b->w.store, key, UINT64_MAX, &b->a, &o, &b->why), F_NO_SUCH_KEY);
	assert_fails(b, store_head(b->w.store, key, &b->a, &info, &b->why), F_NO_SUCH_KEY);
}

static struct str many(struct bench *b, char c, size_t n)
{
	char *p = arena_alloc(&b->a, n);
	assert_non_null(p);
	memset(p, c, n);
	return (struct str){ p, n };
}

static struct str md5_of(struct bench *b, struct str body)
{
	unsigned char digest[MD5_BYTES];
	char hex[2 * MD5_BYTES + 1];
	struct hash h;
	hash_init(&h, HASH_MD5);
	hash_update(&h, body.p, body.n);
	hash_final(&h, digest);
	hex_encode(digest, MD5_BYTES, hex);
	return str_dup(&b->a, str_of(hex));
}

/* put, get, head, remove */

static void test_put_then_get_and_head_give_bytes_and_info(void **state)
{
	struct bench *b = *state;
	struct object_info info;
	struct str body = { "\xff\xd8\0\x01\xff\xd9", 6 };
	int64_t before_ms = clock_now_ms();
	put(b, STR("images/a.jpg"), body);
	assert_object_is(b, STR("images/a.jpg"), body);
	assert_int_equal(store_head(b->w.store, STR("images/a.jpg"), &b->a, &info, &b->why), OK);
	assert_str(info.key, STR("images/a.jpg"));
	assert_int_equal(info.size, 6);
	assert_str(info.etag, md5_of(b, body));
	assert_str(info.content_type, STR("image/jpeg"));
	assert_true(info.modified_ms >= before_ms - 60000 && info.modified_ms <= clock_now_ms() + 60000);
}

static void test_put_of_nothing_then_an_object_of_no_bytes(void **state)
{
	struct bench *b = *state;
	put(b, STR("images/empty"), STR(""));
	assert_object_is(b, STR("images/empty"), STR(""));
}

static void test_put_of_many_bytes_then_all_of_them(void **state)
{
	struct bench *b = *state;
	char *p = arena_alloc(&b->a, 3000001);
	assert_non_null(p);
	for (size_t i = 0; i < 3000001; i++)
		p[i] = (char)(i * 2654435761u >> 13);
	put(b, STR("images/big"), (struct str){ p, 3000001 });
	assert_object_is(b, STR("images/big"), (struct str){ p, 3000001 });
}

static void test_put_over_an_object_then_replaced(void **state)
{
	struct bench *b = *state;
	struct object_info info;
	put(b, STR("k"), STR("the first body"));
	assert_int_equal(store_put(b->w.store, STR("k"), STR("text/plain"), STR("second"), &b->why), OK);
	assert_object_is(b, STR("k"), STR("second"));
	assert_int_equal(store_head(b->w.store, STR("k"), &b->a, &info, &b->why), OK);
	assert_str(info.content_type, STR("text/plain"));
	assert_str(info.etag, md5_of(b, STR("second")));
}

static const char *const odd_keys[] = { "k", "/", "//", "a//b", "a/", "/a", ".", "..", "../../etc/passwd", "a/../b", "./a", "%2F", "a+b",
	"a b", " a ", "a%00b", "a?b=c&d#e", "'; DROP TABLE objects; --", "\"q\"", "back\\slash", "\r\n", "\x7f\x01", "*", "\xc3\xa9",
	"e\xcc\x81", "\xf0\x9f\x98\x80",
	"\xe2\x80\xae"
	"abc",
	"\xef\xbf\xbf", "CaSe", "case", "a_b", "aXb", "~" };

static void test_put_under_odd_keys_then_each_is_an_object_of_its_own(void **state)
{
	struct bench *b = *state;
	for (size_t i = 0; i < COUNT_OF(odd_keys); i++)
		put(b, str_of(odd_keys[i]), str_printf(&b->a, "body %zu", i));
	for (unsigned round = 0; round < 2; round++) {
		for (size_t i = 0; i < COUNT_OF(odd_keys); i++)
			assert_object_is(b, str_of(odd_keys[i]), str_printf(&b->a, "body %zu", i));
		bench_reopen(b);
	}
	for (size_t i = 0; i < COUNT_OF(odd_keys); i++) {
		assert_int_equal(store_remove(b->w.store, str_of(odd_keys[i]), &b->why), OK);
		assert_absent(b, str_of(odd_keys[i]));
		if (i + 1 < COUNT_OF(odd_keys))
			assert_object_is(b, str_of(odd_keys[i + 1]), str_printf(&b->a, "body %zu", i + 1));
	}
}

static void test_put_under_a_key_of_1024_bytes_then_ok_and_of_1025_too_long(void **state)
{
	struct bench *b = *state;
	struct str key = many(b, 'k', 1025);
	put(b, str_slice(key, 0, 1024), STR("body"));
	assert_object_is(b, str_slice(key, 0, 1024), STR("body"));
	assert_fails(b, store_put(b->w.store, key, STR("t/t"), STR("body"), &b->why), F_KEY_TOO_LONG);
}

static void test_put_under_a_key_of_slashes_of_the_maximum_length_then_ok(void **state)
{
	struct bench *b = *state;
	struct str key = many(b, '/', 1024);
	put(b, key, STR("body"));
	assert_object_is(b, key, STR("body"));
}

static void test_put_under_an_empty_or_ill_formed_key_then_key_invalid(void **state)
{
	static const struct str bad[] = { { "", 0 }, { "a\0b", 3 }, { "\0", 1 }, { "\xff", 1 }, { "a\xc3", 2 }, { "\xed\xa0\x80", 3 },
		{ "\xc0\xaf", 2 }, { "\xf4\x90\x80\x80", 4 } };
	struct bench *b = *state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_fails(b, store_put(b->w.store, bad[i], STR("t/t"), STR("body"), &b->why), F_KEY_INVALID);
}

static void test_get_of_an_unknown_key_then_no_such_key(void **state)
{
	struct bench *b = *state;
	put(b, STR("images/a"), STR("body"));
	assert_absent(b, STR("images/b"));
	assert_absent(b, STR("images/"));
	assert_absent(b, STR("images/A"));
	assert_absent(b, STR("images/a/"));
}

static void test_get_at_the_limit_then_ok_and_over_it_too_large(void **state)
{
	struct bench *b = *state;
	struct object o = { .info = { .size = 77 } };
	put(b, STR("k"), STR("12345"));
	assert_fails(b, store_get(b->w.store, STR("k"), 4, &b->a, &o, &b->why), F_IMAGE_TOO_LARGE);
	assert_int_equal(o.info.size, 77);
	assert_int_equal(store_get(b->w.store, STR("k"), 5, &b->a, &o, &b->why), OK);
	assert_str(o.body, STR("12345"));
}

static void test_remove_then_gone_and_again_ok(void **state)
{
	struct bench *b = *state;
	put(b, STR("k"), STR("body"));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(store_remove(b->w.store, STR("k"), &b->why), OK);
		assert_absent(b, STR("k"));
	}
	assert_int_equal(store_remove(b->w.store, STR("never"), &b->why), OK);
	put(b, STR("k"), STR("again"));
	assert_object_is(b, STR("k"), STR("again"));
}

/* list */

static struct object_page list(struct bench *b, struct str prefix, struct str after, uint32_t limit)
{
	struct object_page page;
	assert_int_equal(store_list(b->w.store, prefix, after, limit, &b->a, &page, &b->why), OK);
	assert_true(page.n <= limit);
	return page;
}

/* words: the keys that must be given, parted by blanks. */
static void assert_lists(struct bench *b, struct str prefix, struct str after, const char *words)
{
	struct object_page page = list(b, prefix, after, 1000);
	struct buf got;
	buf_init_arena(&got, &b->a, 1 << 16);
	for (size_t i = 0; i < page.n; i++)
		buf_printf(&got, "%s%.*s", i == 0 ? "" : " ", STRF(page.objects[i].key));
	assert_string_equal(got.n == 0 ? "" : got.p, words);
	assert_false(page.more);
}

static void test_list_of_an_empty_store_then_nothing(void **state)
{
	struct bench *b = *state;
	assert_lists(b, STR(""), STR(""), "");
	assert_lists(b, STR("images/"), STR("images/a"), "");
}

static void test_list_then_keys_in_the_order_of_bytes_with_their_info(void **state)
{
	struct bench *b = *state;
	static const char *const keys[] = { "b", "a", "\xc3\xa9", "B", "a/b", "a!", "~", "aa", "\xf0\x9f\x98\x80", "\xef\xbf\xbf" };
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		put(b, str_of(keys[i]), str_of(keys[i]));
	assert_lists(b, STR(""), STR(""), "B a a! a/b aa b ~ \xc3\xa9 \xef\xbf\xbf \xf0\x9f\x98\x80");
	struct object_page page = list(b, STR(""), STR(""), 1);
	assert_int_equal(page.objects[0].size, 1);
	assert_str(page.objects[0].etag, md5_of(b, STR("B")));
	struct str type = page.objects[0].content_type;
	assert_true(type.n == 0 || str_equal(type, STR("image/jpeg")));
	assert_true(page.objects[0].modified_ms > 0);
}

static void test_list_with_a_prefix_then_exactly_the_keys_that_begin_with_it(void **state)
{
	struct bench *b = *state;
	static const char *const keys[] = { "image", "images", "images/", "images/a", "images/b", "Images/c", "images0", "a%b", "axb", "a_b",
		"a\xf4\x8f\xbf\xbf",
		"a\xf4\x8f\xbf\xbf"
		"z",
		"b" };
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		put(b, str_of(keys[i]), STR("x"));
	assert_lists(b, STR("images/"), STR(""), "images/ images/a images/b");
	assert_lists(b, STR("images/a"), STR(""), "images/a");
	assert_lists(b, STR("a%"), STR(""), "a%b");
	assert_lists(b, STR("a_"), STR(""), "a_b");
	assert_lists(b, STR("a\xf4\x8f\xbf\xbf"), STR(""), "a\xf4\x8f\xbf\xbf a\xf4\x8f\xbf\xbfz");
	assert_lists(b, STR("I"), STR(""), "Images/c");
	assert_lists(b, STR("none"), STR(""), "");
}

static void test_list_after_a_key_then_the_keys_after_it_whether_it_exists_or_not(void **state)
{
	struct bench *b = *state;
	static const char *const keys[] = { "p/a", "p/b", "p/c", "q/a" };
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		put(b, str_of(keys[i]), STR("x"));
	assert_lists(b, STR("p/"), STR("p/a"), "p/b p/c");
	assert_lists(b, STR("p/"), STR("p/aa"), "p/b p/c");
	assert_lists(b, STR("p/"), STR("p/c"), "");
	assert_lists(b, STR("p/"), STR("a"), "p/a p/b p/c");
	assert_lists(b, STR("p/"), STR("z"), "");
	assert_lists(b, STR(""), STR("p/b"), "p/c q/a");
}

static void test_list_of_pages_then_each_key_once_and_more_gives_the_end(void **state)
{
	struct bench *b = *state;
	for (unsigned i = 0; i < 9; i++)
		put(b, str_printf(&b->a, "p/%u", i), STR("x"));
	put(b, STR("q"), STR("x"));
	for (uint32_t limit = 1; limit <= 10; limit++) {
		struct str after = STR("");
		unsigned next = 0;
		bool more = true;
		while (more) {
			struct object_page page = list(b, STR("p/"), after, limit);
			for (size_t i = 0; i < page.n; i++)
				assert_str(page.objects[i].key, str_printf(&b->a, "p/%u", next++));
			more = page.more;
			assert_int_equal(more, next < 9);
			after = page.objects[page.n - 1].key;
		}
		assert_int_equal(next, 9);
	}
}

/* opened again, and several at once */

static void test_reopen_then_every_object_is_as_before(void **state)
{
	struct bench *b = *state;
	struct object_info before, after;
	put(b, STR("images/a"), STR("first"));
	put(b, STR("images/b"), STR("gone"));
	assert_int_equal(store_remove(b->w.store, STR("images/b"), &b->why), OK);
	assert_int_equal(store_head(b->w.store, STR("images/a"), &b->a, &before, &b->why), OK);
	bench_reopen(b);
	assert_int_equal(store_head(b->w.store, STR("images/a"), &b->a, &after, &b->why), OK);
	assert_int_equal(after.modified_ms, before.modified_ms);
	assert_str(after.etag, before.etag);
	assert_object_is(b, STR("images/a"), STR("first"));
	assert_lists(b, STR(""), STR(""), "images/a");
}

struct writer {
	struct object_store *store;
	struct str body;
	enum status end;
	pthread_t thread;
};

static void *put_ten_times(void *arg)
{
	struct writer *w = arg;
	struct fault why;
	for (unsigned i = 0; i < 10 && w->end == OK; i++)
		w->end = store_put(w->store, STR("k"), STR("t/t"), w->body, &why);
	return NULL;
}

static void test_put_by_several_at_once_then_readers_see_whole_objects(void **state)
{
	struct bench *b = *state;
	struct writer writers[3] = { 0 };
	put(b, STR("k"), many(b, 'a', 50000));
	for (unsigned i = 0; i < 3; i++) {
		writers[i] = (struct writer){ .store = b->w.store, .body = many(b, (char)('a' + i), 50000 + i) };
		int rc = pthread_create(&writers[i].thread, NULL, put_ten_times, &writers[i]);
		assert_int_equal(rc, 0);
	}
	for (unsigned i = 0; i < 30; i++) {
		struct object o;
		assert_int_equal(store_get(b->w.store, STR("k"), UINT64_MAX, &b->a, &o, &b->why), OK);
		char c = o.body.p[0];
		assert_int_equal(o.body.n, 50000 + c - 'a');
		assert_str(o.body, many(b, c, o.body.n));
		assert_str(o.info.etag, md5_of(b, o.body));
	}
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(writers[i].thread, NULL);
		assert_int_equal(writers[i].end, OK);
	}
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_put_then_get_and_head_give_bytes_and_info),
	BENCH_TEST(test_put_of_nothing_then_an_object_of_no_bytes),
	BENCH_TEST(test_put_of_many_bytes_then_all_of_them),
	BENCH_TEST(test_put_over_an_object_then_replaced),
	BENCH_TEST(test_put_under_odd_keys_then_each_is_an_object_of_its_own),
	BENCH_TEST(test_put_under_a_key_of_1024_bytes_then_ok_and_of_1025_too_long),
	BENCH_TEST(test_put_under_a_key_of_slashes_of_the_maximum_length_then_ok),
	BENCH_TEST(test_put_under_an_empty_or_ill_formed_key_then_key_invalid),
	BENCH_TEST(test_get_of_an_unknown_key_then_no_such_key),
	BENCH_TEST(test_get_at_the_limit_then_ok_and_over_it_too_large),
	BENCH_TEST(test_remove_then_gone_and_again_ok),
	BENCH_TEST(test_list_of_an_empty_store_then_nothing),
	BENCH_TEST(test_list_then_keys_in_the_order_of_bytes_with_their_info),
	BENCH_TEST(test_list_with_a_prefix_then_exactly_the_keys_that_begin_with_it),
	BENCH_TEST(test_list_after_a_key_then_the_keys_after_it_whether_it_exists_or_not),
	BENCH_TEST(test_list_of_pages_then_each_key_once_and_more_gives_the_end),
	BENCH_TEST(test_reopen_then_every_object_is_as_before),
	BENCH_TEST(test_put_by_several_at_once_then_readers_see_whole_objects),
};

int contract_store(const struct contract_maker *maker)
{
	return bench_run(maker, "object_store", tests, COUNT_OF(tests)) + contract_store_urls(maker);
}
