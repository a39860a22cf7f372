/* x-amz-copy-source and its range: refused, or a valid bucket and key, and bytes within the object. */
#include "s3/wire/copy_source.h"

#include "base/object_key.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	struct copy_source s;
	uint64_t first, length;
	arena_init(&a, 1 << 20);
	if (copy_source_parse(&a, text, &s, &why) == OK)
		assert(s.bucket.n > 0 && s.key.n > 0 && object_key_check(s.key, &why) == OK && str_find_char(s.bucket, '/') == s.bucket.n);
	if (copy_range_parse(text, 1000, &first, &length, &why) == OK)
		assert(length > 0 && first < 1000 && length <= 1000 - first);
	arena_deinit(&a);
	return 0;
}
