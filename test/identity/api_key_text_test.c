/* The text of API keys: one key worked out with other tools, new keys, and everything that is almost one. */
#include "unit.h"

#include "identity/api_key_text.h"

#include <string.h>

/* The last six: printf %s tk_abcdefgh_AAA... | openssl dgst -sha256 -binary | base64 | tr +/ -_ | cut -c1-6 */
#define KNOWN "tk_abcdefgh_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAb15CIn"

static void test_parse_accepts_a_key_and_gives_its_id(void **state)
{
	struct str id;
	assert_true(api_key_text_parse(STR(KNOWN), &id));
	assert_str(id, STR("abcdefgh"));
}

static void test_parse_when_any_character_is_another_refuses(void **state)
{
	struct str id = STR("as it was");
	for (size_t i = 0; i < API_KEY_TEXT_CHARS; i++)
		for (const char *other = "abAB01-_.= \n"; *other != '\0'; other++) {
			char text[] = KNOWN;
			if (text[i] == *other)
				continue;
			text[i] = *other;
			assert_false(api_key_text_parse(str_of(text), &id));
		}
	assert_str(id, STR("as it was"));
}

static void test_parse_when_shorter_or_longer_refuses(void **state)
{
	struct str id;
	for (size_t n = 0; n < API_KEY_TEXT_CHARS; n++)
		assert_false(api_key_text_parse((struct str){ KNOWN, n }, &id));
	assert_false(api_key_text_parse(STR(KNOWN "A"), &id));
	assert_false(api_key_text_parse(STR(KNOWN "\0"), &id));
}

static void test_make_gives_keys_that_differ_and_parse(void **state)
{
	char keys[64][API_KEY_TEXT_CHARS + 1];
	struct str id;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		api_key_text_make(keys[i]);
		assert_int_equal(strlen(keys[i]), API_KEY_TEXT_CHARS);
		assert_true(api_key_text_parse(str_of(keys[i]), &id));
		assert_int_equal(id.n, API_KEY_ID_CHARS);
		assert_int_equal(str_find_char(str_of(keys[i]), '.'), API_KEY_TEXT_CHARS);
		for (size_t j = 0; j < i; j++)
			assert_false(memcmp(keys[i] + 3, keys[j] + 3, API_KEY_ID_CHARS) == 0 && strcmp(keys[i], keys[j]) == 0);
	}
	assert_true(memcmp(keys[0] + 12, keys[1] + 12, 43) != 0);
}

static void test_hash_is_the_sha256_of_the_text(void **state)
{
	char hash[API_KEY_HASH_CHARS + 1];
	api_key_text_hash(STR("abc"), hash); /* FIPS 180-4's example */
	assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_accepts_a_key_and_gives_its_id),
		cmocka_unit_test(test_parse_when_any_character_is_another_refuses),
		cmocka_unit_test(test_parse_when_shorter_or_longer_refuses),
		cmocka_unit_test(test_make_gives_keys_that_differ_and_parse),
		cmocka_unit_test(test_hash_is_the_sha256_of_the_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
