/* The features of S3 that are not supported. Reading their configuration gives what S3 gives if there is
 * none, because clients read it before they do other things; changing
 * it is NotImplemented, because a client must not believe that it has a policy, a lock or a lifecycle. */
#include "s3/xml_body.h"
#include "s3/parameters.h"

static const struct unsupported_feature unsupported_features[] = {
	{ "policy", AT_BUCKET, "NoSuchBucketPolicy", NULL, NULL },
	{ "policyStatus", AT_BUCKET, "NoSuchBucketPolicy", NULL, NULL },
	{ "lifecycle", AT_BUCKET, "NoSuchLifecycleConfiguration", NULL, NULL },
	{ "tagging", AT_BUCKET, "NoSuchTagSet", NULL, NULL },
	{ "encryption", AT_BUCKET, "ServerSideEncryptionConfigurationNotFoundError", NULL, NULL },
	{ "website", AT_BUCKET, "NoSuchWebsiteConfiguration", NULL, NULL },
	{ "replication", AT_BUCKET, "ReplicationConfigurationNotFoundError", NULL, NULL },
	{ "publicAccessBlock", AT_BUCKET, "NoSuchPublicAccessBlockConfiguration", NULL, NULL },
	{ "ownershipControls", AT_BUCKET, "OwnershipControlsNotFoundError", NULL, NULL },
	{ "object-lock", AT_BUCKET, "ObjectLockConfigurationNotFoundError", NULL, NULL },
	{ "logging", AT_BUCKET, NULL, "BucketLoggingStatus", NULL },
	{ "notification", AT_BUCKET, NULL, "NotificationConfiguration", NULL },
	{ "accelerate", AT_BUCKET, NULL, "AccelerateConfiguration", NULL },
	{ "requestPayment", AT_BUCKET, NULL, "RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>" },
	{ "analytics", AT_BUCKET, NULL, NULL, NULL },
	{ "intelligent-tiering", AT_BUCKET, NULL, NULL, NULL },
	{ "inventory", AT_BUCKET, NULL, NULL, NULL },
	{ "metrics", AT_BUCKET, NULL, NULL, NULL },
	{ "metadataTable", AT_BUCKET, NULL, NULL, NULL },
	{ "metadataConfiguration", AT_BUCKET, NULL, NULL, NULL },
	{ "metadataInventoryTable", AT_BUCKET, NULL, NULL, NULL },
	{ "metadataJournalTable", AT_BUCKET, NULL, NULL, NULL },
	{ "abac", AT_BUCKET, NULL, NULL, NULL },
	{ "session", AT_BUCKET, NULL, NULL, NULL },
	{ "versioning", AT_BUCKET, NULL, NULL, NULL }, /* for PUT; GET is supported */
	{ "tagging", AT_OBJECT, NULL, "Tagging", "<TagSet></TagSet>" },
	{ "retention", AT_OBJECT, "NoSuchObjectLockConfiguration", NULL, NULL },
	{ "legal-hold", AT_OBJECT, "NoSuchObjectLockConfiguration", NULL, NULL },
	{ "torrent", AT_OBJECT, NULL, NULL, NULL },
	{ "restore", AT_OBJECT, NULL, NULL, NULL },
	{ "select", AT_OBJECT, NULL, NULL, NULL },
	{ "append", AT_OBJECT, NULL, NULL, NULL },
	{ "renameObject", AT_OBJECT, NULL, NULL, NULL },
	{ "encryption", AT_OBJECT, NULL, NULL, NULL },
};

const struct unsupported_feature *unsupported_find(struct str name, enum address_level level)
{
	for (size_t i = 0; i < COUNT_OF(unsupported_features); i++)
		if (unsupported_features[i].level == level && str_equal(name, str_of(unsupported_features[i].sub)))
			return &unsupported_features[i];
	return NULL;
}

enum status unsupported_begin(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->absent != NULL);
	const struct unsupported_feature *what = c->absent;
	struct buf b;
	*step = HANDLER_ANSWER;
	if (!str_equal(c->x->request.method, STR("GET")) || (what->code == NULL && what->root == NULL))
		return fault_set(
			why, NOT_IMPLEMENTED, "A header or query you provided implies functionality that this store does not support: %s.", what->sub);
	if (c->at.level == AT_OBJECT)
		TRY(get_need_object(c, why));
	if (what->code != NULL) {
		c->s3_code = what->code;
		return fault_set(why, NOT_CONFIGURED, "The configuration does not exist: this store does not support it.");
	}
	document_open(c, &b, what->root);
	if (what->inside != NULL)
		buf_put(&b, str_of(what->inside));
	return document_answer(c, &b, what->root, why);
}
