/* A request's head as it goes over the wire, and where it goes to: pure. Everything that could
 * smuggle a line into the head is refused here. */
#ifndef HTTP_CLIENT_REQUEST_H
#define HTTP_CLIENT_REQUEST_H

#include "base/buf.h"
#include "base/fault.h"
#include "http/client/client.h"
#include "http/client/connection.h"

/* Split the URL and append the head to `head`.
 * Errors  INVALID_INPUT bad URL, method or header; TOO_MUCH over head's maximum */
enum status request_write_head(const struct http_request *r, struct connection_target *to, struct buf *head, struct fault *why) MUST_CHECK;
/* How many bytes follow the head. */
uint64_t request_body_length(const struct http_request *r);

#endif
