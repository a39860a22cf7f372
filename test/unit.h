/* What every unit test includes: cmocka with what it needs before it, and assertions on str. */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"

#include <time.h>

#define WAIT_MAX_MS (2 * 60 * 1000) /* reached only by a failure, on however busy a machine */

/* Ask again each millisecond until the condition is true; fail the test when it does not become so. */
#define wait_until(condition) \
	do { \
		for (int64_t end_ms_ = clock_mono_ms() + WAIT_MAX_MS; !(condition); \
			 (void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL)) { \
			if (clock_mono_ms() > end_ms_) \
				fail_msg("never came true: %s", #condition); \
		} \
	} while (0)

/* assert_str(got, want): equal in length and bytes; both are shown when not. `want` may be a
 * compound literal with commas. */
#define assert_str(got, ...) assert_str_at((got), __VA_ARGS__, __FILE__, __LINE__)

static inline void assert_str_at(struct str got, struct str want, const char *file, int line)
{
	if (str_equal(got, want))
		return;
	print_error("got  \"%.*s\"\nwant \"%.*s\"\n", STRF(got), STRF(want));
	_fail(file, line);
}

#endif
