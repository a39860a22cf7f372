/* The operation of a request. */
#ifndef S3_ROUTE_H
#define S3_ROUTE_H

#include "s3/call.h"

/* POST of a browser's form, which only its body distinguishes from others. */
extern const struct operation s3_route_form;

/* The operation of the call's method, address and query, with c->absent set where this store does not support it;
 * NULL: there is none. GetBucketLocation of a key makes the call one of its bucket. */
const struct operation *s3_route_find(struct s3_call *c);

#endif
