/* What is no JSON, and what there was no memory for. */
#include "unit.h"

#include "base/json.h"
#include "base/mem.h"

static const struct str whole = { "{\"name\":\"a\\u00e4\",\"list\":[1,2.5,true,null,{\"x\":\"y\"}]}", 53 };

static void test_text_that_is_whole_is_read(void **state)
{
	json_error_t error;
	bool starved = true;
	json_t *value = json_read(whole, JSON_REJECT_DUPLICATES, &error, &starved);

	assert_true(json_is_object(value));
	assert_false(starved);
	json_decref(value);
}

static void test_text_that_is_cut_is_not_lack_of_memory(void **state)
{
	json_error_t error;
	bool starved = true;

	for (size_t n = 0; n < whole.n; n++) {
		assert_null(json_read((struct str){ n > 0 ? whole.p : NULL, n }, 0, &error, &starved));
		assert_false(starved);
	}
}

static void test_each_failed_allocation_is_reported_as_out_of_memory(void **state)
{
	int n = 0;

	for (;;) {
		json_error_t error;
		bool starved = false;
		mem_fail_nth(++n);
		json_t *value = json_read(whole, JSON_REJECT_DUPLICATES, &error, &starved);
		mem_fail_nth(0);
		if (value != NULL) {
			json_decref(value);
			break;
		}
		assert_true(starved);
	}
	assert_true(n > 10);
}

static void test_long_text_is_never_read_in_part(void **state)
{
	const struct str text = STR("{\"iss\":\"https://identity.example/realms/with-a-name-that-is-longer-than-the-first-buffer\"}");
	json_t *value = NULL;

	for (int n = 1; value == NULL; n++) {
		json_error_t error;
		bool starved = false;
		mem_fail_nth(n);
		value = json_read(text, 0, &error, &starved);
		mem_fail_nth(0);
		assert_true(starved == (value == NULL));
	}
	assert_str(json_text(json_object_get(value, "iss")), str_slice(text, 8, text.n - 2));
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_that_is_whole_is_read),
		cmocka_unit_test(test_text_that_is_cut_is_not_lack_of_memory),
		cmocka_unit_test(test_each_failed_allocation_is_reported_as_out_of_memory),
		cmocka_unit_test(test_long_text_is_never_read_in_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
