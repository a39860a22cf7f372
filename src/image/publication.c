/* See publication.h. */
#include "image/publication.h"

#include "base/hash.h"
#include "image/image_service.h"
#include "image/slot.h"
#include "image/thumb_objects.h"
#include "image/thumbnails.h"
#include "image/verdict.h"

#define SCRATCH_BYTES ((size_t)256 << 10)
#define COPIES_MAX 100 /* of an image: their number is bounded by the presets */
#define URL_MAX_BYTES 1024
/* Of browsers; what the CDN keeps is forgotten when the image is made private. */
#define COPY_CACHE_CONTROL STR("public, max-age=3600")

static struct str key_of_copy(struct arena *a, struct str image_id, struct str variant)
{
	return STR_CONCAT(a, PUBLIC_PREFIX, image_id, STR("/"), variant);
}

/* Invalidate all copies of an image. CloudFront accepts few paths with a '*' at a time, but thousands of others, each of which costs as much
 * as the one for all copies: where too many are in progress, each copy has its own path.
 * gone  the copies that were removed
 * Source  Amazon CloudFront developer guide, "Concurrent invalidation request maximum" */
static enum status forget_copies(struct product *p, struct str prefix, const struct object_page *gone, struct arena *a, struct fault *why)
{
	struct str all = STR_CONCAT(a, STR("/"), prefix, STR("*"));
	TRY(fault_check_arena(a, why));
	enum status end = cdn_invalidate(p->cdn, all, why);
	if (end != BUSY || gone->n == 0)
		return end;
	for (size_t i = 0; i < gone->n; i++) {
		struct str path = STR_CONCAT(a, STR("/"), gone->objects[i].key);
		TRY(fault_check_arena(a, why));
		TRY(cdn_invalidate(p->cdn, path, why));
	}
	return OK;
}

/* Remove all copies of an image, also those of obsolete variants. They are invalidated after the objects are gone: before, the CDN could
 * fetch them again. */
static enum status remove_copies(struct product *p, struct str image_id, bool is_cached, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object_page page;
	arena_init(&a, SCRATCH_BYTES);
	struct str prefix = key_of_copy(&a, image_id, STR(""));
	TRY(fault_check_arena(&a, why));
	TRY(store_list(p->store, prefix, STR(""), COPIES_MAX, &a, &page, why));
	for (size_t i = 0; i < page.n; i++)
		TRY(store_remove(p->store, page.objects[i].key, why));
	return page.n == 0 && !is_cached ? OK : forget_copies(p, prefix, &page, &a, why);
}

/* Its ETag is that of the bytes, as the original's is. */
static bool has_copy(struct product *p, const struct image_row *row, struct str key, struct arena *a)
{
	struct object_info there;
	struct fault unseen = { 0 };
	return store_head(p->store, key, a, &there, &unseen) == OK && str_equal(there.etag, row->etag);
}

bool publication_lacks_copy(struct product *p, const struct image_row *row)
{
	struct arena a CLEANUP(arena_deinit);
	assert(p != NULL && row != NULL);
	arena_init(&a, SCRATCH_BYTES);
	return p->cdn != NULL && row->is_public && verdict_is_shown(&p->rules, row) &&
		!has_copy(p, row, key_of_copy(&a, row->image_id, STR("original")), &a);
}

/* Bytes that were written over those that were verified are copied when they have been verified too. */
static enum status copy_original(struct product *p, const struct image_row *row, enum publication_change change, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, SCRATCH_BYTES);
	const struct cdn_copy copy = { .from = row->key,
		.to = key_of_copy(&a, row->image_id, STR("original")),
		.etag = row->etag,
		.content_type = media_type_served(row),
		.disposition = content_disposition(&a, row->file_type, row->file_name),
		.cache_control = COPY_CACHE_CONTROL };
	TRY(fault_check_arena(&a, why));
	if (!verdict_is_shown(&p->rules, row) || change == PUBLICATION_THUMBS)
		return OK;
	if (change == PUBLICATION_CHECK && has_copy(p, row, copy.to, &a))
		return OK;
	enum status st = cdn_copy(p->cdn, &copy, why);
	return st == CONFLICT || (st == NOT_FOUND && why->code == F_NO_SUCH_KEY) ? OK : st;
}

/* One that is gone is made again, and then recorded again. */
static enum status copy_thumbs(struct product *p, const struct image_row *row, enum publication_change change, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct str rest = row->thumbs;
	arena_init(&a, SCRATCH_BYTES);
	while (rest.n > 0 && (change == PUBLICATION_THUMBS || change == PUBLICATION_NAMED)) {
		struct str variant = str_cut(&rest, ',');
		const struct cdn_copy copy = { .from = thumb_objects_key(&a, row->image_id, variant),
			.to = key_of_copy(&a, row->image_id, variant),
			.content_type = thumb_objects_type(variant),
			.cache_control = COPY_CACHE_CONTROL };
		TRY(fault_check_arena(&a, why));
		enum status st = cdn_copy(p->cdn, &copy, why);
		if (st != OK && why->code != F_NO_SUCH_KEY)
			return st;
	}
	return OK;
}

static bool is_shown(const struct image_row *row)
{
	return row->is_public && row->status == IMAGE_UPLOADED;
}

/* The row as it is after the copies were made. */
static enum status check_row(struct product *p, const struct image_row *row, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row now;
	arena_init(&a, SCRATCH_BYTES);
	enum status got = table_get(p->table, row->image_id, &a, &now, why);
	if (got == OK && is_shown(&now))
		return OK;
	if (got != OK && got != NOT_FOUND)
		return got;
	const struct fault gone = *why;
	TRY(remove_copies(p, row->image_id, true, why));
	if (got == NOT_FOUND)
		*why = gone;
	return got;
}

enum status publication_update(struct product *p, const struct image_row *row, enum publication_change change, struct fault *why)
{
	assert(p != NULL && row != NULL);
	if (p->cdn == NULL)
		return OK;
	if (!is_shown(row))
		return change == PUBLICATION_HIDDEN || (row->is_public && change == PUBLICATION_REPLACED)
			? remove_copies(p, row->image_id, true, why)
			: OK;
	if (change == PUBLICATION_REPLACED)
		TRY(remove_copies(p, row->image_id, true, why));
	TRY(copy_original(p, row, change, why));
	TRY(copy_thumbs(p, row, change, why));
	return check_row(p, row, why);
}

enum status publication_remove(struct product *p, struct str image_id, bool was_public, struct fault *why)
{
	assert(p != NULL);
	return p->cdn == NULL ? OK : remove_copies(p, image_id, was_public, why);
}

/* The copies of a pending public image may have other bytes for a while; its verification replaces them. An image that is found to be damaged,
 * or that must be stripped by rules newer than those it was accepted by, may not be shown. */
static bool may_have_copies(const struct product *p, const struct image_row *row)
{
	return row->is_public && (row->status == IMAGE_PENDING || verdict_is_shown(&p->rules, row));
}

/* The image may be made public while its copies are removed: then they are made again. */
enum status publication_repair(struct product *p, struct str image_id, bool *removed, struct fault *why)
{
	assert(p != NULL && p->cdn != NULL && removed != NULL);
	struct arena a CLEANUP(arena_deinit);
	struct image_row row;
	arena_init(&a, SCRATCH_BYTES);
	*removed = false;
	enum status got = table_get(p->table, image_id, &a, &row, why);
	if (got != NOT_FOUND && (got != OK || may_have_copies(p, &row)))
		return got;
	TRY(remove_copies(p, image_id, true, why));
	*removed = true;
	got = table_get(p->table, image_id, &a, &row, why);
	if (got == NOT_FOUND)
		return OK;
	TRY(got);
	return is_shown(&row) && may_have_copies(p, &row) ? publication_update(p, &row, PUBLICATION_NAMED, why) : OK;
}

bool publication_has(const struct product *p, const struct image_row *row, struct str variant)
{
	assert(p != NULL && row != NULL);
	return p->cdn != NULL && (str_equal(variant, STR("original")) || thumbnails_recorded(row, variant));
}

enum status publication_link(const struct product *p, const struct image_row *row, struct str variant, int64_t expires_s, struct arena *a,
	struct str *url, struct fault *why)
{
	assert(publication_has(p, row, variant));
	if (expires_s == 0) {
		*url = STR_CONCAT(a, p->cdn->url, STR("/"), PUBLIC_PREFIX, row->image_id, STR("/"), variant);
		return fault_check_arena(a, why);
	}
	struct cdn_link link = { .key = thumb_objects_key(a, row->image_id, variant), .expires_s = expires_s };
	if (str_equal(variant, STR("original")))
		link = (struct cdn_link){ .key = row->key,
			.expires_s = expires_s,
			.disposition = content_disposition(a, row->file_type, row->file_name),
			.content_type = media_type_served(row) };
	TRY(fault_check_arena(a, why));
	return cdn_sign(p->cdn, &link, a, url, why);
}
