/* The credentials file: the parser on good and bad texts, the file's making and its guards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct profiles profiles;
static struct arena arena;

static enum status read_profiles(struct str text, struct profiles *out, struct fault *why)
{
	arena_deinit(&arena);
	arena_init(&arena, PROFILES_ARENA_BYTES);
	return profiles_parse(text, &arena, out, why);
}

static void test_parse_of_a_usual_file_then_profiles_in_order(void **state)
{
	struct fault why;

	(void)state;
	assert_int_equal(read_profiles(STR("# a comment\r\n; another\n\n[tintype]\naws_access_key_id=AKIA1\n"
									   "aws_secret_access_key = a=b/c+d==\n  [ slots ]  \nregion = eu-west-1\n"
									   "\taws_access_key_id\t=\tAKIA2\naws_secret_access_key = s2"),
						 &profiles, &why),
		OK);
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
	assert_int_equal(read_profiles(STR(""), &profiles, &why), OK);
	assert_int_equal(profiles.n, 0);
	assert_int_equal(read_profiles((struct str){ 0 }, &profiles, &why), OK);
	assert_int_equal(profiles.n, 0);
}

#define KEYS "aws_access_key_id = A\naws_secret_access_key = s\n"
#define MANY_GRANTS "list list list list list list list list list list list list list list list list"
#define SIXTY_FOUR "0123456789012345678901234567890123456789012345678901234567890123"

static void test_parse_of_a_bad_line_then_its_number_is_reported(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "aws_access_key_id = A\n", "line 1 is before the first [section]" },
		{ "[a]\n" KEYS "nonsense\n", "line 4 is neither" },
		{ "\n[a\n", "line 2 begins a section and has no ]" },
		{ "[]\n", "line 1 has a profile name" },
		{ "[a b]\n", "line 1 has a profile name" },
		{ "[" SIXTY_FOUR "]\n", "line 1 has a profile name" },
		{ "[a]\n" KEYS "[a]\n", "line 4 begins a profile that already exists" },
		{ "[a]\naws_access_key_id =\n", "line 2 has an access key id" },
		{ "[a]\naws_access_key_id = A B\n", "line 2 has an access key id" },
		{ "[a]\naws_access_key_id = " SIXTY_FOUR SIXTY_FOUR "1\n", "line 2 has an access key id" },
		{ "[a]\naws_secret_access_key = \n", "line 2 has a secret" },
		{ "[a]\naws_secret_access_key = \xc3\xa4\n", "line 2 has a secret" },
		{ "\n[a]\naws_access_key_id = A\n", "line 2 begins a profile without aws_secret_access_key" },
		{ "[a]\naws_secret_access_key = s\n", "line 1 begins a profile without aws_access_key_id" },
		{ "[a]\ntintype_user = -a\n" KEYS, "line 2 names a user" },
		{ "[a]\ntintype_user = slots\n" KEYS, "line 2 names a user" },
		{ "[slots]\ntintype_user = a\n" KEYS, "line 2 names a user" },
		{ "[a]\ntintype_allow =\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = fly\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = read,\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = read:\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = read:a b\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = read:a?b\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = read:a/%4\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = read:a/%FF\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = read\ntintype_allow = all\n" KEYS, "line 3 has grants" },
		{ "[tintype]\ntintype_allow = all\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = 1 1 1\n" KEYS, "line 2 has grants" },
		{ "[a]\ntintype_allow = " MANY_GRANTS " list\n" KEYS, "line 2 has grants" },
		{ "[a]\n" KEYS "[b]\n" KEYS, "line 4 begins a profile whose access key id another has" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		assert_int_equal(read_profiles(str_of(rows[i].text), &profiles, &why), INVALID);
		if (strstr(why.text, rows[i].words) == NULL)
			fail_msg("row %zu: \"%s\" does not say \"%s\"", i, why.text, rows[i].words);
	}
}

static void test_parse_of_actions_and_grants_then_written_in_the_same_form(void **state)
{
	static const struct {
		const char *text, *written;
	} rows[] = {
		{ "all", "all" },
		{ "list,read,write,delete,buckets", "all" },
		{ "write,list", "list,write" },
		{ " read:photos \tread,write:photos/in/  all:scratch ", "read:photos read,write:photos/in/ all:scratch" },
		{ "read:*", "read" },
		{ "read:*/in", "read:*/in" },
		{ "read:a.b-c_D/%C3%a4%20%2e%25", "read:a.b-c_D/%C3%A4%20.%25" },
		{ MANY_GRANTS, MANY_GRANTS },
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		struct buf b;
		buf_init(&b, 4096);
		(void)snprintf(text, sizeof text,
			"[tintype]\n" KEYS "[x]\ntintype_user = alice\ntintype_allow = %s\n"
			"aws_access_key_id = X\naws_secret_access_key = s\n",
			rows[i].text);
		assert_int_equal(read_profiles(str_of(text), &profiles, &why), OK);
		assert_int_equal(profiles.all[0].key.power, KEY_OWNER);
		assert_string_equal(profiles.all[0].key.user, "tintype");
		assert_int_equal(profiles.all[1].key.power, KEY_USER);
		assert_string_equal(profiles.all[1].key.user, "alice");
		grants_write(&b, profiles.all[1].key.grants, profiles.all[1].key.n_grants);
		assert_string_equal(b.p, rows[i].written);
		buf_deinit(&b);
	}
}

static void test_parse_of_more_profiles_than_fit_then_refused(void **state)
{
	static char text[65536];
	struct fault why;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < PROFILES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "[p%d]\naws_access_key_id = A%d\naws_secret_access_key = s\n", i, i);
	assert_int_equal(read_profiles((struct str){ text, n }, &profiles, &why), OK);
	assert_int_equal(profiles.n, PROFILES_MAX);
	n += (size_t)snprintf(text + n, sizeof text - n, "[more]\n");
	assert_int_equal(read_profiles((struct str){ text, n }, &profiles, &why), INVALID);
}

/* the file */

static size_t read_text(const struct fixture *p, char *out, size_t size)
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
	struct fixture *p = *state;
	struct fault why;
	char text[2][2048];
	size_t n[2];

	for (int i = 0; i < 2; i++) {
		fixture_open(p);
		n[i] = read_text(p, text[i], sizeof text[i]);
		fixture_deinit(p);
		assert_int_equal(read_profiles((struct str){ text[i], n[i] }, &profiles, &why), OK);
		assert_int_equal(profiles.n, 2);
		assert_string_equal(profiles.all[0].name, "tintype");
		assert_string_equal(profiles.all[1].name, "slots");
		for (int k = 0; k < 2; k++) {
			assert_int_equal(strlen(profiles.all[k].key.id), 20);
			assert_memory_equal(profiles.all[k].key.id, "AKIA", 4);
			assert_int_equal(strlen(profiles.all[k].key.secret), 40);
		}
		assert_string_not_equal(profiles.all[0].key.secret, profiles.all[1].key.secret);
		fixture_init(p);
	}
	assert_int_equal(n[0], n[1]);
	assert_memory_not_equal(text[0], text[1], n[0]);
}

static void assert_refused(struct fixture *p, const char *words)
{
	struct engine *e = NULL;
	struct fault why = { 0 };

	assert_int_equal(engine_open(&p->options, &e, &why), IO);
	if (strstr(why.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
}

static void test_file_that_cannot_be_used_then_reported(void **state)
{
	struct fixture *p = *state;
	static char large[PROFILES_MAX_BYTES + 2];

	fixture_write(p, "credentials", "[tintype\n", 0600);
	assert_refused(p, "credentials is malformed: line 1 begins a section and has no ] at its end.");
	fixture_write(p, "credentials", "[slots]\n" KEYS, 0600);
	assert_refused(p, "credentials has no profile [tintype].");
	fixture_write(p, "credentials", "[tintype]\n" KEYS, 0600);
	assert_refused(p, "credentials has no profile [slots].");
	fixture_write(p, "credentials", "[tintype]\n" KEYS, 0644);
	assert_refused(p, "can be read by others; run chmod 600 on it.");
	memset(large, '\n', sizeof large - 1);
	fixture_write(p, "credentials", large, 0600);
	assert_refused(p, "credentials is longer than 262144 bytes.");
}

static void test_crash_while_the_file_was_created_then_created_again(void **state)
{
	struct fixture *p = *state;
	char path[128];

	fixture_write(p, "credentials.new", "[tint", 0600);
	fixture_open(p);
	(void)snprintf(path, sizeof path, "%s/credentials.new", p->dir);
	assert_int_equal(access(path, F_OK), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_of_a_usual_file_then_profiles_in_order),
		cmocka_unit_test(test_parse_of_nothing_then_no_profiles),
		cmocka_unit_test(test_parse_of_a_bad_line_then_its_number_is_reported),
		cmocka_unit_test(test_parse_of_actions_and_grants_then_written_in_the_same_form),
		cmocka_unit_test(test_parse_of_more_profiles_than_fit_then_refused),
		TEST(test_first_start_then_owner_first_with_random_keys),
		TEST(test_file_that_cannot_be_used_then_reported),
		TEST(test_crash_while_the_file_was_created_then_created_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
