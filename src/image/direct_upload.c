/* See direct_upload.h. */
#include "image/direct_upload.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/metrics.h"
#include "image/body_commit.h"
#include "image/image_service.h"
#include "image/probe/probe.h"

enum status direct_upload_begin(struct direct_upload *u, uint64_t expected_bytes, struct fault *why)
{
	assert(u != NULL && u->product != NULL && u->arena != NULL);
	assert(u->in == NULL && !u->spool.is_open);
	const struct image_rules *rules = &u->product->rules;
	u->counted = true;
	if (u->buckets == NULL)
		TRY(spool_open(&u->spool, why));
	else {
		TRY(bucket_begin(u->buckets, expected_bytes, &u->in, why));
		intake_begin(&u->intake, rules->strip, rules->keep, false);
	}
	u->counted = false;
	return OK;
}

enum status direct_upload_write(struct direct_upload *u, struct str piece, struct fault *why)
{
	assert(u->in != NULL || u->spool.is_open);
	const uint64_t most = u->product->rules.max_size_bytes;
	if (piece.n > most - u->received)
		return fault_set(why, IMAGE_TOO_LARGE, "The file is over the limit of %llu bytes: send a smaller image.", (unsigned long long)most);
	u->received += piece.n;
	return u->in != NULL ? intake_write(&u->intake, u->in, piece, why) : spool_write(&u->spool, piece, why);
}

/* The type is that of the bytes. What was declared counts only where bytes cannot say it: for types that are accepted unverified. */
static enum status find_type(const struct direct_upload *u, struct str declared, struct str bytes, struct str *out, struct fault *why)
{
	const struct image_rules *rules = &u->product->rules;
	struct probe p = { 0 };
	struct fault unread;
	if (probe_image(bytes, &p) != PROBE_NOT_IMAGE) {
		*out = probe_media_type(p.type);
		return OK;
	}
	if (declared.n > 0 && media_type_read(rules, declared, u->arena, out, &unread) == OK && media_type_unverified(rules, *out))
		return OK;
	return fault_set(why, TYPE_NOT_ALLOWED, "The file is not an image of a type that is allowed here: %.*s.", STRF(rules->allowed_types));
}

static enum status make_row(struct direct_upload *u, const struct direct_request *r, struct str bytes, struct slot *slot, struct fault *why)
{
	struct slot_request want = r->slot;
	want.has_size = true;
	want.file_size = u->received;
	TRY(find_type(u, r->slot.file_type, bytes, &want.file_type, why));
	if (want.file_name.n == 0)
		want.file_name = STR_CONCAT(u->arena, STR("image."), media_type_extension(want.file_type));
	TRY(slot_prepare_row(u->product, &want, u->arena, slot, why));
	slot->row.max_bytes = u->received; /* no more will come */
	return OK;
}

/* On the embedded store. */
static enum status finish_body(
	struct direct_upload *u, const struct direct_request *r, struct slot *slot, struct image_row *now, struct fault *why)
{
	struct received_bytes what = { .caller = r->caller, .request_id = r->request_id };
	unsigned char md5[MD5_BYTES];
	char hex[2 * MD5_BYTES + 1];
	TRY(intake_end(&u->intake, u->in, u->arena, &what, why));
	TRY(bucket_view(u->in, &what.bytes, md5, why));
	hex_encode(md5, MD5_BYTES, hex);
	what.etag = str_dup(u->arena, str_of(hex));
	TRY(make_row(u, r, what.bytes, slot, why));
	struct body_commit b = { .port = { .what = what, .is_new = true },
		.buckets = u->buckets,
		.in = &u->in,
		.object = { .bucket = u->bucket, .key = slot->row.key, .arena = u->arena } };
	enum status st = body_commit_run(u->product, &slot->row, &b, now, why);
	u->counted = b.port.counted;
	return st;
}

/* The request ends in an error, so that its client sends the image again: nothing of this one is to be found. What cannot be removed
 * now expires as any slot does. */
static void take_back(struct direct_upload *u, const struct image_row *row)
{
	struct fault unseen;
	if (table_remove(u->product->table, row->image_id, 0, &unseen) != OK || store_remove(u->product->store, row->key, &unseen) != OK)
		LOG(STORE_FAILED, STR(""), LOG_C("cause", unseen.text));
}

static enum status store_spooled(
	struct direct_upload *u, const struct image_row *row, struct str bytes, struct image_row *now, struct fault *why)
{
	TRY(store_put(u->product->store, row->key, row->file_type, bytes, why));
	return image_service_complete(u->product, row->image_id, u->arena, now, why);
}

/* On a remote store. */
static enum status finish_spooled(
	struct direct_upload *u, const struct direct_request *r, struct slot *slot, struct image_row *now, struct fault *why)
{
	struct str bytes;
	TRY(spool_view(&u->spool, &bytes, why));
	TRY(make_row(u, r, bytes, slot, why));
	TRY(table_insert(u->product->table, &slot->row, why));
	enum status st = store_spooled(u, &slot->row, bytes, now, why);
	if (st != OK) {
		take_back(u, &slot->row);
		return st;
	}
	u->counted = true;
	return now->status == IMAGE_REJECTED ? fault_set(why, IMAGE_REJECTED, "%.*s", STRF(now->reason)) : OK;
}

enum status direct_upload_finish(
	struct direct_upload *u, const struct direct_request *r, struct slot *slot, struct image_row *now, struct fault *why)
{
	assert(u->in != NULL || u->spool.is_open);
	assert(r != NULL && slot != NULL && now != NULL && !r->slot.form);
	if (u->received == 0)
		return fault_set(why, IMAGE_EMPTY, "The file is empty: send the image's bytes.");
	return u->in != NULL ? finish_body(u, r, slot, now, why) : finish_spooled(u, r, slot, now, why);
}

void direct_upload_drop(struct direct_upload *u)
{
	assert(u != NULL);
	bool was_begun = u->in != NULL || u->spool.is_open || u->received > 0;
	bucket_abandon(&u->in);
	intake_drop(&u->intake);
	spool_close(&u->spool);
	if (was_begun && !u->counted)
		metric_add(M_UPLOADS_FAILED, 1);
	u->counted = true;
}
