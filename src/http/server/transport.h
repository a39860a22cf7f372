/* One connection's bytes, plain or TLS, on a non-blocking socket of an edge-triggered epoll. */
#ifndef HTTP_SERVER_TRANSPORT_H
#define HTTP_SERVER_TRANSPORT_H

#include "base/str.h"

#include <openssl/ssl.h>
#include <sys/types.h>

#define TRANSPORT_SCRATCH_BYTES ((size_t)64 << 10)
#define TRANSPORT_PLAIN_BYTES ((size_t)64 << 10)
#define TRANSPORT_GATHER_BYTES (4 * (TRANSPORT_PLAIN_BYTES + 512))
#define TRANSPORT_HELD_MANY_BYTES ((size_t)64 << 20) /* held for all connections, beyond which each holds less */
#define TRANSPORT_TURN_BYTES ((size_t)1 << 20)       /* moved for one connection before others have their turn */

/* Memory shared by all connections of one thread, each only within a call. */
struct transport_memory {
	char *scratch; /* TRANSPORT_SCRATCH_BYTES: where bytes are read to first */
	char *plain;   /* TRANSPORT_PLAIN_BYTES: what the next TLS records shall hold, where it is not contiguous */
	char *gather;  /* TRANSPORT_GATHER_BYTES: TLS records to be sent */
	size_t gathered;
};

/* false: no memory; deinit all the same. */
bool transport_memory_init(struct transport_memory *m) MUST_CHECK;
void transport_memory_deinit(struct transport_memory *m);

struct transport {
	int fd;
	bool readable, writable; /* no call has said otherwise since the last edge */
	bool hung_up;            /* the peer has shut down its sending side */
	SSL *ssl;                /* NULL: plain */
	struct transport_memory *memory;
	char *held; /* records that the socket has not accepted */
	size_t held_n, held_at;
};

/* What is to be sent: head and body in one call. */
struct outgoing {
	struct str head, body;
	int fd; /* >= 0: the body is `left` bytes of it from `at` */
	uint64_t at, left;
};

enum io_result {
	IO_DONE,
	IO_WAIT,  /* for an edge */
	IO_YIELD, /* other connections have their turn first */
	IO_CLOSED,
};

/* A session over t->fd, which must be set.  false: no memory */
bool transport_start_tls(struct transport *t, SSL_CTX *ctx) MUST_CHECK;
/* IO_CLOSED with t->ssl NULL: the client has sent an HTTP request, and the transport is plain from here on. */
enum io_result transport_handshake(struct transport *t);
/* Bytes read; 0: the end. IO_DONE: *n is set. */
enum io_result transport_read(struct transport *t, char *p, size_t cap, size_t *n);
enum io_result transport_send(struct transport *t, struct outgoing *out);
/* Shut down sending; received bytes may still be read. */
void transport_finish(struct transport *t);
/* Read and drop, and count the bytes; IO_DONE: the end. */
enum io_result transport_drop(struct transport *t, uint64_t *bytes);
void transport_close(struct transport *t);

#endif
