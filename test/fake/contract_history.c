/* The contract of the history, sentence by sentence. */
#include "fake/contract_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define MINUTE 29000000 /* in 2025 */

struct history_point contract_history_point(int64_t minute, uint64_t seed)
{
	struct history_point p = { .minute = minute, .ms = 60000 + seed };
	for (size_t i = 0; i < HISTORY_COUNTS; i++)
		p.counts[i] = seed * 100 + i;
	for (size_t i = 0; i < HISTORY_LATENCIES; i++)
		p.latencies[i] = seed * 200 + i;
	for (size_t i = 0; i < HISTORY_GAUGES; i++)
		p.gauges[i] = ((uint64_t)1 << 60) + seed * 300 + i;
	return p;
}

struct found {
	size_t n;
	struct history_point last;
};

static void note_point(void *arg, const struct history_point *p)
{
	struct found *f = arg;
	f->n++;
	f->last = *p;
}

static struct found find(struct history *h, int64_t from, int64_t to)
{
	struct found f = { 0 };
	assert_int_equal(history_each(h, from, to, note_point, &f, NULL), OK);
	return f;
}

struct history_point contract_history_find(struct history *h, int64_t minute)
{
	return find(h, minute, minute).last;
}

static void add(struct history *h, const struct history_point *p)
{
	assert_int_equal(history_add(h, p, NULL), OK);
}

static void expect_point(struct history *h, const struct history_point *p)
{
	struct found f = find(h, p->minute, p->minute);
	assert_int_equal(f.n, 1);
	assert_memory_equal(&f.last, p, sizeof *p);
}

static void check_points(struct history *h)
{
	struct history_point a = contract_history_point(MINUTE, 1), b = contract_history_point(MINUTE + 2, 2);
	add(h, &a);
	add(h, &b);
	expect_point(h, &a);
	expect_point(h, &b);
	assert_int_equal(find(h, MINUTE + 1, MINUTE + 1).n, 0);
	assert_int_equal(find(h, MINUTE, MINUTE + 2).n, 2);
	assert_int_equal(find(h, 0, INT64_MAX).n, 2);
}

/* After a restart within the minute, or when the clock was set back. */
static void check_folding(struct history *h)
{
	struct history_point a = contract_history_point(MINUTE, 1), again = contract_history_point(MINUTE, 5), both = a;
	history_fold(&both, &again);
	assert_int_equal(both.ms, 120006);
	assert_int_equal(both.counts[1], 100 + 1 + 500 + 1);
	assert_int_equal(both.latencies[2], 200 + 2 + 1000 + 2);
	assert_true(both.gauges[1] == again.gauges[1]);
	add(h, &again);
	expect_point(h, &both);
}

/* A week later in the same slot, and a week back again. */
static void check_slots(struct history *h)
{
	struct history_point later = contract_history_point(MINUTE + HISTORY_MINUTES, 3), back = contract_history_point(MINUTE, 4);
	add(h, &later);
	expect_point(h, &later);
	assert_int_equal(find(h, MINUTE, MINUTE).n, 0);
	add(h, &back);
	expect_point(h, &back);
	assert_int_equal(find(h, later.minute, later.minute).n, 0);
}

void contract_history(struct history *h, int64_t n)
{
	assert_int_equal(find(h, 0, INT64_MAX).n, 0);
	check_points(h);
	check_folding(h);
	check_slots(h);
	for (int64_t i = 0; i < n; i++) {
		struct history_point p = contract_history_point(MINUTE + i, 7);
		add(h, &p);
	}
	if (n > 0)
		assert_int_equal(find(h, 0, INT64_MAX).n, HISTORY_MINUTES);
	assert_true(n == 0 || n > HISTORY_MINUTES);
}
