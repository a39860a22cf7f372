/* Multipart uploads: create, list, abort, and complete. The parts' bytes come by PUT or by copy.
 *
 * Completing compares the client's list with the stored parts, computes the object's ETag and checksum from theirs, and
 * has the engine make one object of them. A client that has not received the response asks again. The upload is gone
 * then, and the engine, which remembers for a while what it became, gives the same result if the same parts are named.
 * Source: Amazon S3 API, CreateMultipartUpload, AbortMultipartUpload, ListParts, ListMultipartUploads,
 * CompleteMultipartUpload. */
#include "s3/acl.h"
#include "s3/xml_body.h"
#include "s3/object_headers.h"
#include "s3/parameters.h"
#include "s3/checksums.h"
#include "s3/wire/complete_request.h"
#include "s3/wire/text.h"

#define PAGE_MAX 1000
#define OBJECT_PARTS_BYTES_MAX ((uint64_t)5 * 1024 * 1024 * 1024 * 1024)

enum status multipart_begin(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	struct part_upload u = { .bucket = c->at.bucket, .key = c->at.key, .owner = str_of(c->key->user) };
	struct str id;
	struct buf b;
	TRY(call_refuse_reserved(c, false, why));
	TRY(acl_check_headers(c, &c->x->request.by_name, why));
	TRY(object_headers_refuse(&c->x->request.by_name, why));
	TRY(object_headers_read(&c->x->arena, &c->x->request.by_name, &u.content_type, &u.meta, why));
	TRY(sums_read_requested(c, &u.meta.checksum, why));
	TRY(parts_start(c->s3->parts, &u, &c->x->arena, &id, why));
	if (u.meta.checksum.kind != CHECKSUM_NONE) {
		answer_header(&c->x->answer, STR("x-amz-checksum-algorithm"), str_of(checksum_info(u.meta.checksum.kind)->name));
		answer_header(&c->x->answer, STR("x-amz-checksum-type"), sums_type(u.meta.checksum.composite));
	}
	document_open(c, &b, "InitiateMultipartUploadResult");
	xml_element(&b, "Bucket", c->at.bucket);
	xml_element(&b, "Key", c->at.key);
	xml_element(&b, "UploadId", id);
	return document_answer(c, &b, "InitiateMultipartUploadResult", why);
}

enum status multipart_abort(struct s3_call *c, struct fault *why)
{
	TRY(parts_abort(c->s3->parts, c->at.bucket, c->at.key, parameter(c, "uploadId"), why));
	c->x->answer.status = 204;
	return OK;
}

enum status multipart_list_parts(struct s3_call *c, struct fault *why)
{
	assert(c->bucket.owner.n > 0);
	struct part_upload u = { 0 };
	struct part_page page = { 0 };
	struct str id = parameter(c, "uploadId");
	uint32_t after, limit;
	struct buf b;
	TRY(parameter_count(c, "part-number-marker", 0, INT32_MAX, &after, why));
	TRY(parameter_count(c, "max-parts", PAGE_MAX, PAGE_MAX, &limit, why));
	TRY(parts_find(c->s3->parts, c->at.bucket, c->at.key, id, &c->x->arena, &u, why));
	TRY(parts_list(c->s3->parts, id, after, limit, &c->x->arena, &page, why));
	document_open(c, &b, "ListPartsResult");
	xml_element(&b, "Bucket", c->at.bucket);
	xml_element(&b, "Key", c->at.key);
	xml_element(&b, "UploadId", id);
	xml_user(&b, "Initiator", u.owner);
	xml_user(&b, "Owner", c->bucket.owner);
	buf_put(&b, STR("<StorageClass>STANDARD</StorageClass>"));
	sums_write_kind(&b, u.meta.checksum.kind, u.meta.checksum.composite);
	xml_number(&b, "PartNumberMarker", after);
	xml_number(&b, "NextPartNumberMarker", page.n > 0 ? page.parts[page.n - 1].number : 0);
	xml_number(&b, "MaxParts", limit);
	xml_element(&b, "IsTruncated", page.more && limit > 0 ? STR("true") : STR("false"));
	for (size_t i = 0; i < page.n; i++) {
		const struct object_part *p = &page.parts[i];
		buf_put(&b, STR("<Part>"));
		xml_number(&b, "PartNumber", p->number);
		xml_time(&b, "LastModified", p->modified_ms);
		xml_etag(&b, p->etag);
		xml_number(&b, "Size", p->size);
		sums_write_value(&b, &p->checksum);
		buf_put(&b, STR("</Part>"));
	}
	return document_answer(c, &b, "ListPartsResult", why);
}

static enum status read_uploads_query(struct s3_call *c, struct part_upload_query *q, bool *url, struct fault *why)
{
	*q = (struct part_upload_query){ .bucket = c->at.bucket };
	TRY(parameter_text(c, "prefix", &q->prefix, why));
	TRY(parameter_text(c, "delimiter", &q->delimiter, why));
	TRY(parameter_text(c, "key-marker", &q->after_key, why));
	TRY(parameter_text(c, "upload-id-marker", &q->after_id, why));
	if (q->after_key.n == 0)
		q->after_id = STR(""); /* without a key S3 ignores it */
	TRY(parameter_count(c, "max-uploads", PAGE_MAX, PAGE_MAX, &q->limit, why));
	return parameter_encoding(c, url, why);
}

enum status multipart_list_uploads(struct s3_call *c, struct fault *why)
{
	assert(c->bucket.owner.n > 0);
	struct part_upload_query q;
	struct part_upload_page page = { 0 };
	bool url;
	struct buf b CLEANUP(buf_deinit) = { 0 };
	TRY(read_uploads_query(c, &q, &url, why));
	TRY(parts_list_uploads(c->s3->parts, &q, &c->x->arena, &page, why));
	bool more = page.more && page.n > 0;
	document_open_large(&b, "ListMultipartUploadsResult");
	xml_element(&b, "Bucket", c->at.bucket);
	xml_key(&b, "KeyMarker", q.after_key, url);
	xml_element(&b, "UploadIdMarker", q.after_id);
	if (more)
		xml_key(&b, "NextKeyMarker", page.uploads[page.n - 1].key, url);
	if (more)
		xml_element(&b, "NextUploadIdMarker", page.uploads[page.n - 1].id);
	xml_key(&b, "Prefix", q.prefix, url);
	if (q.delimiter.n > 0)
		xml_key(&b, "Delimiter", q.delimiter, url);
	if (url)
		xml_element(&b, "EncodingType", STR("url"));
	xml_number(&b, "MaxUploads", q.limit);
	xml_element(&b, "IsTruncated", more ? STR("true") : STR("false"));
	for (size_t i = 0; i < page.n; i++) {
		if (page.uploads[i].id.n > 0) {
			const struct part_upload *u = &page.uploads[i];
			buf_put(&b, STR("<Upload>"));
			xml_key(&b, "Key", u->key, url);
			xml_element(&b, "UploadId", u->id);
			xml_user(&b, "Initiator", u->owner);
			xml_user(&b, "Owner", c->bucket.owner);
			buf_put(&b, STR("<StorageClass>STANDARD</StorageClass>"));
			xml_time(&b, "Initiated", u->begun_ms);
			sums_write_kind(&b, u->meta.checksum.kind, u->meta.checksum.composite);
			buf_put(&b, STR("</Upload>"));
		}
	}
	for (size_t i = 0; i < page.n; i++) {
		if (page.uploads[i].id.n > 0)
			continue;
		buf_put(&b, STR("<CommonPrefixes>"));
		xml_key(&b, "Prefix", page.uploads[i].key, url);
		buf_put(&b, STR("</CommonPrefixes>"));
	}
	return document_answer(c, &b, "ListMultipartUploadsResult", why);
}

struct ending {
	struct part_upload upload;
	struct part_list given;
	struct part_completion made;
};

static void add_part_details(struct s3_call *c, const struct object_part *bad, const struct fault *why)
{
	struct arena *a = &c->x->arena;
	if (why->code != F_PART_INVALID && why->code != F_PART_TOO_SMALL)
		return;
	if (why->code == F_PART_TOO_SMALL) {
		call_detail(c, "ProposedSize", str_printf(a, "%llu", (unsigned long long)bad->size));
		call_detail(c, "MinSizeAllowed", str_printf(a, "%llu", (unsigned long long)PART_MIN_BYTES));
	}
	call_detail(c, "PartNumber", str_printf(a, "%u", bad->number));
	call_detail(c, "ETag", bad->etag);
}

/* The size of the whole object, if the client gave it. */
static enum status check_size(struct s3_call *c, const struct ending *e, struct fault *why)
{
	struct str text = request_header(&c->x->request, STR("x-amz-mp-object-size"));
	uint64_t given, size = 0;
	for (size_t i = 0; i < e->given.n; i++)
		size += e->given.parts[i].size;
	if (size > OBJECT_PARTS_BYTES_MAX)
		return fault_set(why, BODY_TOO_LARGE, "Your proposed upload exceeds the maximum allowed size");
	if (text.p == NULL)
		return OK;
	if (!str_to_u64(str_trim(text), &given))
		return argument_fault(c, "x-amz-mp-object-size", text, "Value for x-amz-mp-object-size header is invalid.", why);
	if (given != size)
		return fault_set(why, REQUEST_INVALID,
			"The provided 'x-amz-mp-object-size' header value %llu does not match what was computed: %llu", (unsigned long long)given,
			(unsigned long long)size);
	return OK;
}

/* As S3, accept a composite checksum with the number of parts at its end or without it: minio-go leaves it out. */
static bool is_same_sum(struct str value, const struct object_checksum *sum)
{
	struct str bare = sum->composite ? str_slice(sum->value, 0, str_find_char(sum->value, '-')) : sum->value;

	return str_equal(value, sum->value) || str_equal(value, bare);
}

static enum status check_checksum(struct s3_call *c, const struct object_checksum *sum, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct str type = str_trim(request_header(r, STR("x-amz-checksum-type")));
	struct str own = sums_type(sum->composite);
	if (type.n > 0 && sum->kind != CHECKSUM_NONE && !str_equal_nocase(type, own))
		return fault_set(why, REQUEST_INVALID,
			"The upload was created using the %.*s checksum type. The complete request must use the same.", STRF(own));
	if (sum->kind == CHECKSUM_NONE)
		return OK;
	struct str given = str_trim(request_header(r, str_of(checksum_info(sum->kind)->header)));
	if (given.n > 0 && !is_same_sum(given, sum))
		return fault_set(
			why, CHECKSUM_WRONG, "The %s you specified did not match the calculated checksum.", checksum_info(sum->kind)->name);
	return OK;
}

static enum status plan_first(struct s3_call *c, struct ending *e, struct fault *why)
{
	struct arena *a = &c->x->arena;
	TRY(parts_find(c->s3->parts, c->at.bucket, c->at.key, e->made.id, a, &e->upload, why));
	struct part_page page = { 0 };
	const struct object_part *bad = NULL;
	TRY(parts_list(c->s3->parts, e->made.id, 0, PART_NUMBER_MAX, &c->x->arena, &page, why));
	struct part_list there = { page.parts, page.n };
	enum status st = complete_request_match(&e->given, &there, &e->upload.meta.checksum, &bad, why);
	if (st != OK)
		add_part_details(c, bad, why);
	TRY(st);
	TRY(check_size(c, e, why));
	e->made.meta = e->upload.meta;
	TRY(sums_of_parts(a, e->given.parts, e->given.n, &e->made.meta.checksum, why));
	TRY(check_checksum(c, &e->made.meta.checksum, why));
	return sums_etag_of_parts(a, e->given.parts, e->given.n, &e->made.etag, why);
}

static enum status plan_object(struct s3_call *c, struct ending *e, struct fault *why)
{
	enum status st = plan_first(c, e, why);
	if (st != OK && why->code == F_NO_SUCH_UPLOAD) {
		/* It was completed or aborted, perhaps just now: only the client's list says what its parts were. */
		struct fault unseen = { 0 };
		e->upload = (struct part_upload){ 0 };
		st = sums_etag_of_parts(&c->x->arena, e->given.parts, e->given.n, &e->made.etag, &unseen) == OK ? OK : st;
	}
	TRY(st);
	e->made.meta.parts = e->made.parts = e->given.parts;
	e->made.meta.n_parts = e->made.n_parts = e->given.n;
	return object_headers_condition(c, &e->made.condition, why);
}

/* The stored checksum of the object: when a completion is repeated, the upload is not there to give it. */
static void find_checksum(struct s3_call *c, struct ending *e, struct str etag)
{
	struct object_file file = { .fd = -1 };
	struct fault unseen = { 0 };
	struct object_checksum *sum = &e->made.meta.checksum;
	if (bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, &unseen) != OK)
		return;
	if (str_equal(file.info.etag, etag)) {
		*sum = file.meta.checksum;
		sum->value = str_dup(&c->x->arena, sum->value);
	}
	object_file_close(&file);
}

static enum status answer_object(struct s3_call *c, struct ending *e, const struct object_info *info, struct fault *why)
{
	struct buf b;
	if (e->upload.id.n == 0)
		find_checksum(c, e, info->etag);
	document_open(c, &b, "CompleteMultipartUploadResult");
	xml_element(&b, "Location", call_object_url(c));
	xml_element(&b, "Bucket", c->at.bucket);
	xml_element(&b, "Key", c->at.key);
	xml_etag(&b, info->etag);
	sums_write(&b, &e->made.meta.checksum);
	return document_answer(c, &b, "CompleteMultipartUploadResult", why);
}

enum status multipart_complete(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	struct ending e = { .made = { .bucket = c->at.bucket, .key = c->at.key, .id = parameter(c, "uploadId") } };
	struct object_info info = { 0 };
	struct str body;
	TRY(call_refuse_reserved(c, false, why));
	TRY(document_read(c, DIGEST_OF_OBJECT, &body, why));
	TRY(complete_request_read(&c->x->arena, body, &e.given, why));
	TRY(plan_object(c, &e, why));
	TRY(parts_complete(c->s3->parts, &e.made, &c->x->arena, &info, why));
	return answer_object(c, &e, &info, why);
}
