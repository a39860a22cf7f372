/* Port: a protocol behind a listener. The listener (http/server/) moves bytes, keeps deadlines
 * and framing; the handler (api/, s3/, admin/) decides what is answered.
 *
 *   begin    on a reactor, when the head is read: must not wait for a sync, commit or remote call
 *   data     on a reactor, for each piece of the body, only after HANDLER_READ_BODY
 *   finish   on a worker, when the whole body has come, only after HANDLER_READ_BODY or HANDLER_RUN: may block
 *   start    on a reactor, when the whole body has come, only after HANDLER_RUN_ASYNC: must not wait. The
 *            request is then the handler's until it calls the request's `wake`, once, from any thread,
 *            perhaps before start returns, with the answer filled in; after that it is the listener's
 *   cancel   instead of them, when the body will never be whole: releases what begin and data took
 *   refuse   fills in an answer for a fault that the listener found itself
 *
 * Exactly one of finish, start and cancel follows each HANDLER_READ_BODY, HANDLER_RUN or HANDLER_RUN_ASYNC: a data that fails has filled in
 * the answer, and cancel follows at once and leaves that answer alone. A request belongs to one
 * thread at a time. Whatever happens the answer's status is set after HANDLER_ANSWER, a failing data,
 * finish, wake or refuse. request.body is empty unless data itself has gathered it. */
#ifndef HTTP_HANDLER_H
#define HTTP_HANDLER_H

#include "base/fault.h"
#include "http/message.h"

struct request_context {
	struct arena arena;
	struct request request;
	struct answer answer;
	void *handler_state;                    /* the handler's own, from begin to finish or cancel */
	uint64_t body_bytes;                    /* received so far, the piece that data is given included */
	bool body_cut;                          /* set before finish: never; before cancel: the client went away */
	void (*done)(struct request_context *); /* the listener's: what `start` began has its answer */
};

enum handler_step {
	HANDLER_ANSWER,    /* the answer is ready; a body that follows is dropped */
	HANDLER_RUN,       /* no body is wanted (one that comes is dropped): finish on a worker */
	HANDLER_READ_BODY, /* give each piece to data, then finish on a worker */
	HANDLER_RUN_ASYNC, /* give each piece to data, then start on the reactor */
};

struct handler;

struct handler_ops {
	enum handler_step (*on_head)(struct handler *, struct request_context *);
	enum status (*on_body)(struct handler *, struct request_context *, const char *p, size_t n);
	void (*run)(struct handler *, struct request_context *);
	void (*on_abort)(struct handler *, struct request_context *, const struct fault *why);
	void (*on_error)(struct handler *, struct request_context *, const struct fault *why);
	void (*run_async)(struct handler *, struct request_context *); /* NULL for handlers that never say HANDLER_RUN_ASYNC */
};
struct handler {
	const struct handler_ops *ops;
	size_t arena_bytes;     /* the cap of each request's arena */
	uint64_t body_max;      /* a body that is dropped after a refusal is read up to this plus 1 MiB */
	bool slow_body_is_rate; /* true: bodies have a minimum rate (objects); false: a total time (JSON) */
	bool plus_is_blank;     /* '+' in the query is a blank, see query_parse */
};

#endif
