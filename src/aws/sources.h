/* Internal to aws/: the places where credentials come from, each queried in turn by the chain. A place without
 * any sets *found = false; one whose credentials cannot be read fails, so that a mistake there does not silently lead
 * to the credentials of the next place. */
#ifndef AWS_SOURCES_H
#define AWS_SOURCES_H

#include "base/fault.h"
#include "aws/credentials.h"

/* Texts live in `a`.  Errors: UPSTREAM_FAILED; DEADLINE; TOO_MUCH */
typedef enum status source_fn(struct arena *a, struct aws_credentials *out, bool *found, struct fault *why);

/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_CREDENTIAL_EXPIRATION. */
source_fn source_environment;
/* AWS_SHARED_CREDENTIALS_FILE, then AWS_CONFIG_FILE, profile AWS_PROFILE. */
source_fn source_files;
/* AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. Over plain HTTP to loopback, 169.254.170.2 and
 * 169.254.170.23 only: the token that is sent, and what comes back, are secrets. */
source_fn source_container;
/* The instance metadata service, version 2. AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT. */
source_fn source_instance;

/* The value of an environment variable; "" when it is unset. Borrowed. */
struct str source_variable(const char *name);
/* A small file, whole; {NULL, 0} and OK when there is none.  Errors: UPSTREAM_FAILED; TOO_MUCH */
enum status source_read_file(const char *path, struct arena *a, struct str *out, struct fault *why) MUST_CHECK;
/* region of the profile; "" when no file has it. */
struct str source_region(struct arena *a);

#endif
