/* The arena: alignment, zeroes, the cap, and that a sanitizer build sees an overrun. */
#include "unit.h"

#include "base/arena.h"
#include "base/fault.h"
#include "base/mem.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined __SANITIZE_ADDRESS__
#define OVERRUN_IS_SEEN 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define OVERRUN_IS_SEEN 1
#endif
#endif
#ifdef OVERRUN_IS_SEEN
#include <sanitizer/common_interface_defs.h>
#else
#define OVERRUN_IS_SEEN 0
#define __sanitizer_set_report_path(path) (void)(path)
#endif

static void test_blocks_are_aligned_zeroed_and_apart(void **state)
{
	struct arena a;
	arena_init(&a, (size_t)1 << 20);
	for (size_t n = 0; n < 300; n++) {
		unsigned char *p = arena_alloc(&a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, n);
	}
	assert_true(arena_ok(&a));
	arena_deinit(&a);
}

static void test_blocks_larger_than_a_chunk_fit(void **state)
{
	struct arena a;
	arena_init(&a, (size_t)16 << 20);
	size_t sizes[] = { 1, 8192, 100, (size_t)3 << 20, 9000, (size_t)2 << 20 };
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		unsigned char *p = arena_alloc(&a, sizes[i]);
		assert_non_null(p);
		p[0] = p[sizes[i] - 1] = 1;
	}
	arena_deinit(&a);
}

static void test_cap_when_reached_is_sticky(void **state)
{
	struct arena a;
	arena_init(&a, 64);
	assert_non_null(arena_alloc(&a, 64));
	assert_true(arena_ok(&a));
	assert_null(arena_alloc(&a, 1));
	assert_false(arena_ok(&a));
	arena_deinit(&a);

	arena_init(&a, 64);
	assert_null(arena_alloc(&a, 65));
	assert_null(arena_alloc(&a, 1));
	assert_int_equal(a.used_bytes, 0);
	arena_deinit(&a);
}

static void test_sizes_that_wrap_are_refused(void **state)
{
	struct arena a;
	arena_init(&a, SIZE_MAX);
	assert_null(arena_array(&a, SIZE_MAX / 2, 3));
	arena_deinit(&a);
	arena_init(&a, SIZE_MAX);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_false(arena_ok(&a));
	arena_deinit(&a);
	arena_init(&a, 112);
	assert_non_null(arena_array(&a, 5, 20)); /* 100, rounded up */
	arena_deinit(&a);
}

static void test_zeroed_and_used_arenas_may_be_deinitialised_and_reused(void **state)
{
	struct arena a = { 0 };
	arena_deinit(&a);
	assert_null(arena_alloc(&a, 1));
	arena_init(&a, 100);
	assert_non_null(arena_alloc(&a, 1));
	arena_deinit(&a);
	arena_deinit(&a);
	arena_init(&a, 112);
	assert_non_null(arena_alloc(&a, 100));
	arena_deinit(&a);
}

static void test_memory_failing_marks_the_arena(void **state)
{
	struct arena a;
	arena_init(&a, 100);
	mem_fail_nth(1);
	assert_null(arena_alloc(&a, 1));
	mem_fail_nth(0);
	assert_false(arena_ok(&a));
	assert_null(arena_alloc(&a, 1));
	struct fault why;
	assert_int_equal(fault_blame_arena(&a, fault_set(&why, TOO_MUCH, "too much"), &why), IO);
	assert_int_equal(why.code, F_OUT_OF_MEMORY);
	assert_int_equal(fault_blame_arena(&a, fault_set(&why, NO_SUCH_IMAGE, "none"), &why), NOT_FOUND);
	assert_int_equal(fault_blame_arena(&a, OK, &why), OK);
	arena_deinit(&a);
	arena_init(&a, 1);
	assert_null(arena_alloc(&a, 100));
	assert_int_equal(fault_blame_arena(&a, fault_set(&why, TOO_MUCH, "too much"), &why), LIMIT);
	arena_deinit(&a);
}

static void test_overrun_when_sanitized_ends_the_program(void **state)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct arena a;
		arena_init(&a, 1000);
		volatile char *p = arena_alloc(&a, 20);
		arena_alloc(&a, 100);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(0);
		__sanitizer_set_report_path("stderr"); /* this report is wanted: not where those are kept that fail a run */
		p[20] = 1;
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WIFEXITED(status) && WEXITSTATUS(status) == 0, !OVERRUN_IS_SEEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks_are_aligned_zeroed_and_apart),
		cmocka_unit_test(test_blocks_larger_than_a_chunk_fit),
		cmocka_unit_test(test_cap_when_reached_is_sticky),
		cmocka_unit_test(test_sizes_that_wrap_are_refused),
		cmocka_unit_test(test_zeroed_and_used_arenas_may_be_deinitialised_and_reused),
		cmocka_unit_test(test_memory_failing_marks_the_arena),
		cmocka_unit_test(test_overrun_when_sanitized_ends_the_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
