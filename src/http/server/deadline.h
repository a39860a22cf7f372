/* Deadlines of connections: a list of them all, and one thread that ends those past theirs. */
#ifndef HTTP_SERVER_DEADLINE_H
#define HTTP_SERVER_DEADLINE_H

#include "base/fault.h"
#include "base/str.h"

#include <stdatomic.h>

/* What a connection is waiting for, and so which deadline it has. */
enum conn_state {
	CONN_WAIT,     /* the next head: nothing, or part of it, has come */
	CONN_BODY,     /* a body: a total time */
	CONN_OBJECT,   /* a body: a minimum rate */
	CONN_DROP,     /* a body that nobody wants */
	CONN_WORK,     /* ourselves: none */
	CONN_ANSWER,   /* the client to take the answer: a minimum rate */
	CONN_CUT,      /* its end: past a deadline, shut down */
};

struct deadline_rules {
	int64_t header_ms, idle_ms, body_ms, drop_ms, grace_ms;
	uint64_t min_rate;         /* bytes a second */
};

/* What the sweeper saw of a connection: pure data, so that the rules can be tested. */
struct conn_seen {
	enum conn_state state;
	int64_t for_ms;            /* in this state */
	int64_t head_ms;           /* since the first byte of a head came, 0: none has */
	uint64_t bytes;            /* of the body or the answer, moved in this state */
	bool hung_up;              /* the client will send no more */
};

/* The part that moves the bytes writes state, since_ms and body_bytes; the sweeper reads them. */
struct conn {
	struct conn *next, *prev;
	int fd;
	_Atomic(enum conn_state) state;
	_Atomic int64_t since_ms;  /* when state was entered */
	_Atomic uint64_t body_bytes;
	_Atomic bool served;       /* has had a request */
	bool kept;                 /* counted in its listener's kept; the reactor's */
	void *open;                /* the request whose first line was read and whose end was not yet told; the reactor's */
	void *call;                /* the request whose body is awaited, for the sweeper's last word */
	/* the sweeper's own */
	int64_t seen_since_ms;     /* the since_ms that the next two are of */
	uint64_t seen_bytes;       /* the kernel's count when the state was first seen */
	int64_t head_since_ms;
	int64_t spare_until_ms;    /* cut, but not shut down before then; 0: it is */
};

struct deadlines;
/* Called with the list locked when a body is too slow, before its connection is shut down: the last word to the client.
 * false: the connection's own thread will say it when more of the body comes, and is to have a second for it. */
typedef bool (*deadline_last_word_fn)(struct conn *c);

/* Whether a connection is past its deadline. Pure. */
bool deadline_is_past(const struct deadline_rules *r, const struct conn_seen *seen);

/* Start the sweeper.  Errors: OUT_OF_MEMORY */
enum status deadlines_new(const struct deadline_rules *r, deadline_last_word_fn last_word, struct deadlines **out, struct fault *why) MUST_CHECK;
/* End the sweeper. The list must be empty. */
void deadlines_free(struct deadlines **d);
/* Add a connection that was just accepted; NULL when memory fails. */
struct conn *deadlines_add(struct deadlines *d, int fd);
/* Forget a connection whose descriptor is about to be closed. */
void deadlines_remove(struct deadlines *d, struct conn **c);
/* Shut down all that have a request under way, for a server that ends. */
void deadlines_cut_all(struct deadlines *d);

/* Enter a state, counting from now. false: the sweeper has cut the connection, and is done with the request. */
bool conn_move(struct deadlines *d, struct conn *c, enum conn_state to) MUST_CHECK;
bool conn_is_cut(const struct conn *c);

#endif
