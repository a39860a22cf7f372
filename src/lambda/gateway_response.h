/* An answer as API Gateway requires it back. Anything else than this shape makes it a 502. Pure. */
#ifndef LAMBDA_GATEWAY_RESPONSE_H
#define LAMBDA_GATEWAY_RESPONSE_H

#include "base/buf.h"
#include "lambda/gateway_event.h"

/* Append the proxy response of `ans`, whose body is in memory. Headers that are there several times
 * go into multiValueHeaders (version 1), or are joined by commas (version 2).
 * bodiless  of a HEAD: the body stays away */
void gateway_answer_write(struct buf *b, enum gateway_version version, const struct answer *ans, bool bodiless);

#endif
