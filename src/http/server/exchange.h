/* The glue between libmicrohttpd's callbacks and doors: one struct call per request. */
#ifndef HTTP_SERVER_EXCHANGE_H
#define HTTP_SERVER_EXCHANGE_H

#include "base/fault.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "http/handler.h"
#include "http/server/deadline.h"
#include "http/server/files.h"
#include "http/server/host.h"
#include "http/server/listen.h"
#include "http/server/request_id.h"
#include "http/server/request_metrics.h"
#include "http/server/workers.h"

#include <microhttpd.h>
#include <pthread.h>

/* What all listeners share. */
struct traffic {
	struct workers *workers;
	struct deadlines *deadlines;
	struct request_metrics *metrics;
	_Atomic int64_t in_flight;   /* requests whose head was read and whose answer is not yet sent */
	_Atomic bool draining;
	int idle_fd;                 /* an eventfd: written when in_flight falls to 0 while draining */
	pthread_mutex_t started_lock;
	pthread_cond_t none_started;
	size_t started;              /* exchanges that a door has started and not yet woken */
	bool starts_no_more;
};

struct listener {
	const char *name;            /* in logs and metrics */
	enum metric connections;
	struct listen_socket socket;
	struct host_names hosts;
	struct traffic *traffic;
	struct door *door;
	const struct listener *other;   /* shares its room with this one; NULL: none does */
	struct file_shares shares;
	_Atomic int64_t open;        /* connections */
	_Atomic int64_t kept;        /* open connections that have had a request */
	struct MHD_Daemon *daemon;
};

enum call_step {
	CALL_HEAD,     /* libmicrohttpd reads the head */
	CALL_BODY,     /* the body comes, if there is one */
	CALL_WORK,     /* suspended, a worker has it, or what the door has started */
	CALL_READY,    /* that is done: the answer is to be sent */
	CALL_SENT,     /* the answer is libmicrohttpd's */
};

/* One request, from its first line to the end of its answer. Belongs to its reactor, but in CALL_WORK to a
 * worker or the door. */
struct call {
	struct exchange x;
	struct job job;
	struct listener *listener;
	struct conn *conn;
	struct MHD_Connection *connection;
	_Atomic(enum call_step) step;
	enum door_step wants;
	bool owes_end;               /* the door awaits finish, start or cancel */
	bool at_once;                /* the answer must not wait for the body's end */
	bool counted;                /* in in_flight */
	bool too_long;               /* more body came than is dropped */
	uint64_t dropped_bytes;
	uint64_t bytes_out;
	int last_word_status;        /* of the answer that the sweeper has sent; 0: none */
	int64_t began_us;
	char id[REQUEST_ID_CHARS + 1];
};

/* libmicrohttpd's callbacks; the first argument is the listener. */
void *exchange_on_target(void *cls, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *data, size_t *data_n, void **call);
void exchange_on_completed(void *cls, struct MHD_Connection *connection, void **call, enum MHD_RequestTerminationCode how);
/* Whether one more connection is accepted. */
enum MHD_Result exchange_may_open(void *cls, const struct sockaddr *from, socklen_t from_n);
void exchange_on_connection(void *cls, struct MHD_Connection *connection, void **conn, enum MHD_ConnectionNotificationCode what);
/* The sweeper's last word on a body that is too slow.  false: over TLS, where the reactor says it */
bool exchange_last_word(struct conn *c);

/* Let doors start nothing any more (such requests are refused), and wait until they have nothing left. */
void exchange_end_starts(struct traffic *t);
/* Have the door fill in the answer for a fault that the listener found. */
void exchange_refuse(struct call *c, const struct fault *why);
/* Give the answer to libmicrohttpd. MHD_NO when it cannot be: the connection is then closed. */
enum MHD_Result reply_send(struct call *c);
/* Send the answer of `x` past libmicrohttpd, as far as the socket takes it, and say that the connection ends.
 * session  of TLS, by which it goes; NULL: by the descriptor */
void reply_send_raw(int fd, void *session, struct exchange *x);
/* Log and count a request that has ended. */
void report_call(const struct call *c, enum MHD_RequestTerminationCode how);

/* Start the daemon of a listener.
 * reactors      1..16
 * connections   the most that are open at once
 * Errors        INTERNAL */
enum status listener_start(struct listener *l, unsigned reactors, unsigned connections, struct fault *why) MUST_CHECK;
/* Accept no more; what is open goes on. */
void listener_quiesce(struct listener *l);
/* Close every connection. No request may be at a worker or started by a door. */
void listener_stop(struct listener *l);

#endif
