/* memory.h where malloc is the sanitizer's. */
#include "render/memory.h"

bool memory_map(size_t ceiling_bytes)
{
	return true;
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
}
