/* The cursor of a list on DynamoDB: any text is refused, or it is exactly what the encoder would have written. */
#include "aws/dynamo/cursor.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size }, lists[] = { STR(""), STR("0123456789abcdef0123456789abcdef all") };
	struct arena a;
	struct fault why;
	struct str order;

	arena_init(&a, 1 << 16);
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		if (dynamo_cursor_read(text, lists[i], &a, &order, &why) == OK) {
			assert(order.n == DYNAMO_ORDER_CHARS);
			assert(str_equal(dynamo_cursor_write(order, lists[i], &a), text));
		}
	arena_deinit(&a);
	return 0;
}
