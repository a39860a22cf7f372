/* See direct_upload.h. */
#include "image/direct_upload.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/log/log.h"
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
		TRY(spool_open(&u->spool, u->reserve_bytes, expected_bytes, why));
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
		return refuse_size(most, why);
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
	char shown[MEDIA_TYPES_SHOWN_BYTES];
	return fault_set(why, TYPE_NOT_ALLOWED, "The file is not an image of a type that is allowed here: %.*s.",
		STRF(media_types_shown(rules->allowed_types, shown)));
}

/* On the embedded store all of it was hashed while it came. */
static enum status end_body(struct direct_upload *u, const struct direct_request *r, struct fault *why)
{
	unsigned char md5[MD5_BYTES];
	char hex[2 * SHA256_BYTES + 1];
	u->what = (struct received_bytes){ .caller = r->caller, .request_id = r->request_id };
	if (u->in == NULL) {
		TRY(spool_view(&u->spool, &u->what.bytes, why));
		sha256_hex(u->what.bytes, hex);
		u->what.received_sha256 = str_dup(u->arena, str_of(hex));
		return fault_check_arena(u->arena, why);
	}
	TRY(intake_end(&u->intake, u->in, u->arena, &u->what, why));
	TRY(bucket_view(u->in, &u->what.bytes, md5, why));
	hex_encode(md5, MD5_BYTES, hex);
	u->what.etag = str_dup(u->arena, str_of(hex));
	return fault_check_arena(u->arena, why);
}

enum status direct_upload_end(struct direct_upload *u, const struct direct_request *r, struct slot *slot, struct fault *why)
{
	assert(u->in != NULL || u->spool.is_open);
	assert(r != NULL && slot != NULL && !r->slot.form);
	struct slot_request want = r->slot;
	if (u->received == 0)
		return fault_set(why, IMAGE_EMPTY, "The file is empty: send the image's bytes.");
	TRY(end_body(u, r, why));
	want.has_size = true;
	want.file_size = u->received;
	want.body_sha256 = u->what.received_sha256;
	TRY(find_type(u, r->slot.file_type, u->what.bytes, &want.file_type, why));
	if (want.file_name.n == 0)
		want.file_name = STR_CONCAT(u->arena, STR("image."), media_type_extension(want.file_type));
	TRY(slot_prepare_row(u->product, &want, u->arena, slot, why));
	slot->row.max_bytes = u->received; /* no more will come */
	return OK;
}

/* On the embedded store. */
static enum status store_body(struct direct_upload *u, const struct image_row *row, struct image_row *now, struct fault *why)
{
	struct body_commit b = { .port = { .what = u->what, .is_new = true },
		.buckets = u->buckets,
		.in = &u->in,
		.object = { .bucket = u->bucket, .key = row->key, .arena = u->arena } };
	enum status st = body_commit_run(u->product, row, &b, now, why);
	u->counted = b.port.counted;
	return st;
}

/* The request ends in an error, so that its client sends the image again: nothing of this one is to be found. What cannot be removed
 * now expires as any slot does. A row with an Idempotency-Key stays: without it the key would not be taken again for a day. */
static void take_back(struct direct_upload *u, const struct image_row *row)
{
	struct fault unseen;
	if (row->request_hash.n > 0)
		return;
	if (table_remove(u->product->table, row->image_id, 0, &unseen) != OK || store_remove(u->product->store, row->key, &unseen) != OK)
		LOG(STORE_FAILED, STR(""), LOG_C("cause", unseen.text));
}

static enum status put_object(struct direct_upload *u, const struct image_row *row, struct image_row *now, struct fault *why)
{
	TRY(store_put(u->product->store, row->key, row->file_type, u->what.bytes, why));
	return image_service_complete(u->product, row->image_id, u->arena, now, why);
}

/* On a remote store. */
static enum status store_spooled(
	struct direct_upload *u, const struct image_row *row, bool resumes, struct image_row *now, struct fault *why)
{
	if (!resumes)
		TRY(table_insert(u->product->table, row, why));
	enum status st = put_object(u, row, now, why);
	if (st != OK) {
		take_back(u, row);
		return st;
	}
	u->counted = true;
	return now->status == IMAGE_REJECTED ? fault_set(why, IMAGE_REJECTED, "%.*s", STRF(now->reason)) : OK;
}

enum status direct_upload_store(
	struct direct_upload *u, const struct image_row *row, bool resumes, struct image_row *now, struct fault *why)
{
	assert(u->what.bytes.n > 0);
	assert(row != NULL && row->status == IMAGE_PENDING && now != NULL);
	assert(!resumes || u->in == NULL);
	return u->in != NULL ? store_body(u, row, now, why) : store_spooled(u, row, resumes, now, why);
}

void direct_upload_repeated(struct direct_upload *u)
{
	assert(u != NULL && !u->counted);
	metric_add(M_UPLOADS_REPEATED, 1);
	u->counted = true;
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
