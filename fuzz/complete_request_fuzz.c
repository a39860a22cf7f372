/* The list of CompleteMultipartUpload: any text is refused, or its parts are in ascending order and have an ETag. */
#include "s3/wire/complete_request.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	struct part_list l;
	const struct object_part *bad;
	arena_init(&a, 32 << 20);
	if (complete_request_read(&a, text, &l, &why) == OK) {
		struct object_part there[] = { { .number = 1, .etag = STR("a") }, { .number = 3, .etag = STR("b") } };
		struct part_list have = { there, COUNT_OF(there) };
		static const struct object_checksum none = { 0 };
		assert(l.n > 0 && l.n <= PART_NUMBER_MAX);
		for (size_t i = 0; i < l.n; i++)
			assert(l.parts[i].number >= 1 && l.parts[i].number <= PART_NUMBER_MAX && l.parts[i].etag.n > 0 &&
				(i == 0 || l.parts[i - 1].number < l.parts[i].number));
		if (complete_request_match(&l, &have, &none, &bad, &why) != OK)
			assert(bad != NULL);
	}
	arena_deinit(&a);
	return 0;
}
