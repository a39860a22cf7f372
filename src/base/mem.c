/* The heap: calloc and realloc with the product checked, and the one place where a test can make
 * memory fail. Arenas and buffers take their memory here too, so that arming mem_fail_nth reaches
 * every allocation of the program. Disarmed, the test costs one relaxed load. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t fail_after; /* 0: disarmed; n: the n-th allocation from now fails */

void mem_fail_nth(int64_t n)
{
	atomic_store(&fail_after, n);
}

static bool must_fail(void)
{
	if (atomic_load_explicit(&fail_after, memory_order_relaxed) <= 0)
		return false;
	return atomic_fetch_sub(&fail_after, 1) == 1;
}

void *mem_new(size_t n, size_t size)
{
	if (must_fail())
		return NULL;
	return calloc(n == 0 ? 1 : n, size == 0 ? 1 : size);
}

void *mem_resize(void *p, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes) || must_fail())
		return NULL;
	return realloc(p, bytes == 0 ? 1 : bytes);
}

void mem_free(void *p)
{
	free(p);
}

char *mem_dup_cstr(struct str s)
{
	char *p = mem_new(s.n + 1, 1);
	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}
