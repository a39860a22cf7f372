/* The AWS backends, opened as configured: S3 as the object store, DynamoDB as the table; Systems Manager, for secrets. */
#ifndef APP_AWS_ADAPTERS_H
#define APP_AWS_ADAPTERS_H

#include "aws/aws.h"
#include "base/fault.h"
#include "config/settings.h"

struct aws_adapters {
	struct arena texts;
	struct str region;
	struct aws_chain *chain;
	struct aws_service *s3, *dynamo, *ssm, *sqs, *events, *cloudfront;
	struct thumb_queue *thumb_queue; /* NULL: TINTYPE_THUMBNAIL_QUEUE is not set */
	struct object_store *store;
	struct image_table *table;
	struct event_bus *bus; /* NULL: none is set */
	struct cloudfront_key *cdn_key;
	struct cdn *cdn; /* NULL: there is none */
};

/* Open S3 and Systems Manager. Makes no request yet.
 * Errors  OUT_OF_MEMORY; the caller frees it in any case */
enum status aws_adapters_open_store(struct aws_adapters *e, const struct settings *s, struct fault *why) MUST_CHECK;
/* Open S3, Systems Manager, DynamoDB, and the other services that the settings name. Makes no request yet.
 * obeys_migration  as in dynamo_table_options
 * Errors           BAD_SETTING no region or bucket; OUT_OF_MEMORY; the caller frees it in any case */
enum status aws_adapters_open(struct aws_adapters *e, const struct settings *s, bool obeys_migration, struct fault *why) MUST_CHECK;
/* Open S3 alone, for another bucket, whose older versions are left alone.
 * timeout_ms  of one call including its retries; 0: 10 s
 * Errors      OUT_OF_MEMORY; the caller frees it in any case */
enum status aws_adapters_open_bucket(
	struct aws_adapters *e, const struct settings *s, struct str bucket, int64_t timeout_ms, struct fault *why) MUST_CHECK;
/* Open the CDN, if the settings name one, and read its key, if they name that: a request to Systems Manager.
 * Errors  BAD_SETTING the settings, or what the parameter has; those of aws_parameter_get; OUT_OF_MEMORY */
enum status aws_adapters_open_cdn(struct aws_adapters *e, const struct settings *s, struct fault *why) MUST_CHECK;
/* Safe on a zeroed one. */
void aws_adapters_free(struct aws_adapters *e);

#endif
