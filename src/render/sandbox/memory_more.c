/* The memory of tintype-render-more: the C library's heap, since the decoders have threads, and a limit of all address space. An
 * allocation beyond it ends the process, as C++ does; what a picture needs is computed before. See memory.h. */
#include "render/sandbox/memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define STACK_BYTES ((size_t)1 << 20) /* of a decoder's thread */
#define STACKS_MAX 32
#define MAPPED_FROM (1 << 20) /* larger blocks are mappings of their own, which are returned when they are freed */

/* Address space in use; 0: unknown. */
static size_t mapped_bytes(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	if (f == NULL)
		return 0;
	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	(void)fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void *run_nothing(void *arg)
{
	return arg;
}

/* The first thread makes the C library install a signal handler, which the filter forbids later. */
static bool start_threads(void)
{
	pthread_attr_t attr;
	pthread_t first;
	if (pthread_attr_init(&attr) != 0 || pthread_attr_setstacksize(&attr, STACK_BYTES) != 0 || pthread_setattr_default_np(&attr) != 0)
		return false;
	(void)pthread_attr_destroy(&attr);
	return pthread_create(&first, NULL, run_nothing, NULL) == 0 && pthread_join(first, NULL) == 0;
}

bool memory_map(size_t ceiling_bytes)
{
	size_t mapped = mapped_bytes(), most = mapped + ceiling_bytes + STACKS_MAX * STACK_BYTES;
	if (mapped == 0 || mallopt(M_ARENA_MAX, 1) == 0 || mallopt(M_MMAP_THRESHOLD, MAPPED_FROM) == 0)
		return false;
	return start_threads() && setrlimit(RLIMIT_AS, &(struct rlimit){ most, most }) == 0;
}

void memory_mark(void)
{
}

bool memory_ran_out(void)
{
	return false;
}

void memory_reset(void)
{
	(void)malloc_trim(0);
}
