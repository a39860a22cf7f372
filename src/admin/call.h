/* What the files of the console share: one request, its parameters, its response. A call lives in its
 * request's arena and runs on a worker, since rows are read from the table. */
#ifndef ADMIN_CALL_H
#define ADMIN_CALL_H

#include "base/buf.h"
#include "base/fault.h"
#include "admin/console.h"

#define CONSOLE_TEXT_MAX 256 /* bytes of a text that is searched for */

struct console {
	struct handler handler;
	struct console_options options;
};

struct console_call {
	struct console *console;
	struct request_context *x;
	struct arena *arena;
	struct str segment; /* of the path, where the route has one: an image's id, a bucket's name */
	struct buf body;    /* JSON */
};

/* Handlers. Each writes the body or returns a fault. */
enum status console_images(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_image(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_verify(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_buckets(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_bucket(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_bucket_remove(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_s3_users(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_history(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_logs(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_webhooks(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_resend(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_enable(struct console_call *c, struct fault *why) MUST_CHECK;
enum status console_settings(struct console_call *c, struct fault *why) MUST_CHECK;

/* A query parameter of a handler. */
enum param_kind { PARAM_TEXT, PARAM_CHOICE, PARAM_NUMBER };
struct param {
	const char *name;
	enum param_kind kind;
	const char *choices; /* "all|pending" */
	uint64_t min, max;   /* of a number; max of a text in bytes */
	struct str *text;    /* out, of texts and choices; untouched when it was not sent */
	uint64_t *number;    /* out, of numbers; likewise */
	bool *sent;          /* out; may be NULL */
};
/* Read the query. An empty value counts as not sent.
 * Errors  BAD_FIELD unknown, twice, or not of its form */
enum status params_read(const struct request *r, const struct param *params, size_t n, struct fault *why) MUST_CHECK;

#endif
