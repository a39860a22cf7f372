/* Counters and gauges, and their text for Prometheus. */
#include "unit.h"

#include "base/metrics.h"

#include <pthread.h>

static struct str write_all(struct buf *b)
{
	buf_clear(b);
	metrics_write(b);
	assert_true(buf_ok(b));
	return buf_str(b);
}

static size_t count(struct str text, struct str needle)
{
	size_t n = 0;
	for (size_t at = str_find(text, needle); at < text.n; at = str_find(text, needle)) {
		text = str_slice(text, at + needle.n, text.n);
		n++;
	}
	return n;
}

static void test_counters_add_and_gauges_are_set(void **state)
{
	int64_t before = metric_get(M_DELETES);
	metric_add(M_DELETES, 2);
	metric_add(M_DELETES, 3);
	assert_true(metric_get(M_DELETES) == before + 5);
	metric_set(M_FREE_BYTES, -7);
	assert_true(metric_get(M_FREE_BYTES) == -7);
}

static void test_text_has_help_and_type_once_a_name(void **state)
{
	struct buf b;
	buf_init(&b, 100000);
	metric_set(M_UPLOADS_ACCEPTED, 3);
	metric_set(M_UPLOADS_REJECTED, 4);
	struct str text = write_all(&b);
	assert_int_equal(count(text,
						 STR("# HELP tintype_uploads_total complete uploads, by outcome\n"
							 "# TYPE tintype_uploads_total counter\n"
							 "tintype_uploads_total{outcome=\"uploaded\"} 3\n"
							 "tintype_uploads_total{outcome=\"rejected\"} 4\n")),
		1);
	assert_int_equal(count(text, STR("# TYPE tintype_uploads_total ")), 1);
	assert_int_equal(count(text, STR("# TYPE tintype_images gauge\n")), 1);
	buf_deinit(&b);
}

static void test_text_has_each_name_in_one_place_and_every_help_text(void **state)
{
	struct buf b;
	buf_init(&b, 100000);
	for (struct str rest = write_all(&b); rest.n > 0;) {
		struct str line = str_cut(&rest, '\n');
		if (!str_starts_with(line, STR("# HELP ")))
			continue;
		struct str name = str_slice(line, 7, line.n);
		name = str_cut(&name, ' ');
		assert_true(line.n > 7 + name.n + 1);
		struct str head = str_slice(line, 0, 7 + name.n + 1);
		assert_int_equal(count(buf_str(&b), head), 1);
	}
	buf_deinit(&b);
}

static void *add_many(void *unused)
{
	for (int i = 0; i < 10000; i++)
		metric_add(M_COMMITS, 1);
	return unused;
}

static void test_threads_lose_no_count(void **state)
{
	pthread_t threads[4];
	int64_t before = metric_get(M_COMMITS);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(metric_get(M_COMMITS) == before + 40000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters_add_and_gauges_are_set),
		cmocka_unit_test(test_text_has_help_and_type_once_a_name),
		cmocka_unit_test(test_text_has_each_name_in_one_place_and_every_help_text),
		cmocka_unit_test(test_threads_lose_no_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
