/* Any bytes as a file. What must hold: what is accepted has a size and frames; what is refused has a reason and
 * has no size; no byte after the end of the file is read, and bytes that follow an accepted JPEG or PNG change nothing. */
#include "image/probe/probe.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char longer[(1 << 16) + 2];
	struct probe got, more;
	enum probe_result result = probe_image((struct str){ (const char *)data, size }, &got);
	assert(result != PROBE_OK || (got.width > 0 && got.height > 0 && got.frames > 0 && got.orientation <= 8 && got.why == NULL));
	assert(result == PROBE_OK || (got.why != NULL && got.width == 0 && got.frames == 0));
	assert((result == PROBE_NOT_IMAGE) == (got.type == PROBE_UNKNOWN));
	if (result != PROBE_OK || size > sizeof(longer) - 2)
		return 0;
	memcpy(longer, data, size);
	memcpy(longer + size, "\xff\x2c", 2);
	enum probe_result again = probe_image((struct str){ longer, size + 2 }, &more);
	assert(
		got.type == PROBE_GIF || (again == PROBE_OK && more.width == got.width && more.height == got.height && more.frames == got.frames));
	return 0;
}
