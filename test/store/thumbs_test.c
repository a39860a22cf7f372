/* Thumbnails in a directory: found again, also after a restart, and dropped by age where there are too many. */
#include "store/thumbs.h"

#include "temp.h"

#define A STR("aa8fad5b-d9cb-469f-a165-70867728950e")
#define B STR("bb8fad5b-d9cb-469f-a165-70867728950e")

static char dir[TEMP_PATH_MAX];
static struct thumb_store *store;
static struct arena arena;
static struct fault why;

static int set_up(void **state)
{
	temp_make(dir);
	arena_init(&arena, 1 << 20);
	return 0;
}

static int tear_down(void **state)
{
	thumbs_close(&store);
	arena_deinit(&arena);
	temp_remove(dir);
	return 0;
}

static void open_store(uint64_t most_bytes)
{
	thumbs_close(&store);
	if (thumbs_open(dir, most_bytes, 0, &store, &why) != OK)
		fail_msg("%s", why.text);
}

static void keep(struct str id, struct str name, size_t n)
{
	char *bytes = arena_alloc(&arena, n + 1);
	memset(bytes, 'x', n);
	assert_int_equal(thumb_keep(store, id, name, (struct str){ bytes, n }, &why), OK);
}

/* Its size, or -1. */
static long long size_of(struct str id, struct str name)
{
	struct object_file f;
	enum status st = thumb_find(store, id, name, &arena, &f, &why);
	if (st != OK) {
		assert_int_equal(why.code, F_NO_SUCH_KEY);
		return -1;
	}
	long long size = (long long)f.info.size;
	assert_int_equal(lseek(f.fd, 0, SEEK_END), size);
	object_file_close(&f);
	return size;
}

static void test_keep_then_found_until_removed_and_by_its_own_name(void **state)
{
	open_store(1 << 20);
	assert_int_equal(size_of(A, STR("small-1.webp")), -1);
	keep(A, STR("small-1.webp"), 1000);
	keep(A, STR("small-1.jpg"), 0);
	keep(B, STR("small-1.webp"), 3000);
	assert_int_equal(size_of(A, STR("small-1.webp")), 1000);
	assert_int_equal(size_of(A, STR("small-1.jpg")), 0);
	keep(A, STR("small-1.webp"), 2000);
	assert_int_equal(size_of(A, STR("small-1.webp")), 2000);
	thumb_remove(store, A);
	assert_int_equal(size_of(A, STR("small-1.webp")), -1);
	assert_int_equal(size_of(A, STR("small-1.jpg")), -1);
	assert_int_equal(size_of(B, STR("small-1.webp")), 3000);
	assert_int_equal(size_of(STR("../../etc"), STR("passwd")), -1);
	assert_int_equal(size_of(A, STR("../x")), -1);
}

static void test_requested_often_then_open_until_replaced_or_removed(void **state)
{
	struct object_file held;
	open_store(1 << 20);
	for (size_t n = 1000; n < 1003; n++) {
		keep(A, STR("small-1.webp"), n);
		for (int i = 0; i < 4; i++)
			assert_int_equal(size_of(A, STR("small-1.webp")), (long long)n);
	}
	assert_int_equal(thumb_find(store, A, STR("small-1.webp"), &arena, &held, &why), OK);
	assert_non_null(held.hold);
	thumb_remove(store, A);
	assert_int_equal(size_of(A, STR("small-1.webp")), -1);
	assert_int_equal(lseek(held.fd, 0, SEEK_END), 1002);
	object_file_close(&held);
}

static void test_reopened_then_all_is_there_but_what_was_cut(void **state)
{
	char path[TEMP_PATH_MAX + 100];
	open_store(1 << 20);
	keep(A, STR("small-1.webp"), 1000);
	keep(B, STR("small-1.webp"), 1000);
	keep(B, STR("large-1.webp"), 0);
	snprintf(path, sizeof path, "%s/thumbs/aa/%.*s-small-1.webp@1000", dir, STRF(A));
	assert_int_equal(truncate(path, 0), 0);
	open_store(1 << 20);
	assert_int_equal(size_of(A, STR("small-1.webp")), -1);
	assert_int_equal(size_of(B, STR("small-1.webp")), 1000);
	assert_int_equal(size_of(B, STR("large-1.webp")), 0);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void test_too_many_bytes_then_the_least_recently_used_go(void **state)
{
	open_store(3000);
	keep(A, STR("a.webp"), 1000);
	keep(A, STR("b.webp"), 1000);
	keep(A, STR("c.webp"), 1000);
	assert_int_equal(size_of(A, STR("a.webp")), 1000); /* now the newest */
	keep(B, STR("d.webp"), 1000);
	assert_int_equal(size_of(A, STR("b.webp")), -1);
	assert_int_equal(size_of(A, STR("a.webp")), 1000);
	keep(B, STR("e.webp"), 5000);
	assert_int_equal(size_of(B, STR("e.webp")), 5000);
	assert_int_equal(size_of(B, STR("d.webp")), -1);
	open_store(0);
	keep(A, STR("a.webp"), 0);
	assert_int_equal(size_of(A, STR("a.webp")), 0);
	assert_int_equal(size_of(B, STR("e.webp")), -1);
}

static void test_below_the_reserve_then_none_is_written(void **state)
{
	if (thumbs_open(dir, 1 << 20, UINT64_MAX / 2, &store, &why) != OK)
		fail_msg("%s", why.text);
	assert_int_equal(thumb_keep(store, A, STR("a.webp"), STR("x"), &why), BUSY);
	assert_int_equal(why.code, F_DISK_FULL);
	assert_int_equal(size_of(A, STR("a.webp")), -1);
}

#define MANY 2000

static void test_thousands_then_each_is_found(void **state)
{
	char id[37];
	open_store(1 << 30);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(id, sizeof id, "%08x-d9cb-469f-a165-70867728950e", i * 2654435761u);
		keep((struct str){ id, 36 }, STR("a.webp"), 1);
	}
	open_store(1 << 30);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(id, sizeof id, "%08x-d9cb-469f-a165-70867728950e", i * 2654435761u);
		assert_int_equal(size_of((struct str){ id, 36 }, STR("a.webp")), 1);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keep_then_found_until_removed_and_by_its_own_name),
		TEST(test_requested_often_then_open_until_replaced_or_removed),
		TEST(test_reopened_then_all_is_there_but_what_was_cut),
		TEST(test_too_many_bytes_then_the_least_recently_used_go),
		TEST(test_below_the_reserve_then_none_is_written),
		TEST(test_thousands_then_each_is_found),
	};
	return cmocka_run_group_tests_name("thumbs", tests, NULL, NULL);
}
