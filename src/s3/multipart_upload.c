/* Multipart uploads: begin, abort, and the lists of them and of their parts. The parts' bytes come by
 * PUT or by copy; multipart_complete.c ends an upload.
 * Source: Amazon S3 API, CreateMultipartUpload, AbortMultipartUpload, ListParts, ListMultipartUploads. */
#include "s3/acl.h"
#include "s3/xml_body.h"
#include "s3/object_headers.h"
#include "s3/parameters.h"
#include "s3/checksums.h"
#include "s3/wire/text.h"

#define PAGE_MAX 1000

static struct str type_name(bool composite)
{
	return composite ? STR("COMPOSITE") : STR("FULL_OBJECT");
}

enum status multipart_begin(struct s3_call *c, struct fault *why)
{
	struct part_upload u = { .bucket = c->at.bucket, .key = c->at.key, .owner = str_of(c->key->user) };
	struct object_headers object_headers = { 0 };
	struct str id;
	struct buf b;
	TRY(call_refuse_reserved(c, false, why));
	TRY(acl_check_headers(c, why));
	TRY(object_headers_refuse(c->x->request.headers, c->x->request.n_headers, why));
	TRY(object_headers_read(&c->x->arena, c->x->request.headers, c->x->request.n_headers, &object_headers, why));
	u.content_type = object_headers.content_type;
	u.meta.headers = object_headers.headers;
	u.meta.n_headers = object_headers.n_headers;
	TRY(sums_read_requested(c, &u.meta.checksum, why));
	TRY(parts_start(c->s3->parts, &u, &c->x->arena, &id, why));
	if (u.meta.checksum.kind != CHECKSUM_NONE) {
		answer_header(&c->x->answer, STR("x-amz-checksum-algorithm"), str_of(checksum_info(u.meta.checksum.kind)->name));
		answer_header(&c->x->answer, STR("x-amz-checksum-type"), type_name(u.meta.checksum.composite));
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

static void write_checksum_kind(struct buf *b, const struct object_checksum *sum)
{
	if (sum->kind == CHECKSUM_NONE)
		return;
	xml_element(b, "ChecksumAlgorithm", str_of(checksum_info(sum->kind)->name));
	xml_element(b, "ChecksumType", type_name(sum->composite));
}

enum status multipart_list_parts(struct s3_call *c, struct fault *why)
{
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
	write_checksum_kind(&b, &u.meta.checksum);
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
			write_checksum_kind(&b, &u->meta.checksum);
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
