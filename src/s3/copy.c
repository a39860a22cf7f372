/* Copies: of an object, or of a range of one into a part. The bytes are received like those of an
 * upload, piece by piece, so that the copy has its own ETag and checksum and is stored whole or not at all.
 * Everything runs on a worker, since a copy may be of 5 GiB.
 * Source: Amazon S3 API, CopyObject, UploadPartCopy. */
#include "base/clock.h"
#include "s3/acl.h"
#include "s3/wire/conditions.h"
#include "s3/wire/copy_source.h"
#include "s3/xml_body.h"
#include "s3/object_headers.h"
#include "s3/parameters.h"
#include "s3/authorize.h"
#include "s3/checksums.h"
#include "s3/wire/text.h"

#include <errno.h>
#include <unistd.h>

#define COPY_MAX_BYTES ((uint64_t)5 * 1024 * 1024 * 1024)
#define PIECE_BYTES ((size_t)256 * 1024)

struct copy {
	struct copy_source source;
	struct object_file file; /* the source, open */
	uint64_t first, length;  /* the bytes to copy */
	struct object_commit commit;
	enum checksum_kind kind; /* of the checksum that the copy gets */
	struct checksum sum;
	struct incoming *in;
	struct str etag; /* of the copy */
};

static enum status find_source(struct s3_call *c, struct copy *k, struct fault *why)
{
	TRY(authorize_other(c, KEY_READ, k->source.bucket, k->source.key, why));
	if (k->source.version.p != NULL)
		TRY(version_check(k->source.version, why));
	return bucket_open(c->s3->buckets, k->source.bucket, k->source.key, &c->x->arena, &k->file, why);
}

/* From here the caller closes the file. */
static enum status open_source(struct s3_call *c, struct copy *k, struct fault *why)
{
	struct str value = request_header(&c->x->request, STR("x-amz-copy-source"));
	k->file.fd = -1;
	TRY(copy_source_parse(&c->x->arena, value, &k->source, why));
	enum status st = find_source(c, k, why);
	if (st != OK)
		call_detail_missing(c, k->source.bucket, k->source.key, why);
	TRY(st);
	k->length = k->file.info.size;
	const struct request *r = &c->x->request;
	struct conditions all = {
		.if_match = request_header(r, STR("x-amz-copy-source-if-match")),
		.if_none_match = request_header(r, STR("x-amz-copy-source-if-none-match")),
		.if_modified_since = request_header(r, STR("x-amz-copy-source-if-modified-since")),
		.if_unmodified_since = request_header(r, STR("x-amz-copy-source-if-unmodified-since")),
	};
	if (conditions_check(&all, k->file.info.etag, k->file.info.modified_ms) != CONDITION_HOLDS)
		return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold");
	return OK;
}

static enum status check_size(const struct copy *k, struct fault *why)
{
	if (k->length <= COPY_MAX_BYTES)
		return OK;
	return fault_set(why, REQUEST_INVALID, "The specified copy source is larger than the maximum allowable size for a copy source: %llu",
		(unsigned long long)COPY_MAX_BYTES);
}

static enum status write_piece(struct copy *k, const void *p, size_t n, struct fault *why)
{
	if (k->kind != CHECKSUM_NONE)
		checksum_update(&k->sum, p, n);
	return bucket_write(k->in, p, n, why);
}

static enum status write_bytes(struct s3_call *c, struct copy *k, struct fault *why)
{
	if (k->file.fd >= 0) {
		char *piece = arena_alloc(&c->x->arena, PIECE_BYTES);
		if (piece == NULL)
			return fault_too_much(why);
		for (uint64_t done = 0; done < k->length;) {
			uint64_t left = k->length - done;
			ssize_t n = pread(k->file.fd, piece, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, (off_t)(k->first + done));
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				return fault_set(why, STORAGE_FAILED, "the source of a copy could not be read");
			TRY(write_piece(k, piece, (size_t)n, why));
			done += (uint64_t)n;
		}
		return OK;
	}
	struct str bytes = str_slice(k->file.bytes, (size_t)k->first, (size_t)(k->first + k->length));
	return write_piece(k, bytes.p, bytes.n, why);
}

/* The copy itself; the commit is filled in but for the checksum. */
static enum status copy_bytes(struct s3_call *c, struct copy *k, struct fault *why)
{
	TRY(bucket_begin(c->s3->buckets, k->length, &k->in, why));
	if (k->kind != CHECKSUM_NONE)
		checksum_init(&k->sum, k->kind);
	TRY(write_bytes(c, k, why));
	unsigned char md5[MD5_BYTES], sum[CHECKSUM_BYTES_MAX];
	if (k->kind != CHECKSUM_NONE) {
		checksum_final(&k->sum, sum);
		k->commit.meta.checksum = (struct object_checksum){ .kind = k->kind, .value = sums_text(&c->x->arena, k->kind, sum) };
	}
	struct str bytes;
	TRY(bucket_view(k->in, &bytes, md5, why));
	k->etag = sums_etag(&c->x->arena, md5);
	return bucket_finish(&k->in, &k->commit, why);
}

static void release_source(struct copy *k)
{
	bucket_abandon(&k->in);
	object_file_close(&k->file);
}

static enum status answer_copy(struct s3_call *c, const struct copy *k, const char *root, int64_t modified_ms, struct fault *why)
{
	struct buf b;
	document_open(c, &b, root);
	xml_time(&b, "LastModified", modified_ms);
	xml_etag(&b, k->etag);
	if (k->commit.upload_id.n > 0)
		sums_write_value(&b, &k->commit.meta.checksum);
	else
		sums_write(&b, &k->commit.meta.checksum);
	if (k->source.version.p != NULL)
		answer_header(&c->x->answer, STR("x-amz-copy-source-version-id"), STR("null"));
	return document_answer(c, &b, root, why);
}

/* The Last-Modified of the copy. */
static int64_t modified_ms(struct s3_call *c)
{
	struct object_file file = { .fd = -1 };
	struct fault unseen = { 0 };
	int64_t ms = clock_now_ms();
	if (bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, &unseen) == OK)
		ms = file.info.modified_ms;
	object_file_close(&file);
	return ms;
}

static enum status read_directive(struct s3_call *c, bool *replace, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct str value = request_header(r, STR("x-amz-metadata-directive")), tags = request_header(r, STR("x-amz-tagging-directive"));
	*replace = str_equal(value, STR("REPLACE"));
	if (!*replace && value.p != NULL && !str_equal(value, STR("COPY")))
		return argument_fault(c, "x-amz-metadata-directive", value, "Unknown metadata directive.", why);
	if (tags.p != NULL && !str_equal(tags, STR("COPY")) && !str_equal(tags, STR("REPLACE")))
		return argument_fault(c, "x-amz-tagging-directive", tags, "Unknown tagging directive.", why);
	return OK;
}

/* A website redirect is not copied; it may be given again. */
static enum status copy_meta(struct s3_call *c, struct copy *k, struct fault *why)
{
	const struct object_meta *m = &k->file.meta;
	struct str redirect = request_header(&c->x->request, STR("x-amz-website-redirect-location"));
	struct header *all = arena_array(&c->x->arena, m->n_headers + 1, sizeof(*all));
	size_t n = 0;
	if (all == NULL)
		return fault_too_much(why);
	for (size_t i = 0; i < m->n_headers; i++)
		if (!str_equal(m->headers[i].name, STR("x-amz-website-redirect-location")))
			all[n++] = m->headers[i];
	if (redirect.n > 0)
		all[n++] = (struct header){ STR("x-amz-website-redirect-location"), redirect };
	k->commit.content_type = k->file.info.content_type;
	k->commit.meta.headers = all;
	k->commit.meta.n_headers = n;
	return OK;
}

static enum status copy_object_open(struct s3_call *c, struct copy *k, struct fault *why)
{
	const struct request *r = &c->x->request;
	bool replace;
	TRY(open_source(c, k, why));
	TRY(read_directive(c, &replace, why));
	bool same = str_equal(k->source.bucket, c->at.bucket) && str_equal(k->source.key, c->at.key);
	if (same && !replace && request_header(r, STR("x-amz-website-redirect-location")).n == 0)
		return fault_set(why, REQUEST_INVALID,
			"This copy request is illegal because it is trying to copy an object to itself without "
			"changing the object's metadata, storage class, website redirect location or encryption attributes.");
	TRY(check_size(k, why));
	k->commit = (struct object_commit){ .bucket = c->at.bucket, .key = c->at.key, .arena = &c->x->arena };
	TRY(object_headers_condition(c, &k->commit.condition, why));
	if (!replace)
		TRY(copy_meta(c, k, why));
	else
		TRY(object_headers_read(&c->x->arena, &r->by_name, &k->commit.content_type, &k->commit.meta, why));
	TRY(sums_read_algorithm(c, &k->kind, why));
	if (k->kind == CHECKSUM_NONE)
		k->kind = k->file.meta.checksum.kind;
	return copy_bytes(c, k, why);
}

enum status copy_object(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	struct copy k = { .file.fd = -1 };
	TRY(call_refuse_reserved(c, false, why));
	TRY(acl_check_headers(c, &c->x->request.by_name, why));
	TRY(object_headers_refuse(&c->x->request.by_name, why));
	enum status st = copy_object_open(c, &k, why);
	release_source(&k);
	TRY(st);
	return answer_copy(c, &k, "CopyObjectResult", modified_ms(c), why);
}

static enum status copy_part_open(struct s3_call *c, struct copy *k, struct fault *why)
{
	TRY(open_source(c, k, why));
	struct part_upload upload = { 0 };
	struct str range = request_header(&c->x->request, STR("x-amz-copy-source-range"));
	k->commit = (struct object_commit){ .bucket = c->at.bucket, .key = c->at.key, .arena = &c->x->arena };
	k->commit.upload_id = parameter(c, "uploadId");
	TRY(parameter_part_number(c, &k->commit.part_number, why));
	TRY(parts_find(c->s3->parts, c->at.bucket, c->at.key, k->commit.upload_id, &c->x->arena, &upload, why));
	if (range.p != NULL)
		TRY(copy_range_parse(range, k->file.info.size, &k->first, &k->length, why));
	k->kind = upload.meta.checksum.kind;
	TRY(check_size(k, why));
	return copy_bytes(c, k, why);
}

enum status copy_part(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	struct copy k = { .file.fd = -1 };
	TRY(object_headers_refuse(&c->x->request.by_name, why));
	enum status st = copy_part_open(c, &k, why);
	release_source(&k);
	TRY(st);
	return answer_copy(c, &k, "CopyPartResult", clock_now_ms(), why);
}
