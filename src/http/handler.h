/* Port: a protocol handler. The listener (http/server/) moves bytes and enforces deadlines
 * and framing; the handler (api/, s3/, admin/) decides the response.
 *
 *   on_head    on a reactor,  when the head is read: must not wait for a sync, commit or remote call
 *   check      on a worker, only after HANDLER_CHECK, before any of the body is read: may block, and says how to go on, by another step
 *   on_body    on a reactor, for each piece of the body, only after HANDLER_READ_BODY
 *   run        on a worker, when the whole body has been received, only after HANDLER_READ_BODY or HANDLER_RUN: may block
 *   run_async  on a reactor, when the whole body has been received, only after HANDLER_RUN_ASYNC: must not wait. The
 *              handler then owns the request until it calls the request's `done`, once, from any thread,
 *              perhaps before run_async returns, with the answer filled in; after that the listener owns it
 *              It may call the request's `work` in place of `done`: run_async is called again then, on a worker, where it may block
 *   on_abort   instead of them, when the body will never be complete: releases what on_head and on_body acquired
 *   on_error   fills in the answer for a fault that the listener detected itself
 *
 * Exactly one of run, run_async and on_abort follows each HANDLER_READ_BODY, HANDLER_RUN or HANDLER_RUN_ASYNC, and a HANDLER_CHECK
 * whose check was not called: an on_body
 * that fails has filled in the answer, and on_abort follows at once and does not change that answer. A request belongs to one
 * thread at a time. In every case the answer's status is set after HANDLER_ANSWER, a failing on_body,
 * run, done or on_error. request.body is empty unless on_body itself has collected it. */
#ifndef HTTP_HANDLER_H
#define HTTP_HANDLER_H

#include "base/fault.h"
#include "http/message.h"

struct request_context {
	struct arena arena;
	struct request request;
	struct answer answer;
	void *handler_state;       /* the handler's own, from on_head to run or on_abort */
	struct handler *passed_to; /* NULL, or whom on_head has passed the request on to, having called its on_head: the rest is that one's */
	bool is_operator;          /* a handler that passes it on has found that the operator of the server sends it */
	struct str key_id, owner;  /* the handler's, for the log: the caller's, if it is identified; else "" */
	uint64_t body_bytes;       /* received so far, including the piece that is passed to on_body */
	bool body_cut;             /* before run: never; before on_abort: the client disconnected */
	bool slow_body_is_rate;    /* the handler's, unless on_head sets it for this request */
	void (*done)(struct request_context *); /* the listener's: the answer of run_async is ready */
	void (*work)(struct request_context *); /* the listener's: call run_async again, on a worker; from any thread, does not block */
};

enum handler_step {
	HANDLER_ANSWER,    /* the answer is ready; a body that follows is dropped */
	HANDLER_RUN,       /* no body is expected (one that arrives is dropped): run on a worker */
	HANDLER_READ_BODY, /* pass each piece to on_body, then run on a worker */
	HANDLER_RUN_ASYNC, /* pass each piece to on_body, then run_async on the reactor */
	HANDLER_CHECK,     /* call check on a worker, and do as that says */
};

struct handler;

struct handler_ops {
	enum handler_step (*on_head)(struct handler *, struct request_context *);
	enum status (*on_body)(struct handler *, struct request_context *, const char *p, size_t n);
	void (*run)(struct handler *, struct request_context *);
	void (*on_abort)(struct handler *, struct request_context *, const struct fault *why);
	void (*on_error)(struct handler *, struct request_context *, const struct fault *why);
	void (*run_async)(struct handler *, struct request_context *); /* NULL for handlers that never return HANDLER_RUN_ASYNC */
	/* The two that follow are for requests that wait for something in run_async; both may be NULL, and must not block.
	 * on_gone, on a reactor: the client of one has closed its end; the handler may own the request, or have called `done` already.
	 * on_drain, on any thread, perhaps more than once: the server ends, all of them are to be answered now */
	void (*on_gone)(struct handler *, struct request_context *);
	void (*on_drain)(struct handler *);
	enum handler_step (*check)(struct handler *, struct request_context *); /* NULL for handlers that never return HANDLER_CHECK */
};
struct handler {
	const struct handler_ops *ops;
	size_t arena_bytes;     /* the cap of each request's arena */
	uint64_t body_max;      /* a body that is dropped after a refusal is read up to this plus 1 MiB */
	bool slow_body_is_rate; /* true: bodies have a minimum rate (objects); false: a total time (JSON) */
};

/* Pass a request on from on_head, before anything of it is read. The listener's own bounds stay those of the handler in front. */
static inline enum handler_step handler_pass(struct handler *to, struct request_context *x)
{
	x->passed_to = to;
	return to->ops->on_head(to, x);
}

#endif
