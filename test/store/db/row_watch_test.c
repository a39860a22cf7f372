/* Who is told of changed rows: only after the batch, once for each, and of a batch with too many of them that any may have changed. */
#include "unit.h"

#include "store/db/row_watch.h"

#include <stdio.h>
#include <string.h>

static struct row_watch watch;
static char told[ROW_WATCH_MAX * 8];
static int calls;

static void on_change(void *arg, struct str key)
{
	assert_ptr_equal(arg, &watch);
	calls++;
	(void)snprintf(told + strlen(told), sizeof told - strlen(told), "[%.*s]", STRF(key));
}

static int set_up(void **state)
{
	told[0] = '\0';
	calls = 0;
	row_watch_init(&watch);
	row_watch_set(&watch, on_change, &watch);
	return 0;
}

static int tear_down(void **state)
{
	row_watch_deinit(&watch);
	return 0;
}

static void test_tell_then_the_keys_of_the_batch_in_order_and_not_before(void **state)
{
	row_watch_begin(&watch);
	row_watch_note(&watch, STR("a"));
	row_watch_note(&watch, STR("b"));
	row_watch_note(&watch, STR("a"));
	assert_int_equal(calls, 0);
	row_watch_tell(&watch);
	assert_string_equal(told, "[a][b][a]");
}

static void test_begin_then_what_an_earlier_batch_noted_is_not_told(void **state)
{
	row_watch_begin(&watch);
	row_watch_note(&watch, STR("of a batch that failed"));
	row_watch_begin(&watch);
	row_watch_tell(&watch);
	assert_int_equal(calls, 0);
}

static void test_tell_when_there_is_room_for_all_then_each_and_for_one_more_then_any(void **state)
{
	char key[24];
	for (size_t n = ROW_WATCH_MAX; n <= ROW_WATCH_MAX + 1; n++) {
		calls = 0;
		told[0] = '\0';
		row_watch_begin(&watch);
		for (size_t i = 0; i < n; i++) {
			(void)snprintf(key, sizeof key, "%zu", i);
			row_watch_note(&watch, str_of(key));
		}
		row_watch_tell(&watch);
		assert_int_equal(calls, n == ROW_WATCH_MAX ? ROW_WATCH_MAX : 1);
	}
	assert_string_equal(told, "[]");
	row_watch_begin(&watch);
	row_watch_note(&watch, STR("a"));
	row_watch_tell(&watch);
	assert_string_equal(told, "[][a]");
}

static void test_note_when_the_key_is_longer_than_those_of_images_then_any(void **state)
{
	char key[ROW_WATCH_KEY_BYTES + 1];
	memset(key, 'k', sizeof key);
	row_watch_begin(&watch);
	row_watch_note(&watch, (struct str){ key, ROW_WATCH_KEY_BYTES });
	row_watch_tell(&watch);
	assert_int_equal(strlen(told), ROW_WATCH_KEY_BYTES + 2);
	row_watch_begin(&watch);
	row_watch_note(&watch, (struct str){ key, sizeof key });
	row_watch_note(&watch, STR("a"));
	row_watch_tell(&watch);
	assert_string_equal(told + ROW_WATCH_KEY_BYTES + 2, "[]");
}

static void test_set_when_null_then_nobody_is_told(void **state)
{
	row_watch_set(&watch, NULL, NULL);
	for (size_t n = 1; n <= ROW_WATCH_MAX + 1; n += ROW_WATCH_MAX) {
		row_watch_begin(&watch);
		for (size_t i = 0; i < n; i++)
			row_watch_note(&watch, STR("a"));
		row_watch_tell(&watch);
	}
	assert_int_equal(calls, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tell_then_the_keys_of_the_batch_in_order_and_not_before),
		TEST(test_begin_then_what_an_earlier_batch_noted_is_not_told),
		TEST(test_tell_when_there_is_room_for_all_then_each_and_for_one_more_then_any),
		TEST(test_note_when_the_key_is_longer_than_those_of_images_then_any),
		TEST(test_set_when_null_then_nobody_is_told),
	};
	return cmocka_run_group_tests_name("row_watch", tests, NULL, NULL);
}
