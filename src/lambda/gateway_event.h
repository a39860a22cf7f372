/* An HTTP request as API Gateway passes it on: REST proxy events (payload 1.0) and HTTP API or
 * Function URL events (payload 2.0), made into one shape. Pure: bytes and an arena in, a struct out, whose
 * texts are in one of the two.
 * Source: AWS Lambda developer guide, "Using AWS Lambda with Amazon API Gateway", payload formats. */
#ifndef LAMBDA_GATEWAY_EVENT_H
#define LAMBDA_GATEWAY_EVENT_H

#include "base/fault.h"
#include "http/message.h"

enum gateway_version { GATEWAY_V1, GATEWAY_V2 };

struct gateway_event {
	enum gateway_version version;
	struct str id;             /* the gateway's request id, which the client sees too; "": none that may appear in a header */
	struct client_addr client; /* the client's address as the gateway reports it; all zero: none */
	struct str method;
	struct str path;  /* below the base path /prod, which is put before it unless it is there */
	struct str query; /* raw, as after a '?' */
	struct header *headers;
	size_t n_headers;
	struct str body;
};

/* Even on errors `out` has what could be read, so that the response can have the right format.
 * Errors  INTERNAL not an event of a gateway (the cause names what is missing): not the client's fault
 *         INVALID_INPUT a header's value that cannot be one, or a body that is not the base64 it is said to be
 *         TOO_MUCH the arena is full */
enum status gateway_event_read(struct arena *a, struct str event, struct gateway_event *out, struct fault *why) MUST_CHECK;

#endif
