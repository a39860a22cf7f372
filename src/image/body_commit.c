/* What verify_body asks of the store, by bucket_store. See body_commit.h. */
#include "image/body_commit.h"

#include "base/clock.h"
#include "base/log/log.h"

#include <string.h>

#define PIECE_BYTES 16384

static enum status commit_image(struct slot_body *port, const struct resolution *s, struct image_row *now, struct fault *why)
{
	struct body_commit *b = (struct body_commit *)port;
	b->object.content_type = s->file_type;
	b->object.insert = port->is_new ? b->slot : NULL;
	b->object.resolve = s;
	b->object.now = now;
	TRY(bucket_finish(b->in, &b->object, why));
	LOG(IMAGE_UPLOADED, port->what.request_id, LOG_S("imageId", s->image_id), LOG_S("fileType", s->file_type), LOG_I("bytes", s->file_size),
		LOG_I("width", s->width), LOG_I("height", s->height));
	return OK;
}

static bool file_holds(int fd, struct str bytes)
{
	char piece[PIECE_BYTES];
	for (size_t at = 0; at < bytes.n;) {
		ssize_t n = pread(fd, piece, sizeof(piece), (off_t)at);
		if (n <= 0 || (size_t)n > bytes.n - at || memcmp(piece, bytes.p + at, (size_t)n) != 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static enum status compare_image(struct slot_body *port, bool *same, struct fault *why)
{
	struct body_commit *b = (struct body_commit *)port;
	struct object_file f = { .fd = -1 };
	struct str bytes;
	unsigned char md5[MD5_BYTES];
	TRY(bucket_view(*b->in, &bytes, md5, why));
	TRY(bucket_open(b->buckets, b->object.bucket, b->object.key, b->object.arena, &f, why));
	*same = f.info.size == bytes.n && (f.fd < 0 ? str_equal(f.bytes, bytes) : file_holds(f.fd, bytes));
	object_file_close(&f);
	return OK;
}

enum status body_commit_run(
	struct product *p, const struct image_row *slot, struct body_commit *b, struct image_row *now, struct fault *why)
{
	assert(p != NULL && slot != NULL && now != NULL);
	assert(b != NULL && b->in != NULL && *b->in != NULL && b->object.arena != NULL);
	assert(b->port.what.etag.n > 0);
	b->slot = slot;
	b->port.commit = commit_image;
	b->port.compare = compare_image;
	b->port.what.now_ms = clock_now_ms();
	enum status st = verify_body(p, slot, &b->port, b->object.arena, now, why);
	if (st != OK && why->code == F_IMAGE_REJECTED)
		LOG(IMAGE_REJECTED, b->port.what.request_id, LOG_S("imageId", now->image_id), LOG_S("reason", now->reason),
			LOG_I("bytes", now->file_size));
	return st;
}
