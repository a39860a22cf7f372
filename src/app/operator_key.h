/* The operator's key of Lambda functions, which is in the parameter store that TINTYPE_API_KEY_PARAMETER names: read when the first caller
 * sends what it may be, so that no start waits for it, and again when it is five minutes old, so that a key that was replaced is
 * forgotten. One thread. */
#ifndef APP_OPERATOR_KEY_H
#define APP_OPERATOR_KEY_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct operator_key {
	struct str name; /* of the parameter; borrowed */
	/* See aws/parameter.h. */
	enum status (*read)(void *arg, struct str name, struct arena *, struct str *out, struct fault *);
	void *read_arg;
	struct arena texts;
	struct str value; /* "": not read yet */
	int64_t tried_ms; /* when it was read, or could not be; 0: never */
};

/* For api_options.read_key; arg is the struct operator_key.
 * out     lives until the next call
 * Errors  IDENTITY_UNREACHABLE it cannot be read, or is not of a form that it may have; then it is not tried again for five seconds */
enum status operator_key_read(void *arg, struct str *out, struct fault *why) MUST_CHECK;
/* Safe on a zeroed one. */
void operator_key_deinit(struct operator_key *k);

#endif
