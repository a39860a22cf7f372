/* The cursor of a list: any text is refused, or it is exactly what the encoder would have written. */
#include "base/hash.h"
#include "store/db/cursor.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	int64_t seq = -1;

	crypto_init();
	arena_init(&a, 1 << 16);
	if (cursor_read(text, &a, &seq, &why) == OK) {
		assert(seq >= 0);
		assert(str_equal(cursor_write(seq, &a), text));
	}
	arena_deinit(&a);
	return 0;
}
