/* The history for the console's charts: points by steps, the running one included, gaps left out. */
#include "admin/fixture.h"

#include "base/clock.h"

static int64_t now_minute(void)
{
	return clock_now_ms() / HISTORY_MINUTE_MS;
}

static void add(int64_t minute, uint64_t ms, uint64_t api, uint64_t images)
{
	struct history_point p = { .minute = minute, .ms = ms, .counts = { [HISTORY_API] = api, [HISTORY_FAILED] = 1 } };
	p.gauges[HISTORY_IMAGES] = images;
	p.latencies[2] = api;
	p.latencies[HISTORY_LATENCIES - 1] = 1;
	assert_int_equal(history_add(&fixture.history.port, &p, NULL), OK);
}

static json_int_t number_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static int64_t minute_of(const json_t *point)
{
	int64_t ms = 0;
	assert_true(clock_parse_iso8601(str_of(text_of(point, "at")), &ms));
	return ms / HISTORY_MINUTE_MS;
}

/* The point of the step that holds the minute; NULL: there is none. */
static const json_t *point_at(int64_t minute)
{
	size_t i;
	json_t *one;
	int64_t step = number_of(fixture.json, "stepSeconds") / 60;
	json_array_foreach(json_object_get(fixture.json, "points"), i, one) if (minute_of(one) == minute - minute % step) return one;
	return NULL;
}

static void test_history_of_an_hour_then_a_point_for_each_minute_that_has_one(void **state)
{
	int64_t now = now_minute();
	add(now - 90, 60000, 1, 1);
	add(now - 20, 60000, 120, 7);
	add(now - 18, 30000, 60, 8);
	ask("/console/history", 200);
	assert_string_equal(text_of(fixture.json, "kept"), "memory");
	assert_int_equal(number_of(fixture.json, "stepSeconds"), 60);
	assert_int_equal(json_array_size(json_object_get(fixture.json, "points")), 2);
	assert_int_equal(json_array_size(json_object_get(fixture.json, "latencyBoundsMs")), HISTORY_LATENCIES - 1);
	assert_true(json_real_value(json_array_get(json_object_get(fixture.json, "latencyBoundsMs"), 0)) == 0.5);
	assert_null(point_at(now - 19));
	const json_t *p = point_at(now - 18);
	assert_int_equal(number_of(p, "ms"), 30000);
	assert_int_equal(number_of(p, "api"), 60);
	assert_int_equal(number_of(p, "failed"), 1);
	assert_int_equal(number_of(p, "storage"), 0);
	assert_int_equal(number_of(p, "images"), 8);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(p, "latencies"), 2)), 60);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(p, "latencies"), HISTORY_LATENCIES - 1)), 1);
}

static void test_history_then_what_is_being_counted_is_in_it(void **state)
{
	int64_t now = now_minute();
	fixture.running = (struct history_point){ .minute = now, .ms = 500, .counts = { [HISTORY_API] = 3 } };
	ask("/console/history?range=hour", 200);
	assert_int_equal(number_of(point_at(now), "api"), 3);
	add(now, 1000, 4, 1); /* of a process before, in the same minute */
	ask("/console/history?range=hour", 200);
	assert_int_equal(number_of(point_at(now), "api"), 7);
	assert_int_equal(number_of(point_at(now), "ms"), 1500);
}

static void test_history_of_a_day_or_a_week_then_steps_of_some_minutes(void **state)
{
	static const struct {
		const char *target;
		int64_t step, minutes;
	} ranges[] = { { "/console/history?range=day", 5, 1440 }, { "/console/history?range=week", 30, HISTORY_MINUTES } };
	int64_t now = now_minute(), at = now - 100 - (now - 100) % 30;
	add(at + 1, 60000, 10, 5);
	add(at, 60000, 20, 4);
	add(now + 5, 60000, 99, 9); /* the clock was set back */
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		ask(ranges[i].target, 200);
		assert_int_equal(number_of(fixture.json, "stepSeconds"), ranges[i].step * 60);
		assert_int_equal(json_array_size(json_object_get(fixture.json, "points")), 1);
		const json_t *p = point_at(at);
		assert_int_equal(number_of(p, "ms"), 120000);
		assert_int_equal(number_of(p, "api"), 30);
		assert_int_equal(number_of(p, "images"), 5); /* of the later minute */
	}
	for (int64_t m = now - HISTORY_MINUTES + 1; m <= now; m++)
		add(m, 60000, 1, 1);
	for (size_t i = 0; i < COUNT_OF(ranges); i++) {
		ask(ranges[i].target, 200);
		size_t n = json_array_size(json_object_get(fixture.json, "points"));
		assert_in_range(n, (size_t)(ranges[i].minutes / ranges[i].step), (size_t)(ranges[i].minutes / ranges[i].step) + 1);
	}
}

static void test_history_of_another_range_then_refused(void **state)
{
	assert_refused("/console/history?range=year", 400, "bad_field");
	assert_refused("/console/history?hours=1", 400, "bad_field");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(test_history_of_an_hour_then_a_point_for_each_minute_that_has_one),
		FIXTURE_TEST(test_history_then_what_is_being_counted_is_in_it),
		FIXTURE_TEST(test_history_of_a_day_or_a_week_then_steps_of_some_minutes),
		FIXTURE_TEST(test_history_of_another_range_then_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
