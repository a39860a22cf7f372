/* The credentials file: the parser on good and bad texts, the file's making and its guards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "local/place.h"

#include "base/hash.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct profiles profiles;

static void test_parse_of_a_usual_file_then_profiles_in_order(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(credentials_parse(STR("# a comment\r\n; another\n\n[tintype]\naws_access_key_id=AKIA1\n"
	                                       "aws_secret_access_key = a=b/c+d==\n  [ slots ]  \nregion = eu-west-1\n"
	                                       "\taws_access_key_id\t=\tAKIA2\naws_secret_access_key = s2"),
	                                   &profiles, &why), OK);
	assert_int_equal(profiles.n, 2);
	assert_string_equal(profiles.all[0].name, "tintype");
	assert_string_equal(profiles.all[0].key.id, "AKIA1");
	assert_string_equal(profiles.all[0].key.secret, "a=b/c+d==");
	assert_string_equal(profiles.all[1].name, "slots");
	assert_string_equal(profiles.all[1].key.id, "AKIA2");
	assert_string_equal(profiles.all[1].key.secret, "s2");
}

static void test_parse_of_nothing_then_no_profiles(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(credentials_parse(STR(""), &profiles, &why), OK);
	assert_int_equal(profiles.n, 0);
	assert_int_equal(credentials_parse((struct str){ 0 }, &profiles, &why), OK);
	assert_int_equal(profiles.n, 0);
}

#define KEYS "aws_access_key_id = A\naws_secret_access_key = s\n"
#define SIXTY_FOUR "0123456789012345678901234567890123456789012345678901234567890123"

static void test_parse_of_a_bad_line_then_its_number_is_told(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "aws_access_key_id = A\n", "line 1 stands before the first [profile]" },
		{ "[a]\n" KEYS "nonsense\n", "line 4 is neither" },
		{ "\n[a\n", "line 2 begins a profile and has no ]" },
		{ "[]\n", "line 1 has a profile name" },
		{ "[a b]\n", "line 1 has a profile name" },
		{ "[" SIXTY_FOUR "]\n", "line 1 has a profile name" },
		{ "[a]\n" KEYS "[a]\n", "line 4 begins a profile that is there already" },
		{ "[a]\naws_access_key_id =\n", "line 2 has an access key id" },
		{ "[a]\naws_access_key_id = A B\n", "line 2 has an access key id" },
		{ "[a]\naws_access_key_id = " SIXTY_FOUR SIXTY_FOUR "1\n", "line 2 has an access key id" },
		{ "[a]\naws_secret_access_key = \n", "line 2 has a secret" },
		{ "[a]\naws_secret_access_key = \xc3\xa4\n", "line 2 has a secret" },
		{ "\n[a]\naws_access_key_id = A\n", "line 2 begins a profile without aws_secret_access_key" },
		{ "[a]\naws_secret_access_key = s\n", "line 1 begins a profile without aws_access_key_id" },
		{ "[a]\n" KEYS "[b]\n" KEYS, "line 4 begins a profile whose access key id another has" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		assert_int_equal(credentials_parse(str_of(rows[i].text), &profiles, &why), INVALID);
		if (strstr(why.text, rows[i].words) == NULL)
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, why.text, rows[i].words);
	}
}

static void test_parse_of_more_profiles_than_fit_then_refused(void **state)
{
	static char text[8192];
	struct fault why;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < PROFILES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "[p%d]\naws_access_key_id = A%d\naws_secret_access_key = s\n", i, i);
	assert_int_equal(credentials_parse((struct str){ text, n }, &profiles, &why), OK);
	assert_int_equal(profiles.n, PROFILES_MAX);
	n += (size_t)snprintf(text + n, sizeof text - n, "[more]\n");
	assert_int_equal(credentials_parse((struct str){ text, n }, &profiles, &why), INVALID);
}

/* the file */

static int set_up(void **state)
{
	static struct place place;

	place_init(&place);
	*state = &place;
	return 0;
}

static int tear_down(void **state)
{
	place_deinit(*state);
	return 0;
}

static size_t read_text(const struct place *p, char *out, size_t size)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/credentials", p->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	ssize_t n = read(fd, out, size);
	close(fd);
	assert_true(n > 0);
	return (size_t)n;
}

static void test_first_start_then_owner_first_with_random_keys(void **state)
{
	struct place *p = *state;
	struct fault why;
	char text[2][2048];
	size_t n[2];

	for (int i = 0; i < 2; i++) {
		place_open(p);
		n[i] = read_text(p, text[i], sizeof text[i]);
		place_deinit(p);
		assert_int_equal(credentials_parse((struct str){ text[i], n[i] }, &profiles, &why), OK);
		assert_int_equal(profiles.n, 2);
		assert_string_equal(profiles.all[0].name, "tintype");
		assert_string_equal(profiles.all[1].name, "slots");
		for (int k = 0; k < 2; k++) {
			assert_int_equal(strlen(profiles.all[k].key.id), 20);
			assert_memory_equal(profiles.all[k].key.id, "AKIA", 4);
			assert_int_equal(strlen(profiles.all[k].key.secret), 40);
		}
		assert_string_not_equal(profiles.all[0].key.secret, profiles.all[1].key.secret);
		place_init(p);
	}
	assert_int_equal(n[0], n[1]);
	assert_memory_not_equal(text[0], text[1], n[0]);
}

static void assert_refused(struct place *p, const char *words)
{
	struct engine *e = NULL;
	struct fault why = { 0 };

	assert_int_equal(engine_open(&p->options, &e, &why), IO);
	if (strstr(why.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
}

static void test_file_that_cannot_be_used_then_said(void **state)
{
	struct place *p = *state;
	static char large[70000];

	place_write(p, "credentials", "[tintype\n", 0600);
	assert_refused(p, "credentials is malformed: line 1 begins a profile and has no ] at its end.");
	place_write(p, "credentials", "[slots]\n" KEYS, 0600);
	assert_refused(p, "credentials lacks the profile [tintype].");
	place_write(p, "credentials", "[tintype]\n" KEYS, 0600);
	assert_refused(p, "credentials lacks the profile [slots].");
	place_write(p, "credentials", "[tintype]\n" KEYS, 0644);
	assert_refused(p, "credentials can be read by others; run chmod 600 on it first.");
	memset(large, '\n', sizeof large - 1);
	place_write(p, "credentials", large, 0600);
	assert_refused(p, "credentials is longer than 65536 bytes.");
}

static void test_crash_while_the_file_was_made_then_made_anew(void **state)
{
	struct place *p = *state;
	char path[128];

	place_write(p, "credentials.new", "[tint", 0600);
	place_open(p);
	(void)snprintf(path, sizeof path, "%s/credentials.new", p->dir);
	assert_int_equal(access(path, F_OK), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_of_a_usual_file_then_profiles_in_order),
		cmocka_unit_test(test_parse_of_nothing_then_no_profiles),
		cmocka_unit_test(test_parse_of_a_bad_line_then_its_number_is_told),
		cmocka_unit_test(test_parse_of_more_profiles_than_fit_then_refused),
		TEST(test_first_start_then_owner_first_with_random_keys),
		TEST(test_file_that_cannot_be_used_then_said),
		TEST(test_crash_while_the_file_was_made_then_made_anew),
	};

	crypto_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
