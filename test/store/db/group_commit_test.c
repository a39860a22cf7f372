/* The commit thread under many callers: the tally never drifts from the rows, the limit on pending rows is
 * exact, lists stay whole while uploads come in, and reads continue while a commit is held up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/fixture.h"

#include "base/metrics.h"
#include "fake/rows.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define THREADS 8
#define ROUNDS 120
#define IDS 40

struct actor {
	struct fixture *p;
	unsigned seed;
	pthread_t thread;
	unsigned taken, full; /* inserts by outcome */
	bool wrong;           /* something ended as it must not */
};

static unsigned next(struct actor *a)
{
	a->seed = a->seed * 1103515245u + 12345u;
	return a->seed >> 16;
}

static bool one_of(const struct fault *why, const enum fault_code *codes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (why->code == codes[i])
			return true;
	return false;
}

static enum status reject(struct fixture *p, unsigned n, struct fault *why)
{
	struct arena a;
	struct image_row now;

	arena_init(&a, 1 << 16);
	struct resolution s = row_verdict(&a, n, 1700000000000, STR("no image"));
	enum status status = table_resolve(&engine_ports(p->engine)->table, &s, &a, &now, why);
	arena_deinit(&a);
	return status;
}

static void act(struct actor *a)
{
	static const enum fault_code expected[] = { F_IMAGE_EXISTS, F_NO_SUCH_IMAGE, F_STATE_CHANGED };
	unsigned n = next(a) % IDS;
	struct fault why = { 0 };
	enum status status = OK;

	switch (next(a) % 5) {
	case 0:
	case 1:
		status = fixture_insert(a->p, n, &why);
		break;
	case 2:
		status = fixture_upload(a->p, n, STR("hello"), &why);
		break;
	case 3:
		status = reject(a->p, n, &why);
		break;
	default:
		status = fixture_remove(a->p, n, &why);
	}
	if (status != OK && !one_of(&why, expected, COUNT_OF(expected)))
		a->wrong = true;
}

static void *keep_acting(void *arg)
{
	struct actor *a = arg;

	for (int i = 0; i < ROUNDS; i++)
		act(a);
	return NULL;
}

static void run(struct fixture *p, struct actor actors[THREADS], void *(*body)(void *))
{
	for (unsigned i = 0; i < THREADS; i++) {
		actors[i] = (struct actor){ .p = p, .seed = i + 1 };
		assert_int_equal(pthread_create(&actors[i].thread, NULL, body, &actors[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(actors[i].thread, NULL);
}

static void test_random_concurrent_changes_then_the_counters_match_the_rows(void **state)
{
	struct fixture *p = *state;
	struct actor actors[THREADS];
	struct image_counts counts;
	struct fault why;

	fixture_open(p);
	run(p, actors, keep_acting);
	for (unsigned i = 0; i < THREADS; i++)
		assert_false(actors[i].wrong);
	fixture_settles(p, (size_t)fixture_ask(p, "SELECT count(*) FROM objects"));
	fixture_check(p);
	assert_int_equal(table_counts(&engine_ports(p->engine)->table, &counts, &why), OK);
	assert_int_equal(counts.pending, fixture_ask(p, "SELECT pending FROM tally"));
	assert_int_equal(counts.uploaded, fixture_ask(p, "SELECT uploaded FROM tally"));
	assert_int_equal(counts.rejected, fixture_ask(p, "SELECT rejected FROM tally"));
}

static void *keep_inserting(void *arg)
{
	struct actor *a = arg;

	for (unsigned i = 0; i < 20; i++) {
		struct fault why = { 0 };
		if (fixture_insert(a->p, a->seed * 1000 + i, &why) == OK)
			a->taken++;
		else if (why.code == F_SLOTS_FULL)
			a->full++;
		else
			a->wrong = true;
	}
	return NULL;
}

static void test_inserts_by_many_past_the_limit_then_exactly_the_limit_is_accepted(void **state)
{
	struct fixture *p = *state;
	struct actor actors[THREADS];
	unsigned taken = 0, full = 0;

	p->options.max_pending = 37;
	fixture_open(p);
	run(p, actors, keep_inserting);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_false(actors[i].wrong);
		taken += actors[i].taken;
		full += actors[i].full;
	}
	assert_int_equal(taken, 37);
	assert_int_equal(full, THREADS * 20 - 37);
	assert_int_equal(fixture_ask(p, "SELECT count(*) FROM images"), 37);
}

/* lists while uploads come in */

static atomic_bool done;

static void *keep_uploading(void *arg)
{
	struct actor *a = arg;

	for (unsigned i = 0; i < 60; i++) {
		struct fault why;
		unsigned n = a->seed * 1000 + i;
		if (fixture_insert(a->p, n, &why) != OK || fixture_upload(a->p, n, STR("x"), &why) != OK)
			a->wrong = true;
	}
	return NULL;
}

/* Follow the cursors from the first page; return how many of the `want` newest were found, in order. */
static size_t walk(struct fixture *p)
{
	struct arena a;
	struct fault why;
	struct image_page page = { 0 };
	struct image_counts before;
	size_t n = 0;

	arena_init(&a, 8 << 20);
	if (table_counts(&engine_ports(p->engine)->table, &before, &why) != OK)
		return 0;
	do {
		if (table_list(&engine_ports(p->engine)->table, &(struct image_query){ .limit = 7, .cursor = page.next_cursor }, &a, &page, &why) !=
			OK)
			return 0;
		n += page.n;
	} while (page.next_cursor.n > 0);
	arena_deinit(&a);
	return n >= before.uploaded ? n + 1 : 0;
}

static void *keep_walking(void *arg)
{
	struct actor *a = arg;

	while (!atomic_load(&done))
		if (walk(a->p) == 0)
			a->wrong = true;
	return NULL;
}

static void test_lists_during_uploads_then_none_is_missed(void **state)
{
	struct fixture *p = *state;
	struct actor actors[THREADS], walker = { .p = p };

	fixture_open(p);
	atomic_store(&done, false);
	assert_int_equal(pthread_create(&walker.thread, NULL, keep_walking, &walker), 0);
	run(p, actors, keep_uploading);
	atomic_store(&done, true);
	pthread_join(walker.thread, NULL);
	assert_false(walker.wrong);
	for (unsigned i = 0; i < THREADS; i++)
		assert_false(actors[i].wrong);
	assert_int_equal(walk(p), THREADS * 60 + 1);
	fixture_settles(p, THREADS * 60);
	fixture_check(p);
}

/* the log of the database */

#define LOG_MAX_BYTES (44 << 20)

static void test_many_commits_then_the_wal_stays_bounded(void **state)
{
	struct fixture *p = *state;
	struct actor actors[THREADS];
	struct stat st;
	char path[128];

	fixture_open(p);
	(void)snprintf(path, sizeof path, "%s/tintype.db-wal", p->dir);
	/* Each commit appends some pages of 4 KiB: without writing back it would be well beyond by then. */
	while (metric_get(M_COMMITS) < 4000)
		run(p, actors, keep_acting);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 1, LOG_MAX_BYTES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_random_concurrent_changes_then_the_counters_match_the_rows),
		TEST(test_inserts_by_many_past_the_limit_then_exactly_the_limit_is_accepted),
		TEST(test_lists_during_uploads_then_none_is_missed),
		TEST(test_many_commits_then_the_wal_stays_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
