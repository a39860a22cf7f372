/* The product over the fakes. See fake_product.h. */
#include "fake/fake_product.h"

#include "fake/rows.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define ARENA_MAX_BYTES ((size_t)64 << 20)

void fake_product_init(struct fake_product *f, bool holds)
{
	*f = (struct fake_product){ .table = fake_table_new(1000), .store = fake_store_new() };
	f->product = (struct product){ .rules = { .allowed_types = STR("image/jpeg,image/png,image/gif,image/webp"),
									   .max_size_bytes = 5242880,
									   .max_pixels = 50000000,
									   .strip = true,
									   .url_ttl_s = 300,
									   .pending_ttl_s = 3600,
									   .rejected_ttl_s = 604800,
									   .orphan_ttl_s = 86400 },
		.store = fake_store_port(f->store),
		.table = fake_table_port(f->table) };
	arena_init(&f->a, ARENA_MAX_BYTES);
	f->product.objects_change = !holds;
	if (holds)
		fake_table_hold(f->table, f->store);
}

void fake_product_deinit(struct fake_product *f)
{
	fake_table_free(&f->table);
	fake_store_free(&f->store);
	arena_deinit(&f->a);
}

struct str fake_product_slot(struct fake_product *f, unsigned n, struct str file_type)
{
	struct image_row row = row_pending(&f->a, n);
	row.file_type = file_type;
	row.max_bytes = f->product.rules.max_size_bytes;
	assert_int_equal(table_insert(f->product.table, &row, &f->why), OK);
	return row.key;
}

void fake_product_arrive(struct fake_product *f, struct str key, struct str bytes)
{
	assert_int_equal(store_put(f->product.store, key, STR("binary/octet-stream"), bytes, &f->why), OK);
	fake_store_set_modified(f->store, key, FAKE_PRODUCT_ARRIVED_MS);
}

bool fake_product_row(struct fake_product *f, unsigned n, struct image_row *out)
{
	enum status got = table_get(f->product.table, row_id(&f->a, n), &f->a, out, &f->why);
	assert_true(got == OK || got == NOT_FOUND);
	return got == OK;
}

bool fake_product_has_object(struct fake_product *f, struct str key)
{
	struct object_info info;
	enum status got = store_head(f->product.store, key, &f->a, &info, &f->why);
	assert_true(got == OK || got == NOT_FOUND);
	return got == OK;
}

void fake_product_check(struct fake_product *f)
{
	struct image_page page;
	assert_int_equal(table_list(f->product.table, &(struct image_query){ .limit = TABLE_LIST_MAX }, &f->a, &page, &f->why), OK);
	for (size_t i = 0; i < page.n; i++) {
		struct object_info info;
		assert_int_equal(store_head(f->product.store, page.rows[i].key, &f->a, &info, &f->why), OK);
		assert_int_equal(info.size, page.rows[i].file_size);
		assert_true(str_equal(info.etag, page.rows[i].etag));
	}
}
