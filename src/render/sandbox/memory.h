/* The heap that malloc is in tintype-render. Unit tests and fuzz targets are linked without it: the sanitizer's malloc sees more.
 * One thread. */
#ifndef RENDER_SANDBOX_MEMORY_H
#define RENDER_SANDBOX_MEMORY_H

#include "base/attr.h"
#include <stdbool.h>

/* Map the heap and use it from now on. Once, at the start. false: no address space. */
bool memory_map(size_t ceiling_bytes) MUST_CHECK;
/* What has been allocated by now stays for good: memory_reset returns to this point. */
void memory_mark(void);
/* Whether an allocation was refused since the last reset: then a library's verdict on the picture cannot be trusted. */
bool memory_ran_out(void);
/* After each job. */
void memory_reset(void);

#endif
