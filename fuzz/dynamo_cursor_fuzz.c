/* The cursor of a list on DynamoDB: any text is refused, or it is exactly what the encoder would have written. */
#include "aws/dynamo_cursor.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	struct str order;

	crypto_init();
	arena_init(&a, 1 << 16);
	if (dynamo_cursor_read(text, &a, &order, &why) == OK) {
		assert(order.n == DYNAMO_ORDER_CHARS);
		assert(str_equal(dynamo_cursor_write(order, &a), text));
	}
	arena_deinit(&a);
	return 0;
}
