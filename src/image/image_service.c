/* The image service: complete, read, delete, download. Each may be repeated, and each handles a row
 * that changes between two of its steps. */
#include "image/image_service.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/metrics.h"
#include "base/rate_limit.h"
#include "image/publication.h"
#include "image/slot.h"
#include "image/thumb_set.h"
#include "image/verdict.h"
#include "image/verify.h"

#define LINK_MAX_BYTES 1024
#define SCRATCH_BYTES ((size_t)64 << 10)
#define REDIRECT_SPARE_S 60 /* for the client to follow a redirect that it has kept */

/* Without an object: the embedded store resolves the row together with the object, so that it may have
 * been resolved since it was read. */
static enum status complete_absent(struct product *p, struct str image_id, struct arena *a, struct image_row *out, struct fault *why)
{
	struct image_row row;
	TRY(table_get(p->table, image_id, a, &row, why));
	if (row.status == IMAGE_PENDING)
		return fault_set(why, NOT_ARRIVED, "This image has not been uploaded yet: send it to its upload URL first.");
	*out = row;
	return OK;
}

/* The image is accepted, whether they can be asked for or not; its event asks again. */
static void ask_for_thumbnails(struct product *p, const struct image_row *row)
{
	struct fault why = { 0 };
	if (row->status == IMAGE_UPLOADED && thumb_set_request(p->thumbnails, row, &why) != OK)
		LOG(THUMBS_UNASKED, STR(""), LOG_S("imageId", row->image_id), LOG_C("text", why.text), LOG_C("cause", why.cause));
}

enum status image_service_complete(struct product *p, struct str image_id, struct arena *a, struct image_row *out, struct fault *why)
{
	assert(p != NULL);
	assert(a != NULL);
	assert(out != NULL);
	struct image_row row, now;
	TRY(table_get(p->table, image_id, a, &row, why));
	if (row.status == IMAGE_REJECTED || (row.status == IMAGE_UPLOADED && !p->objects_change)) {
		*out = row;
		return OK;
	}
	bool again = row.status == IMAGE_UPLOADED;
	enum status looked = again ? verify_again(p, &row, clock_now_ms(), a, &now, why) : verify_object(p, &row, clock_now_ms(), a, &now, why);
	if (looked == NOT_FOUND)
		return complete_absent(p, image_id, a, out, why);
	TRY(looked);
	*out = now;
	ask_for_thumbnails(p, &now);
	return OK;
}

enum status image_service_read(struct product *p, struct str image_id, struct arena *a, struct image_row *out, struct fault *why)
{
	assert(p != NULL);
	assert(a != NULL);
	assert(out != NULL);
	struct image_row row, now;
	struct fault unseen = { 0 };
	TRY(table_get(p->table, image_id, a, &row, why));
	*out = row;
	bool stale = row.status == IMAGE_PENDING && p->recheck_limit != NULL;
	if (!stale || !rate_limit_take(p->recheck_limit, image_id, clock_mono_ms()))
		return OK;
	enum status looked = verify_object(p, &row, clock_now_ms(), a, &now, &unseen);
	if (looked == OK)
		*out = now;
	if (unseen.code != F_NO_SUCH_IMAGE)
		return OK;
	return fault_set(why, NO_SUCH_IMAGE, "%s", unseen.text);
}

bool image_service_is_pending(struct product *p, struct str image_id)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row row;
	struct fault unseen;
	arena_init(&a, SCRATCH_BYTES);
	return image_service_read(p, image_id, &a, &row, &unseen) == OK && row.status == IMAGE_PENDING;
}

/* An image that may not be deleted now stays, and so do its copies. */
static enum status put_copies_back(struct product *p, const struct image_row *row, struct fault *refusal)
{
	struct fault failed = { 0 };
	if (publication_update(p, row, PUBLICATION_NAMED, &failed) != OK)
		*refusal = failed;
	return fault_status(refusal->code);
}

/* The row first: an engine that holds the object too takes both in one commit, and then the second
 * removal finds nothing. Elsewhere a row without an object would be a listed image that cannot be
 * shown; an object without a row is not visible to anyone, and the sweep removes it. But the copies of a public image are visible:
 * they go while the row is there, so that a call that fails can be repeated, and those that somebody made meanwhile go after it. */
static enum status remove_row(struct product *p, const struct image_row *row, struct fault *why)
{
	if (row->is_public)
		TRY(publication_remove(p, row->image_id, true, why));
	enum status gone = table_remove(p->table, row->image_id, 0, why);
	return gone == BUSY && why->code == F_READ_ONLY && row->is_public ? put_copies_back(p, row, why) : gone;
}

/* Remove what is left of an image whose row is gone. */
static enum status remove_rest(struct product *p, const struct image_row *row, struct fault *why)
{
	struct fault unpublished = { 0 };
	thumbnails_remove(p->thumbnails, row);
	metric_add(M_DELETES, 1);
	enum status published = publication_remove(p, row->image_id, false, &unpublished);
	TRY(store_remove(p->store, row->key, why));
	if (published != OK)
		*why = unpublished;
	return published;
}

enum status image_service_remove(struct product *p, struct str image_id, struct fault *why)
{
	assert(p != NULL);
	struct arena scratch CLEANUP(arena_deinit);
	struct image_row row;
	arena_init(&scratch, SCRATCH_BYTES);
	TRY(fault_blame_arena(&scratch, table_get(p->table, image_id, &scratch, &row, why), why));
	TRY(remove_row(p, &row, why));
	return remove_rest(p, &row, why);
}

/* The address, and for the window the same URL. */
static enum status sign_download(
	struct product *p, const struct image_row *row, int64_t expires_s, struct arena *a, struct presigned *out, struct fault *why)
{
	struct presigned made = { .address = cdn_address(p->cdn, row->key, a), .expires_ms = expires_s * 1000 };
	const struct cdn_link link = { .key = row->key,
		.expires_s = expires_s,
		.disposition = content_disposition(a, row->file_type, row->file_name),
		.content_type = media_type_served(row) };
	TRY(fault_check_arena(a, why));
	TRY(cdn_sign(p->cdn, &link, a, &made.url, why));
	*out = made;
	return OK;
}

/* Remove all rows together, or each after its copies at the CDN. */
static enum status remove_rows(struct product *p, const struct image_row *rows, size_t n, bool *removed, struct fault *why)
{
	struct str ids[REMOVE_MANY_MAX] = { { 0 } };
	enum status st = OK;
	for (size_t i = 0; i < n; i++) {
		ids[i] = rows[i].image_id;
		removed[i] = false;
	}
	if (p->cdn == NULL)
		return table_remove_many(p->table, ids, n, removed, why);
	for (size_t i = 0; i < n && (st == OK || st == NOT_FOUND); i++) {
		st = remove_row(p, &rows[i], why);
		removed[i] = st == OK;
	}
	return st == NOT_FOUND ? OK : st;
}

enum status image_service_remove_many(struct product *p, const struct image_row *rows, size_t n, bool *removed, struct fault *why)
{
	assert(p != NULL && n <= REMOVE_MANY_MAX);
	enum status st = remove_rows(p, rows, n, removed, why);
	for (size_t i = 0; i < n; i++) {
		if (!removed[i])
			continue;
		struct fault failed;
		enum status left = remove_rest(p, &rows[i], &failed);
		if (left == OK || st != OK)
			continue;
		*why = failed;
		st = left;
	}
	return st;
}

enum status image_service_download(
	struct product *p, const struct image_row *row, struct str method, struct arena *a, struct presigned *out, struct fault *why)
{
	assert(p != NULL);
	assert(row != NULL);
	assert(a != NULL);
	assert(out != NULL);
	const int64_t window_ms = (int64_t)DOWNLOAD_WINDOW_S * 1000, now_ms = clock_now_ms();
	bool kept = str_equal(method, STR("GET"));
	if (p->cdn != NULL)
		return sign_download(p, row, (now_ms - now_ms % window_ms + window_ms) / 1000 + (int64_t)p->rules.url_ttl_s, a, out, why);
	const struct presign_request r = { .method = method,
		.key = row->key,
		.now_ms = now_ms,
		.signed_ms = kept ? now_ms - now_ms % window_ms : 0,
		.expires_s = p->rules.url_ttl_s + (kept ? DOWNLOAD_WINDOW_S : 0),
		.disposition = content_disposition(a, row->file_type, row->file_name),
		.content_type = media_type_served(row),
		.cache_control = kept ? str_printf(a, "private, max-age=%d, immutable", DOWNLOAD_WINDOW_S) : (struct str){ 0 } };
	if (r.disposition.n == 0 || !arena_ok(a))
		return fault_too_much(why);
	return store_presign(p->store, &r, a, out, why);
}

int64_t image_service_redirect_age(const struct presigned *read)
{
	assert(read != NULL);
	return (read->expires_ms - clock_now_ms()) / 1000 - REDIRECT_SPARE_S;
}

bool image_service_has_links(const struct product *p)
{
	assert(p != NULL);
	return p->cdn != NULL || (p->delivery.keys.n > 0 && p->delivery.url.n > 0);
}

bool image_service_has_original(const struct product *p, const struct image_row *row)
{
	assert(p != NULL && row != NULL);
	return verdict_is_shown(&p->rules, row);
}

bool image_service_has_variant(const struct product *p, const struct image_row *row, struct str variant)
{
	assert(p != NULL && row != NULL);
	struct delivery_variant v;
	if (!delivery_variant_parse(variant, &v))
		return false;
	if (v.preset.n == 0)
		return image_service_has_original(p, row);
	return p->thumbnails != NULL && thumbnails_has(p->thumbnails, row, variant);
}

enum status image_service_link(const struct product *p, const struct image_row *row, struct str variant, int64_t expires_s, struct arena *a,
	struct str *url, struct fault *why)
{
	assert(image_service_has_links(p) && row->image_id.n > 0 && a != NULL && url != NULL);
	struct delivery_link link = {
		.image_id = row->image_id, .variant = variant, .is_signed = !row->is_public || expires_s > 0, .expires_s = expires_s
	};
	struct buf b;
	if (link.is_signed && expires_s == 0)
		link.expires_s = delivery_link_expiry(row->image_id, clock_now_ms() / 1000, p->delivery.ttl_s);
	if (publication_has(p, row, variant))
		return publication_link(p, row, variant, link.expires_s, a, url, why);
	buf_init_arena(&b, a, LINK_MAX_BYTES);
	buf_put(&b, p->delivery.url);
	delivery_link_write(&b, &link, p->delivery.keys.keys[0]);
	*url = buf_str(&b);
	return fault_check_buf(&b, why);
}
