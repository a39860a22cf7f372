/* Where AWS credentials come from: the environment, the shared credentials and config files with
 * profiles, the container endpoint, the instance's metadata; the first that has any wins. What
 * expires is refreshed before it does, by one thread, while the others continue with the old.
 * Source: AWS SDKs and Tools reference, "Standardized credential providers". */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct aws_credentials {
	struct str access_key, secret;
	struct str session_token; /* "": none */
	int64_t expires_ms;       /* 0: never */
};

struct aws_chain;

/* Reads nothing yet. NULL: memory failed. */
struct aws_chain *aws_chain_new(void);
void aws_chain_free(struct aws_chain **c);
/* The credentials to use now; texts live in `a`.
 * Errors  UPSTREAM_FAILED none found (the text names the places checked), a malformed file, an endpoint that fails
 * Threads any; blocks when something has to be fetched */
enum status aws_chain_get(struct aws_chain *c, int64_t now_ms, struct arena *a, struct aws_credentials *out, struct fault *why) MUST_CHECK;
/* Report that a service refused these credentials: they are fetched again before the next use, unless they have been replaced in the
 * meantime or have just been fetched. Returns true if the next aws_chain_get may give others.
 * access_key  borrowed; of the refused credentials
 * Threads     any */
bool aws_chain_refuse(struct aws_chain *c, struct str access_key, int64_t now_ms);
/* REGION, AWS_REGION, AWS_DEFAULT_REGION, then the profile's region; "" when none is set. */
struct str aws_region(struct arena *a);

#endif
