/* The line that CloudWatch makes metrics of. */
#include "unit.h"

#include "lambda/emf.h"

#include <jansson.h>

static void test_line_then_it_gives_what_has_changed_since_the_last(void **state)
{
	struct emf e = { 0 };
	struct buf b;
	char memory[2048];
	buf_init_fixed(&b, memory, sizeof memory);
	emf_write(&e, &b, 1700000000000, STR("f"), STR("r")); /* whatever was counted before */
	buf_clear(&b);
	emf_write(&e, &b, 1700000000000, STR("f"), STR("r"));
	assert_int_equal(b.n, 0);
	metric_add(M_SLOTS, 2);
	metric_add(M_DELETES, 1);
	emf_write(&e, &b, 1700000000000, STR("\"f\""), STR("r-1"));
	assert_str(buf_str(&b),
		STR("{\"_aws\":{\"Timestamp\":1700000000000,\"CloudWatchMetrics\":[{\"Namespace\":\"tintype\",\"Dimensions\":[[\"FunctionName\"]],"
			"\"Metrics\":[{\"Name\":\"Slots\",\"Unit\":\"Count\"},{\"Name\":\"Deletes\",\"Unit\":\"Count\"}]}]},"
			"\"FunctionName\":\"\\\"f\\\"\",\"requestId\":\"r-1\",\"Slots\":2,\"Deletes\":1}\n"));
	json_t *line = json_loadb(b.p, b.n, 0, NULL);
	assert_non_null(line);
	json_decref(line);
	buf_clear(&b);
	emf_write(&e, &b, 1700000000000, STR("f"), STR("r-2"));
	assert_int_equal(b.n, 0);
}

static void test_line_with_everything_then_it_fits_the_callers_buffer(void **state)
{
	struct emf e = { 0 };
	struct buf b;
	char memory[2048], name[64];
	for (enum metric m = 0; m < METRICS; m++)
		metric_add(m, INT64_C(1) << 60);
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = 'f';
	buf_init_fixed(&b, memory, sizeof memory);
	emf_write(&e, &b, INT64_MAX, (struct str){ name, sizeof name }, (struct str){ name, sizeof name });
	assert_true(buf_ok(&b));
	assert_true(b.n > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_then_it_gives_what_has_changed_since_the_last),
		cmocka_unit_test(test_line_with_everything_then_it_fits_the_callers_buffer),
	};
	return cmocka_run_group_tests_name("emf", tests, NULL, NULL);
}
