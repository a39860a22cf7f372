/* The environment of the AWS adapters under a test's control: without any AWS setting
 * of this machine, so that no test reads real credentials or calls a metadata service. */
#ifndef TEST_AWS_SURROUNDINGS_H
#define TEST_AWS_SURROUNDINGS_H

#include "unit.h"

#include <stdlib.h>

static inline int surroundings_clear(void **state)
{
	static const char *const names[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CA_BUNDLE",
		"SSL_CERT_FILE", "_X_AMZN_TRACE_ID", "REGION", "AWS_REGION", "AWS_DEFAULT_REGION" };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		unsetenv(names[i]);
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
	setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
	return 0;
}

/* Credentials in the environment; token "": none. */
static inline void surroundings_give_keys(const char *id, const char *secret, const char *token)
{
	setenv("AWS_ACCESS_KEY_ID", id, 1);
	setenv("AWS_SECRET_ACCESS_KEY", secret, 1);
	setenv("AWS_SESSION_TOKEN", token, 1);
}

#endif
