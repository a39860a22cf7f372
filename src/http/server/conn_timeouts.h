/* Deadlines of connections: the rules, as a pure function. reactor.c calls it. */
#ifndef HTTP_SERVER_CONN_TIMEOUTS_H
#define HTTP_SERVER_CONN_TIMEOUTS_H

#include <stdbool.h>
#include <stdint.h>

/* What a connection is waiting for, and so which deadline it has. */
enum conn_state {
	CONN_HANDSHAKE, /* TLS */
	CONN_HEAD,      /* the next head: nothing, or part of it, has arrived */
	CONN_BODY,      /* a body: a total time */
	CONN_OBJECT,    /* a body: a minimum rate */
	CONN_DROP,      /* a body that is dropped */
	CONN_WORK,      /* the handler: none */
	CONN_RESPONSE,  /* the client to receive the response: a minimum rate */
	CONN_LINGER,    /* the client to close; its last bytes are read and dropped */
};

struct conn_timeouts {
	int64_t header_ms, idle_ms, body_ms, drop_ms, grace_ms;
	uint64_t min_rate; /* bytes a second */
};

/* The observed progress of a connection. */
struct conn_progress {
	enum conn_state state;
	int64_t for_ms;  /* in this state */
	int64_t head_ms; /* since the first byte of a head arrived; 0: none has */
	uint64_t bytes;  /* of the body or the response, moved in this state */
};

/* Whether a connection is past its deadline. Pure. */
bool conn_timeouts_expired(const struct conn_timeouts *r, const struct conn_progress *seen);
/* How long until it may be, if no byte moves and it stays in this state. Pure. */
int64_t conn_timeouts_left_ms(const struct conn_timeouts *r, const struct conn_progress *seen);

#endif
