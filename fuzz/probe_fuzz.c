/* Any bytes, as a prefix and as a whole. What must hold: a whole file is never asked to go on, what is
 * accepted has a size, and what a prefix told stays true of the whole if that is accepted. */
#include "image/probe.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size };
	struct probe part, all;
	enum probe_result early = probe_image(str_slice(bytes, 0, size / 2), false, &part);
	enum probe_result prefix = probe_image(bytes, false, &all);
	assert(early != PROBE_OK || (prefix == PROBE_OK && part.width == all.width && part.height == all.height));
	assert(early != PROBE_BAD || prefix == PROBE_BAD);
	enum probe_result whole = probe_image(bytes, true, &part);
	assert(whole != PROBE_NEED_MORE);
	assert(whole != PROBE_OK || (part.width > 0 && part.height > 0 && part.frames > 0 && part.orientation <= 8));
	assert(whole != PROBE_OK || prefix != PROBE_OK || (part.width == all.width && part.height == all.height));
	return 0;
}
