/* Objects that are kept open: when they are, what they give out, and that nothing stale ever is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "fake/rows.h"
#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture_init(&fixture);
	fixture_open(&fixture);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	fixture_deinit(*state);
	return 0;
}

static void put(struct fixture *p, struct str key, struct str body)
{
	struct fault why = { 0 };

	assert_int_equal(store_put(&engine_ports(p->engine)->store, key, STR("text/plain"), body, &why), OK);
}

static enum status open_key(struct fixture *p, struct str key, struct arena *a, struct object_file *f)
{
	struct fault why = { 0 };

	return bucket_open(&engine_ports(p->engine)->buckets, p->options.bucket, key, a, f, &why);
}

static void assert_bytes(const struct object_file *f, struct str body)
{
	char read[64];

	assert_int_equal(pread(f->fd, read, sizeof read, 0), body.n);
	assert_memory_equal(read, body.p, body.n);
}

/* Open it; whether it was kept. Its bytes are `body` either way. */
static bool is_hot(struct fixture *p, struct str key, struct str body)
{
	struct arena a;
	struct object_file f = { .fd = -1 };

	arena_init(&a, 65536);
	assert_int_equal(open_key(p, key, &a, &f), OK);
	bool is_kept = f.hold != NULL;
	assert_int_equal(f.info.size, body.n);
	assert_true(str_equal(f.info.key, key));
	assert_true(str_equal(f.info.content_type, STR("text/plain")));
	assert_bytes(&f, body);
	object_file_close(&f);
	arena_deinit(&a);
	return is_kept;
}

static void test_open_when_requested_again_then_kept(void **state)
{
	struct fixture *p = *state;

	put(p, STR("k"), STR("hello"));
	assert_false(is_hot(p, STR("k"), STR("hello")));
	assert_false(is_hot(p, STR("k"), STR("hello")));
	assert_true(is_hot(p, STR("k"), STR("hello")));
	assert_true(is_hot(p, STR("k"), STR("hello")));
}

static void test_open_after_a_replacement_then_the_new_bytes(void **state)
{
	struct fixture *p = *state;

	put(p, STR("k"), STR("hello"));
	for (int i = 0; i < 3; i++)
		(void)is_hot(p, STR("k"), STR("hello"));
	put(p, STR("k"), STR("world!"));
	assert_false(is_hot(p, STR("k"), STR("world!")));
	assert_true(is_hot(p, STR("k"), STR("world!")));
}

static void test_open_after_a_removal_then_not_found_and_open_ones_stay_valid(void **state)
{
	struct fixture *p = *state;
	struct arena a;
	struct object_file held = { .fd = -1 }, f = { .fd = -1 };
	struct fault why = { 0 };

	arena_init(&a, 65536);
	put(p, STR("k"), STR("hello"));
	for (int i = 0; i < 2; i++)
		(void)is_hot(p, STR("k"), STR("hello"));
	assert_int_equal(open_key(p, STR("k"), &a, &held), OK);
	assert_non_null(held.hold);
	assert_int_equal(store_remove(&engine_ports(p->engine)->store, STR("k"), &why), OK);
	assert_int_equal(open_key(p, STR("k"), &a, &f), NOT_FOUND);
	assert_bytes(&held, STR("hello"));
	object_file_close(&held);
	arena_deinit(&a);
}

static void test_open_when_another_key_has_the_slot_then_never_mixed_up(void **state)
{
	struct fixture *p = *state;
	char key[32], body[32];

	/* More keys than slots, so that every slot is fought for. */
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 2 * OBJECT_CACHE_SLOTS; i++) {
			snprintf(key, sizeof key, "k%d", i);
			snprintf(body, sizeof body, "body %d", i);
			if (round == 0)
				put(p, str_of(key), str_of(body));
			(void)is_hot(p, str_of(key), str_of(body));
			(void)is_hot(p, str_of(key), str_of(body));
		}
	}
}

static void test_offer_when_read_before_a_commit_then_not_cached(void **state)
{
	struct fixture *p = *state;
	struct object_cache *h = &p->engine->object_cache;
	const struct str name[2] = { p->options.bucket, STR("k") };
	struct arena a;
	struct object_file f = { .fd = -1 }, found = { .fd = -1 };

	arena_init(&a, 65536);
	put(p, STR("k"), STR("hello"));
	uint64_t before = object_cache_generation(h);
	assert_int_equal(open_key(p, STR("k"), &a, &f), OK);
	object_cache_clear(h); /* a commit that took something away, between the read and the offer */
	object_cache_offer(h, before, name, &f);
	object_cache_offer(h, before, name, &f);
	assert_false(object_cache_find(h, name, &found));
	object_cache_offer(h, object_cache_generation(h), name, &f);
	assert_true(object_cache_find(h, name, &found));
	object_file_close(&found);
	object_file_close(&f);
	arena_deinit(&a);
}

static void test_open_when_large_or_empty_then_not_kept(void **state)
{
	static char large[OBJECT_CACHE_MAX_BYTES + 1];
	struct fixture *p = *state;
	struct arena a;
	struct object_file f = { .fd = -1 };

	arena_init(&a, 65536);
	put(p, STR("large"), (struct str){ large, sizeof large });
	put(p, STR("empty"), (struct str){ 0 });
	for (int i = 0; i < 4; i++) {
		assert_int_equal(open_key(p, STR("large"), &a, &f), OK);
		assert_true(f.fd >= 0 && f.hold == NULL);
		object_file_close(&f);
		assert_int_equal(open_key(p, STR("empty"), &a, &f), OK);
		assert_true(f.fd >= 0 && f.hold == NULL);
		object_file_close(&f);
	}
	arena_deinit(&a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_open_when_requested_again_then_kept),
		TEST(test_open_after_a_replacement_then_the_new_bytes),
		TEST(test_open_after_a_removal_then_not_found_and_open_ones_stay_valid),
		TEST(test_open_when_another_key_has_the_slot_then_never_mixed_up),
		TEST(test_offer_when_read_before_a_commit_then_not_cached),
		TEST(test_open_when_large_or_empty_then_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
