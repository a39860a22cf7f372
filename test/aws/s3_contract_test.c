/* object_store on an engine that is not ours and checks every signature: the contract, every call with the
 * right secret and with a wrong one, which must be refused, and buckets that keep versions. */
#include "aws/s3_engine.h"
#include "aws/surroundings.h"

#include <string.h>

static struct s3_engine engine;

static void try_all(struct object_store *store, enum status want)
{
	struct arena a;
	struct fault why = { 0 };
	struct object o;
	struct object_info info;
	struct object_page page;
	arena_init(&a, 4 << 20);
	assert_int_equal(store_put(store, STR("images/a \xc3\xa9+b"), STR("image/png"), STR("body"), &why), want);
	assert_int_equal(store_get(store, STR("images/a \xc3\xa9+b"), 10, &a, &o, &why), want);
	assert_int_equal(store_head(store, STR("images/a \xc3\xa9+b"), &a, &info, &why), want);
	assert_int_equal(store_list(store, STR(""), STR(""), 10, &a, &page, &why), want);
	assert_int_equal(store_remove(store, STR("images/a \xc3\xa9+b"), &why), want);
	if (want != OK)
		assert_non_null(strstr(why.text, "403"));
	if (want != OK)
		assert_non_null(strstr(why.cause, "AccessDenied"));
	arena_deinit(&a);
}

static void test_calls_when_checked_then_accepted_and_with_a_wrong_secret_refused(void **state)
{
	struct s3_world w;
	s3_world_make(&w, &engine, false);
	try_all(w.store, OK);
	setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
	struct aws_chain *chain = aws_chain_new();
	struct aws_service_options so = { .service = STR("s3"), .region = STR("us-east-1"), .endpoint = str_of(engine.url), .chain = chain };
	struct aws_service *service = aws_service_new(&so);
	struct s3_store_options o = { .service = service, .bucket = str_of(w.bucket), .region = STR("us-east-1"), .path_style = true };
	struct object_store *store = s3_store_new(&o);
	try_all(store, UPSTREAM);
	setenv("AWS_SECRET_ACCESS_KEY", "radosgw-test-secret", 1);
	s3_store_free(&store);
	aws_service_free(&service);
	aws_chain_free(&chain);
	s3_world_unmake(&w);
}

static struct str versions_of(struct s3_world *w, const char *key, struct arena *a)
{
	struct fault why;
	struct http_response r;
	const struct header query[] = { { STR("versions"), STR("") }, { STR("prefix"), str_of(key) } };
	struct aws_call c = {
		.method = STR("GET"), .path = str_printf(a, "/%s", w->bucket), .query = query, .n_query = COUNT_OF(query), .repeatable = true
	};
	assert_int_equal(aws_service_call(w->service, &c, a, &r, &why), OK);
	assert_int_equal(r.status, 200);
	return r.body;
}

static void turn_versioning_on(struct s3_world *w, struct arena *a)
{
	struct fault why;
	struct http_response r;
	const struct header query = { STR("versioning"), STR("") };
	struct aws_call c = { .method = STR("PUT"),
		.path = str_printf(a, "/%s", w->bucket),
		.query = &query,
		.n_query = 1,
		.repeatable = true,
		.body = STR("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>") };
	assert_int_equal(aws_service_call(w->service, &c, a, &r, &why), OK);
	assert_int_equal(r.status, 200);
}

static void test_remove_when_versioned_then_no_version_is_left_and_others_are(void **state)
{
	struct s3_world w;
	struct arena a;
	struct fault why = { 0 };
	arena_init(&a, 4 << 20);
	s3_world_make(&w, &engine, false);
	assert_int_equal(store_put(w.store, STR("images/a b"), STR("image/png"), STR("before"), &why), OK);
	turn_versioning_on(&w, &a);
	for (int i = 0; i < 3; i++)
		assert_int_equal(store_put(w.store, STR("images/a b"), STR("image/png"), STR("body"), &why), OK);
	assert_int_equal(store_put(w.store, STR("images/a bc"), STR("image/png"), STR("other"), &why), OK);
	assert_int_equal(store_remove(w.store, STR("images/a b"), &why), OK);
	assert_int_equal(store_remove(w.store, STR("images/none"), &why), OK);
	struct str left = versions_of(&w, "images/", &a);
	assert_true(str_find(left, STR("<Key>images/a b</Key>")) == left.n);
	assert_true(str_find(left, STR("<Key>images/a bc</Key>")) < left.n);
	assert_true(str_find(left, STR("DeleteMarker")) == left.n);
	s3_world_unmake(&w);
	arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_when_checked_then_accepted_and_with_a_wrong_secret_refused),
		cmocka_unit_test(test_remove_when_versioned_then_no_version_is_left_and_others_are),
	};
	s3_engine_start(&engine);
	int failed = s3_engine_contract(&engine, "radosgw") + cmocka_run_group_tests_name("signatures and versions", tests, NULL, NULL);
	s3_engine_stop(&engine);
	return failed;
}
