/* Buckets of all users of the embedded object store: which there are, how much is in one, and deleting an empty one; and these users.
 *
 * How much is in a bucket is counted from its index when somebody asks, up to a bound: there is no counter that each upload would have to
 * keep. */
#include "admin/call.h"

#include "base/object_key.h"
#include "base/writer.h"

#define BUCKET_NAME_MAX 63
#define BUCKETS_LIMIT 200
#define BUCKETS_LIMIT_MAX 1000
#define PAGE_OBJECTS 1000
#define PAGE_BYTES ((size_t)8 << 20)
#define COUNTED_MAX 100000 /* objects */

static enum status need_store(const struct console_call *c, struct fault *why)
{
	return c->console->options.catalog != NULL
		? OK
		: fault_set(why, NOT_HERE, "The images are in a bucket on S3: buckets and users are managed there, not by this server.");
}

enum status console_buckets(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	uint64_t limit = BUCKETS_LIMIT;
	struct str after = STR(""), images = str_of(c->console->options.settings->bucket);
	struct bucket_page page;
	const struct param params[] = {
		{ "after", PARAM_TEXT, .max = BUCKET_NAME_MAX, .text = &after },
		{ "limit", PARAM_NUMBER, .min = 1, .max = BUCKETS_LIMIT_MAX, .number = &limit },
	};

	TRY(params_read(&c->x->request, params, COUNT_OF(params), why));
	TRY(need_store(c, why));
	TRY(catalog_list(c->console->options.catalog, STR(""), after, (uint32_t)limit, c->arena, &page, why));
	writer_open(&c->body, STR(""), '{');
	writer_open(&c->body, STR("buckets"), '[');
	for (size_t i = 0; i < page.n; i++) {
		const struct bucket_info *bucket = &page.buckets[i];
		writer_open(&c->body, STR(""), '{');
		writer_text(&c->body, STR("name"), bucket->name);
		writer_text(&c->body, STR("owner"), bucket->owner);
		writer_time(&c->body, STR("createdAt"), bucket->created_ms);
		writer_bool(&c->body, STR("isImageBucket"), str_equal(bucket->name, images));
		writer_close(&c->body, '}');
	}
	writer_close(&c->body, ']');
	writer_bool(&c->body, STR("more"), page.more);
	writer_close(&c->body, '}');
	return OK;
}

struct bucket_size {
	uint64_t objects, bytes;
	bool more; /* than were counted */
};

/* One page after the object with the key in `last`, which the last key of the page replaces. */
static enum status count_page(
	struct bucket_catalog *catalog, struct str name, struct buf *last, struct bucket_size *size, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct listing page;
	arena_init(&a, PAGE_BYTES);
	struct object_query q = { .bucket = name, .prefix = STR(""), .delimiter = STR(""), .after = buf_str(last), .limit = PAGE_OBJECTS };
	TRY(catalog_list_objects(catalog, &q, &a, &page, why));
	for (size_t i = 0; i < page.n; i++)
		size->bytes += page.entries[i].info.size;
	size->objects += page.n;
	size->more = page.more;
	buf_clear(last);
	if (page.n > 0)
		buf_put(last, page.entries[page.n - 1].info.key);
	return fault_check_buf(last, why);
}

enum status console_bucket(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	struct bucket_size size = { .more = true };
	struct buf last;

	TRY(params_read(&c->x->request, NULL, 0, why));
	TRY(need_store(c, why));
	buf_init_arena(&last, c->arena, OBJECT_KEY_MAX_BYTES);
	while (size.more && size.objects < COUNTED_MAX)
		TRY(count_page(c->console->options.catalog, c->segment, &last, &size, why));
	writer_open(&c->body, STR(""), '{');
	writer_text(&c->body, STR("name"), c->segment);
	writer_number(&c->body, STR("objects"), size.objects);
	writer_number(&c->body, STR("bytes"), size.bytes);
	writer_bool(&c->body, STR("more"), size.more);
	writer_close(&c->body, '}');
	return OK;
}

enum status console_bucket_remove(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	TRY(params_read(&c->x->request, NULL, 0, why));
	TRY(need_store(c, why));
	TRY(catalog_remove(c->console->options.catalog, c->segment, why));
	writer_open(&c->body, STR(""), '{');
	writer_text(&c->body, STR("deleted"), c->segment);
	writer_close(&c->body, '}');
	return OK;
}

enum status console_s3_users(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	struct console_s3_users all = { 0 };

	TRY(params_read(&c->x->request, NULL, 0, why));
	TRY(need_store(c, why));
	TRY(c->console->options.s3_users(c->console->options.s3_users_arg, c->arena, &all, why));
	writer_open(&c->body, STR(""), '{');
	writer_open(&c->body, STR("users"), '[');
	for (size_t i = 0; i < all.n; i++) {
		writer_open(&c->body, STR(""), '{');
		writer_text(&c->body, STR("name"), all.users[i].name);
		writer_text(&c->body, STR("accessKeyId"), all.users[i].key_id);
		writer_text(&c->body, STR("owner"), all.users[i].owner);
		writer_text(&c->body, STR("may"), all.users[i].may);
		writer_close(&c->body, '}');
	}
	writer_close(&c->body, ']');
	writer_close(&c->body, '}');
	return OK;
}
