/* The program that AWS Lambda starts: the functions on S3 and DynamoDB. */
#include "base/log/log.h"
#include "app/aws_adapters.h"
#include "app/lambda_main.h"
#include "aws/parameter.h"
#include "aws/roots.h"

#include <openssl/crypto.h>

static struct aws_adapters backends;

static enum status read_parameter(void *arg, struct str name, struct arena *a, struct str *out, struct fault *why)
{
	return aws_parameter_get(((struct aws_adapters *)arg)->ssm, name, a, out, why);
}

static void note_cold(enum status warmed, const char *service, const struct fault *why)
{
	if (warmed != OK)
		LOG(LAMBDA_COLD, STR(""), LOG_C("service", service), LOG_C("code", fault_name(why->code)), LOG_C("text", why->text),
			LOG_C("cause", why->cause));
}

/* What the first request waits for: name, TCP and TLS are done with beforehand. */
static enum status open_backends(const struct settings *s, const struct lambda_work *work, struct lambda_ports *out, struct fault *why)
{
	struct fault cold = { 0 };
	TRY(aws_adapters_open(&backends, s, false, why));
	TRY(aws_adapters_open_cdn(&backends, s, why));
	note_cold(aws_service_warm(backends.dynamo, STR(""), &cold), "dynamodb", &cold);
	if (work->reads_objects)
		note_cold(s3_store_warm(backends.store, &cold), "s3", &cold);
	if (backends.events != NULL)
		note_cold(aws_service_warm(backends.events, STR(""), &cold), "events", &cold);
	*out = (struct lambda_ports){ .store = backends.store,
		.table = backends.table,
		.users = dynamo_users(backends.table),
		.thumb_queue = backends.thumb_queue,
		.api_keys = dynamo_api_keys(backends.table),
		.outbox = dynamo_outbox(backends.table),
		.event_bus = backends.bus,
		.cdn = backends.cdn,
		.authorities = { aws_roots_pem, aws_roots_bytes },
		.read_parameter = read_parameter,
		.read_parameter_arg = &backends };
	return OK;
}

int main(void)
{
	/* No configuration file, for Lambda has none, and no table of the names of ciphers, which only files with encrypted keys need: OpenSSL would
	 * take 0.4 ms for them. */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS, NULL);
	int status = lambda_main(open_backends);
	aws_adapters_free(&backends);
	return status;
}
