/* The response of ListObjectVersions: any text is refused, or it is a page of at most the requested size. */
#include "aws/listing.h"
#include "base/arena.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	struct version_page page;
	arena_init(&a, 1 << 20);
	if (versions_parse(text, 5, &a, &page, &why) == OK) {
		assert(page.n <= 5);
		for (size_t i = 0; i < page.n; i++)
			assert(page.versions[i].key.n > 0 && page.versions[i].id.n > 0);
	}
	arena_deinit(&a);
	return 0;
}
