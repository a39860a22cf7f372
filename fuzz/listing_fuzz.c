/* The response of ListObjectsV2: any text is refused, or it is a page of at most the requested size, in order. */
#include "aws/listing.h"
#include "base/arena.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	struct object_page page;
	arena_init(&a, 1 << 20);
	if (listing_parse(text, 5, &a, &page, &why) == OK) {
		assert(page.n <= 5 && (page.n > 0 || !page.more));
		for (size_t i = 0; i < page.n; i++)
			assert(page.objects[i].key.n > 0 && (i == 0 || str_compare(page.objects[i - 1].key, page.objects[i].key) < 0));
	}
	arena_deinit(&a);
	return 0;
}
