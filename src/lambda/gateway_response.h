/* A response in the format that API Gateway requires; it answers 502 to anything else. Pure. */
#ifndef LAMBDA_GATEWAY_RESPONSE_H
#define LAMBDA_GATEWAY_RESPONSE_H

#include "base/buf.h"
#include "lambda/gateway_event.h"

/* Append the proxy response of `ans`, whose body is in memory. Repeated headers
 * go into multiValueHeaders (version 1), or are joined by commas (version 2).
 * bodiless  for HEAD: without the body */
void gateway_answer_write(struct buf *b, enum gateway_version version, const struct answer *ans, bool bodiless);

#endif
