/* Access control lists. On S3 the owner of a bucket can disable them, and here they always are: the owner has full
 * control, others have no access. What states just that is accepted; what would grant access to others is refused,
 * because the client must know that it does not.
 * Source: Amazon S3 API, GetBucketAcl, PutBucketAcl, GetObjectAcl, PutObjectAcl; Amazon S3 User Guide, "Controlling
 * ownership of objects and disabling ACLs for your bucket", and its "Troubleshooting" for the errors. */
#include "s3/acl.h"

#include "s3/authorize.h"
#include "s3/xml_body.h"
#include "s3/parameters.h"
#include "s3/wire/text.h"
#include "base/xml.h"

/* S3 refuses `private` for objects too, but rclone 1.60 and CarrierWave always send it, and it is what is the case. */
#define CANNED_TRUE STR("private bucket-owner-full-control")
#define CANNED_OTHERS STR("public-read public-read-write authenticated-read aws-exec-read bucket-owner-read log-delivery-write")

static enum status acl_unsupported(const struct s3_call *c, struct fault *why)
{
	if (permit_makes_bucket(c))
		return fault_set(why, BUCKET_ACL_UNSUPPORTED, "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting");
	return fault_set(why, ACL_UNSUPPORTED, "The bucket does not allow ACLs: it and its objects are private to the owner.");
}

enum status acl_check_canned(struct s3_call *c, const char *name, struct str acl, struct fault *why)
{
	assert(c != NULL);
	assert(name != NULL);
	if (acl.p == NULL || str_is_word_of(str_trim(acl), CANNED_TRUE))
		return OK;
	if (str_is_word_of(str_trim(acl), CANNED_OTHERS))
		return acl_unsupported(c, why);
	return argument_fault(c, name, acl, "The canned ACL is not valid", why);
}

enum status acl_check_headers(struct s3_call *c, const struct header_index *headers, struct fault *why)
{
	assert(c != NULL);
	assert(headers != NULL);
	for (size_t i = 0; i < headers->n; i++)
		if (str_starts_with_nocase(headers->headers[i].name, STR("x-amz-grant-")))
			return acl_unsupported(c, why);
	return acl_check_canned(c, "x-amz-acl", header_index_find(headers, STR("x-amz-acl")), why);
}

enum status acl_get(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->bucket.owner.n > 0);
	assert(step != NULL);
	struct buf b;
	*step = HANDLER_ANSWER;
	if (c->at.level == AT_OBJECT)
		TRY(get_need_object(c, why));
	document_open(c, &b, "AccessControlPolicy");
	xml_user(&b, "Owner", c->bucket.owner);
	buf_put(
		&b, STR("<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\">"));
	xml_element(&b, "ID", c->bucket.owner);
	xml_element(&b, "DisplayName", c->bucket.owner);
	buf_put(&b, STR("</Grantee><Permission>FULL_CONTROL</Permission></Grant></AccessControlList>"));
	return document_answer(c, &b, "AccessControlPolicy", why);
}

static enum status check_grant(const struct s3_call *c, const struct xml_node *grant, struct fault *why)
{
	static const char *const children[] = { "!Grantee", "!Permission" };
	const struct xml_node *grantee = xml_child(grant, "Grantee");
	struct str permission = xml_child_word(grant, "Permission");
	TRY(xml_check_children(grant, children, COUNT_OF(children), why));
	if (!xml_is(grant, "Grant") || grantee == NULL || !str_is_word_of(permission, STR("FULL_CONTROL READ WRITE READ_ACP WRITE_ACP")))
		return fault_set(why, XML_MALFORMED, "A Grant needs a Grantee and a Permission that S3 knows.");
	return str_equal(xml_child_word(grantee, "ID"), c->bucket.owner) ? OK : acl_unsupported(c, why);
}

/* A body may state what is the case: full control for the owner, or nothing. */
static enum status check_body(struct s3_call *c, struct str body, struct fault *why)
{
	static const char *const children[] = { "!Owner", "!AccessControlList" };
	const struct xml_node *root;
	TRY(xml_read(&c->x->arena, body, "AccessControlPolicy", &root, why));
	TRY(xml_check_children(root, children, COUNT_OF(children), why));
	const struct xml_node *list = xml_child(root, "AccessControlList"), *said = xml_child(root, "Owner");
	if (list == NULL)
		return fault_set(why, XML_MALFORMED, "An AccessControlPolicy needs an AccessControlList.");
	if (said != NULL && !str_equal(xml_child_word(said, "ID"), c->bucket.owner))
		return fault_set(why, ACCESS_DENIED, "Access Denied. The owner cannot be changed.");
	for (const struct xml_node *grant = list->first; grant != NULL; grant = grant->next)
		TRY(check_grant(c, grant, why));
	return OK;
}

enum status acl_put(struct s3_call *c, struct fault *why)
{
	assert(c->bucket.owner.n > 0);
	const struct request *r = &c->x->request;
	struct str body;
	TRY(document_read(c, DIGEST_OPTIONAL, &body, why));
	TRY(acl_check_headers(c, &r->by_name, why));
	if (c->at.level == AT_OBJECT)
		TRY(get_need_object(c, why));
	if (request_header(r, STR("x-amz-acl")).p == NULL)
		TRY(check_body(c, body, why));
	c->x->answer.status = 200;
	return OK;
}
