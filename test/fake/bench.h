/* What the contract suites share: a new fixture for each test, and small helpers that fail the
 * test themselves. Included after cmocka's headers; single-threaded except for the fixture. */
#ifndef FAKE_BENCH_H
#define FAKE_BENCH_H

#include "fake/contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define BENCH_LITTLE 3 /* max_pending of a BENCH_TEST_OF_LIMIT */

struct bench {
	struct contract_fixture w;
	struct arena a;
	struct fault why;
};

int bench_set_up(void **state);
int bench_tear_down(void **state);
/* Its address as a test's initial state requests a fixture of BENCH_LITTLE pending rows. */
extern int bench_little;
/* The same for a test that requires exact counts at once. */
extern int bench_exact;

#define BENCH_TEST(f) \
	{ \
#f, f, bench_set_up, bench_tear_down, NULL \
	}
#define BENCH_TEST_OF_LIMIT(f) \
	{ \
#f, f, bench_set_up, bench_tear_down, &bench_little \
	}
#define BENCH_TEST_OF_COUNTS(f) \
	{ \
#f, f, bench_set_up, bench_tear_down, &bench_exact \
	}

/* Run a group on the maker's fixtures; returns the number of tests that failed. */
int bench_run(const struct contract_maker *maker, const char *suite, const struct CMUnitTest *tests, size_t n);
void bench_reopen(struct bench *b);

/* The call that gave `got` failed with this code, the code's status and a sentence. */
void assert_fails(struct bench *b, enum status got, enum fault_code code);
void assert_str(struct str got, struct str want);

/* Row n of rows.h: added, read, resolved, its key; and the table's counts. */
void bench_insert(struct bench *b, unsigned n);
struct image_row bench_row(struct bench *b, unsigned n);
void bench_resolve(struct bench *b, unsigned n, int64_t uploaded_ms, struct str reason);
struct str bench_key(struct bench *b, unsigned n);
struct image_counts bench_counts(struct bench *b);
/* How many rows will expire, and how many are listed: what any table can report at once. */
size_t bench_ending(struct bench *b);
size_t bench_listed(struct bench *b);

#endif
