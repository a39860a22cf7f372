/* Counts by labels, buckets that add up, and a table that cannot be overrun. */
#include "unit.h"

#include "http/server/request_metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static struct request_metrics *m;
static struct buf b;

static int set_up(void **state)
{
	struct fault why;
	buf_init(&b, 1 << 20);
	return request_metrics_new(&m, &why) == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	request_metrics_free(&m);
	buf_deinit(&b);
	return m == NULL ? 0 : -1;
}

static void assert_shows(const char *line)
{
	buf_clear(&b);
	request_metrics_write(m, &b);
	assert_true(buf_ok(&b));
	if (strstr(b.p, line) == NULL)
		fail_msg("no \"%s\" in\n%s", line, b.p);
}

static void test_count_when_labels_differ_then_rows_differ(void **state)
{
	request_metrics_count(m, "api", "POST /upload", 200, 10);
	request_metrics_count(m, "api", "POST /upload", 200, 10);
	request_metrics_count(m, "api", "POST /upload", 400, 10);
	request_metrics_count(m, "storage", "PUT", 0, 10);
	request_metrics_count(m, "api", NULL, 404, 10);
	assert_shows("\ntintype_requests_total{listener=\"api\",route=\"POST /upload\",status=\"200\"} 2\n");
	assert_shows("\ntintype_requests_total{listener=\"api\",route=\"POST /upload\",status=\"400\"} 1\n");
	assert_shows("\ntintype_requests_total{listener=\"storage\",route=\"PUT\",status=\"0\"} 1\n");
	assert_shows("\ntintype_requests_total{listener=\"api\",route=\"none\",status=\"404\"} 1\n");
	assert_shows("\ntintype_request_seconds_count{listener=\"api\",route=\"POST /upload\"} 3\n");
}

static void test_latency_when_counted_then_buckets_are_cumulative(void **state)
{
	request_metrics_count(m, "api", "r", 200, 500); /* on the border: le is inclusive */
	request_metrics_count(m, "api", "r", 200, 501);
	request_metrics_count(m, "api", "r", 200, 99000000); /* beyond the last bucket */
	request_metrics_count(m, "api", "r", 200, -5);       /* a clock that was set back */
	assert_shows("route=\"r\",le=\"0.0005\"} 2\n");
	assert_shows("route=\"r\",le=\"0.001\"} 3\n");
	assert_shows("route=\"r\",le=\"10\"} 3\n");
	assert_shows("route=\"r\",le=\"+Inf\"} 4\n");
	assert_shows("tintype_request_seconds_sum{listener=\"api\",route=\"r\"} 99.001001\n");
}

static void test_count_when_table_is_full_then_other(void **state)
{
	static char routes[1000][16];
	for (size_t i = 0; i < 1000; i++) {
		snprintf(routes[i], sizeof routes[i], "route %zu", i);
		request_metrics_count(m, "api", routes[i], 200, 10);
	}
	assert_shows("{listener=\"api\",route=\"other\",status=\"200\"} ");
	assert_shows("{listener=\"api\",route=\"route 0\",status=\"200\"} 1\n");
}

static void test_total_then_of_all_listeners_but_the_admins(void **state)
{
	struct request_totals all;
	request_metrics_count(m, "api", "a", 200, 500);
	request_metrics_count(m, "api", "a", 404, 501);
	request_metrics_count(m, "storage", "b", 503, 99000000);
	request_metrics_count(m, "storage", "b", 0, 1);
	request_metrics_count(m, "admin", "c", 404, 1);
	request_metrics_total(m, &all);
	assert_int_equal(all.api, 2);
	assert_int_equal(all.storage, 2);
	assert_int_equal(all.refused, 1);
	assert_int_equal(all.failed, 1);
	assert_int_equal(all.latencies[0], 2); /* not cumulative */
	assert_int_equal(all.latencies[1], 1);
	assert_int_equal(all.latencies[REQUEST_LATENCIES - 1], 1);
	assert_int_equal(request_latency_us[0], 500);
}

static void *count_many(void *arg)
{
	for (int i = 0; i < 10000; i++)
		request_metrics_count(m, "api", i % 2 ? "a" : "b", 200, i);
	return NULL;
}

static void test_count_from_many_threads_then_none_is_lost(void **state)
{
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_shows("route=\"a\",status=\"200\"} 20000\n");
	assert_shows("route=\"b\",status=\"200\"} 20000\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_count_when_labels_differ_then_rows_differ, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_latency_when_counted_then_buckets_are_cumulative, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_total_then_of_all_listeners_but_the_admins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_count_when_table_is_full_then_other, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_count_from_many_threads_then_none_is_lost, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
