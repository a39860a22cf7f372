/* Both engines end in settle_verdict. A remote object is read into an arena of its own, so that the memory of a request
 * or of a sweep's step need not hold an image. */
#include "image/verify.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "image/kept_metadata.h"
#include "image/publication.h"
#include "image/strip/strip.h"
#include "image/thumbnails.h"

#define CLOCKS_APART_MS 5000
#define THUMB_BYTES_MAX ((size_t)4 << 20)
#define OVERHEAD_BYTES ((size_t)64 << 10) /* what is read next to the object's own bytes */

/* Stores give the time of a write in whole seconds, by clocks of their own. Only when that second is over can no
 * later write have the same time. */
static int64_t certain_time(int64_t modified_ms, int64_t now_ms)
{
	return now_ms - modified_ms > CLOCKS_APART_MS ? modified_ms : 0;
}

/* An object over the limit is not read: its size is enough for the verdict. A LIMIT for any other reason
 * (no memory for it) says nothing about the object and must not end in one. */
static enum status read_object(struct product *p, struct str key, struct arena *a, struct received_bytes *out, struct fault *why)
{
	struct object o = { 0 };
	enum status got = store_get(p->store, key, p->rules.max_size_bytes, a, &o, why);
	if (got == LIMIT) {
		TRY(store_head(p->store, key, a, &o.info, why));
		if (o.info.size <= p->rules.max_size_bytes)
			return fault_too_much(why);
		got = OK;
	}
	TRY(got);
	*out = (struct received_bytes){ .bytes = o.body, .size = o.info.size, .etag = o.info.etag, .modified_ms = o.info.modified_ms };
	return OK;
}

/* By the headers, and then by the pixels. The same decode makes the thumbnail that is made at upload, in `thumb`. */
static enum status find_verdict(struct product *p, const struct image_row *row, const struct received_bytes *what, struct buf *thumb,
	struct arena *a, struct resolution *s, struct fault *why)
{
	enum render_kind kind = RENDER_JPEG;
	bool is_cut = false;
	const struct render_preset *preset = thumbnails_at_upload(p->thumbnails);
	struct arena made CLEANUP(arena_deinit);
	arena_init(&made, THUMB_BYTES_MAX + OVERHEAD_BYTES);
	verdict_of_bytes(&p->rules, row, what, a, s);
	bool decodes = p->renderer != NULL && p->rules.check != CHECK_HEADER;
	if (!decodes || !verdict_kind(&p->rules, row, what, &kind, &is_cut))
		return OK;
	struct renderer_job job = { .kind = kind,
		.ops = RENDER_CHECK | RENDER_HASH | (preset != NULL ? RENDER_THUMB : 0U),
		.preset = preset,
		.presets = preset != NULL,
		.fd = -1,
		.bytes = what->bytes,
		.caller = what->caller,
		.is_upload = true,
		.request_id = what->request_id };
	struct renderer_result found;
	TRY(renderer_run(p->renderer, &job, &made, &found, why));
	verdict_of_answer(&p->rules, &found.answer, is_cut, p->renderer->memory_most, a, s);
	if (s->status == IMAGE_UPLOADED) /* that of a rejected one is what was received */
		s->file_size = what->bytes.n;
	bool to_be_png = preset != NULL && preset->format == RENDER_TO_JPEG && found.answer.alpha != 0;
	if (found.thumb[0].n > 0 && !to_be_png)
		buf_put(thumb, found.thumb[0]);
	return OK;
}

static void keep_thumb(struct product *p, const struct image_row *row, struct buf *thumb)
{
	if (buf_ok(thumb) && buf_str(thumb).n > 0)
		thumbnails_keep_upload(p->thumbnails, row, buf_str(thumb));
}

/* Whoever deletes the image between its commit and this one does not find the thumbnail. */
static void keep_thumb_of_body(struct product *p, const struct image_row *row, struct buf *thumb)
{
	struct arena a CLEANUP(arena_deinit);
	struct fault gone = { 0 };
	struct image_row now;
	arena_init(&a, OVERHEAD_BYTES);
	keep_thumb(p, row, thumb);
	if (thumb->n > 0 && table_get(p->table, row->image_id, &a, &now, &gone) == NOT_FOUND)
		thumbnails_remove(p->thumbnails, row);
}

/* The row resolved by the verdict: bytes and row together where they pass and `body` is still to be stored, the
 * row alone where they are rejected, or are an object already (body NULL). */
static enum status settle_verdict(struct product *p, const struct image_row *row, struct resolution *s, struct slot_body *body,
	struct arena *a, struct image_row *now, struct fault *why)
{
	s->replaces = row->status == IMAGE_UPLOADED ? row->etag : STR("");
	if (s->status == IMAGE_REJECTED)
		s->kept_metadata = STR("");
	if (s->status == IMAGE_UPLOADED && str_equal(s->replaces, s->etag))
		s->uploaded_ms = row->uploaded_ms; /* most likely the same bytes */
	bool stores = body != NULL && s->status == IMAGE_UPLOADED;
	if (!stores && body != NULL && body->is_new)
		TRY(table_insert(p->table, row, why));
	TRY(stores ? body->commit(body, s, now, why) : table_resolve(p->table, s, a, now, why));
	metric_add(s->status == IMAGE_UPLOADED ? M_UPLOADS_ACCEPTED : M_UPLOADS_REJECTED, 1);
	return OK;
}

static enum status slot_gone(struct fault *why)
{
	return fault_set(why, SLOT_ENDED, "This upload slot is closed: request a new one.");
}

/* The row was resolved before: by these very bytes, or by others. Where the row has no SHA-256 of what was received, others may
 * have the same size and MD5, and what is stored is what was received. */
static enum status check_repeat(const struct image_row *now, struct slot_body *b, struct fault *why)
{
	bool same = false;
	TRY(verdict_of_repeat(now, &b->what, why));
	enum status st = b->compare(b, &same, why);
	if (st == NOT_FOUND) /* deleted in the meantime */
		return slot_gone(why);
	TRY(st);
	return same || now->received_sha256.n > 0 ? OK : verdict_taken(why);
}

static enum status count_repeat(struct slot_body *b, enum status st)
{
	b->counted = st == OK || st == CONFLICT || st == DENIED;
	if (b->counted)
		metric_add(st == OK ? M_UPLOADS_REPEATED : M_UPLOADS_CONFLICT, 1);
	return st;
}

enum status verify_body(
	struct product *p, const struct image_row *slot, struct slot_body *b, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(p != NULL && a != NULL && now != NULL && why != NULL);
	assert(slot != NULL && slot->status != IMAGE_REJECTED);
	assert(b != NULL && b->commit != NULL && b->compare != NULL);
	*now = *slot;
	if (slot->status == IMAGE_PENDING) {
		struct resolution s;
		struct buf thumb CLEANUP(buf_deinit);
		buf_init(&thumb, THUMB_BYTES_MAX);
		enum status st = find_verdict(p, slot, &b->what, &thumb, a, &s, why);
		if (st == OK)
			st = settle_verdict(p, slot, &s, b, a, now, why);
		if (st == OK && now->status == IMAGE_UPLOADED)
			keep_thumb_of_body(p, now, &thumb);
		b->counted = st == OK;
		if (st == OK)
			TRY(publication_update(p, now, PUBLICATION_CHECK, why));
		if (st == OK)
			return now->status == IMAGE_REJECTED ? fault_set(why, IMAGE_REJECTED, "%.*s", STRF(now->reason)) : OK;
		if (why->code == F_NO_SUCH_IMAGE)
			return count_repeat(b, slot_gone(why));
		if (why->code != F_STATE_CHANGED || b->is_new)
			return st;
	}
	return count_repeat(b, check_repeat(now, b, why));
}

static struct str hex_of(struct arena *a, enum hash_kind kind, struct str bytes)
{
	struct hash h;
	unsigned char sum[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	size_t n = kind == HASH_MD5 ? MD5_BYTES : SHA256_BYTES;
	hash_init(&h, kind);
	hash_update(&h, bytes.p, bytes.n);
	hash_final(&h, sum);
	hex_encode(sum, n, hex);
	return str_dup(a, str_of(hex));
}

enum status verify_strip(
	struct product *p, const struct image_row *row, struct arena *a, struct buf *kept, struct received_bytes *what, struct fault *why)
{
	struct strip_result done = { 0 };
	const struct strip_options options = { .facts = p->rules.keep != 0 };
	what->received_size = what->bytes.n;
	what->received_sha256 = hex_of(a, HASH_SHA256, what->bytes);
	if (p->rules.strip)
		TRY(strip_bytes(what->bytes, &options, kept, &done, why));
	what->stripped = done.type != PROBE_UNKNOWN;
	what->removed = done.removed;
	what->kept_metadata = kept_metadata(p->rules.keep, &done.facts, a);
	if (what->stripped && !str_equal(buf_str(kept), what->bytes)) {
		what->bytes = buf_str(kept);
		what->etag = hex_of(a, HASH_MD5, what->bytes);
		what->size = what->bytes.n;
		what->modified_ms = 0;
	} else if (row->received_sha256.n > 0 && str_equal(row->etag, hex_of(a, HASH_MD5, what->bytes))) {
		what->received_size = row->received_size;
		what->received_sha256 = row->received_sha256;
		what->removed = row->removed;
		what->kept_metadata = row->kept_metadata;
		what->stripped |= row->stripped;
	}
	TRY(fault_check_arena(a, why));
	return what->received_sha256.n > 0 && what->etag.n > 0 ? OK : fault_no_memory(why);
}

/* Replace an object by what is to be stored of it. The row says first what that will be, and is pending until it is there, so
 * that nobody gets a link before; whoever finds the old object, after a crash between the two, does the same again.
 * now      pending on OK
 * Errors   STATE_CHANGED (CONFLICT) another call resolved the row */
static enum status replace_object(struct product *p, const struct image_row *row, const struct received_bytes *what,
	const struct resolution *verdict, struct arena *a, struct image_row *now, struct fault *why)
{
	struct resolution s = *verdict;
	s.replaces = row->status == IMAGE_UPLOADED ? row->etag : STR("");
	s.status = IMAGE_PENDING;
	s.uploaded_ms = 0;
	s.ends_ms = row->status == IMAGE_PENDING ? row->ends_ms : what->now_ms + (int64_t)p->rules.pending_ttl_s * 1000;
	TRY(table_resolve(p->table, &s, a, now, why));
	return store_put(p->store, row->key, row->file_type, what->bytes, why);
}

/* The object was replaced, and then there was a crash: what it was before may be there as a version. One that cannot be removed
 * is left to the bucket's lifecycle. */
static void tidy_versions(struct product *p, const struct image_row *row)
{
	struct fault unseen;
	bool was_replaced = row->status == IMAGE_PENDING && row->received_sha256.n > 0;
	enum status end = was_replaced ? store_remove_versions(p->store, row->key, &unseen) : OK;
	(void)end;
}

/* The thumbnail is kept before the row says that the image is there: whoever deletes the image after that finds it. If the row is
 * gone by then, or was rejected by another call, the thumbnail goes too. Where other bytes were there before, a maker may keep one of
 * those until the row says so, and all are made again when they are asked for; a queue has the ETag of what it is to make. */
static enum status store_verdict(struct product *p, const struct image_row *row, const struct received_bytes *what, bool replaces,
	struct arena *a, struct image_row *now, struct fault *why)
{
	struct resolution s;
	struct image_row said = *row;
	struct buf thumb CLEANUP(buf_deinit);
	buf_init(&thumb, THUMB_BYTES_MAX);
	TRY(find_verdict(p, row, what, &thumb, a, &s, why));
	bool known = row->status == IMAGE_UPLOADED && s.status == IMAGE_UPLOADED && str_equal(row->etag, s.etag);
	bool others = row->status == IMAGE_UPLOADED && !known; /* were there before, or it is rejected now */
	if (others)
		thumbnails_remove(p->thumbnails, row);
	if (replaces && s.status == IMAGE_UPLOADED) {
		TRY(replace_object(p, row, what, &s, a, now, why));
		said = *now;
	}
	if (s.status == IMAGE_UPLOADED && row->status != IMAGE_UPLOADED)
		keep_thumb(p, row, &thumb);
	enum status st = settle_verdict(p, &said, &s, NULL, a, now, why);
	bool late = st == OK && others && p->thumbnails != NULL && thumbnails_queue(p->thumbnails) == NULL;
	if (late || st == NOT_FOUND || (st == CONFLICT && now->status == IMAGE_REJECTED))
		thumbnails_remove(p->thumbnails, row);
	return st;
}

enum status verify_object(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(p != NULL);
	assert(row != NULL);
	assert(a != NULL);
	assert(now != NULL);
	struct arena scratch CLEANUP(arena_deinit);
	struct buf kept CLEANUP(buf_deinit);
	struct received_bytes what;
	arena_init(&scratch, (size_t)p->rules.max_size_bytes + OVERHEAD_BYTES);
	buf_init(&kept, (size_t)p->rules.max_size_bytes + OVERHEAD_BYTES);
	TRY(read_object(p, row->key, &scratch, &what, why));
	what.now_ms = now_ms;
	what.modified_ms = certain_time(what.modified_ms, now_ms);
	if (what.size == what.bytes.n)
		TRY(verify_strip(p, row, &scratch, &kept, &what, why));
	bool replaces = kept.n > 0 && what.bytes.p == kept.p;
	if (!replaces)
		tidy_versions(p, row);
	enum status st = store_verdict(p, row, &what, replaces, a, now, why);
	if (st != CONFLICT) /* else another call resolved it first, which is as good */
		TRY(st);
	if (now->status == IMAGE_REJECTED)
		TRY(store_remove(p->store, row->key, why));
	bool replaced = row->status == IMAGE_UPLOADED && !(now->status == IMAGE_UPLOADED && str_equal(now->etag, row->etag));
	return publication_update(p, now, replaced ? PUBLICATION_REPLACED : PUBLICATION_CHECK, why);
}

bool verify_is_current(const struct product *p, const struct image_row *row, const struct object_info *there)
{
	bool same_time = row->modified_ms != 0 && row->modified_ms / 1000 == there->modified_ms / 1000;
	return str_equal(row->etag, there->etag) && (same_time || !p->objects_change);
}

enum status verify_again(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why)
{
	struct object_info there;
	TRY(store_head(p->store, row->key, a, &there, why));
	if (!verify_is_current(p, row, &there))
		return verify_object(p, row, now_ms, a, now, why);
	*now = *row;
	return publication_update(p, row, PUBLICATION_CHECK, why);
}
