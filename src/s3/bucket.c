/* Buckets: list, create, delete, and read properties.
 * Source: Amazon S3 API, ListBuckets, CreateBucket, DeleteBucket, HeadBucket, GetBucketLocation,
 * GetBucketVersioning. */
#include "s3/acl.h"
#include "base/bucket_name.h"
#include "s3/xml_body.h"
#include "s3/parameters.h"
#include "s3/authorize.h"
#include "s3/wire/text.h"
#include "base/xml.h"

#define BUCKETS_MAX 10000
#define BUCKETS_PAGE 1000

struct bucket_listing {
	struct str prefix, after;
	uint32_t limit;
	uint32_t n;
	struct str last; /* the last name that is in it */
	bool more;
};

/* false: no later bucket can be in the listing. */
static bool read_bucket(struct s3_call *c, struct bucket_listing *l, const struct bucket_info *info, struct buf *b)
{
	if (!str_starts_with(info->name, l->prefix))
		return str_compare(info->name, l->prefix) < 0;
	if (l->n == l->limit) {
		l->more = true;
		return false;
	}
	buf_put(b, STR("<Bucket>"));
	xml_element(b, "Name", info->name);
	xml_time(b, "CreationDate", info->created_ms);
	xml_element(b, "BucketRegion", c->s3->options.region);
	buf_put(b, STR("</Bucket>"));
	l->last = info->name;
	l->n++;
	return true;
}

static enum status write_buckets(struct s3_call *c, struct bucket_listing *l, struct buf *b, struct fault *why)
{
	struct bucket_page page = { .more = true };
	struct str after = l->after;
	while (page.more) {
		page = (struct bucket_page){ 0 };
		TRY(catalog_list(c->s3->catalog, str_of(c->key->user), after, BUCKETS_PAGE, &c->x->arena, &page, why));
		for (size_t i = 0; i < page.n; i++) {
			if (!read_bucket(c, l, &page.buckets[i], b))
				return OK;
		}
		if (page.n == 0)
			return OK;
		after = page.buckets[page.n - 1].name;
	}
	return OK;
}

enum status bucket_list_all(struct s3_call *c, struct fault *why)
{
	assert(c->key != NULL);
	struct bucket_listing l = { 0 };
	struct buf b CLEANUP(buf_deinit) = { 0 };
	struct str region = parameter(c, "bucket-region"), token = parameter(c, "continuation-token"), most = parameter(c, "max-buckets");
	TRY(parameter_text(c, "prefix", &l.prefix, why));
	TRY(parameter_count(c, "max-buckets", BUCKETS_MAX, INT32_MAX, &l.limit, why));
	if (l.limit < 1 || l.limit > BUCKETS_MAX)
		return argument_fault(c, "max-buckets", most, "Argument max-buckets must be an integer between 1 and 10000", why);
	if (token.n > 0)
		TRY(token_read(c, STR(""), token, &l.after, why));
	document_open_large(&b, "ListAllMyBucketsResult");
	xml_user(&b, "Owner", str_of(c->key->user));
	buf_put(&b, STR("<Buckets>"));
	if (region.n == 0 || str_equal(region, c->s3->options.region))
		TRY(write_buckets(c, &l, &b, why));
	buf_put(&b, STR("</Buckets>"));
	if (l.prefix.n > 0)
		xml_element(&b, "Prefix", l.prefix);
	if (l.more)
		xml_element(&b, "ContinuationToken", token_write(&c->x->arena, STR(""), l.last));
	return document_answer(c, &b, "ListAllMyBucketsResult", why);
}

static enum status check_location(struct s3_call *c, struct str body, struct fault *why)
{
	const struct xml_node *root;
	if (body.n == 0)
		return OK;
	TRY(xml_read(&c->x->arena, body, "CreateBucketConfiguration", &root, why));
	if (xml_child(root, "Tags") != NULL)
		return fault_set(why, NOT_IMPLEMENTED, "Tags of buckets are not supported here.");
	if (xml_child(root, "Location") != NULL || xml_child(root, "Bucket") != NULL)
		return fault_set(why, NOT_IMPLEMENTED, "Only general purpose buckets are supported here.");
	struct str where = xml_child_word(root, "LocationConstraint");
	if (where.n == 0 || str_equal(where, c->s3->options.region))
		return OK;
	call_detail(c, "LocationConstraint", str_slice(where, 0, 256));
	return fault_set(
		why, LOCATION_INVALID, "The specified location-constraint is not valid: buckets are in %.*s here.", STRF(c->s3->options.region));
}

/* The other settings would enable ACLs. */
static enum status check_ownership(struct s3_call *c, struct fault *why)
{
	struct str given = request_header(&c->x->request, STR("x-amz-object-ownership"));
	if (given.p == NULL || str_equal(given, STR("BucketOwnerEnforced")))
		return OK;
	if (str_is_word_of(given, STR("BucketOwnerPreferred ObjectWriter")))
		return fault_set(why, NOT_IMPLEMENTED, "ACLs are not supported here: x-amz-object-ownership can only be BucketOwnerEnforced.");
	return argument_fault(c, "x-amz-object-ownership", given, "Invalid x-amz-object-ownership header", why);
}

enum status bucket_make(struct s3_call *c, struct fault *why)
{
	assert(c->at.level == AT_BUCKET);
	assert(c->key != NULL);
	struct str body = { 0 };
	if (!bucket_name_ok(c->at.bucket))
		return fault_set(
			why, BUCKET_NAME_INVALID, "The specified bucket is not valid: 3 to 63 lower-case letters, digits, dots and hyphens.");
	const struct request *r = &c->x->request;
	if (str_equal_nocase(str_trim(request_header(r, STR("x-amz-bucket-object-lock-enabled"))), STR("true")))
		return fault_set(why, NOT_IMPLEMENTED, "Object Lock is not supported here.");
	TRY(check_ownership(c, why));
	TRY(acl_check_headers(c, &r->by_name, why));
	TRY(document_read(c, DIGEST_OPTIONAL, &body, why));
	TRY(check_location(c, body, why));
	enum status st = catalog_create(c->s3->catalog, c->at.bucket, str_of(c->key->user), why);
	if (st != OK && why->code == F_BUCKET_EXISTS) {
		/* Creating one's own bucket again succeeds: some clients do so before each upload. */
		struct bucket_info info = { 0 };
		struct fault unseen = { 0 };
		if (authorize_find_bucket(c, c->at.bucket, &info, &unseen) == OK && str_equal(info.owner, str_of(c->key->user)))
			st = OK;
	}
	TRY(st);
	c->x->answer.status = 200;
	/* of the request's own address: it holds only what the client sent */
	answer_header(&c->x->answer, STR("Location"), str_printf(&c->x->arena, "/%.*s", STRF(c->at.bucket)));
	return OK;
}

enum status bucket_drop(struct s3_call *c, struct fault *why)
{
	assert(c->bucket.name.n > 0);
	TRY(catalog_remove(c->s3->catalog, c->at.bucket, why));
	c->x->answer.status = 204;
	return OK;
}

enum status bucket_head(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	*step = HANDLER_ANSWER;
	c->x->answer.status = 200;
	answer_header(&c->x->answer, STR("Content-Type"), STR("application/xml"));
	answer_header(&c->x->answer, STR("x-amz-access-point-alias"), STR("false"));
	return OK;
}

/* Clients know that us-east-1 has an empty LocationConstraint. */
enum status bucket_location(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->bucket.name.n > 0);
	struct buf b;
	*step = HANDLER_ANSWER;
	document_open(c, &b, "LocationConstraint");
	if (!str_equal(c->s3->options.region, STR("us-east-1")))
		xml_escape(&b, c->s3->options.region);
	return document_answer(c, &b, "LocationConstraint", why);
}

enum status bucket_versioning(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->bucket.name.n > 0);
	struct buf b;
	*step = HANDLER_ANSWER;
	document_open(c, &b, "VersioningConfiguration");
	return document_answer(c, &b, "VersioningConfiguration", why);
}
