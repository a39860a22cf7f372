/* The program that AWS Lambda starts: the functions on S3 and DynamoDB. */
#include "base/log.h"
#include "compose_aws.h"
#include "compose_lambda.h"

static struct aws_engines engines;

/* DynamoDB is what the first request waits for, so name, TCP and TLS are done with beforehand. */
static enum status open_engines(const struct settings *s, struct lambda_ports *out, struct fault *why)
{
	struct fault cold = { 0 };
	TRY(aws_engines_open(&engines, s, why));
	if (aws_service_warm(engines.dynamo, &cold) != OK)
		LOG(LAMBDA_COLD, STR(""), LOG_C("service", "dynamodb"), LOG_C("code", fault_name(cold.code)), LOG_C("text", cold.text), LOG_C("cause", cold.cause));
	*out = (struct lambda_ports){ engines.store, engines.table };
	return OK;
}

int main(void)
{
	int status = compose_lambda(open_engines);
	aws_engines_free(&engines);
	return status;
}
