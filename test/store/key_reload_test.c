/* Keys that are added and removed under an open ring: by `tintype keys`, by hand, with mistakes, and during
 * concurrent lookups; and how editing changes the file. */

#include "store/fixture.h"

#include "base/clock.h"
#include "store/keys/key_edit.h"
#include "unit.h"
#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BOTH \
	"[tintype]\naws_access_key_id = OWNER\naws_secret_access_key = s1\n[slots]\naws_access_key_id = SLOTS\naws_secret_access_key = s2\n"
#define USER "[alice]\naws_access_key_id = ALICE\naws_secret_access_key = s3\n"

static int set_up(void **state)
{
	static struct fixture fixture;

	fixture_init(&fixture);
	fixture_write(&fixture, "credentials", BOTH, 0600);
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	fixture_deinit(*state);
	return 0;
}

static const struct access_key *find(const struct fixture *p, const char *id)
{
	return key_find(engine_ports(p->engine)->ring, str_of(id));
}

static void add(const struct fixture *p, const char *name, const char *id)
{
	struct new_key key = { .secret = "secret-secret" };
	struct fault why = { 0 };

	(void)snprintf(key.id, sizeof key.id, "%s", id);
	struct key_addition k = { .name = str_of(name), .key = &key };
	if (key_edit_add(p->dir, &k, &why) != OK)
		fail_msg("%s", why.text);
}

static void rm(const struct fixture *p, const char *name)
{
	struct fault why = { 0 };

	if (key_edit_remove(p->dir, str_of(name), &why) != OK)
		fail_msg("%s", why.text);
}

/* Write the file next to and put it in place, as editors do. */
static void replace(const struct fixture *p, const char *text, unsigned mode)
{
	char from[128], to[128];

	fixture_write(p, "beside", text, mode);
	(void)snprintf(from, sizeof from, "%s/beside", p->dir);
	(void)snprintf(to, sizeof to, "%s/credentials", p->dir);
	assert_int_equal(rename(from, to), 0);
}

/* Until the key is there, or is not: searching is what makes the ring check the file. */
static void await(const struct fixture *p, const char *id, bool there)
{
	wait_until((find(p, id) != NULL) == there);
}

static void test_add_under_an_open_ring_then_found_at_once(void **state)
{
	struct fixture *p = *state;
	struct key_grant grants[] = { { KEY_READ, STR("photos"), STR("in/") } };
	struct new_key key = { .id = "AKIABOB", .secret = "secret-secret" };
	struct key_addition k = { .name = STR("bob-reads"), .user = STR("bob"), .grants = grants, .n_grants = 1, .key = &key };
	struct fault why = { 0 };

	fixture_open(p);
	assert_null(find(p, "AKIABOB"));
	assert_int_equal(key_edit_add(p->dir, &k, &why), OK);
	const struct access_key *found = find(p, "AKIABOB");
	assert_non_null(found);
	assert_int_equal(found->power, KEY_USER);
	assert_string_equal(found->user, "bob");
	assert_string_equal(found->secret, "secret-secret");
	assert_true(key_permits(found, KEY_READ, STR("photos"), STR("in/a")));
	assert_false(key_permits(found, KEY_READ, STR("photos"), STR("a")));
	assert_false(key_permits(found, KEY_WRITE, STR("photos"), STR("in/a")));
	for (int i = 0; i < 100; i++) {
		char id[32];
		(void)snprintf(id, sizeof id, "AKIA%d", i);
		assert_null(find(p, id));
		add(p, id, id);
		assert_non_null(find(p, id));
	}
}

static void test_remove_under_an_open_ring_then_gone_and_held_keys_stay_valid(void **state)
{
	struct fixture *p = *state;

	add(p, "bob", "AKIABOB");
	fixture_open(p);
	const struct access_key *bob = find(p, "AKIABOB"), *owner = find(p, "OWNER");
	assert_non_null(bob);
	rm(p, "bob");
	await(p, "AKIABOB", false);
	assert_string_equal(bob->id, "AKIABOB");
	assert_string_equal(bob->secret, "secret-secret");
	assert_ptr_equal(find(p, "OWNER"), owner);
	add(p, "bob", "AKIABOB");
	assert_ptr_equal(find(p, "AKIABOB"), bob);
}

static void test_new_file_that_cannot_be_used_then_the_keys_stay(void **state)
{
	static const struct {
		const char *text;
		unsigned mode;
	} rows[] = { { "[tintype", 0600 }, { "", 0600 }, { BOTH USER, 0644 }, { USER, 0600 }, { BOTH "[alice]\ntintype_allow = fly\n", 0600 } };
	struct fixture *p = *state;
	char path[128];

	fixture_open(p);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		replace(p, rows[i].text, rows[i].mode);
		assert_null(find(p, "ALICE"));
		assert_int_equal(find(p, "OWNER")->power, KEY_OWNER);
		assert_int_equal(find(p, "SLOTS")->power, KEY_SLOTS);
	}
	(void)snprintf(path, sizeof path, "%s/credentials", p->dir);
	assert_int_equal(unlink(path), 0);
	assert_null(find(p, "ALICE"));
	assert_non_null(find(p, "OWNER"));
	replace(p, BOTH USER, 0600);
	assert_string_equal(find(p, "ALICE")->user, "alice");
}

static void test_file_rewritten_in_place_then_its_last_text_is_loaded(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	for (int i = 0; i < 50; i++) {
		char id[32], text[512];
		(void)snprintf(id, sizeof id, "ALICE%03d", i);
		(void)snprintf(text, sizeof text, BOTH "[alice]\naws_access_key_id = %s\naws_secret_access_key = s\n", id);
		fixture_write(p, "credentials", text, 0600); /* the same size each time, perhaps within one tick of the clock */
		await(p, id, true);
	}
}

static void test_owner_and_slots_with_new_keys_then_the_new_ones_sign(void **state)
{
	struct fixture *p = *state;

	fixture_open(p);
	replace(p,
		"[tintype]\naws_access_key_id = OWNER2\naws_secret_access_key = t1\n"
		"[slots]\naws_access_key_id = SLOTS2\naws_secret_access_key = t2\n",
		0600);
	assert_int_equal(find(p, "OWNER2")->power, KEY_OWNER);
	assert_null(find(p, "SLOTS"));
	assert_string_equal(credentials_slots(&p->engine->keys)->id, "SLOTS2");
}

/* threads */

struct search {
	const struct fixture *p;
	_Atomic bool over;
};

static void *search(void *arg)
{
	struct search *s = arg;
	size_t found = 0;

	while (!s->over) {
		assert(find(s->p, "OWNER") != NULL);
		assert(strcmp(credentials_slots(&s->p->engine->keys)->id, "SLOTS") == 0);
		const struct access_key *k = find(s->p, "AKIABOB");
		found += k != NULL && strcmp(k->secret, "secret-secret") == 0;
		assert(find(s->p, "NOBODY") == NULL);
	}
	return (void *)found;
}

static void test_searches_while_the_file_changes_then_each_succeeds(void **state)
{
	struct fixture *p = *state;
	struct search s = { .p = p };
	pthread_t threads[4];

	fixture_open(p);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, search, &s), 0);
	for (int i = 0; i < 20; i++) {
		add(p, "bob", "AKIABOB");
		await(p, "AKIABOB", true);
		rm(p, "bob");
		await(p, "AKIABOB", false);
	}
	s.over = true;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void *add_ten(void *arg)
{
	static _Atomic int number;

	for (int i = 0; i < 10; i++) {
		char id[32];
		(void)snprintf(id, sizeof id, "AKIA%d", number++);
		add(arg, id, id);
	}
	return NULL;
}

static void test_concurrent_edits_then_none_is_lost(void **state)
{
	struct fixture *p = *state;
	pthread_t threads[4];

	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_ten, p), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	fixture_open(p);
	for (int i = 0; i < 40; i++) {
		char id[32];
		(void)snprintf(id, sizeof id, "AKIA%d", i);
		assert_non_null(find(p, id));
	}
}

/* the text */

static void assert_text(const struct fixture *p, const char *want)
{
	char path[128], text[4096] = { 0 };
	struct stat st;

	(void)snprintf(path, sizeof path, "%s/credentials", p->dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof text - 1) > 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	assert_string_equal(text, want);
	assert_int_equal(st.st_mode & 0777, 0600);
}

#define NEW_BOB "[bob]\naws_access_key_id = AKIABOB\naws_secret_access_key = secret-secret\n"

static void test_edit_then_comments_and_other_profiles_stay(void **state)
{
	static const struct {
		const char *before, *removed, *added; /* alice is removed, then bob added */
	} rows[] = {
		{ BOTH USER, BOTH, BOTH "\n" NEW_BOB },
		{ "# top\n" BOTH "\n# of alice\n" USER "\n# the end\n", "# top\n" BOTH "\n# of alice\n# the end\n",
			"# top\n" BOTH "\n# of alice\n# the end\n\n" NEW_BOB },
		{ USER "; note\n\n" BOTH, "; note\n\n" BOTH, "; note\n\n" BOTH "\n" NEW_BOB },
		{ BOTH "\n  [ alice ]  \nregion = x\n# inside\naws_access_key_id=ALICE\naws_secret_access_key=x", BOTH, BOTH "\n" NEW_BOB },
		{ "[carol]\r\naws_access_key_id = C\r\naws_secret_access_key = c\r\n" USER "\n" BOTH,
			"[carol]\r\naws_access_key_id = C\r\naws_secret_access_key = c\r\n" BOTH,
			"[carol]\r\naws_access_key_id = C\r\naws_secret_access_key = c\r\n" BOTH "\n" NEW_BOB },
	};
	struct fixture *p = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		replace(p, rows[i].before, 0600);
		rm(p, "alice");
		assert_text(p, rows[i].removed);
		add(p, "bob", "AKIABOB");
		assert_text(p, rows[i].added);
	}
}

static void test_edit_that_is_not_possible_then_an_error_message_and_the_file_is_unchanged(void **state)
{
	static const struct {
		const char *name, *id, *words;
	} rows[] = {
		{ "alice", "NEW", "A key named alice already exists" },
		{ "bob", "ALICE", "The access key id is used by the key named alice" },
		{ "tintype", "NEW", "A key named tintype already" },
		{ "", "NEW", "A name must be" },
		{ "-x", "NEW", "A name must be" },
		{ "a b", "NEW", "A name must be" },
		{ "a]\n[b", "NEW", "A name must be" },
	};
	static const char *const names[][2] = { { "tintype", "[tintype] cannot be removed" }, { "slots", "[slots] cannot be removed" },
		{ "bob", "No key has that name" } };
	struct fixture *p = *state;

	replace(p, BOTH USER, 0600);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fault why = { 0 };
		struct new_key key = { .secret = "secret-secret" };
		(void)snprintf(key.id, sizeof key.id, "%s", rows[i].id);
		struct key_addition k = { .name = str_of(rows[i].name), .key = &key };
		assert_int_equal(key_edit_add(p->dir, &k, &why), INVALID);
		if (strstr(why.text, rows[i].words) == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct fault why = { 0 };
		assert_int_equal(key_edit_remove(p->dir, str_of(names[i][0]), &why), INVALID);
		if (strstr(why.text, names[i][1]) == NULL)
			fail_msg("%s", why.text);
	}
	assert_text(p, BOTH USER);
}

static void test_list_then_every_key_and_no_secret(void **state)
{
	struct fixture *p = *state;
	struct fault why = { 0 };
	struct buf b;

	buf_init(&b, 65536);
	add(p, "bob", "AKIABOB");
	assert_int_equal(key_edit_list(p->dir, &b, &why), OK);
	assert_non_null(strstr(b.p, "OWNER"));
	assert_non_null(strstr(b.p, "upload slots"));
	assert_non_null(strstr(b.p, "AKIABOB"));
	assert_null(strstr(b.p, "secret"));
	assert_null(strstr(b.p, "s1"));
	buf_deinit(&b);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_add_under_an_open_ring_then_found_at_once),
		TEST(test_remove_under_an_open_ring_then_gone_and_held_keys_stay_valid),
		TEST(test_new_file_that_cannot_be_used_then_the_keys_stay),
		TEST(test_file_rewritten_in_place_then_its_last_text_is_loaded),
		TEST(test_owner_and_slots_with_new_keys_then_the_new_ones_sign),
		TEST(test_searches_while_the_file_changes_then_each_succeeds),
		TEST(test_concurrent_edits_then_none_is_lost),
		TEST(test_edit_then_comments_and_other_profiles_stay),
		TEST(test_edit_that_is_not_possible_then_an_error_message_and_the_file_is_unchanged),
		TEST(test_list_then_every_key_and_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
