/* The responses of delivery links, once it is known what a link leads to: headers, conditions, ranges, problems. They are the same for
 * everyone who has the link. They work on the request's arena, and block on nothing; the request's thread. */
#ifndef DELIVERY_RESPONSE_H
#define DELIVERY_RESPONSE_H

#include "http/handler.h"
#include "image/delivery_link.h"
#include "port/image_table.h"
#include "port/object_store.h"

/* What a link leads to. */
struct delivered {
	struct delivery_link link;
	struct image_row row;
	struct object_info info;
};

bool response_is_head(const struct request_context *x);
/* Of every response: any page may show it and read it, and none may run it. */
void response_common_headers(struct request_context *x);
/* In place of whatever the answer has. No cache may keep it. */
void response_problem(struct request_context *x, const struct fault *why);
/* A page that asks with headers of its own, which do not matter here. */
void response_preflight(struct request_context *x);
/* The headers that do not depend on the bytes, and the whole response where the client has them already (304, *complete).
 * Errors  PRECONDITION; TOO_MUCH */
enum status response_conditions(struct request_context *x, const struct delivered *p, bool *complete, struct fault *why) MUST_CHECK;
/* The rest. The answer has the whole object by now, as its body or its descriptor; that of a HEAD may do without.
 * Errors  RANGE_INVALID; TOO_MUCH */
enum status response_bytes(struct request_context *x, const struct delivered *p, struct fault *why) MUST_CHECK;
/* Both. */
enum status response_opened(struct request_context *x, const struct delivered *p, struct fault *why) MUST_CHECK;

#endif
