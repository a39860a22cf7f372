/* What every unit test includes: cmocka with what it needs before it, and assertions on str. */
#ifndef TEST_UNIT_H
#define TEST_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

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
