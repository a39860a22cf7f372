/* An item from a table that others may write to: it is refused, or read into a row that becomes the
 * same row again when it is written and read once more. */
#include "aws/dynamo/item.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct image_row *row, struct arena *a)
{
	struct dynamo_item item;
	struct image_row back;
	struct fault why;
	struct buf b;

	dynamo_item_of(row, false, a, &item);
	buf_init_arena(&b, a, 16 << 20);
	dynamo_item_put(&item, STR(""), "", &b);
	assert(buf_ok(&b) && arena_ok(a));
	json_t *json = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
	enum status end = dynamo_item_read(json, a, &back, &why);
	assert(end == OK);
	assert(str_equal(back.image_id, row->image_id) && str_equal(back.file_name, row->file_name));
	assert(back.status == row->status && back.file_size == row->file_size && back.uploaded_ms == row->uploaded_ms);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
	struct image_row row;
	struct fault why;
	struct arena a;

	arena_init(&a, 64 << 20);
	if (dynamo_item_read(json, &a, &row, &why) == OK)
		again(&row, &a);
	arena_deinit(&a);
	json_decref(json);
	return 0;
}
