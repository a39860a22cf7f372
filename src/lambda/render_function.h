/* The render function: messages of the thumbnail queue in, thumbnails kept and recorded. See image/thumb_set.h. */
#ifndef LAMBDA_RENDER_FUNCTION_H
#define LAMBDA_RENDER_FUNCTION_H

#include "base/fault.h"
#include "image/product.h"
#include "lambda/invocation.h"

struct render_function {
	struct product *product; /* borrowed; with thumbnails, and a renderer */
};

/* A handler's run; arg is a struct render_function. The response is that of batch_answer.h; a picture that no thumbnail can be made of
 * is not a failure, since it would fail again.
 * Errors  INVALID_INPUT not a batch of SQS */
enum status render_function_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why) MUST_CHECK;

#endif
