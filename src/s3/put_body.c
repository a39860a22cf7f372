/* Uploads, plain and of images. A plain object is stored when its whole body was received with the right digests. An
 * image is verified too, by image/body_commit.h.
 *
 * An upload that ends before a verdict (cut, too large, bad digest, disk full) leaves the row as it was and no
 * bytes, so the URL stays usable. */
#include "s3/put_body.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "image/body_commit.h"
#include "s3/checksums.h"
#include "s3/object_headers.h"

#include <stddef.h>

enum status upload_make(struct s3_call *c, const struct header_index *headers, struct fault *why)
{
	assert(c->upload == NULL);
	assert(headers != NULL);
	struct s3_upload *u = ARENA_NEW(&c->x->arena, struct s3_upload);
	c->upload = u;
	if (u == NULL)
		return fault_too_much(why);
	u->counted = true;
	u->max_bytes = OBJECT_MAX_BYTES;
	u->default_kind = c->is_image ? CHECKSUM_NONE : CHECKSUM_CRC64NVME;
	TRY(object_headers_refuse(headers, why));
	TRY(object_headers_read(&c->x->arena, headers, &u->content_type, &u->meta, why));
	if (c->is_image) /* which has no metadata but that of its bytes */
		u->meta = (struct object_meta){ 0 };
	return OK;
}

/* The condition is checked in the commit. It is checked here too, so that a body is not received in vain. */
static enum status check_condition(struct s3_call *c, struct fault *why)
{
	const struct object_condition *want = &c->upload->condition;
	struct object_file f = { .fd = -1 };
	if (!want->absent && want->etag.n == 0)
		return OK;
	enum status st = bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &f, why);
	if (st == NOT_FOUND)
		return want->etag.n == 0 ? OK : st;
	if (st != OK)
		return st;
	bool holds = !want->absent && (str_equal(want->etag, STR("*")) || str_equal(want->etag, f.info.etag));
	object_file_close(&f);
	if (holds)
		return OK;
	call_detail(c, "Condition", want->absent ? STR("If-None-Match") : STR("If-Match"));
	return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold");
}

static enum status too_large(struct s3_call *c, struct fault *why)
{
	call_detail(c, "MaxSizeAllowed", str_printf(&c->x->arena, "%llu", (unsigned long long)c->upload->max_bytes));
	return fault_set(why, BODY_TOO_LARGE, "Your proposed upload exceeds the maximum allowed size");
}

enum status upload_begin(struct s3_call *c, uint64_t expected_bytes, struct fault *why)
{
	assert(c->upload != NULL && c->upload->in == NULL);
	struct s3_upload *u = c->upload;
	u->counted = true;
	if (c->is_image) {
		TRY(verdict_check_slot(c->s3->product, c->image_id, c->at.key, clock_now_ms(), &c->x->arena, &u->slot, why));
		uint64_t most = verdict_max_bytes(&c->s3->product->rules, &u->slot);
		u->max_bytes = u->max_bytes < most ? u->max_bytes : most;
		if (u->condition.absent && u->slot.status == IMAGE_UPLOADED)
			return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold: the image is there.");
	} else {
		struct bucket_info bucket;
		if (c->bucket.name.n == 0)
			TRY(catalog_info(c->s3->catalog, c->at.bucket, &c->x->arena, &bucket, why));
		if (u->upload_id.n == 0)
			TRY(check_condition(c, why));
	}
	if (expected_bytes > u->max_bytes)
		return too_large(c, why);
	u->counted = false;
	digests_start(&u->digests, u->default_kind);
	if (c->is_image) /* an image of an older version was stored as it was received: it is compared with what comes now */
		intake_begin(&u->intake, c->s3->product->rules.strip && (u->slot.status == IMAGE_PENDING || u->slot.received_sha256.n > 0),
			c->s3->product->rules.keep, u->digests.has_md5);
	return bucket_begin(c->s3->buckets, expected_bytes, &u->in, why);
}

enum status upload_write(struct s3_call *c, struct str piece, struct fault *why)
{
	assert(c->upload->in != NULL);
	assert(c->upload->received <= c->upload->max_bytes);
	struct s3_upload *u = c->upload;
	if (piece.n > u->max_bytes - u->received)
		return too_large(c, why);
	u->received += piece.n;
	digests_update(&u->digests, piece);
	return c->is_image ? intake_write(&u->intake, u->in, piece, why) : bucket_write(u->in, piece.p, piece.n, why);
}

/* The checksum of an image's stored bytes: the client's is of those that were received. */
static enum status sum_stored(struct s3_call *c, struct str bytes, struct fault *why)
{
	struct object_checksum *sum = &c->upload->meta.checksum;
	struct checksum stored;
	unsigned char value[CHECKSUM_BYTES_MAX];
	if (!c->is_image || sum->kind == CHECKSUM_NONE)
		return OK;
	checksum_init(&stored, sum->kind);
	checksum_update(&stored, bytes.p, bytes.n);
	checksum_final(&stored, value);
	struct str text = sums_text(&c->x->arena, sum->kind, value);
	c->upload->sum_changed = !str_equal(text, sum->value);
	sum->value = text;
	return OK;
}

/* All checks that the client requested. Nothing may be committed before. */
static enum status check_body(struct s3_call *c, struct str *bytes, struct fault *why)
{
	struct s3_upload *u = c->upload;
	unsigned char md5[MD5_BYTES];
	if (u->stream != NULL)
		TRY(stream_end(u->stream, why));
	if (c->is_image)
		TRY(intake_end(&u->intake, u->in, &c->x->arena, &u->image, why));
	TRY(bucket_view(u->in, bytes, md5, why));
	if (u->received < u->min_bytes) {
		call_detail(c, "ProposedSize", str_printf(&c->x->arena, "%llu", (unsigned long long)u->received));
		call_detail(c, "MinSizeAllowed", str_printf(&c->x->arena, "%llu", (unsigned long long)u->min_bytes));
		return fault_set(why, OBJECT_TOO_SMALL, "Your proposed upload is smaller than the minimum allowed size");
	}
	TRY(digests_check(&c->x->arena, &u->digests, c->is_image ? u->intake.received_md5 : md5, &u->meta.checksum, why));
	TRY(sum_stored(c, *bytes, why));
	u->etag = sums_etag(&c->x->arena, md5);
	return fault_check_arena(&c->x->arena, why);
}

static void count_outcome(struct s3_upload *u, enum metric m)
{
	metric_add(m, 1);
	u->counted = true;
}

static struct object_commit commit_of(const struct s3_call *c)
{
	const struct s3_upload *u = c->upload;
	return (struct object_commit){ .bucket = c->at.bucket,
		.key = c->at.key,
		.upload_id = u->upload_id,
		.part_number = u->part_number,
		.content_type = u->content_type,
		.meta = u->meta,
		.condition = u->condition,
		.arena = &c->x->arena };
}

/* The body of a slot, on a worker. */
static enum status finish_image(struct s3_call *c, struct str bytes, struct fault *why)
{
	struct s3_upload *u = c->upload;
	struct image_row now;
	u->image.bytes = bytes;
	u->image.etag = u->etag;
	u->image.caller = c->x->request.client;
	u->image.request_id = c->x->request.id;
	struct body_commit b = { .port.what = u->image, .buckets = c->s3->buckets, .in = &u->in, .object = commit_of(c) };
	enum status st = body_commit_run(c->s3->product, &u->slot, &b, &now, why);
	u->counted = b.port.counted;
	if (st == OK)
		u->etag = now.etag; /* of a repeated upload: what was stored then */
	return st;
}

enum status upload_finish(struct s3_call *c, struct fault *why)
{
	assert(c->upload->in != NULL);
	struct s3_upload *u = c->upload;
	struct str bytes;
	TRY(check_body(c, &bytes, why));
	if (c->is_image)
		return finish_image(c, bytes, why);
	struct object_commit all = commit_of(c);
	TRY(bucket_finish(&u->in, &all, why));
	count_outcome(u, M_UPLOADS_ACCEPTED);
	return OK;
}

/* On the commit thread. */
static void on_committed(struct write_completion *w, enum status st)
{
	struct s3_upload *u = (struct s3_upload *)((char *)w - offsetof(struct s3_upload, wait));
	if (st == OK)
		count_outcome(u, M_UPLOADS_ACCEPTED);
	u->done(u->call, st, &w->why);
}

void put_body_commit(struct s3_call *c, void (*done)(struct s3_call *c, enum status st, const struct fault *why))
{
	assert(c->upload->in != NULL);
	assert(!c->is_image);
	struct s3_upload *u = c->upload;
	struct fault why = { 0 };
	struct str bytes;
	enum status st = check_body(c, &bytes, &why);
	if (st != OK) {
		done(c, st, &why);
		return;
	}
	u->call = c;
	u->done = done;
	u->commit = commit_of(c);
	u->wait.done = on_committed;
	bucket_start_finish(&u->in, &u->commit, &u->wait);
}

void put_body_drop(struct s3_call *c)
{
	assert(c != NULL);
	struct s3_upload *u = c->upload;
	if (u == NULL)
		return;
	bucket_abandon(&u->in);
	intake_drop(&u->intake);
	if (u->stream != NULL)
		stream_drop(u->stream);
	if (!u->counted)
		count_outcome(u, M_UPLOADS_FAILED);
}
