/* See transport.h. TLS: OpenSSL writes into memory of the thread, up to 256 KB of records, which leave in one call; what the
 * socket does not take is held for the connection. It reads from the socket itself. So a session at rest
 * has no buffer of its own (SSL_MODE_RELEASE_BUFFERS). */
#include "http/server/transport.h"
#include "base/mem.h"
#include "http/text.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define RECORDS_ROOM (TRANSPORT_PLAIN_BYTES + 512) /* what their heads and tags add is less */
#define RECORD_BYTES ((size_t)16 << 10)
#define METHOD_MAX 32

/* What all connections hold. Beyond TRANSPORT_HELD_MANY_BYTES a record at a time is encrypted, so that 10,000 clients that read nothing
 * cost 160 MB more and not 2.5 GB. */
static atomic_size_t held_total;

bool transport_memory_init(struct transport_memory *m)
{
	*m = (struct transport_memory){ mem_new(1, TRANSPORT_SCRATCH_BYTES), mem_new(1, TRANSPORT_PLAIN_BYTES),
		mem_new(1, TRANSPORT_GATHER_BYTES), 0 };
	return m->scratch != NULL && m->plain != NULL && m->gather != NULL;
}

void transport_memory_deinit(struct transport_memory *m)
{
	mem_free(m->scratch);
	mem_free(m->plain);
	mem_free(m->gather);
	*m = (struct transport_memory){ 0 };
}

static enum io_result transport_failed(bool *flag)
{
	if (errno == EINTR)
		return IO_YIELD;
	if (errno != EAGAIN)
		return IO_CLOSED;
	*flag = false;
	return IO_WAIT;
}

/* OpenSSL's side */

static int bio_write(BIO *bio, const char *p, int n)
{
	struct transport *t = BIO_get_data(bio);
	struct transport_memory *m = t->memory;
	if (m->gathered + (size_t)n > TRANSPORT_GATHER_BYTES)
		return -1;
	memcpy(m->gather + m->gathered, p, (size_t)n);
	m->gathered += (size_t)n;
	return n;
}

static int bio_read(BIO *bio, char *p, int n)
{
	struct transport *t = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	ssize_t got = recv(t->fd, p, (size_t)n, 0);
	if (got < 0 && transport_failed(&t->readable) != IO_CLOSED)
		BIO_set_retry_read(bio);
	return (int)got;
}

static long bio_control(BIO *bio, int command, long n, void *p)
{
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;
__attribute__((constructor)) static void make_method(void)
{
	bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
	BIO_meth_set_write(bio_method, bio_write);
	BIO_meth_set_read(bio_method, bio_read);
	BIO_meth_set_ctrl(bio_method, bio_control);
}

bool transport_start_tls(struct transport *t, SSL_CTX *ctx)
{
	assert(t->fd >= 0 && t->ssl == NULL);
	BIO *bio = BIO_new(bio_method);
	t->ssl = SSL_new(ctx);
	if (bio == NULL || t->ssl == NULL) {
		BIO_free(bio);
		return false;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return true;
}

static enum io_result push_bytes(struct transport *t, const char *p, size_t n, size_t *at)
{
	assert(*at <= n);
	while (*at < n) {
		ssize_t sent = send(t->fd, p + *at, n - *at, MSG_NOSIGNAL);
		if (sent < 0)
			return transport_failed(&t->writable);
		*at += (size_t)sent;
	}
	return IO_DONE;
}

/* Of a response no more is gathered while some is held, but a client may request replies to KeyUpdate without end and read none. */
static bool hold_bytes(struct transport *t, const char *p, size_t n)
{
	char *more = t->held_n + n <= TRANSPORT_GATHER_BYTES ? mem_resize(t->held, t->held_n + n, 1) : NULL;
	if (more == NULL)
		return false;
	memcpy(more + t->held_n, p, n);
	t->held = more;
	t->held_n += n;
	atomic_fetch_add(&held_total, n);
	return true;
}

static void release_held(struct transport *t)
{
	mem_free(t->held);
	atomic_fetch_sub(&held_total, t->held_n);
	t->held = NULL;
	t->held_n = t->held_at = 0;
}

/* Send what is held and what is gathered; hold what the socket does not take. IO_WAIT: something is held */
static enum io_result flush_buffer(struct transport *t)
{
	struct transport_memory *m = t->memory;
	size_t at = 0;
	enum io_result r = push_bytes(t, t->held, t->held_n, &t->held_at);
	if (r == IO_DONE) {
		release_held(t);
		r = push_bytes(t, m->gather, m->gathered, &at);
	}
	if (r != IO_CLOSED && at < m->gathered && !hold_bytes(t, m->gather + at, m->gathered - at))
		r = IO_CLOSED;
	m->gathered = 0;
	return r == IO_YIELD ? IO_WAIT : r;
}

/* Whether the client sends HTTP: a method and a blank. OpenSSL detects this for some methods only. IO_WAIT: more must arrive to decide */
static enum io_result peek_method(struct transport *t, bool *is_http)
{
	char first[METHOD_MAX];
	ssize_t got = recv(t->fd, first, sizeof first, MSG_PEEK);
	if (got < 0)
		return transport_failed(&t->readable);
	struct str rest = { first, (size_t)got }, method = http_take(&rest, CHAR_TOKEN);
	*is_http = method.n > 0 && str_starts_with(rest, STR(" "));
	return method.n > 0 && rest.n == 0 && method.n < sizeof first ? IO_WAIT : IO_DONE;
}

/* The queue of errors is the thread's: what another session has left there would be taken for this one's.
 * Source: SSL_get_error(3), "the current thread's error queue must be empty before the TLS/SSL I/O operation" */
enum io_result transport_handshake(struct transport *t)
{
	assert(t->ssl != NULL);
	bool is_http = false;
	enum io_result r = SSL_in_before(t->ssl) ? peek_method(t, &is_http) : IO_DONE;
	if (r != IO_DONE)
		return r;
	if (is_http) {
		SSL_free(t->ssl);
		t->ssl = NULL;
		return IO_CLOSED;
	}
	ERR_clear_error();
	int rc = SSL_accept(t->ssl), error = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, rc);
	if (flush_buffer(t) == IO_CLOSED || (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ))
		return IO_CLOSED;
	return error == SSL_ERROR_NONE ? IO_DONE : IO_WAIT;
}

static enum io_result read_tls(struct transport *t, char *p, size_t cap, size_t *n)
{
	int error = SSL_ERROR_NONE;
	*n = 0;
	while (*n < cap && error == SSL_ERROR_NONE) {
		ERR_clear_error(); /* as above */
		int got = SSL_read(t->ssl, p + *n, (int)(cap - *n));
		error = got > 0 ? SSL_ERROR_NONE : SSL_get_error(t->ssl, got);
		*n += got > 0 ? (size_t)got : 0;
	}
	if (t->memory->gathered > 0 && flush_buffer(t) == IO_CLOSED)
		return IO_CLOSED;
	if (*n > 0 || error == SSL_ERROR_ZERO_RETURN)
		return IO_DONE;
	if (error != SSL_ERROR_WANT_READ)
		return IO_CLOSED;
	return t->readable ? IO_YIELD : IO_WAIT; /* a record without data was read, and more may be there: others have their turn first */
}

enum io_result transport_read(struct transport *t, char *p, size_t cap, size_t *n)
{
	assert(cap > 0 && cap <= INT32_MAX);
	if (t->ssl != NULL)
		return read_tls(t, p, cap, n);
	ssize_t got = recv(t->fd, p, cap, 0);
	if (got < 0)
		return transport_failed(&t->readable);
	/* A short read was all there is, unless the end follows. */
	if ((size_t)got < cap && !t->hung_up)
		t->readable = false;
	*n = (size_t)got;
	return IO_DONE;
}

static enum io_result send_memory(struct transport *t, struct outgoing *out)
{
	while (out->head.n + out->body.n > 0) {
		struct iovec pieces[] = { { (void *)(uintptr_t)out->head.p, out->head.n }, { (void *)(uintptr_t)out->body.p, out->body.n } };
		struct msghdr message = { .msg_iov = pieces, .msg_iovlen = 2 };
		int flags = MSG_NOSIGNAL | (out->left > 0 ? MSG_MORE : 0);
		ssize_t sent = out->body.n == 0 ? send(t->fd, out->head.p, out->head.n, flags) : sendmsg(t->fd, &message, flags);
		if (sent < 0)
			return transport_failed(&t->writable);
		size_t of_head = (size_t)sent < out->head.n ? (size_t)sent : out->head.n;
		out->head = str_slice(out->head, of_head, out->head.n);
		out->body = str_slice(out->body, (size_t)sent - of_head, out->body.n);
	}
	return IO_DONE;
}

static enum io_result send_file(struct transport *t, struct outgoing *out)
{
	size_t turn = 0;
	while (out->left > 0) {
		off_t at = (off_t)out->at;
		ssize_t sent = sendfile(t->fd, out->fd, &at, out->left < TRANSPORT_TURN_BYTES ? (size_t)out->left : TRANSPORT_TURN_BYTES);
		if (sent == 0)
			return IO_CLOSED; /* the file is shorter than it was */
		if (sent < 0)
			return transport_failed(&t->writable);
		out->at += (uint64_t)sent;
		out->left -= (uint64_t)sent;
		turn += (size_t)sent;
		if (turn >= TRANSPORT_TURN_BYTES && out->left > 0)
			return IO_YIELD;
	}
	return IO_DONE;
}

/* Append some of s, up to `max` bytes in all; *s moves on. */
static void fill_buffer(char *plain, size_t max, size_t *n, struct str *s)
{
	size_t k = s->n < max - *n ? s->n : max - *n;
	if (k > 0)
		memcpy(plain + *n, s->p, k);
	*n += k;
	*s = str_slice(*s, k, s->n);
}

static bool fill_from_file(char *plain, size_t max, size_t *n, struct outgoing *out)
{
	size_t room = max - *n;
	ssize_t got = pread(out->fd, plain + *n, out->left < room ? (size_t)out->left : room, (off_t)out->at);
	if (got <= 0)
		return false;
	out->at += (uint64_t)got;
	out->left -= (uint64_t)got;
	*n += (size_t)got;
	return true;
}

/* Up to `max` bytes of what is left to send, as records; the first has head and body together. */
static bool send_records(struct transport *t, size_t max, struct outgoing *out)
{
	assert(t->memory->gathered + RECORDS_ROOM <= TRANSPORT_GATHER_BYTES);
	char *plain = t->memory->plain;
	struct str piece = str_slice(out->body, 0, max);
	if (out->head.n > 0 || out->body.n == 0) {
		size_t n = 0;
		fill_buffer(plain, max, &n, &out->head);
		fill_buffer(plain, max, &n, &out->body);
		if (n < max && out->left > 0 && !fill_from_file(plain, max, &n, out))
			return false;
		piece = (struct str){ plain, n };
	} else {
		out->body = str_slice(out->body, piece.n, out->body.n);
	}
	return SSL_write(t->ssl, piece.p, (int)piece.n) == (int)piece.n;
}

static enum io_result send_tls(struct transport *t, struct outgoing *out)
{
	size_t turn = 0;
	enum io_result r = flush_buffer(t);
	while (r == IO_DONE && out->head.n + out->body.n + out->left > 0) {
		bool many = atomic_load(&held_total) >= TRANSPORT_HELD_MANY_BYTES;
		size_t gather_max = many ? RECORDS_ROOM : TRANSPORT_GATHER_BYTES;
		while (t->memory->gathered + RECORDS_ROOM <= gather_max && out->head.n + out->body.n + out->left > 0)
			if (!send_records(t, many ? RECORD_BYTES : TRANSPORT_PLAIN_BYTES, out))
				return IO_CLOSED;
		turn += t->memory->gathered;
		r = flush_buffer(t);
		if (r == IO_DONE && turn >= TRANSPORT_TURN_BYTES && out->body.n + out->left > 0)
			return IO_YIELD;
	}
	return r;
}

enum io_result transport_send(struct transport *t, struct outgoing *out)
{
	assert(out->left == 0 || out->fd >= 0);
	if (t->ssl != NULL)
		return send_tls(t, out);
	enum io_result r = send_memory(t, out);
	return r == IO_DONE ? send_file(t, out) : r;
}

void transport_finish(struct transport *t)
{
	if (t->ssl != NULL && SSL_is_init_finished(t->ssl)) {
		SSL_shutdown(t->ssl);
		flush_buffer(t);
	}
	shutdown(t->fd, SHUT_WR);
}

enum io_result transport_drop(struct transport *t, uint64_t *bytes)
{
	assert(bytes != NULL);
	for (size_t turn = 0; turn < TRANSPORT_TURN_BYTES;) {
		ssize_t got = recv(t->fd, t->memory->scratch, TRANSPORT_SCRATCH_BYTES, 0);
		if (got < 0)
			return transport_failed(&t->readable);
		if (got == 0)
			return IO_DONE;
		turn += (size_t)got;
		*bytes += (uint64_t)got;
	}
	return IO_YIELD;
}

void transport_close(struct transport *t)
{
	SSL_free(t->ssl);
	release_held(t);
	close(t->fd);
}
