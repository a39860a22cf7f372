/* GET /me, and what administrators do with users. */
#include "api/fixture.h"

#include "fake/fake_users.h"
#include "identity/owner.h"
#include "image/slot.h"

#define QUOTA_BYTES 100000

static struct fake_users *users;
static char ann[OWNER_CHARS + 1], ben[OWNER_CHARS + 1];

static int set_up(void **state)
{
	(void)state;
	const struct owner_quota quota = { .bytes = QUOTA_BYTES };
	fixture_open(&(struct api_options){ .images = ACCESS_KEYS, .key = STR(KEY), .cors_origins = STR("*"), .quota = quota });
	users = fake_users_new(fixture.table, &quota);
	fixture.product.users = fake_users_port(users);
	assert_true(owner_of(STR(OWNER_APP_ISSUER), STR("ann"), ann) && owner_of(STR(OWNER_APP_ISSUER), STR("ben"), ben));
	return 0;
}

static int tear_down(void **state)
{
	fake_users_free(&users);
	return fixture_teardown(state);
}

static const struct answer *as_admin(const char *method, const char *target, const char *body)
{
	return ASK(method, target, .body = body, .authorization = "Bearer " KEY);
}

static const struct answer *of_user(const char *method, const char *owner, const char *rest, const char *body)
{
	return as_admin(method, str_printf(&fixture.own, "/prod/users/%s%s", owner, rest).p, body);
}

/* A slot of 60,000 bytes for a user. */
static const struct answer *open_slot(const char *user)
{
	const char *body =
		str_printf(&fixture.own, "{\"fileName\":\"a.png\",\"fileType\":\"image/png\",\"fileSize\":60000,\"onBehalfOf\":\"%s\"}", user).p;
	return as_admin("POST", "/prod/upload", body);
}

static json_int_t number(const json_t *json, const char *object, const char *member)
{
	return json_integer_value(json_object_get(json_object_get(json, object), member));
}

static void test_me_when_nothing_is_sent_then_401(void **state)
{
	(void)state;
	ASK("GET", "/prod/me");
	assert_problem(401, "key_needed");
}

static void test_me_of_the_operators_key_then_all_scopes_and_no_owner(void **state)
{
	(void)state;
	assert_int_equal(as_admin("GET", "/prod/me", NULL)->status, 200);
	assert_str(fixture.x.answer.body, "{\"kind\":\"key\",\"admin\":true,\"scopes\":[\"upload\",\"read\",\"delete\",\"act-as\",\"admin\"]}");
}

static void test_me_on_behalf_of_a_user_then_its_usage_and_quota(void **state)
{
	(void)state;
	assert_int_equal(as_admin("GET", "/prod/me?onBehalfOf=ann", NULL)->status, 200);
	json_t *before = answer_json();
	assert_string_equal(json_string_value(json_object_get(before, "owner")), ann);
	assert_string_equal(json_string_value(json_object_get(before, "subject")), "ann");
	assert_true(json_is_false(json_object_get(before, "admin")));
	assert_int_equal(number(before, "usage", "reservedBytes"), 0);
	assert_int_equal(number(before, "quota", "bytes"), QUOTA_BYTES);
	assert_null(json_object_get(json_object_get(before, "quota"), "images"));
	json_decref(before);
	assert_int_equal(open_slot("ann")->status, 200);
	assert_int_equal(as_admin("GET", "/prod/me?onBehalfOf=ann", NULL)->status, 200);
	json_t *after = answer_json();
	assert_int_equal(number(after, "usage", "pending"), 1);
	assert_int_equal(number(after, "usage", "reservedBytes"), 60000);
	json_decref(after);
}

static void test_users_when_an_owner_has_a_quota_of_its_own_then_that_holds_until_it_is_taken_back(void **state)
{
	(void)state;
	assert_int_equal(open_slot("ann")->status, 200);
	open_slot("ann");
	assert_problem(403, "quota_full");
	assert_int_equal(of_user("PUT", ann, "/quota", "{\"bytes\":120000,\"images\":2}")->status, 200);
	json_t *body = answer_json();
	assert_true(json_is_true(json_object_get(body, "ownQuota")));
	assert_int_equal(number(body, "quota", "images"), 2);
	json_decref(body);
	assert_int_equal(open_slot("ann")->status, 200);
	open_slot("ann");
	assert_problem(403, "quota_full");
	assert_int_equal(of_user("DELETE", ann, "/quota", NULL)->status, 200);
	body = answer_json();
	assert_int_equal(number(body, "quota", "bytes"), QUOTA_BYTES);
	json_decref(body);
}

static void test_quota_when_the_body_is_wrong_then_400_and_the_member(void **state)
{
	static const char *const bodies[] = { "{\"bytes\":0}", "{\"bytes\":-1}", "{\"images\":\"2\"}", "{\"images\":1.5}", "{\"slots\":1}",
		"[]", "" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		assert_int_equal(of_user("PUT", ann, "/quota", bodies[i])->status, 400);
}

static void test_users_then_listed_in_pages_for_administrators_alone(void **state)
{
	(void)state;
	ASK("GET", "/prod/users");
	assert_problem(401, "key_needed");
	assert_int_equal(open_slot("ann")->status, 200);
	assert_int_equal(open_slot("ben")->status, 200);
	assert_int_equal(as_admin("GET", "/prod/users?limit=1", NULL)->status, 200);
	json_t *page = answer_json();
	assert_int_equal(json_integer_value(json_object_get(page, "count")), 1);
	struct str next = str_dup(&fixture.own, str_of(json_string_value(json_object_get(page, "nextCursor"))));
	json_decref(page);
	assert_int_equal(as_admin("GET", str_printf(&fixture.own, "/prod/users?limit=1&cursor=%.*s", STRF(next)).p, NULL)->status, 200);
	page = answer_json();
	assert_int_equal(json_integer_value(json_object_get(page, "count")), 1);
	assert_null(json_object_get(page, "nextCursor"));
	json_decref(page);
	as_admin("GET", "/prod/users?limit=0", NULL);
	assert_problem(400, "bad_field");
}

static void test_user_that_is_not_there_then_404(void **state)
{
	(void)state;
	of_user("GET", ann, "", NULL);
	assert_problem(404, "no_such_user");
	of_user("DELETE", ann, "", NULL);
	assert_problem(404, "no_such_user");
	of_user("GET", "ann", "", NULL);
	assert_problem(404, "no_such_user");
}

static void test_delete_of_a_user_then_nothing_is_left_and_others_stay(void **state)
{
	(void)state;
	assert_int_equal(open_slot("ann")->status, 200);
	assert_int_equal(open_slot("ben")->status, 200);
	assert_int_equal(of_user("DELETE", ann, "", NULL)->status, 200);
	json_t *body = answer_json();
	assert_int_equal(json_integer_value(json_object_get(body, "deletedImages")), 1);
	assert_true(json_is_true(json_object_get(body, "done")));
	json_decref(body);
	of_user("GET", ann, "", NULL);
	assert_problem(404, "no_such_user");
	assert_int_equal(of_user("GET", ben, "", NULL)->status, 200);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_me_when_nothing_is_sent_then_401),
		T(test_me_of_the_operators_key_then_all_scopes_and_no_owner),
		T(test_me_on_behalf_of_a_user_then_its_usage_and_quota),
		T(test_users_when_an_owner_has_a_quota_of_its_own_then_that_holds_until_it_is_taken_back),
		T(test_quota_when_the_body_is_wrong_then_400_and_the_member),
		T(test_users_then_listed_in_pages_for_administrators_alone),
		T(test_user_that_is_not_there_then_404),
		T(test_delete_of_a_user_then_nothing_is_left_and_others_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
