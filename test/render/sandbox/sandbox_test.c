/* Each system call that a decoder has no need of ends the process. See sandbox_probe.c. */
#include "render/worker.h"

#include "unit.h"
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static const char *const PROBES[] = { RENDER_PROBE, RENDER_PROBE_MORE }; /* with the filter of each of the two programs */

static int attempt(const char *probe, const char *name, struct worker *w)
{
	const char *argv[] = { probe, name, NULL };
	bool ready = worker_start(w, argv);
	int status = worker_end(w);
	if (!ready)
		fail_msg("%s: not ready, status %x", name, (unsigned)status);
	return status;
}

static void test_call_outside_the_filter_then_killed(void **state)
{
	static const char *const NAMES[] = {
		"open",
		"connect",
		"socket",
		"fork",
		"exec",
		"write",
		"mmap",
		"mprotect",
		"kill",
		"ptrace",
		"io_uring",
		"send_elsewhere",
#if defined __x86_64__
		"x32",
		"32_bit",
#endif
	};
	for (size_t i = 0; i < 2 * COUNT_OF(NAMES); i++) {
		struct worker w;
		const char *name = NAMES[i / 2];
		int status = attempt(PROBES[i % 2], name, &w);
		/* A kernel without the calls of 32-bit programs does not get to see it. */
		bool is_fault = strcmp(name, "32_bit") == 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
		if (!is_fault && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS))
			fail_msg("%s: %s: status %x", PROBES[i % 2], name, (unsigned)status);
		assert_false(WCOREDUMP(status));
	}
}

static void test_nothing_then_ends_by_itself(void **state)
{
	for (size_t i = 0; i < COUNT_OF(PROBES); i++) {
		struct worker w;
		int status = attempt(PROBES[i], "nothing", &w);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		/* where namespaces are allowed, no file is to be seen */
		assert_int_equal((w.ready.layers & RENDER_NO_FILES) != 0, w.ready.window_bytes != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_outside_the_filter_then_killed),
		cmocka_unit_test(test_nothing_then_ends_by_itself),
	};
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
