/* The state machine of one connection. Runs on its reactor. */
#ifndef HTTP_SERVER_CONNECTION_H
#define HTTP_SERVER_CONNECTION_H

#include "http/server/acceptor.h"
#include "http/server/client_limit.h"
#include "http/server/conn_timeouts.h"
#include "http/server/head_parser.h"

struct server_request;

struct connection {
	struct reactor_task task;
	struct transport transport;
	struct acceptor *acceptor;
	struct server_request *request; /* in progress; NULL: none */
	struct client_addr peer;
	enum conn_state state;
	bool counted;        /* among its client's connections */
	bool is_cut;         /* closed by its deadline, or by shutdown */
	bool had_blank_line; /* before the head that is expected next */
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

#endif
