/* Authorization in three steps. The key of upload slots may do what an issued URL or form is for, and nothing
 * else. For other keys the bucket must be their user's, since buckets are private, and their grants must
 * allow the operation's action. The rules about images come after that and apply to all keys.
 * The owner's key is not an exception: on the buckets of others it is like any other. */
#include "s3/authorize.h"

enum status authorize_find_bucket(const struct s3_call *c, struct str name, struct bucket_info *out, struct fault *why)
{
	assert(c != NULL);
	assert(out != NULL);
	if (!str_equal(name, c->s3->options.image_bucket))
		return catalog_info(c->s3->catalog, name, &c->x->arena, out, why);
	*out = (struct bucket_info){ .name = name, .owner = STR(KEY_OWNER_NAME) };
	return OK;
}

enum status authorize_key(const struct s3_call *c, unsigned actions, struct str bucket, struct str key, struct fault *why)
{
	assert(c->key != NULL);
	if (key_permits(c->key, actions, bucket, key))
		return OK;
	return fault_set(why, ACCESS_DENIED, "Access Denied. This access key has no permission for it.");
}

static enum status check_owner(const struct s3_call *c, const struct bucket_info *b, struct fault *why)
{
	if (str_equal(b->owner, str_of(c->key->user)))
		return OK;
	return fault_set(why, ACCESS_DENIED, "Access Denied. The bucket is another user's.");
}

/* x-amz-expected-bucket-owner guards against a bucket that has changed hands. */
static enum status check_expected(const struct s3_call *c, const struct bucket_info *b, const char *header, struct fault *why)
{
	struct str expected = request_header(&c->x->request, str_of(header));
	if (expected.p == NULL || str_equal(str_trim(expected), b->owner))
		return OK;
	return fault_set(why, ACCESS_DENIED, "Access Denied. The bucket's owner is not the one named by %s.", header);
}

enum status authorize_other(struct s3_call *c, unsigned actions, struct str bucket, struct str key, struct fault *why)
{
	assert(c->key != NULL);
	struct bucket_info info = { 0 };
	if (c->key->power == KEY_SLOTS)
		return fault_set(why, ACCESS_DENIED, "Access Denied. This access key may only upload and read images.");
	TRY(authorize_find_bucket(c, bucket, &info, why));
	TRY(check_owner(c, &info, why));
	TRY(check_expected(c, &info, "x-amz-source-expected-bucket-owner", why));
	return authorize_key(c, actions, bucket, key, why);
}

bool permit_makes_bucket(const struct s3_call *c)
{
	return c->operation != NULL && c->at.level == AT_BUCKET && str_equal(c->x->request.method, STR("PUT")) && c->operation->sub[0] == '\0';
}

enum status authorize_call(struct s3_call *c, struct fault *why)
{
	assert(c->key != NULL);
	assert(c->operation != NULL);
	if (c->key->power == KEY_SLOTS) {
		if (c->operation->for_slots && c->is_image && !c->auth.in_header)
			return OK;
		return fault_set(
			why, ACCESS_DENIED, "Access Denied. This access key may only upload and read images, by presigned URLs and forms.");
	}
	if (c->at.level != AT_SERVICE && !permit_makes_bucket(c)) {
		TRY(authorize_find_bucket(c, c->at.bucket, &c->bucket, why));
		TRY(check_owner(c, &c->bucket, why));
		TRY(check_expected(c, &c->bucket, "x-amz-expected-bucket-owner", why));
	}
	if (c->operation->actions == 0)
		return OK;
	/* A list needs permission for the keys that it may contain: its prefix counts as the key. */
	const struct query_pair *prefix = c->operation->has_prefix ? query_find(&c->x->request.query, STR("prefix")) : NULL;
	return authorize_key(c, c->operation->actions, c->at.bucket, prefix != NULL ? prefix->value : c->at.key, why);
}
