/* The cursor of a list: any text is refused, or it is exactly what the encoder would have written. */
#include "port/cursor.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size }, lists[] = { STR(""), STR("0123456789abcdef0123456789abcdef all") };
	struct arena a;
	struct fault why;
	struct str place;
	int64_t n = -1;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		if (cursor_read(text, lists[i], &a, &n, &why) == OK) {
			assert(n >= 0);
			assert(str_equal(cursor_write(n, lists[i], &a), text));
		}
		if (cursor_read_text(text, lists[i], &a, &place, &why) == OK)
			assert(str_equal(cursor_write_text(place, lists[i], &a), text));
	}
	arena_deinit(&a);
	return 0;
}
