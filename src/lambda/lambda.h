/* One Lambda function: chosen by the handler's name, run until the environment ends. */
#ifndef LAMBDA_LAMBDA_H
#define LAMBDA_LAMBDA_H

#include "base/fault.h"
#include "image/product.h"
#include "lambda/event_sender.h"
#include "lambda/runtime.h"
#include "http/handler.h"

struct lambda_options {
	struct str function_handler;  /* _HANDLER: upload, images, manage, delivery, event, render or sweep */
	struct str function;          /* AWS_LAMBDA_FUNCTION_NAME, for the log */
	struct str bucket;            /* whose objects' events are accepted */
	struct handler *http_handler; /* of the API, behind that of delivery links; may be NULL for the last three */
	struct product *product;
	struct event_sender *events; /* without a bus none are sent */
	struct str cdn_secret;       /* see struct gateway */
};

/* What a function does with images. */
struct lambda_work {
	bool decodes;
	bool reads_objects; /* in every invocation */
	bool renders;       /* what the queue of thumbnails asks for */
	bool sweeps;        /* called by the schedule */
};

/* Check that there is such a function.
 * queue   thumbnails are made by a queue
 * Errors  BAD_SETTING the text lists the functions */
enum status lambda_check(struct str function_handler, bool queue, struct lambda_work *out, struct fault *why) MUST_CHECK;
/* Serve invocations; returns only when there can be no more. Borrows everything.
 * o       of a handler that lambda_check accepted
 * Errors  UPSTREAM_FAILED the Runtime API, see runtime_serve */
enum status lambda_run(struct runtime *r, const struct lambda_options *o, struct fault *why) MUST_CHECK;

#endif
