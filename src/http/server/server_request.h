/* Requests: from the head to the end of the response, in the steps of a handler. One struct server_request each. */
#ifndef HTTP_SERVER_SERVER_REQUEST_H
#define HTTP_SERVER_SERVER_REQUEST_H

#include "base/buf.h"
#include "http/chunk_reader.h"
#include "http/handler.h"
#include "http/server/connection.h"
#include "http/server/request_id.h"
#include "http/server/request_metrics.h"
#include "http/server/workers.h"

#include <pthread.h>

/* What all listeners share. */
struct traffic {
	struct workers *workers;
	struct request_metrics *metrics;
	_Atomic int64_t in_flight; /* requests whose head was read and whose response is not yet sent */
	_Atomic bool draining;
	int idle_fd; /* an eventfd: written when in_flight falls to 0 while draining */
	pthread_mutex_t started_lock;
	pthread_cond_t none_started;
	size_t started; /* requests in run_async whose done was not called yet */
	bool starts_no_more;
};

/* One request. Belongs to its reactor, or while it is processed to a worker or the handler. */
struct server_request {
	struct request_context x;
	struct job job;
	struct listener *listener;
	struct connection *connection;
	enum handler_step wants;
	bool owes_end;              /* the handler must still get run, run_async or on_abort */
	bool keeps_alive;           /* the connection stays open after the response */
	bool is_old;                /* HTTP/1.0 */
	bool too_long;              /* more body arrived than may be dropped */
	bool is_async;              /* run_async was called */
	bool is_checking;           /* a worker runs check */
	bool counted;               /* among its client's requests in progress, through a proxy */
	uint64_t left;              /* of a body with a length */
	struct chunk_reader chunks; /* of one without */
	uint64_t dropped_bytes;
	struct buf head; /* of the answer */
	struct outgoing out;
	uint64_t out_bytes; /* of the answer's body */
	int64_t began_us;
	char id[REQUEST_ID_CHARS + 1];
};

/* What a connection does next. */
enum request_next {
	NEXT_BODY,     /* read (more of) the body */
	NEXT_RESPONSE, /* send request->out */
	NEXT_WORK,     /* wait until it is resumed */
};

/* A request has arrived.
 * head    its head, or what was received of it if `bad`; borrowed for this call
 * more    bytes follow it already
 * bad     why it cannot be read; NULL: it is complete */
enum request_next server_request_begin(struct connection *c, struct str head, bool more, const struct fault *bad);
/* Consume the part of *in that belongs to the body. */
enum request_next server_request_take_body(struct connection *c, struct str *in);
/* No more of the body will arrive, or too slowly (c->is_cut). */
enum request_next server_request_give_up(struct connection *c);
/* The client has closed its end while the request is at work. */
void server_request_note_gone(struct connection *c);
/* A request that was on another thread has its answer, or may go on to its body.
 * more    bytes follow the head already */
enum request_next server_request_resume(struct connection *c, bool more);
/* The request is over: log it, release it.  sent: the kernel has the response */
void server_request_end(struct connection *c, bool sent);
/* Which deadline the body has; another one once the handler has refused it. */
enum conn_state server_request_body_state(const struct server_request *r);

/* Stop calling run_async (such requests are refused), and wait until all that were started are done. */
void server_request_end_starts(struct traffic *t);
/* Build r->out from the answer.  false: no memory */
bool response_head_make(struct server_request *r);
/* Log and count a request that has ended. */
void access_log_write(const struct server_request *r, bool sent);

#endif
