/* See thumb_objects.h. */
#include "image/thumb_objects.h"

#define THUMB_BYTES_MAX ((uint64_t)4 << 20)
#define SCRATCH_BYTES ((size_t)64 << 10)
#define LISTED_MOST 100

struct str thumb_objects_key(struct arena *a, struct str id, struct str name)
{
	return str_printf(a, "thumbs/%.*s/%.*s", STRF(id), STRF(name));
}

struct str thumb_objects_type(struct str name)
{
	return str_ends_with(name, STR(".webp")) ? STR("image/webp") : str_ends_with(name, STR(".png")) ? STR("image/png") : STR("image/jpeg");
}

static enum status find_object(
	struct thumb_store *s, struct str id, struct str name, struct arena *a, struct object_file *out, struct fault *why)
{
	struct object object;
	struct str key = thumb_objects_key(a, id, name);
	if (key.n == 0)
		return fault_too_much(why);
	TRY(store_get(((struct thumb_objects *)s)->store, key, THUMB_BYTES_MAX, a, &object, why));
	*out =
		(struct object_file){ .fd = -1, .bytes = object.body, .info = { .size = object.body.n, .modified_ms = object.info.modified_ms } };
	return OK;
}

static enum status keep_object(struct thumb_store *s, struct str id, struct str name, struct str bytes, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, SCRATCH_BYTES);
	struct str key = thumb_objects_key(&a, id, name);
	return key.n == 0 ? fault_too_much(why) : store_put(((struct thumb_objects *)s)->store, key, thumb_objects_type(name), bytes, why);
}

/* All of an image: their number is bounded by the presets. */
static enum status list_objects(struct thumb_store *s, struct str id, struct arena *a, struct object_page *out, struct fault *why)
{
	struct str prefix = thumb_objects_key(a, id, STR(""));
	return prefix.n == 0 ? fault_too_much(why) : store_list(((struct thumb_objects *)s)->store, prefix, STR(""), LISTED_MOST, a, out, why);
}

static void remove_objects(struct thumb_store *s, struct str id)
{
	struct arena a CLEANUP(arena_deinit);
	struct object_page page;
	struct fault why;
	arena_init(&a, SCRATCH_BYTES);
	if (list_objects(s, id, &a, &page, &why) != OK)
		return;
	for (size_t i = 0; i < page.n; i++)
		(void)!store_remove(((struct thumb_objects *)s)->store, page.objects[i].key, &why);
}

static enum status measure_objects(struct thumb_store *s, struct str id, uint64_t *bytes, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object_page page;
	arena_init(&a, SCRATCH_BYTES);
	TRY(list_objects(s, id, &a, &page, why));
	*bytes = 0;
	for (size_t i = 0; i < page.n; i++)
		*bytes += page.objects[i].size;
	return OK;
}

static const struct thumb_store_ops ops = {
	.find = find_object, .keep = keep_object, .remove = remove_objects, .measure = measure_objects
};

void thumb_objects_init(struct thumb_objects *t, struct object_store *store)
{
	assert(t != NULL && store != NULL);
	*t = (struct thumb_objects){ .port = { &ops }, .store = store };
}
