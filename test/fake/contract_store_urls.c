/* The contract of the object store, second half: what presign and form compute. That the signatures are
 * right is for the tests of the signer and of the store's own handler. */
#include "fake/contract_store.h"

#include "base/clock.h"
#include "base/codec.h"
#include "fake/bench.h"
#include <jansson.h>
#include <string.h>

#define NOW_MS 1700000000123

/* presign */

static const struct header content_type = { { "Content-Type", 12 }, { "image/jpeg", 10 } };

static struct presign_request put_request(struct str key)
{
	return (struct presign_request){
		.method = STR("PUT"), .key = key, .now_ms = NOW_MS, .expires_s = 300, .headers = &content_type, .n_headers = 1
	};
}

static struct presigned presign(struct bench *b, const struct presign_request *r)
{
	struct presigned p;
	assert_int_equal(store_presign(b->w.store, r, &b->a, &p, &b->why), OK);
	assert_true(str_starts_with(p.url, p.address));
	assert_int_equal(p.url.p[p.address.n], '?');
	return p;
}

/* The decoded value of a parameter of the URL; fails when it is not there exactly once. */
static struct str parameter(struct bench *b, struct str url, struct str name)
{
	struct query q;
	struct str found = { NULL, 0 };
	unsigned n = 0;
	assert_int_equal(query_parse(&b->a, str_slice(url, str_find_char(url, '?') + 1, url.n), &q, &b->why), OK);
	for (size_t i = 0; i < q.n; i++) {
		if (!str_equal(q.pairs[i].name, name))
			continue;
		found = q.pairs[i].value;
		n++;
	}
	assert_int_equal(n, 1);
	return found;
}

static void test_presign_of_a_put_then_url_has_time_headers_and_signature(void **state)
{
	struct bench *b = *state;
	const struct header headers[] = { content_type, { STR("content-length"), STR("7") } };
	struct presign_request r = put_request(STR("images/a.jpg"));
	r.headers = headers;
	r.n_headers = 2;
	struct presigned p = presign(b, &r);
	assert_true(str_starts_with(p.url, STR("http")));
	assert_true(str_ends_with(p.address, STR("/images/a.jpg")));
	assert_str(parameter(b, p.url, STR("X-Amz-Date")), STR("20231114T221320Z"));
	assert_str(parameter(b, p.url, STR("X-Amz-Expires")), STR("300"));
	assert_str(parameter(b, p.url, STR("X-Amz-SignedHeaders")), STR("content-length;content-type;host"));
	assert_int_equal(parameter(b, p.url, STR("X-Amz-Signature")).n, 64);
	assert_true(p.expires_ms > NOW_MS + 299000 && p.expires_ms <= NOW_MS + 300000);
}

static void test_presign_of_the_same_then_the_same_url(void **state)
{
	struct bench *b = *state;
	struct presign_request r = put_request(STR("images/a.jpg"));
	assert_str(presign(b, &r).url, presign(b, &r).url);
}

static void test_presign_of_anything_else_then_another_signature(void **state)
{
	struct bench *b = *state;
	const struct header other = { STR("Content-Type"), STR("image/png") };
	struct presign_request all[7];
	struct str signatures[7];
	for (size_t i = 0; i < 7; i++)
		all[i] = put_request(STR("images/a.jpg"));
	all[1].method = STR("GET");
	all[2].key = STR("images/b.jpg");
	all[3].now_ms += 1000;
	all[4].expires_s = 301;
	all[5].headers = &other;
	all[6].n_headers = 0;
	for (size_t i = 0; i < 7; i++) {
		signatures[i] = parameter(b, presign(b, &all[i]).url, STR("X-Amz-Signature"));
		for (size_t j = 0; j < i; j++)
			assert_false(str_equal(signatures[i], signatures[j]));
	}
}

static void test_presign_of_a_get_then_disposition_and_type_are_in_the_url(void **state)
{
	struct bench *b = *state;
	struct str disposition = STR("inline; filename=\"a b+c&d=e.jpg\"; filename*=UTF-8''%C3%A9");
	struct presign_request r = { .method = STR("GET"),
		.key = STR("images/a.jpg"),
		.now_ms = NOW_MS,
		.expires_s = 604800,
		.disposition = disposition,
		.content_type = STR("image/jpeg") };
	struct presigned p = presign(b, &r);
	assert_str(parameter(b, p.url, STR("response-content-disposition")), disposition);
	assert_str(parameter(b, p.url, STR("response-content-type")), STR("image/jpeg"));
	assert_str(parameter(b, p.url, STR("X-Amz-SignedHeaders")), STR("host"));
	assert_int_equal(str_find(p.url, STR(" ")), p.url.n);
}

static void test_presign_as_of_an_earlier_time_then_the_same_url_all_the_while_and_its_end_counts_from_there(void **state)
{
	struct bench *b = *state;
	struct presign_request r = { .method = STR("GET"),
		.key = STR("images/a.jpg"),
		.now_ms = NOW_MS,
		.signed_ms = NOW_MS - 123 - 200000,
		.expires_s = 600,
		.content_type = STR("image/jpeg"),
		.cache_control = STR("private, max-age=300, immutable") };
	struct presigned first = presign(b, &r);
	r.now_ms += 99999;
	struct presigned second = presign(b, &r);
	assert_str(second.url, first.url);
	assert_int_equal(second.expires_ms, r.signed_ms + 600000);
	assert_str(parameter(b, first.url, STR("X-Amz-Date")), STR("20231114T221000Z"));
	assert_str(parameter(b, first.url, STR("X-Amz-Expires")), STR("600"));
	assert_str(parameter(b, first.url, STR("response-cache-control")), r.cache_control);
}

static const char *const odd_keys[] = { "k", "a//b", "a/", "..", "a/../b", "%2F", "a+b", " a ", "a%00b", "a?b=c&d#e", "\"q\"",
	"back\\slash", "\r\n", "\x7f\x01", "\xc3\xa9", "e\xcc\x81", "\xf0\x9f\x98\x80",
	"\xe2\x80\xae"
	"abc",
	"*", "~" };

static void test_presign_of_odd_keys_then_url_is_printable_and_address_decodes_to_the_key(void **state)
{
	struct bench *b = *state;
	for (size_t i = 0; i < COUNT_OF(odd_keys); i++) {
		struct presign_request r = put_request(str_of(odd_keys[i]));
		struct presigned p = presign(b, &r);
		struct str decoded;
		for (size_t c = 0; c < p.url.n; c++)
			assert_true(p.url.p[c] > ' ' && p.url.p[c] < 0x7f);
		assert_int_equal(str_find_char(p.address, '?'), p.address.n);
		assert_true(uri_decode(&b->a, p.address, false, &decoded));
		assert_true(str_ends_with(decoded, str_printf(&b->a, "/%s", odd_keys[i])));
	}
}

/* form */

static struct str field(const struct post_form *f, struct str name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (str_equal_nocase(f->fields[i].name, name))
			return f->fields[i].value;
	fail_msg("the form has no field %.*s", STRF(name));
	return (struct str){ NULL, 0 };
}

static struct post_form make_form(struct bench *b, struct str key)
{
	struct form_request r = {
		.key = key, .content_type = STR("image/png"), .min_size = 1, .max_size = 5242880, .now_ms = NOW_MS, .expires_s = 300
	};
	struct post_form f;
	assert_int_equal(store_form(b->w.store, &r, &b->a, &f, &b->why), OK);
	return f;
}

static json_t *policy_of(struct bench *b, const struct post_form *f)
{
	struct str text;
	assert_true(base64_decode(&b->a, field(f, STR("policy")), &text));
	json_t *policy = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(policy);
	return policy;
}

/* Whether a condition is {name: value}, or ["eq", "$name", value], or an array [name, low, high]. */
static bool has_condition(json_t *policy, struct str name, struct str value)
{
	json_t *conditions = json_object_get(policy, "conditions"), *c;
	size_t i;
	json_array_foreach(conditions, i, c)
	{
		const char *key;
		json_t *v;
		json_object_foreach(c, key, v)
		{
			if (str_equal_nocase(str_of(key), name) && str_equal(str_of(json_string_value(v)), value))
				return true;
		}
		const char *subject = json_string_value(json_array_get(c, 1));
		if (subject != NULL && subject[0] == '$' && str_equal_nocase(str_of(subject + 1), name) &&
			str_equal(str_of(json_string_value(json_array_get(c, 2))), value))
			return true;
	}
	return false;
}

static void assert_has_range(json_t *policy, json_int_t low, json_int_t high)
{
	json_t *conditions = json_object_get(policy, "conditions"), *c;
	size_t i;
	json_array_foreach(conditions, i, c)
	{
		const char *name = json_string_value(json_array_get(c, 0));
		if (name == NULL || strcmp(name, "content-length-range") != 0)
			continue;
		assert_int_equal(json_integer_value(json_array_get(c, 1)), low);
		assert_int_equal(json_integer_value(json_array_get(c, 2)), high);
		return;
	}
	fail_msg("the policy has no content-length-range");
}

static void test_form_then_fields_name_key_and_type_and_every_field_is_in_the_policy(void **state)
{
	struct bench *b = *state;
	struct post_form f = make_form(b, STR("images/\xc3\xa9 \"1\".png"));
	json_t *policy = policy_of(b, &f);
	assert_str(field(&f, STR("key")), STR("images/\xc3\xa9 \"1\".png"));
	assert_str(field(&f, STR("Content-Type")), STR("image/png"));
	assert_int_equal(field(&f, STR("x-amz-signature")).n, 64);
	for (size_t i = 0; i < f.n_fields; i++) {
		struct str name = f.fields[i].name;
		if (!str_equal_nocase(name, STR("policy")) && !str_equal_nocase(name, STR("x-amz-signature")))
			assert_true(has_condition(policy, name, f.fields[i].value));
	}
	assert_has_range(policy, 1, 5242880);
	json_decref(policy);
}

static void test_form_then_it_expires_and_has_the_url_to_post_to(void **state)
{
	struct bench *b = *state;
	int64_t end_ms;
	struct post_form f = make_form(b, STR("images/a.png"));
	json_t *policy = policy_of(b, &f);
	assert_true(clock_parse_iso8601(str_of(json_string_value(json_object_get(policy, "expiration"))), &end_ms));
	assert_int_equal(end_ms / 1000, f.expires_ms / 1000);
	assert_true(f.expires_ms > NOW_MS + 299000 && f.expires_ms <= NOW_MS + 300000);
	assert_true(str_starts_with(f.address, f.url));
	assert_true(str_ends_with(f.address, STR("images/a.png")));
	json_decref(policy);
}

static const struct CMUnitTest tests[] = {
	BENCH_TEST(test_presign_of_a_put_then_url_has_time_headers_and_signature),
	BENCH_TEST(test_presign_of_the_same_then_the_same_url),
	BENCH_TEST(test_presign_of_anything_else_then_another_signature),
	BENCH_TEST(test_presign_of_a_get_then_disposition_and_type_are_in_the_url),
	BENCH_TEST(test_presign_as_of_an_earlier_time_then_the_same_url_all_the_while_and_its_end_counts_from_there),
	BENCH_TEST(test_presign_of_odd_keys_then_url_is_printable_and_address_decodes_to_the_key),
	BENCH_TEST(test_form_then_fields_name_key_and_type_and_every_field_is_in_the_policy),
	BENCH_TEST(test_form_then_it_expires_and_has_the_url_to_post_to),
};

int contract_store_urls(const struct contract_maker *maker)
{
	return bench_run(maker, "object_store's URLs", tests, COUNT_OF(tests));
}
