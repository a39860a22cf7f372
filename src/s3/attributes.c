/* GetObjectAttributes: the metadata of an object.
 * Source: Amazon S3 API, GetObjectAttributes. */
#include "base/clock.h"
#include "s3/xml_body.h"
#include "s3/parameters.h"
#include "s3/checksums.h"
#include "s3/wire/text.h"

#include <string.h>

#define PARTS_MAX 1000

enum attribute { WANTS_ETAG = 1, WANTS_CHECKSUM = 2, WANTS_PARTS = 4, WANTS_CLASS = 8, WANTS_SIZE = 16 };

static const struct {
	const char *name;
	enum attribute bit;
} known[] = { { "ETag", WANTS_ETAG }, { "Checksum", WANTS_CHECKSUM }, { "ObjectParts", WANTS_PARTS }, { "StorageClass", WANTS_CLASS },
	{ "ObjectSize", WANTS_SIZE } };

static enum status read_name(struct s3_call *c, struct str name, unsigned *wanted, struct fault *why)
{
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (str_equal(name, str_of(known[i].name))) {
			*wanted |= known[i].bit;
			return OK;
		}
	}
	return argument_fault(c, "x-amz-object-attributes", name, "Invalid attribute name specified.", why);
}

static enum status read_wanted(struct s3_call *c, unsigned *wanted, struct fault *why)
{
	struct str rest = request_header(&c->x->request, STR("x-amz-object-attributes"));
	*wanted = 0;
	while (rest.p != NULL)
		TRY(read_name(c, str_trim(str_cut(&rest, ',')), wanted, why));
	if (*wanted == 0)
		return argument_fault(c, "x-amz-object-attributes", STR(""),
			"The x-amz-object-attributes header specifying the attributes to be "
			"retrieved is either missing or empty",
			why);
	return OK;
}

static enum status write_parts(struct s3_call *c, const struct object_meta *m, struct buf *b, struct fault *why)
{
	uint32_t after, limit, last = 0;
	size_t i = 0, given = 0;
	TRY(header_count(c, "x-amz-part-number-marker", 0, INT32_MAX, &after, why));
	TRY(header_count(c, "x-amz-max-parts", PARTS_MAX, PARTS_MAX, &limit, why));
	if (m->n_parts == 0)
		return OK;
	while (i < m->n_parts && m->parts[i].number <= after)
		i++;
	buf_put(b, STR("<ObjectParts>"));
	xml_number(b, "PartsCount", m->n_parts);
	xml_number(b, "PartNumberMarker", after);
	xml_number(b, "MaxParts", limit);
	for (; i < m->n_parts && given < limit; i++, given++) {
		const struct object_part *p = &m->parts[i];
		buf_put(b, STR("<Part>"));
		sums_write_value(b, &p->checksum);
		xml_number(b, "PartNumber", p->number);
		xml_number(b, "Size", p->size);
		buf_put(b, STR("</Part>"));
		last = m->parts[i].number;
	}
	xml_number(b, "NextPartNumberMarker", last);
	xml_element(b, "IsTruncated", i < m->n_parts && limit > 0 ? STR("true") : STR("false"));
	buf_put(b, STR("</ObjectParts>"));
	return OK;
}

static enum status write_all(struct s3_call *c, const struct object_file *f, unsigned wanted, struct buf *b, struct fault *why)
{
	if ((wanted & WANTS_ETAG) != 0)
		xml_element(b, "ETag", f->info.etag); /* here without quotes */
	if ((wanted & WANTS_CHECKSUM) != 0 && f->meta.checksum.kind != CHECKSUM_NONE) {
		buf_put(b, STR("<Checksum>"));
		sums_write(b, &f->meta.checksum);
		buf_put(b, STR("</Checksum>"));
	}
	if ((wanted & WANTS_PARTS) != 0)
		TRY(write_parts(c, &f->meta, b, why));
	if ((wanted & WANTS_CLASS) != 0)
		buf_put(b, STR("<StorageClass>STANDARD</StorageClass>"));
	if ((wanted & WANTS_SIZE) != 0)
		xml_number(b, "ObjectSize", f->info.size);
	return OK;
}

enum status attributes_get(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	struct object_file file = { .fd = -1 };
	char date[HTTP_DATE_CHARS + 1];
	unsigned wanted;
	struct buf b;
	TRY(parameter_version(c, why));
	TRY(read_wanted(c, &wanted, why));
	TRY(bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, why));
	document_open(c, &b, "GetObjectAttributesResponse");
	enum status st = write_all(c, &file, wanted, &b, why);
	clock_http_date(file.info.modified_ms, date);
	object_file_close(&file);
	TRY(st);
	answer_header(&c->x->answer, STR("Last-Modified"), str_dup(&c->x->arena, str_of(date)));
	return document_answer(c, &b, "GetObjectAttributesResponse", why);
}
