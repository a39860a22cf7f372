/* The program that AWS Lambda starts: the functions on S3 and DynamoDB. */
#include "base/log.h"
#include "app/aws_adapters.h"
#include "app/lambda_main.h"
#include "aws/parameter.h"
#include "aws/roots.h"

static struct aws_adapters backends;

static enum status read_parameter(void *arg, struct str name, struct arena *a, struct str *out, struct fault *why)
{
	return aws_parameter_get(((struct aws_adapters *)arg)->ssm, name, a, out, why);
}

/* DynamoDB is what the first request waits for, so name, TCP and TLS are done with beforehand. */
static enum status open_backends(const struct settings *s, struct lambda_ports *out, struct fault *why)
{
	struct fault cold = { 0 };
	TRY(aws_adapters_open(&backends, s, why));
	if (aws_service_warm(backends.dynamo, &cold) != OK)
		LOG(LAMBDA_COLD, STR(""), LOG_C("service", "dynamodb"), LOG_C("code", fault_name(cold.code)), LOG_C("text", cold.text),
			LOG_C("cause", cold.cause));
	*out = (struct lambda_ports){ .store = backends.store,
		.table = backends.table,
		.users = dynamo_users(backends.table),
		.api_keys = dynamo_api_keys(backends.table),
		.authorities = { aws_roots_pem, aws_roots_bytes },
		.read_parameter = read_parameter,
		.read_parameter_arg = &backends };
	return OK;
}

int main(void)
{
	int status = lambda_main(open_backends);
	aws_adapters_free(&backends);
	return status;
}
