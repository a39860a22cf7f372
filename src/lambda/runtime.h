/* The Lambda Runtime API from a custom runtime's side: fetch an event, pass it to the handler, post
 * the response, repeatedly, on one kept-alive connection. One thread; blocks.
 * Source: AWS Lambda developer guide, "Using the Lambda runtime API for custom runtimes". */
#ifndef LAMBDA_RUNTIME_H
#define LAMBDA_RUNTIME_H

#include "base/fault.h"
#include "lambda/invocation.h"

#define RUNTIME_ANSWER_MAX ((size_t)6 << 20)

struct runtime;

/* host_port: AWS_LAMBDA_RUNTIME_API, borrowed. NULL: memory failed. Nothing is opened yet. */
struct runtime *runtime_new(struct str host_port);
void runtime_free(struct runtime **r);
/* Report to Lambda that the function cannot start; only before runtime_serve; the process must exit then.
 * Errors  UPSTREAM_FAILED; DEADLINE */
enum status runtime_fail_init(struct runtime *r, const struct fault *cause, struct fault *why) MUST_CHECK;
/* Serve one invocation, waiting for it as long as it takes.
 * Errors  UPSTREAM_FAILED the Runtime API does not keep to its protocol or is gone: the process must exit */
enum status runtime_serve(struct runtime *r, const struct invocation_handler *h, struct fault *why) MUST_CHECK;

#endif
