/* The state machine of one connection. Runs on its reactor. */
#ifndef HTTP_SERVER_CONNECTION_H
#define HTTP_SERVER_CONNECTION_H

#include "http/server/client_limit.h"
#include "http/server/conn_timeouts.h"
#include "http/server/head_parser.h"
#include "http/server/listener.h"

struct server_request;

struct connection {
	struct event_source source;
	struct transport transport;
	struct acceptor *acceptor;
	struct server_request *request; /* in progress; NULL: none */
	struct timer timer;
	struct client_addr peer;
	enum conn_state state;
	bool counted;        /* among its client's connections */
	bool has_yielded;    /* is in its reactor's list of those */
	bool is_closed;      /* and will be freed */
	bool is_cut;         /* closed by its deadline, or by shutdown */
	bool had_blank_line; /* before the head that is expected next */
	struct connection *yielded_next, *resumed_next, *closed_next;
	struct connection *linger_next, *linger_prev;
	int64_t since_ms;      /* when the state was entered */
	int64_t head_since_ms; /* when the first byte of a head arrived; 0: none has */
	uint64_t moved;        /* bytes of a body in this state */
	uint64_t acked;        /* bytes acknowledged when sending first blocked; UINT64_MAX: it has not */
	struct head_search search;
	char *kept; /* bytes received and not consumed yet: part of a head, the next requests */
	size_t kept_n;
};

/* Take over a connected, non-blocking socket: the acceptor's reactor owns it from now on. Any thread.
 * counted   it is counted among its client's; counted down when it closes
 * Returns   false: no memory; the socket is still the caller's */
bool connection_start(struct acceptor *a, int fd, const struct client_addr *peer, bool counted) MUST_CHECK;
/* Continue as far as the bytes allow. It may be closed afterwards. */
void connection_run(struct connection *c);
/* Continue with the response, which was made on another thread. */
void connection_resume(struct connection *c);
/* Its timer has fired: it has expired, or is to be checked again later. */
void connection_on_timer(struct connection *c);
/* Close it at once, or only its socket if its request is on another thread. */
void connection_cut(struct connection *c);
struct connection *connection_of_timer(struct timer *t);

/* For server_request.c: the state that the request leads to. */
void connection_enter(struct connection *c, enum conn_state state);

#endif
