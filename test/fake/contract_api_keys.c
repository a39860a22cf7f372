/* The contract of the table of API keys, sentence by sentence. */
#include "fake/contract_api_keys.h"

#include "fake/bench.h"

#define HOUR_MS (3600 * (int64_t)1000)

static struct api_key_row key_row(struct bench *b, unsigned n)
{
	return (struct api_key_row){
		.id = str_printf(&b->a, "k%07u", n),
		.hash = str_printf(&b->a, "%064x", n),
		.name = str_printf(&b->a, "r\xc3\xa9sum\xc3\xa9 %u'\".", n),
		.scopes = SCOPE_UPLOAD | (n % 2 == 0 ? SCOPE_ADMIN : SCOPE_ACT_AS),
		.owner = n % 2 == 0 ? STR("") : STR("a11ce000000000000000000000000000"),
		.issuer = n % 2 == 0 ? STR("") : STR("https://issuer.example/"),
		.subject = n % 2 == 0 ? STR("") : STR("alice"),
		.created_ms = 1700000000000 + n,
		.expires_ms = n % 3 == 0 ? 0 : 1800000000000,
	};
}

static void add(struct bench *b, unsigned n)
{
	struct api_key_row row = key_row(b, n);
	assert_int_equal(api_key_add(b->w.api_keys, &row, &b->why), OK);
}

static struct api_key_row get(struct bench *b, unsigned n)
{
	struct api_key_row row = { 0 };
	assert_int_equal(api_key_get(b->w.api_keys, key_row(b, n).id, &b->a, &row, &b->why), OK);
	return row;
}

static void assert_same(const struct api_key_row *got, const struct api_key_row *want)
{
	assert_str(got->id, want->id);
	assert_str(got->hash, want->hash);
	assert_str(got->name, want->name);
	assert_int_equal(got->scopes, want->scopes);
	assert_str(got->owner, want->owner);
	assert_str(got->issuer, want->issuer);
	assert_str(got->subject, want->subject);
	assert_int_equal(got->created_ms, want->created_ms);
	assert_int_equal(got->expires_ms, want->expires_ms);
	assert_int_equal(got->used_ms, want->used_ms);
}

static void test_add_then_get_gives_every_field(void **state)
{
	struct bench *b = *state;
	for (unsigned n = 1; n <= 6; n++)
		add(b, n);
	for (int turn = 0; turn < 2; turn++) {
		for (unsigned n = 1; n <= 6; n++) {
			struct api_key_row got = get(b, n), want = key_row(b, n);
			assert_same(&got, &want);
		}
		bench_reopen(b);
	}
}

static void test_add_of_an_id_that_is_there_then_exists_and_the_old_key_stays(void **state)
{
	struct bench *b = *state;
	struct api_key_row other = key_row(b, 2);
	add(b, 1);
	other.id = key_row(b, 1).id;
	assert_fails(b, api_key_add(b->w.api_keys, &other, &b->why), F_API_KEY_EXISTS);
	struct api_key_row got = get(b, 1), want = key_row(b, 1);
	assert_same(&got, &want);
}

static void test_get_of_an_unknown_id_then_no_such_key(void **state)
{
	static const char *const ids[] = { "", "x", "k000000", "K0000001", "' OR 1=1 --" };
	struct bench *b = *state;
	struct api_key_row row;
	add(b, 1);
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		assert_fails(b, api_key_get(b->w.api_keys, str_of(ids[i]), &b->a, &row, &b->why), F_NO_SUCH_API_KEY);
}

static void test_list_then_all_by_id(void **state)
{
	static const unsigned order[] = { 3, 1, 5, 2, 4 };
	struct bench *b = *state;
	struct api_key_page page;
	assert_int_equal(api_key_list(b->w.api_keys, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 0);
	for (size_t i = 0; i < COUNT_OF(order); i++)
		add(b, order[i]);
	assert_int_equal(api_key_list(b->w.api_keys, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, COUNT_OF(order));
	for (unsigned n = 1; n <= page.n; n++) {
		struct api_key_row want = key_row(b, n);
		assert_same(&page.rows[n - 1], &want);
	}
}

static void test_touch_then_the_hour_alone_changes(void **state)
{
	struct bench *b = *state;
	add(b, 1);
	add(b, 2);
	assert_int_equal(api_key_touch(b->w.api_keys, key_row(b, 1).id, 472222 * HOUR_MS, &b->why), OK);
	struct api_key_row got = get(b, 1), want = key_row(b, 1);
	want.used_ms = 472222 * HOUR_MS;
	assert_same(&got, &want);
	assert_int_equal(get(b, 2).used_ms, 0);
}

static void test_touch_of_a_key_that_is_gone_then_nothing_comes_to_be(void **state)
{
	struct bench *b = *state;
	struct api_key_row row;
	assert_int_equal(api_key_touch(b->w.api_keys, key_row(b, 1).id, HOUR_MS, &b->why), OK);
	assert_fails(b, api_key_get(b->w.api_keys, key_row(b, 1).id, &b->a, &row, &b->why), F_NO_SUCH_API_KEY);
}

static void test_remove_then_it_is_gone_and_the_others_stay(void **state)
{
	struct bench *b = *state;
	struct api_key_row row;
	struct api_key_page page;
	for (unsigned n = 1; n <= 3; n++)
		add(b, n);
	assert_int_equal(api_key_remove(b->w.api_keys, key_row(b, 2).id, &b->why), OK);
	assert_fails(b, api_key_get(b->w.api_keys, key_row(b, 2).id, &b->a, &row, &b->why), F_NO_SUCH_API_KEY);
	assert_fails(b, api_key_remove(b->w.api_keys, key_row(b, 2).id, &b->why), F_NO_SUCH_API_KEY);
	assert_int_equal(api_key_list(b->w.api_keys, &b->a, &page, &b->why), OK);
	assert_int_equal(page.n, 2);
	add(b, 2);
}

static void test_add_beyond_the_limit_then_refused_until_one_is_removed(void **state)
{
	struct bench *b = *state;
	struct api_key_row more = key_row(b, API_KEYS_MAX);
	for (unsigned n = 0; n < API_KEYS_MAX; n++)
		add(b, n);
	assert_fails(b, api_key_add(b->w.api_keys, &more, &b->why), F_TOO_MUCH);
	assert_int_equal(api_key_remove(b->w.api_keys, key_row(b, 500).id, &b->why), OK);
	assert_int_equal(api_key_add(b->w.api_keys, &more, &b->why), OK);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_add_then_get_gives_every_field),
	BENCH_TEST(test_add_of_an_id_that_is_there_then_exists_and_the_old_key_stays),
	BENCH_TEST(test_get_of_an_unknown_id_then_no_such_key),
	BENCH_TEST(test_list_then_all_by_id),
	BENCH_TEST(test_touch_then_the_hour_alone_changes),
	BENCH_TEST(test_touch_of_a_key_that_is_gone_then_nothing_comes_to_be),
	BENCH_TEST(test_remove_then_it_is_gone_and_the_others_stay),
	BENCH_TEST_OF_LIMIT(test_add_beyond_the_limit_then_refused_until_one_is_removed),
};

int contract_api_keys(const struct contract_maker *maker)
{
	return bench_run(maker, "api_key_table", tests, COUNT_OF(tests));
}
