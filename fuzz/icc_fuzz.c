/* Any bytes as a color profile. What must hold: a picture of 16 pixels stays one; what is refused changes nothing; alpha
 * stays. */
#include "render/picture/icc.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char before[64], after[64];
	for (size_t i = 0; i < sizeof before; i++)
		before[i] = (unsigned char)(i * 37);
	memcpy(after, before, sizeof after);
	struct arena a;
	arena_init(&a, 1 << 20);
	bool good = icc_convert(&a, (struct str){ (const char *)data, size }, &(struct picture){ 4, 4, true, after });
	assert(good || memcmp(before, after, sizeof after) == 0);
	for (size_t i = 3; i < sizeof after; i += 4)
		assert(before[i] == after[i]);
	arena_deinit(&a);
	return 0;
}
