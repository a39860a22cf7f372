/* The table of operations, and which of them a request is: by method, level and the sub-resource in its query.
 * A query that names a sub-resource never selects the plain operation: PUT with ?acl must not write an object, and
 * DELETE of a key with ?lifecycle must not delete one. So sub-resources of the other level, and those that this store does
 * not support, are recognized too; unknown ones are ignored, as S3 does. */
#include "s3/route.h"

#include <string.h>

/* method, level, sub-resource, route, actions, slots, and what is done: begin, data, finish, start */
static const struct operation operations[] = {
	{ "GET", AT_SERVICE, "", "GET /", KEY_LIST, false, later_begin, NULL, bucket_list_all },

	{ "PUT", AT_BUCKET, "", "PUT /bucket", KEY_BUCKETS, false, document_begin, document_data, bucket_make },
	{ "DELETE", AT_BUCKET, "", "DELETE /bucket", KEY_BUCKETS, false, later_begin, NULL, bucket_drop, .is_long = true },
	{ "HEAD", AT_BUCKET, "", "HEAD /bucket", KEY_LIST, false, bucket_head, NULL, NULL },
	{ "GET", AT_BUCKET, "location", "GET /bucket?location", KEY_LIST, false, bucket_location, NULL, NULL },
	{ "GET", AT_BUCKET, "versioning", "GET /bucket?versioning", KEY_LIST, false, bucket_versioning, NULL, NULL },
	{ "GET", AT_BUCKET, "acl", "GET /bucket?acl", KEY_LIST, false, acl_get, NULL, NULL },
	{ "PUT", AT_BUCKET, "acl", "PUT /bucket?acl", KEY_BUCKETS, false, document_begin, document_data, acl_put },
	{ "GET", AT_BUCKET, "cors", "GET /bucket?cors", KEY_LIST, false, later_begin, NULL, cors_get },
	{ "PUT", AT_BUCKET, "cors", "PUT /bucket?cors", KEY_BUCKETS, false, document_begin, document_data, cors_put },
	{ "DELETE", AT_BUCKET, "cors", "DELETE /bucket?cors", KEY_BUCKETS, false, later_begin, NULL, cors_remove },

	{ "GET", AT_BUCKET, "", "GET /bucket", KEY_LIST, false, later_begin, NULL, list_v1, .has_prefix = true },
	{ "GET", AT_BUCKET, "list-type", "GET /bucket?list-type", KEY_LIST, false, later_begin, NULL, list_v2, .has_prefix = true },
	{ "GET", AT_BUCKET, "versions", "GET /bucket?versions", KEY_LIST, false, later_begin, NULL, list_versions, .has_prefix = true },
	{ "GET", AT_BUCKET, "uploads", "GET /bucket?uploads", KEY_LIST, false, later_begin, NULL, multipart_list_uploads, .has_prefix = true },
	{ "POST", AT_BUCKET, "delete", "POST /bucket?delete", 0, false, document_begin, document_data, delete_many, .is_long = true },

	{ "GET", AT_OBJECT, "", "GET /object", KEY_READ, true, get_begin, NULL, NULL },
	{ "HEAD", AT_OBJECT, "", "HEAD /object", KEY_READ, true, get_begin, NULL, NULL },
	{ "PUT", AT_OBJECT, "", "PUT /object", KEY_WRITE, true, put_begin, put_data, put_finish, put_start },
	{ "PUT", AT_OBJECT, "copy", "PUT /object copy", KEY_WRITE, false, later_begin, NULL, copy_object, .is_long = true },
	{ "DELETE", AT_OBJECT, "", "DELETE /object", KEY_DELETE, false, later_begin, NULL, delete_one },
	{ "GET", AT_OBJECT, "attributes", "GET /object?attributes", KEY_READ, false, later_begin, NULL, attributes_get },
	{ "GET", AT_OBJECT, "acl", "GET /object?acl", KEY_READ, false, acl_get, NULL, NULL },
	{ "PUT", AT_OBJECT, "acl", "PUT /object?acl", KEY_WRITE, false, document_begin, document_data, acl_put },

	{ "POST", AT_OBJECT, "uploads", "POST /object?uploads", KEY_WRITE, false, later_begin, NULL, multipart_begin },
	{ "PUT", AT_OBJECT, "uploadId", "PUT /object?uploadId", KEY_WRITE, false, part_put_begin, put_data, put_finish, put_start },
	{ "PUT", AT_OBJECT, "copy-part", "PUT /object?uploadId copy", KEY_WRITE, false, later_begin, NULL, copy_part, .is_long = true },
	{ "GET", AT_OBJECT, "uploadId", "GET /object?uploadId", KEY_WRITE, false, later_begin, NULL, multipart_list_parts },
	{ "POST", AT_OBJECT, "uploadId", "POST /object?uploadId", KEY_WRITE, false, document_begin, document_data, multipart_complete,
		.is_long = true },
	{ "DELETE", AT_OBJECT, "uploadId", "DELETE /object?uploadId", KEY_WRITE, false, later_begin, NULL, multipart_abort },
};

/* What S3 has and this store does not, see unsupported.c. */
static const struct operation absent_bucket = { "", AT_BUCKET, "absent", "/bucket?...", KEY_LIST, false, unsupported_begin, NULL, NULL };
static const struct operation absent_object = { "", AT_OBJECT, "absent", "/object?...", KEY_READ, false, unsupported_begin, NULL, NULL };

/* A browser's form is authenticated by its own fields, which are not read yet when it begins. */
const struct operation s3_route_form = { "POST", AT_BUCKET, "", "POST /form", KEY_WRITE, true, form_begin, form_data, form_finish };

/* The supported sub-resources and their levels. If a query names several, the first in this table counts. */
#define AT(level) (1u << (level))
static const struct {
	const char *name;
	unsigned levels;
} subs[] = { { "uploadId", AT(AT_OBJECT) }, { "uploads", AT(AT_BUCKET) | AT(AT_OBJECT) }, { "attributes", AT(AT_OBJECT) },
	{ "acl", AT(AT_BUCKET) | AT(AT_OBJECT) }, { "cors", AT(AT_BUCKET) }, { "delete", AT(AT_BUCKET) }, { "location", AT(AT_BUCKET) },
	{ "versions", AT(AT_BUCKET) }, { "versioning", AT(AT_BUCKET) }, { "list-type", AT(AT_BUCKET) } };

/* What the query names. */
struct subject {
	size_t sub;                               /* of subs; COUNT_OF: none */
	const struct unsupported_feature *absent; /* at this level; NULL: none */
	const char *misplaced;                    /* a sub-resource of the other level only; NULL: none */
};

static void read_name(struct str name, enum address_level level, struct subject *out)
{
	const struct unsupported_feature *absent = unsupported_find(name, level);
	size_t i = 0;

	while (i < COUNT_OF(subs) && !str_equal(name, str_of(subs[i].name)))
		i++;
	if (absent != NULL && out->absent == NULL)
		out->absent = absent;
	if (i < COUNT_OF(subs) && (subs[i].levels & AT(level)) != 0)
		out->sub = i < out->sub ? i : out->sub;
	else if (absent == NULL && i < COUNT_OF(subs))
		out->misplaced = subs[i].name;
	else if (absent == NULL && (absent = unsupported_find(name, level == AT_BUCKET ? AT_OBJECT : AT_BUCKET)) != NULL)
		out->misplaced = absent->sub;
}

static struct subject read_query(const struct query *q, enum address_level level)
{
	struct subject s = { .sub = COUNT_OF(subs) };

	for (size_t i = 0; i < q->n && level != AT_SERVICE; i++) {
		struct str name = q->pairs[i].name;
		if (!str_starts_with_nocase(name, STR("x-")) &&
			!str_starts_with(name, STR("response-"))) /* the parameters of a signature, and headers of the response */
			read_name(name, level, &s);
	}
	return s;
}

static const struct operation *find_operation(struct str method, enum address_level level, const char *sub)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		const struct operation *o = &operations[i];
		if (o->level == level && strcmp(o->sub, sub) == 0 && str_equal(method, str_of(o->method)))
			return o;
	}
	return NULL;
}

/* A copy is a PUT with a header in place of a body; a presigned URL has it in its query. */
static bool is_copy(const struct request *r)
{
	struct str header = STR("x-amz-copy-source");

	return str_equal(r->method, STR("PUT")) && (request_header(r, header).p != NULL || query_find(&r->query, header) != NULL);
}

const struct operation *s3_route_find(struct s3_call *c)
{
	assert(c->operation == NULL);
	const struct request *r = &c->x->request;
	struct subject s = read_query(&r->query, c->at.level);
	const char *sub = s.sub < COUNT_OF(subs) ? subs[s.sub].name : "";
	const struct operation *found = NULL;

	/* as S3: GetBucketLocation may name a key as well */
	if (s.misplaced != NULL && strcmp(s.misplaced, "location") == 0 && str_equal(r->method, STR("GET"))) {
		c->at.level = AT_BUCKET;
		call_set_key(c, STR(""));
		return find_operation(r->method, AT_BUCKET, "location");
	}
	if (s.sub < COUNT_OF(subs) || (s.absent == NULL && s.misplaced == NULL)) {
		if (c->at.level == AT_OBJECT && (sub[0] == '\0' || s.sub == 0) && is_copy(r))
			sub = s.sub == 0 ? "copy-part" : "copy";
		found = find_operation(r->method, c->at.level, sub);
	}
	if (found != NULL || s.absent == NULL)
		return found;
	c->absent = s.absent;
	return c->at.level == AT_BUCKET ? &absent_bucket : &absent_object;
}
