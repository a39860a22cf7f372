/* What of a table's address is a password, and what of it is shown. */
#include "unit.h"

#include "config/table_url.h"

static void test_table_url_of_each_form_then_its_password_is_found_and_not_shown(void **state)
{
	static const struct {
		const char *url, *shown;
		bool has_password;
	} rows[] = {
		{ "sqlite", "sqlite", false },
		{ "postgres://", "postgres://", false },
		{ "postgres://db", "postgres://db", false },
		{ "postgres:///images", "postgres:///images", false },
		{ "postgres://app@db:5432/images", "postgres://app@db:5432/images", false },
		{ "postgresql://app@a:1,b:2/images?sslmode=verify-full", "postgresql://app@a:1,b:2/images", false },
		{ "postgres://app:@db/images", "postgres://app@db/images", false },
		{ "postgres://app:s3cret@db/images", "postgres://app@db/images", true },
		{ "postgres://:s3cret@db/images", "postgres://db/images", true },
		{ "postgres://app:s3?cret@db", "postgres://app@db", true },
		{ "postgres://app@[::1]:5432/images", "postgres://app@[::1]:5432/images", false },
		{ "postgres://app@/images?host=/run/postgresql", "postgres://app@/images", false },
		{ "postgres://db/images?user=app&password=s3cret", "postgres://db/images", true },
		{ "postgres://db/images?sslpassword=s3cret", "postgres://db/images", true },
		{ "postgres://db/images?pass%77ord=s3cret", "postgres://db/images", true },
		{ "postgres://db/images?user=app&%70assword=s3cret", "postgres://db/images", true },
		{ "postgres://db/images?scram_client_key=s3cret", "postgres://db/images", true },
		{ "postgres://db/images?application_name=password=1&options=-cdatestyle%3Diso&passfile=/etc/pg", "postgres://db/images", false },
		{ "postgres://app@db/images?application_name=a@b", "postgres://", false },
		{ "postgres://app:s3@cret@db/images", "postgres://", true },
		{ "postgres://app:s3/cret@db/images", "postgres://", true },
		{ "postgres://app:s3/cret?@db/images", "postgres://", false },
		{ "postgress://app:s3cret@db", "postgress://app:s3cret@db", false },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char memory[128];
		struct buf b;
		buf_init_fixed(&b, memory, sizeof memory);
		table_url_put(&b, str_of(rows[i].url));
		buf_put_char(&b, '\0');
		assert_string_equal(memory, rows[i].shown);
		assert_int_equal(table_url_has_password(str_of(rows[i].url)), rows[i].has_password);
	}
}

static void test_table_url_is_by_its_scheme(void **state)
{
	assert_true(table_url_is(STR("postgres://h")));
	assert_true(table_url_is(STR("postgresql://h")));
	assert_false(table_url_is(STR("postgres:/h")));
	assert_false(table_url_is(STR("POSTGRES://h")));
	assert_false(table_url_is(STR("")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_url_of_each_form_then_its_password_is_found_and_not_shown),
		cmocka_unit_test(test_table_url_is_by_its_scheme),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
