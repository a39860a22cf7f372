#include "api/body.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct arena arena;
static struct fault why;
static struct slot_request got;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	why = (struct fault){ 0 };
	got = (struct slot_request){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static enum status read_bytes(const char *p, size_t n)
{
	return body_read_slot(&arena, (struct str){ p, n }, &got, &why);
}

static enum status read_text(const char *json)
{
	return read_bytes(json, strlen(json));
}

static void assert_text(struct str s, const char *expected)
{
	assert_int_equal(s.n, strlen(expected));
	assert_memory_equal(s.p, expected, s.n);
}

/* Each row is refused with the code, and the sentence holds the word. */
struct bad {
	const char *json;
	enum fault_code code;
	const char *word;
};

static void check_bad(const struct bad *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		why = (struct fault){ 0 };
		if (read_text(rows[i].json) == OK)
			fail_msg("was taken: %s", rows[i].json);
		if (why.code != rows[i].code || strstr(why.text, rows[i].word) == NULL)
			fail_msg("%s: %s \"%s\"", rows[i].json, fault_name(why.code), why.text);
	}
}

static void test_slot_when_all_members_are_given_then_all_are_read(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"fileName\":\"a b.png\",\"fileType\":\"image/png\",\"fileSize\":5242880,\"method\":\"POST\"}"), OK);
	assert_text(got.file_name, "a b.png");
	assert_text(got.file_type, "image/png");
	assert_true(got.has_size);
	assert_int_equal(got.file_size, 5242880);
	assert_true(got.form);
}

static void test_slot_when_optional_members_are_missing_then_a_put_without_size(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"fileName\":\"a\",\"fileType\":\"b\"}"), OK);
	assert_false(got.has_size);
	assert_false(got.form);
	assert_int_equal(read_text("{\"fileName\":\"a\",\"fileType\":\"b\",\"method\":\"PUT\"}"), OK);
	assert_false(got.form);
}

static void test_slot_when_a_member_is_unknown_then_it_is_refused_by_name(void **state)
{
	static const struct bad rows[] = {
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"userId\":7}", F_BAD_FIELD,
			"userId is not known; the members of this request are fileName, fileType," },
		{ "{\"filename\":\"a\",\"fileType\":\"b\"}", F_BAD_FIELD, "filename is not known" },
		{ "{\"\":1}", F_BAD_FIELD, "A member is not known" },
		{ "{\"fileName, fileType\":1}", F_BAD_FIELD, "A member is not known" },
		{ "{\"\xe2\x80\xae\":1}", F_BAD_FIELD, "A member is not known" },
		{ "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}", F_BAD_FIELD, "A member is not known" },
	};

	(void)state;
	check_bad(rows, COUNT_OF(rows));
}

static void assert_metadata(const char *json, const char *expected)
{
	struct str out;
	char slot[4096];

	assert_int_equal(body_read_metadata(&arena, str_of(json), &out, &why), OK);
	assert_text(out, expected);
	snprintf(slot, sizeof(slot), "{\"fileName\":\"a\",\"fileType\":\"b\",\"metadata\":%s}", json);
	assert_int_equal(read_text(slot), OK);
	assert_text(got.metadata, expected);
}

static void test_metadata_then_compact_and_in_the_order_of_the_names(void **state)
{
	(void)state;
	assert_metadata("{}", "");
	assert_metadata(" { \"b\" : \"2\" ,\n\"a\": \"1\", \"ab\":\"\" } ", "{\"a\":\"1\",\"ab\":\"\",\"b\":\"2\"}");
	assert_metadata("{\"\\u0061\":\"\\\"\\ud83d\\ude00\"}", "{\"a\":\"\\\"\xf0\x9f\x98\x80\"}");
	assert_metadata("{\"a\":\"\\u202e\"}", "{\"a\":\"\\u202e\"}");
}

/* {"00":"…","01":"…",…} with a value of `bytes` bytes in the last. */
static const char *many_metadata(unsigned n, size_t bytes)
{
	struct buf b;

	buf_init_arena(&b, &arena, 65536);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "%c\"%02u\":\"%s", i == 0 ? '{' : ',', i, i + 1 < n ? "\"" : "");
	for (size_t i = 0; i < bytes; i++)
		buf_put_char(&b, 'x');
	buf_put(&b, STR("\"}"));
	assert_true(buf_ok(&b));
	return b.p;
}

static void test_metadata_when_too_many_too_large_or_no_strings_then_refused(void **state)
{
	const struct {
		const char *json;
		enum fault_code code;
		const char *word;
	} rows[] = {
		{ many_metadata(33, 1), F_BAD_FIELD, "at most 32 members; this has 33" },
		{ many_metadata(32, METADATA_MAX_BYTES - 63), F_BAD_FIELD, "at most 2048 bytes, names and values together; this has 2049" },
		{ "{\"a\":{\"b\":\"c\"}}", F_BAD_FIELD, "strings" },
		{ "{\"a\":[\"b\"]}", F_BAD_FIELD, "strings" },
		{ "{\"a\":1}", F_BAD_FIELD, "strings" },
		{ "{\"a\":null}", F_BAD_FIELD, "strings" },
		{ "{\"\":\"a\"}", F_BAD_FIELD, "have a name" },
		{ "{\"a\":\"\\u0000\"}", F_BAD_FIELD, "U+0000" },
		{ "{\"a\\u0000\":\"\"}", F_BAD_FIELD, "U+0000" },
		{ "{\"a\":\"1\",\"a\":\"1\"}", F_BAD_FIELD, "metadata is not valid JSON: a member appears twice" },
		{ "{\"a\":\"\xff\"}", F_BAD_FIELD, "UTF-8" },
		{ "[]", F_BAD_FIELD, "not an object" },
		{ "", F_BAD_FIELD, "empty" },
	};
	struct str out;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(body_read_metadata(&arena, str_of(rows[i].json), &out, &why), INVALID);
		if (why.code != rows[i].code || strstr(why.text, rows[i].word) == NULL)
			fail_msg("%s: %s \"%s\"", rows[i].json, fault_name(why.code), why.text);
	}
	assert_int_equal(body_read_metadata(&arena, str_of(many_metadata(32, METADATA_MAX_BYTES - 64)), &out, &why), OK);
	assert_int_equal(read_text("{\"fileName\":\"a\",\"fileType\":\"b\",\"metadata\":null}"), INVALID);
	assert_int_equal(why.code, F_BAD_FIELD);
	assert_int_equal(read_text("{\"fileName\":\"a\",\"fileType\":\"b\",\"metadata\":\"{}\"}"), INVALID);
	assert_int_equal(why.code, F_BAD_FIELD);
}

static void test_slot_when_name_has_any_unicode_then_intact(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"fileName\":\"\\u0001\\r\\n/\\\\..\\\"\\u202e\\ud83d\\ude00\xf0\x9f\x98\x80\",\"fileType\":\"b\"}"), OK);
	assert_text(got.file_name, "\x01\r\n/\\..\"\xe2\x80\xae\xf0\x9f\x98\x80\xf0\x9f\x98\x80");
}

static void test_slot_when_the_texts_are_read_then_they_outlive_the_body(void **state)
{
	char json[] = "{\"fileName\":\"name\",\"fileType\":\"type\"}";

	(void)state;
	assert_int_equal(read_text(json), OK);
	memset(json, 'x', sizeof(json));
	assert_text(got.file_name, "name");
	assert_text(got.file_type, "type");
}

static void test_slot_when_the_body_is_not_a_json_object_then_bad_json(void **state)
{
	static const struct bad rows[] = {
		{ "", F_BAD_JSON, "empty" },
		{ " ", F_BAD_JSON, "not valid JSON" },
		{ "fileName=a", F_BAD_JSON, "not valid JSON (line 1, column" },
		{ "{", F_BAD_JSON, "too early" },
		{ "{\"fileName\":\"a\",}", F_BAD_JSON, "not valid JSON" },
		{ "{'fileName':'a'}", F_BAD_JSON, "not valid JSON" },
		{ "[]", F_BAD_JSON, "not an object" },
		{ "\"text\"", F_BAD_JSON, "not an object" },
		{ "null", F_BAD_JSON, "not an object" },
		{ "{} {}", F_BAD_JSON, "after its end" },
		{ "{}x", F_BAD_JSON, "after its end" },
		{ "\xef\xbb\xbf{}", F_BAD_JSON, "not valid JSON" },
		{ "{\"fileName\":\"a\",\"fileName\":\"b\",\"fileType\":\"c\"}", F_BAD_JSON, "twice" },
		{ "{\"fileName\":\"a\",\"fileType\":\"c\",\"x\":{\"y\":1,\"y\":2}}", F_BAD_JSON, "twice" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":1e400}", F_BAD_JSON, "out of range" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":9223372036854775808}", F_BAD_JSON, "out of range" },
		{ "{\"fileName\":\"a\\u0000b\",\"fileType\":\"b\"}", F_BAD_JSON, "U+0000" },
		{ "{\"a\\u0000b\":1,\"fileName\":\"a\",\"fileType\":\"b\"}", F_BAD_JSON, "U+0000" },
		{ "{\"fileName\":\"\xff\",\"fileType\":\"b\"}", F_BAD_JSON, "UTF-8" },
		{ "{\"fileName\":\"\xed\xa0\x80\",\"fileType\":\"b\"}", F_BAD_JSON, "UTF-8" },
		{ "{\"fileName\":\"\\ud800\",\"fileType\":\"b\"}", F_BAD_JSON, "not valid JSON" },
		{ "{\"fileName\":\"\\udc00\",\"fileType\":\"b\"}", F_BAD_JSON, "not valid JSON" },
		{ "{\"fileName\":\"a\nb\",\"fileType\":\"b\"}", F_BAD_JSON, "not valid JSON" },
	};

	(void)state;
	check_bad(rows, COUNT_OF(rows));
}

static void test_slot_when_a_raw_zero_byte_is_there_then_bad_json(void **state)
{
	static const char json[] = "{\"fileName\":\"a\0b\",\"fileType\":\"b\"}";

	(void)state;
	assert_int_equal(read_bytes(json, sizeof(json) - 1), INVALID);
	assert_int_equal(why.code, F_BAD_JSON);
}

static void test_slot_when_nested_10000_deep_then_bad_json(void **state)
{
	static char json[20100];
	static const char head[] = "{\"fileName\":";
	size_t n = sizeof(head) - 1;

	(void)state;
	memcpy(json, head, n);
	memset(json + n, '[', 10000);
	memset(json + n + 10000, ']', 10000);
	json[n + 20000] = '}';
	assert_int_equal(read_bytes(json, n + 20001), INVALID);
	assert_int_equal(why.code, F_BAD_JSON);
	assert_non_null(strstr(why.text, "deep"));
}

static void test_slot_when_a_member_is_missing_or_of_wrong_type_then_bad_field_names_it(void **state)
{
	static const struct bad rows[] = {
		{ "{}", F_BAD_FIELD, "fileName is missing" },
		{ "{\"fileType\":\"b\"}", F_BAD_FIELD, "fileName is missing" },
		{ "{\"fileName\":\"a\"}", F_BAD_FIELD, "fileType is missing" },
		{ "{\"fileName\":1,\"fileType\":\"b\"}", F_BAD_FIELD, "fileName must be a string" },
		{ "{\"fileName\":null,\"fileType\":\"b\"}", F_BAD_FIELD, "fileName must be a string" },
		{ "{\"fileName\":[\"a\"],\"fileType\":\"b\"}", F_BAD_FIELD, "fileName must be a string" },
		{ "{\"fileName\":\"a\",\"fileType\":{}}", F_BAD_FIELD, "fileType must be a string" },
		{ "{\"fileName\":\"a\",\"fileType\":true}", F_BAD_FIELD, "fileType must be a string" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":5242880.0}", F_BAD_FIELD, "fileSize must be an integer" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":1e3}", F_BAD_FIELD, "fileSize must be an integer" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":\"5\"}", F_BAD_FIELD, "fileSize must be an integer" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":null}", F_BAD_FIELD, "fileSize must be an integer" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":-1}", F_BAD_FIELD, "1 or more" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":0}", F_BAD_FIELD, "1 or more" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"method\":\"put\"}", F_BAD_FIELD, "method must be" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"method\":\"GET\"}", F_BAD_FIELD, "method must be" },
		{ "{\"fileName\":\"a\",\"fileType\":\"b\",\"method\":1}", F_BAD_FIELD, "method must be" },
	};

	(void)state;
	check_bad(rows, COUNT_OF(rows));
}

static void test_slot_when_the_size_is_the_largest_integer_then_it_is_read(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"fileName\":\"a\",\"fileType\":\"b\",\"fileSize\":9223372036854775807}"), OK);
	assert_int_equal(got.file_size, INT64_MAX);
}

static void test_slot_when_the_body_is_cut_anywhere_then_it_is_refused(void **state)
{
	static const char json[] = "{\"fileName\":\"a\\u00e4\",\"fileType\":\"image/png\",\"fileSize\":12,\"metadata\":{\"a\":\"\"}}";

	(void)state;
	for (size_t n = 0; n < sizeof(json) - 1; n++)
		assert_int_equal(read_bytes(json, n), INVALID);
	assert_int_equal(read_bytes(json, sizeof(json) - 1), OK);
}

static void test_slot_when_the_arena_is_full_then_too_much(void **state)
{
	struct arena small;

	(void)state;
	arena_init(&small, 8);
	assert_int_equal(body_read_slot(&small, STR("{\"fileName\":\"a long enough name\",\"fileType\":\"b\"}"), &got, &why), LIMIT);
	assert_int_equal(why.code, F_TOO_MUCH);
	arena_deinit(&small);
}

static void test_slot_when_memory_runs_out_anywhere_then_out_of_memory(void **state)
{
	enum status status;
	int n = 0;

	(void)state;
	do {
		struct arena a;
		arena_init(&a, 4096);
		mem_fail_nth(++n);
		status = body_read_slot(&a, STR("{\"fileName\":\"a.jpg\",\"fileType\":\"image/jpeg\"}"), &got, &why);
		mem_fail_nth(0);
		assert_true(status == OK || why.code == F_OUT_OF_MEMORY || (why.code == F_TOO_MUCH && a.starved));
		arena_deinit(&a);
	} while (status != OK);
	assert_true(n > 5);
}

static void test_fault_when_jansson_quotes_the_input_then_the_text_does_not(void **state)
{
	(void)state;
	assert_int_equal(read_text("{\"fileName\": hunter2}"), INVALID);
	assert_null(strstr(why.text, "hunter2"));
	assert_non_null(strstr(why.text, "line 1"));
}

static void test_slot_visibility_then_read_and_other_words_are_refused(void **state)
{
	static const char *const wrong[] = { "\"Public\"", "\"\"", "null", "true", "1", "[\"public\"]" };
	char json[128];

	(void)state;
	assert_int_equal(read_text("{\"fileName\":\"a\",\"fileType\":\"b\"}"), OK);
	assert_false(got.has_visibility);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(json, sizeof(json), "{\"fileName\":\"a\",\"fileType\":\"b\",\"visibility\":\"%s\"}", i == 1 ? "public" : "private");
		assert_int_equal(read_text(json), OK);
		assert_true(got.has_visibility);
		assert_int_equal(got.is_public, i);
	}
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		struct image_change change;
		snprintf(json, sizeof(json), "{\"fileName\":\"a\",\"fileType\":\"b\",\"visibility\":%s}", wrong[i]);
		assert_int_equal(read_text(json), INVALID);
		assert_int_equal(why.code, F_BAD_FIELD);
		snprintf(json, sizeof(json), "{\"visibility\":%s}", wrong[i]);
		assert_int_equal(body_read_change(&arena, str_of(json), &change, &why), INVALID);
		assert_int_equal(why.code, F_BAD_FIELD);
	}
}

static void test_change_then_each_member_alone_and_together(void **state)
{
	struct image_change change;

	(void)state;
	assert_int_equal(body_read_change(&arena, STR("{\"visibility\":\"private\"}"), &change, &why), OK);
	assert_true(change.has_visibility && !change.is_public && !change.has_file_name && !change.has_metadata);
	assert_int_equal(body_read_change(&arena, STR("{\"fileName\":\"\"}"), &change, &why), OK);
	assert_true(!change.has_visibility && change.has_file_name && !change.has_metadata);
	assert_text(change.file_name, "");
	assert_int_equal(body_read_change(&arena, STR("{\"metadata\":null}"), &change, &why), OK);
	assert_true(!change.has_visibility && !change.has_file_name && change.has_metadata);
	assert_text(change.metadata, "");
	assert_int_equal(
		body_read_change(&arena, STR("{\"metadata\":{\"b\":\"\",\"a\":\"\"},\"visibility\":\"public\",\"fileName\":\"x\"}"), &change, &why),
		OK);
	assert_true(change.has_visibility && change.is_public && change.has_file_name && change.has_metadata);
	assert_text(change.file_name, "x");
	assert_text(change.metadata, "{\"a\":\"\",\"b\":\"\"}");
}

static void test_change_when_nothing_unknown_or_no_json_then_refused(void **state)
{
	static const struct bad rows[] = {
		{ "{}", F_BAD_FIELD, "at least one of visibility" },
		{ "{\"visibility\":\"private\",\"other\":1}", F_BAD_FIELD, "other is not known" },
		{ "{\"fileName\":null}", F_BAD_FIELD, "fileName must be a string" },
		{ "{\"metadata\":[]}", F_BAD_FIELD, "metadata must be an object" },
		{ "{\"metadata\":{\"a\":false}}", F_BAD_FIELD, "strings" },
		{ "", F_BAD_JSON, "empty" },
		{ "[]", F_BAD_JSON, "object" },
	};
	struct image_change change;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(body_read_change(&arena, str_of(rows[i].json), &change, &why), INVALID);
		if (why.code != rows[i].code || strstr(why.text, rows[i].word) == NULL)
			fail_msg("%s: %s \"%s\"", rows[i].json, fault_name(why.code), why.text);
	}
}

static void test_link_then_its_life_and_variant_within_their_bounds(void **state)
{
	static const char *const wrong[] = { "{\"expiresIn\":0}", "{\"expiresIn\":-1}", "{\"expiresIn\":604801}", "{\"expiresIn\":1.5}",
		"{\"expiresIn\":\"60\"}", "{\"expiresIn\":null}", "{\"variant\":\"\"}", "{\"variant\":\"large\"}", "{\"variant\":null}",
		"{\"variant\":\"original/\"}", "{\"variant\":\"../original\"}", "{\"variants\":\"original\"}" };
	struct link_request link;

	(void)state;
	assert_int_equal(body_read_link(&arena, STR("{}"), &link, &why), OK);
	assert_int_equal(link.expires_in_s, 0);
	assert_text(link.variant, "original");
	assert_int_equal(body_read_link(&arena, STR("{\"expiresIn\":604800,\"variant\":\"small-01234567.webp\"}"), &link, &why), OK);
	assert_int_equal(link.expires_in_s, 604800);
	assert_text(link.variant, "small-01234567.webp");
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(body_read_link(&arena, str_of(wrong[i]), &link, &why), INVALID);
		assert_int_equal(why.code, F_BAD_FIELD);
	}
	assert_int_equal(body_read_link(&arena, STR("x"), &link, &why), INVALID);
	assert_int_equal(why.code, F_BAD_JSON);
}

static void test_key_then_its_name_scopes_owner_and_life(void **state)
{
	struct key_request key;

	(void)state;
	assert_int_equal(body_read_key(&arena, STR("{\"name\":\" back up \",\"scopes\":[\"read\"]}"), &key, &why), OK);
	assert_text(key.name, "back up");
	assert_int_equal(key.scopes, SCOPE_READ);
	assert_int_equal(key.expires_in_s, 0);
	assert_int_equal(key.owner.n, 0);
	assert_int_equal(body_read_key(&arena,
						 STR("{\"expiresIn\":316224000,\"owner\":\"0123456789abcdef0123456789abcdef\",\"name\":\"x\","
							 "\"scopes\":[\"upload\",\"delete\",\"act-as\",\"admin\",\"upload\"]}"),
						 &key, &why),
		OK);
	assert_int_equal(key.scopes, SCOPE_UPLOAD | SCOPE_DELETE | SCOPE_ACT_AS | SCOPE_ADMIN);
	assert_int_equal(key.expires_in_s, KEY_LIFE_MAX_S);
	assert_text(key.owner, "0123456789abcdef0123456789abcdef");
}

static void test_key_when_wrong_then_the_member_is_named(void **state)
{
	static const struct bad rows[] = { { "", F_BAD_JSON, "empty" }, { "[]", F_BAD_JSON, "object" }, { "{}", F_BAD_FIELD, "name" },
		{ "{\"name\":\" \",\"scopes\":[\"read\"]}", F_BAD_FIELD, "name" }, { "{\"name\":1,\"scopes\":[\"read\"]}", F_BAD_FIELD, "name" },
		{ "{\"name\":\"a\\nb\",\"scopes\":[\"read\"]}", F_BAD_FIELD, "name" }, { "{\"name\":\"x\"}", F_BAD_FIELD, "scopes" },
		{ "{\"name\":\"x\",\"scopes\":[]}", F_BAD_FIELD, "scopes" }, { "{\"name\":\"x\",\"scopes\":\"read\"}", F_BAD_FIELD, "scopes" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\",1]}", F_BAD_FIELD, "scopes" },
		{ "{\"name\":\"x\",\"scopes\":[\"Read\"]}", F_BAD_FIELD, "scopes" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"expiresIn\":0}", F_BAD_FIELD, "expiresIn" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"expiresIn\":316224001}", F_BAD_FIELD, "expiresIn" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"expiresIn\":\"90d\"}", F_BAD_FIELD, "expiresIn" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"owner\":\"ann\"}", F_BAD_FIELD, "onBehalfOf" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"owner\":null}", F_BAD_FIELD, "owner" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"owner\":\"0123456789ABCDEF0123456789abcdef\"}", F_BAD_FIELD, "owner" },
		{ "{\"name\":\"x\",\"scopes\":[\"read\"],\"expires\":1}", F_BAD_FIELD, "expires is not known" } };
	struct key_request key;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(body_read_key(&arena, str_of(rows[i].json), &key, &why), INVALID);
		if (why.code != rows[i].code || strstr(why.text, rows[i].word) == NULL)
			fail_msg("%s: %s \"%s\"", rows[i].json, fault_name(why.code), why.text);
	}
	for (size_t n = 255; n <= 256; n++) {
		char json[400];
		(void)snprintf(json, sizeof json, "{\"scopes\":[\"read\"],\"name\":\"%.*s\"}", (int)n,
			"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
			"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
			"0123456789012345678901234567890123456789012345678901234567890123456789");
		assert_int_equal(body_read_key(&arena, str_of(json), &key, &why), n == 255 ? OK : INVALID);
	}
}

static void test_quota_then_what_is_left_out_is_not_limited(void **state)
{
	static const char *const wrong[] = { "{\"bytes\":0}", "{\"images\":-1}", "{\"pending\":1.5}", "{\"slotsPerMinute\":\"1\"}",
		"{\"images\":null}", "{\"size\":1}" };
	struct owner_quota quota;

	(void)state;
	assert_int_equal(body_read_quota(STR("{}"), &quota, &why), OK);
	assert_true(quota.bytes == 0 && quota.images == 0 && quota.pending == 0 && quota.slots_per_minute == 0);
	assert_int_equal(
		body_read_quota(STR("{\"bytes\":9223372036854775807,\"images\":2,\"pending\":3,\"slotsPerMinute\":4}"), &quota, &why), OK);
	assert_true(quota.bytes == INT64_MAX && quota.images == 2 && quota.pending == 3 && quota.slots_per_minute == 4);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		assert_int_equal(body_read_quota(str_of(wrong[i]), &quota, &why), INVALID);
		assert_int_equal(why.code, F_BAD_FIELD);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_slot_when_all_members_are_given_then_all_are_read),
		T(test_slot_when_optional_members_are_missing_then_a_put_without_size),
		T(test_slot_when_a_member_is_unknown_then_it_is_refused_by_name),
		T(test_metadata_then_compact_and_in_the_order_of_the_names),
		T(test_metadata_when_too_many_too_large_or_no_strings_then_refused),
		T(test_slot_when_name_has_any_unicode_then_intact),
		T(test_slot_when_the_texts_are_read_then_they_outlive_the_body),
		T(test_slot_when_the_body_is_not_a_json_object_then_bad_json),
		T(test_slot_when_a_raw_zero_byte_is_there_then_bad_json),
		T(test_slot_when_nested_10000_deep_then_bad_json),
		T(test_slot_when_a_member_is_missing_or_of_wrong_type_then_bad_field_names_it),
		T(test_slot_when_the_size_is_the_largest_integer_then_it_is_read),
		T(test_slot_when_the_body_is_cut_anywhere_then_it_is_refused),
		T(test_slot_when_the_arena_is_full_then_too_much),
		T(test_slot_when_memory_runs_out_anywhere_then_out_of_memory),
		T(test_slot_visibility_then_read_and_other_words_are_refused),
		T(test_change_then_each_member_alone_and_together),
		T(test_change_when_nothing_unknown_or_no_json_then_refused),
		T(test_link_then_its_life_and_variant_within_their_bounds),
		T(test_key_then_its_name_scopes_owner_and_life),
		T(test_key_when_wrong_then_the_member_is_named),
		T(test_quota_then_what_is_left_out_is_not_limited),
		T(test_fault_when_jansson_quotes_the_input_then_the_text_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
