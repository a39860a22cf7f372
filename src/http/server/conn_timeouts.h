/* Deadlines of connections: the rules, as a pure function. Who asks, and when, is for reactor.c. */
#ifndef HTTP_SERVER_CONN_TIMEOUTS_H
#define HTTP_SERVER_CONN_TIMEOUTS_H

#include <stdbool.h>
#include <stdint.h>

/* What a connection is waiting for, and so which deadline it has. */
enum conn_state {
	CONN_HANDSHAKE, /* TLS */
	CONN_HEAD,      /* the next head: nothing, or part of it, has come */
	CONN_BODY,      /* a body: a total time */
	CONN_OBJECT,    /* a body: a minimum rate */
	CONN_DROP,      /* a body that nobody requires */
	CONN_WORK,      /* ourselves: none */
	CONN_RESPONSE,  /* the client to take the answer: a minimum rate */
	CONN_LINGER,    /* the client to end, whose last bytes are read and forgotten */
};

struct conn_timeouts {
	int64_t header_ms, idle_ms, body_ms, drop_ms, grace_ms;
	uint64_t min_rate; /* bytes a second */
};

/* What was seen of a connection. */
struct conn_progress {
	enum conn_state state;
	int64_t for_ms;  /* in this state */
	int64_t head_ms; /* since the first byte of a head came, 0: none has */
	uint64_t bytes;  /* of the body or the answer, moved in this state */
};

/* Whether a connection is past its deadline. Pure. */
bool conn_timeouts_expired(const struct conn_timeouts *r, const struct conn_progress *seen);
/* How long until it may be, if no byte moves and it stays in this state. Pure. */
int64_t conn_timeouts_left_ms(const struct conn_timeouts *r, const struct conn_progress *seen);

#endif
