/* The AWS implementations of the ports: S3 (any S3 endpoint) as object_store, DynamoDB (any such
 * endpoint) as image_table, SQS as thumb_queue, CloudFront as cdn. */
#ifndef AWS_AWS_H
#define AWS_AWS_H

#include "base/fault.h"
#include "aws/cloudfront_key.h"
#include "aws/service.h"
#include "port/api_key_table.h"
#include "port/cdn.h"
#include "port/image_table.h"
#include "port/event_bus.h"
#include "port/object_store.h"
#include "port/outbox.h"
#include "port/thumb_queue.h"
#include "port/transfer.h"

struct s3_store_options {
	struct aws_service *service; /* borrowed */
	struct str bucket;
	struct str region;
	bool path_style;       /* an endpoint is set */
	bool deny_overwrite;   /* presigned PUTs sign If-None-Match: * */
	struct str public_url; /* what clients see in URLs; "": the service's own */
	int64_t timeout_ms;    /* of one call including its retries; 0: 10 s */
	bool keep_versions;    /* in a versioned bucket leave what is replaced or removed there as an older version */
};
/* NULL: memory failed. */
struct object_store *s3_store_new(const struct s3_store_options *o);
void s3_store_free(struct object_store **s);
/* Set the timeout of requests; must be called before the first one. */
void s3_store_set_timeout(struct object_store *s, int64_t timeout_ms);
/* Open a connection to the bucket and keep it, as aws_service_warm does. */
enum status s3_store_warm(struct object_store *s, struct fault *why) MUST_CHECK;
/* The origin of the URLs that it issues: scheme, host and port, without a trailing slash. Borrowed from the store. */
struct str s3_store_url(struct object_store *s);
/* An object's plain address, in `a`; key "": the bucket's. {NULL, 0} where the arena is full. */
struct str s3_store_address(struct object_store *s, struct str key, struct arena *a);

struct s3_put_if {
	struct str key, content_type, body;
	struct str etag; /* of the object that is replaced; "": there must be none */
};
/* Put an object on a condition. A call that had to be repeated may find its own work: the caller knows that by the object's content.
 * etag    of what was put; in `a`
 * Errors  PRECONDITION it does not hold; KEY_TOO_LONG; KEY_INVALID; UPSTREAM_FAILED
 * Source  Amazon S3 User Guide, "How to prevent object overwrites with conditional writes" */
enum status s3_store_put_if(
	struct object_store *s, const struct s3_put_if *p, struct arena *a, struct str *etag, struct fault *why) MUST_CHECK;

#define S3_COPY_HEADERS_MAX 3
struct s3_copy {
	struct str from, to;          /* keys */
	struct str etag;              /* "": any; else of the object that is copied */
	const struct header *headers; /* of the copy, in place of those that the object has: Content-Type and its like */
	size_t n_headers;             /* at most S3_COPY_HEADERS_MAX */
};
/* Copy an object within the bucket, in place of what is there.
 * Errors  NO_SUCH_KEY; PRECONDITION it has another ETag; KEY_TOO_LONG; KEY_INVALID; UPSTREAM_FAILED
 * Source  Amazon S3 API reference, CopyObject */
enum status s3_store_copy(struct object_store *s, const struct s3_copy *c, struct fault *why) MUST_CHECK;

struct cloudfront_options {
	struct str url;                   /* of the distribution: scheme, host and port */
	struct str key_id;                /* CloudFront's ID of the key */
	const struct cloudfront_key *key; /* NULL: nothing is signed; borrowed */
	struct str distribution;          /* its ID, such as E2QWRUHEXAMPLE */
	struct object_store *store;       /* of s3_store_new, whose bucket the distribution serves; borrowed */
	struct aws_service *service;      /* "cloudfront"; borrowed */
};
/* NULL: memory failed. Texts are copied. */
struct cdn *cloudfront_new(const struct cloudfront_options *o);
void cloudfront_free(struct cdn **c);

struct dynamo_table_options {
	struct aws_service *service; /* borrowed */
	struct str table;
	uint32_t shards;    /* of the indexes, 1..64; may be raised, never lowered: rows stay in the shard they were written to */
	int64_t timeout_ms; /* of one call including its retries; 0: 10 s */
	/* Count what every owner uses, in transactions, and keep to the quota; else only those with a quota of their own. */
	bool count_owners;
	struct owner_quota quota; /* of owners without one of their own */
	bool obeys_migration;     /* whether the state of a migration is read and obeyed, see dynamo/state.h */
	/* That of s3_store_new, borrowed: new items have their object's address, for people who look at the table. NULL: they have none. */
	struct object_store *store;
};
struct image_table *dynamo_table_new(const struct dynamo_table_options *o);
void dynamo_table_free(struct image_table **t);
/* The owners of the table's rows, and the API keys and events that are kept next to them. They live as long as the table. */
struct user_table *dynamo_users(struct image_table *t);
struct api_key_table *dynamo_api_keys(struct image_table *t);
struct outbox *dynamo_outbox(struct image_table *t);
struct transfer *dynamo_transfer(struct image_table *t);
/* The event bus of this name or ARN.  NULL: memory failed. */
struct event_bus *event_bridge_new(struct aws_service *service, struct str bus);
void event_bridge_free(struct event_bus **b);
/* Create the table (`tintype table create`, tests). OK also when it exists; indexes that an earlier version did not have are added. */
enum status dynamo_table_create(struct image_table *t, struct fault *why) MUST_CHECK;

/* The queue with this URL, of a service "sqs".  NULL: memory failed. The text is copied, the service borrowed. */
struct thumb_queue *sqs_queue_new(struct aws_service *service, struct str url);
void sqs_queue_free(struct thumb_queue **q);

#endif
