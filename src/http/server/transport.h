/* One connection's bytes, plain or TLS, on a non-blocking socket of an edge-triggered epoll. */
#ifndef HTTP_SERVER_TRANSPORT_H
#define HTTP_SERVER_TRANSPORT_H

#include "base/str.h"

#include <openssl/ssl.h>
#include <sys/types.h>

#define TRANSPORT_SCRATCH_BYTES ((size_t)64 << 10)
#define TRANSPORT_GATHER_BYTES ((size_t)256 << 10)
#define TRANSPORT_RECORD_BYTES ((size_t)16 << 10)
#define TRANSPORT_TURN_BYTES ((size_t)1 << 20) /* moved for one connection before others have their turn */

/* Memory that all lines of one thread share, each only within a call. */
struct transport_memory {
	char *scratch; /* TRANSPORT_SCRATCH_BYTES: what was read lies here first */
	char *record;  /* TRANSPORT_RECORD_BYTES: what one TLS record is made of, where it is not in one piece */
	char *gather;  /* TRANSPORT_GATHER_BYTES: TLS records on their way out */
	size_t gathered;
};

/* false: no memory; deinit all the same. */
bool transport_memory_init(struct transport_memory *m) MUST_CHECK;
void transport_memory_deinit(struct transport_memory *m);

struct transport {
	int fd;
	bool readable, writable; /* no call has said otherwise since the last edge */
	bool hung_up;            /* the other side has sent all it will */
	SSL *ssl;                /* NULL: plain */
	struct transport_memory *memory;
	char *held; /* records that the socket did not take */
	size_t held_n, held_at;
};

/* What is to be sent: head and body leave together. */
struct outgoing {
	struct str head, body;
	int fd; /* >= 0: the body is `left` bytes of it from `at` */
	uint64_t at, left;
	uint64_t sent_bytes;
};

enum io_result {
	IO_DONE,
	IO_WAIT,  /* for an edge */
	IO_YIELD, /* others are to have theirs first */
	IO_CLOSED,
};

/* A session over t->fd, which must be set.  false: no memory */
bool transport_start_tls(struct transport *t, SSL_CTX *ctx) MUST_CHECK;
enum io_result transport_handshake(struct transport *t);
/* Bytes read; 0: the end. IO_DONE: *n is set. */
enum io_result transport_read(struct transport *t, char *p, size_t cap, size_t *n);
enum io_result transport_send(struct transport *t, struct outgoing *out);
/* Say that nothing more is sent; what comes may still be read. */
void transport_finish(struct transport *t);
/* Read and drop, and count the bytes; IO_DONE: the end. */
enum io_result transport_drop(struct transport *t, uint64_t *bytes);
void transport_close(struct transport *t);

#endif
