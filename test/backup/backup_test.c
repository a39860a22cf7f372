/* Backup and restore of an engine's directory where memory runs out at one allocation after the other, in growing steps: what fails says so, leaks nothing, and
 * leaves the earlier snapshot whole. */
#include "backup/backup.h"

#include "base/mem.h"
#include "store/fixture.h"
#include "temp.h"

#define BODY "a body that is a file, since the engine of the fixture has none in its database"

static char work[TEMP_PATH_MAX];

static int set_up(void **state)
{
	temp_make(work);
	return fixture_set_up(state);
}

static int tear_down(void **state)
{
	temp_remove(work);
	return fixture_tear_down(state);
}

/* By its code, or where a file could not be read by the system's words. */
static void assert_out_of_memory(int64_t n, const struct fault *why)
{
	if (why->code != F_OUT_OF_MEMORY && strstr(why->text, "Cannot allocate memory") == NULL)
		fail_msg("allocation %lld: %s: %s (%s)", (long long)n, fault_name(why->code), why->text, why->cause);
}

static enum status back_up(const struct fixture *p, const char *to, struct backup_result *out, struct fault *why)
{
	char scratch[2 * TEMP_PATH_MAX];
	struct target *t CLEANUP(target_free) = NULL;
	(void)snprintf(scratch, sizeof scratch, "%s/incomplete/database", to);
	TRY(dir_target_open(to, TARGET_WRITE, &t, why));
	const struct backup_options o = { .dir = p->dir, .scratch = scratch, .target = t, .secrets = true };
	uint64_t removed;
	TRY(backup_run(&o, out, why));
	return backup_prune(t, 2, &removed, why);
}

/* dir NULL: only verify */
static enum status restore(const char *from, const char *dir, struct restore_result *out, struct fault *why)
{
	struct target *t CLEANUP(target_free) = NULL;
	TRY(dir_target_open(from, TARGET_READ, &t, why));
	return restore_run(&(struct restore_options){ .target = t, .dir = dir }, out, why);
}

static void test_backup_when_memory_runs_out_then_the_earlier_one_is_whole(void **state)
{
	struct fixture *p = *state;
	struct backup_result made;
	struct restore_result read;
	struct fault why = { 0 };
	const char *to = temp_path(work, "backup");
	char path[2 * TEMP_PATH_MAX];
	enum status status = IO;
	(void)snprintf(path, sizeof path, "%s", to);

	fixture_open(p);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fixture_insert(p, i, &why), OK);
		assert_int_equal(fixture_upload(p, i, STR(BODY), &why), OK);
	}
	assert_int_equal(back_up(p, path, &made, &why), OK);
	assert_int_equal(made.objects, 3);
	assert_int_equal(fixture_insert(p, 3, &why), OK);
	assert_int_equal(fixture_upload(p, 3, STR(BODY), &why), OK);
	for (int64_t n = 1; status != OK; n += 1 + n / 30) {
		why = (struct fault){ 0 };
		mem_fail_nth(n);
		status = back_up(p, path, &made, &why);
		mem_fail_nth(0);
		if (status != OK)
			assert_out_of_memory(n, &why);
		assert_int_equal(restore(path, NULL, &read, &why), OK);
		assert_true(read.objects == 4 || (read.objects == 3 && status != OK));
	}
}

static void test_restore_when_memory_runs_out_then_not_served_and_made_whole_by_the_next(void **state)
{
	struct fixture *p = *state;
	struct fixture copy;
	struct backup_result made;
	struct restore_result read;
	struct fault why = { 0 };
	char from[2 * TEMP_PATH_MAX];
	enum status status = IO;
	(void)snprintf(from, sizeof from, "%s/backup", work);

	fixture_open(p);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fixture_insert(p, i, &why), OK);
		assert_int_equal(fixture_upload(p, i, STR(BODY), &why), OK);
	}
	assert_int_equal(back_up(p, from, &made, &why), OK);
	fixture_init(&copy);
	for (int64_t n = 1; status != OK; n += 1 + n / 30) {
		why = (struct fault){ 0 };
		mem_fail_nth(n);
		status = restore(from, copy.dir, &read, &why);
		mem_fail_nth(0);
		if (status != OK)
			assert_out_of_memory(n, &why);
		if (status != OK && access(temp_path(copy.dir, "restore.incomplete"), F_OK) == 0) {
			assert_int_equal(engine_open(&copy.options, &copy.engine, &why), IO);
			assert_null(copy.engine);
		}
	}
	fixture_open(&copy);
	for (unsigned i = 0; i < 3; i++)
		assert_true(fixture_has(&copy, i, STR(BODY)));
	fixture_deinit(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_backup_when_memory_runs_out_then_the_earlier_one_is_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restore_when_memory_runs_out_then_not_served_and_made_whole_by_the_next, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
