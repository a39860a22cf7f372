/* The endpoint of one service overrides the common one, and that overrides AWS's own; an endpoint that is set
 * means path style, since the bucket's name can hardly be a name of that host. */
#include "app/aws_adapters.h"

#include "app/image_rules.h"
#include "aws/parameter.h"
#include "base/hash.h"
#include "config/settings_check.h"

#include <stdlib.h>

#define TEXTS_BYTES 65536
#define KEY_BYTES ((size_t)256 << 10) /* of an answer with a key */

static struct str endpoint_of(const char *name)
{
	struct str own = str_of(getenv(name));
	return own.n > 0 ? own : str_of(getenv("AWS_ENDPOINT_URL"));
}

static struct aws_service *open_service(struct aws_adapters *e, struct str service, struct str region, struct str endpoint)
{
	const struct aws_service_options o = { .service = service, .region = region, .endpoint = endpoint, .chain = e->chain };
	return aws_service_new(&o);
}

/* Credentials, region and S3.  o: its bucket, and what is not of the settings */
static enum status open_s3(struct aws_adapters *e, const struct settings *s, struct s3_store_options o, struct fault *why)
{
	*e = (struct aws_adapters){ .chain = aws_chain_new() };
	arena_init(&e->texts, TEXTS_BYTES);
	if (e->chain == NULL)
		return fault_no_memory(why);
	struct str given = str_of(s->region), found = aws_region(&e->texts);
	e->region = given.n > 0 ? given : found.n > 0 ? found : STR("us-east-1");
	struct str endpoint = endpoint_of("AWS_ENDPOINT_URL_S3");
	e->s3 = open_service(e, STR("s3"), e->region, endpoint);
	if (e->s3 == NULL)
		return fault_no_memory(why);
	o.service = e->s3;
	o.region = e->region;
	o.path_style = endpoint.n > 0;
	o.public_url = str_of(s->public_storage_url);
	e->store = s3_store_new(&o);
	return e->store != NULL ? OK : fault_no_memory(why);
}

enum status aws_adapters_open_bucket(
	struct aws_adapters *e, const struct settings *s, struct str bucket, int64_t timeout_ms, struct fault *why)
{
	assert(e != NULL && s != NULL && bucket.n > 0);
	return open_s3(e, s, (struct s3_store_options){ .bucket = bucket, .timeout_ms = timeout_ms, .keep_versions = true }, why);
}

enum status aws_adapters_open_store(struct aws_adapters *e, const struct settings *s, struct fault *why)
{
	assert(e != NULL && s != NULL);
	bool deny = str_equal(str_of(s->overwrite), STR("deny"));
	TRY(open_s3(e, s, (struct s3_store_options){ .bucket = str_of(s->bucket), .deny_overwrite = deny }, why));
	e->ssm = open_service(e, STR("ssm"), e->region, endpoint_of("AWS_ENDPOINT_URL_SSM"));
	return e->ssm != NULL ? OK : fault_no_memory(why);
}

enum status aws_adapters_open(struct aws_adapters *e, const struct settings *s, bool obeys_migration, struct fault *why)
{
	assert(e != NULL && s != NULL);
	TRY(aws_adapters_open_store(e, s, why));
	struct str region = e->region;
	e->dynamo = open_service(e, STR("dynamodb"), region, endpoint_of("AWS_ENDPOINT_URL_DYNAMODB"));
	if (e->dynamo == NULL)
		return fault_no_memory(why);
	const struct owner_quota quota = quota_of(s);
	const struct dynamo_table_options table = { .service = e->dynamo,
		.table = str_of(s->table_name),
		.shards = (uint32_t)s->list_shards,
		.count_owners = quota.bytes + quota.images + quota.pending + quota.slots_per_minute > 0,
		.quota = quota,
		.obeys_migration = obeys_migration,
		.store = e->store };
	if (s->thumbnail_queue[0] != '\0') {
		e->sqs = open_service(e, STR("sqs"), region, endpoint_of("AWS_ENDPOINT_URL_SQS"));
		e->thumb_queue = e->sqs != NULL ? sqs_queue_new(e->sqs, str_of(s->thumbnail_queue)) : NULL;
		if (e->thumb_queue == NULL)
			return fault_no_memory(why);
	}
	if (s->event_bus[0] != '\0') {
		e->events = open_service(e, STR("events"), region, endpoint_of("AWS_ENDPOINT_URL_EVENTBRIDGE"));
		e->bus = e->events != NULL ? event_bridge_new(e->events, str_of(s->event_bus)) : NULL;
		if (e->bus == NULL)
			return fault_no_memory(why);
	}
	e->table = dynamo_table_new(&table);
	return e->table != NULL ? OK : fault_no_memory(why);
}

static enum status read_cdn_key(struct aws_adapters *e, struct str name, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct str pem;
	arena_init(&a, KEY_BYTES);
	TRY(aws_parameter_get(e->ssm, name, &a, &pem, why));
	enum status got = cloudfront_key_read(pem, &e->cdn_key, why);
	secret_wipe((char *)pem.p, pem.n);
	return got;
}

enum status aws_adapters_open_cdn(struct aws_adapters *e, const struct settings *s, struct fault *why)
{
	assert(e != NULL && e->store != NULL && s != NULL);
	struct str url = str_of(s->cdn_url), name = str_of(s->cdn_key_parameter);
	TRY(settings_check_cdn(url, str_of(s->cdn_distribution), str_of(s->cdn_key_id), name, why));
	if (url.n == 0)
		return OK;
	if (name.n > 0)
		TRY(read_cdn_key(e, name, why));
	const struct aws_service_options service = { .service = STR("cloudfront"),
		.region = STR("us-east-1"), /* of the one that there is */
		.endpoint = endpoint_of("AWS_ENDPOINT_URL_CLOUDFRONT"),
		.global = true,
		.chain = e->chain };
	e->cloudfront = aws_service_new(&service);
	if (e->cloudfront == NULL)
		return fault_no_memory(why);
	const struct cloudfront_options o = { .url = url,
		.key_id = str_of(s->cdn_key_id),
		.key = e->cdn_key,
		.distribution = str_of(s->cdn_distribution),
		.store = e->store,
		.service = e->cloudfront };
	e->cdn = cloudfront_new(&o);
	return e->cdn != NULL ? OK : fault_no_memory(why);
}

void aws_adapters_free(struct aws_adapters *e)
{
	assert(e != NULL);
	cloudfront_free(&e->cdn);
	cloudfront_key_free(&e->cdn_key);
	aws_service_free(&e->cloudfront);
	sqs_queue_free(&e->thumb_queue);
	aws_service_free(&e->sqs);
	dynamo_table_free(&e->table);
	s3_store_free(&e->store);
	aws_service_free(&e->ssm);
	event_bridge_free(&e->bus);
	aws_service_free(&e->events);
	aws_service_free(&e->dynamo);
	aws_service_free(&e->s3);
	aws_chain_free(&e->chain);
	arena_deinit(&e->texts);
}
