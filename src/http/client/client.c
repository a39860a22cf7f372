/* One request at a time: the request goes out and the answer is watched for in one loop, so that an
 * early refusal is read rather than lost to a broken pipe.
 *
 * struct client_exchange is the state of one attempt. Input gathers in one bounded buffer until it holds a
 * head; the body is then taken from what follows, framed by its length, its chunks or the close.
 * The connection is kept only when both directions ended where they should. */
#include "http/client/client.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "http/chunk_reader.h"
#include "http/client/connection.h"
#include "http/client/request.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_HEAD_MAX 65536
#define RESPONSE_BODY_MAX (16u << 20)
#define ERROR_BODY_MAX (64u << 10)

struct http_client {
	struct client_connection connection;
	struct connection_target at; /* of the open connection */
	SSL_CTX *tls;                /* made for the first https URL */
	char out[65536];             /* the piece of a file that is being sent */
	char in[RESPONSE_HEAD_MAX];
	size_t n_in;
	bool sent; /* a byte of the last request went out */
};

struct client_exchange {
	struct http_client *c;
	const struct http_request *r;
	struct arena *a;
	struct http_response *answer;
	struct fault *why;
	struct str piece;     /* of head or body, not sent yet */
	uint64_t taken;       /* of the body, into pieces */
	bool head_sent, sent; /* sent: all of it, or given up */
	bool whole;           /* the first piece is head and body */
	bool cut_short;       /* given up: the connection cannot be kept */
	bool heard;           /* a byte of the answer came */
	bool answer_cut;      /* more of the answer's body came than is wanted: the connection cannot be kept */
	int64_t ends_ms;      /* of the whole request */
	uint64_t got;         /* of the answer's body */
	struct buf body;
};

struct http_client *http_client_new(void)
{
	struct http_client *c = mem_new(1, sizeof *c);
	if (c != NULL)
		c->connection.fd = -1;
	return c;
}

void http_client_free(struct http_client **c)
{
	if (*c == NULL)
		return;
	connection_close(&(*c)->connection);
	SSL_CTX_free((*c)->tls);
	mem_free(*c);
	*c = NULL;
}

static int64_t idle_deadline(const struct client_exchange *x)
{
	int64_t idle = clock_mono_ms() + (x->r->idle_timeout_ms > 0 ? x->r->idle_timeout_ms : 60000);
	return idle < x->ends_ms ? idle : x->ends_ms;
}

/* Make the next piece of the body ready, unless one still is. */
static enum status fill_input(struct client_exchange *x)
{
	uint64_t left = x->whole ? 0 : request_body_length(x->r) - x->taken;
	if (x->piece.n > 0)
		return OK;
	x->head_sent = true;
	x->sent = left == 0;
	if (left == 0)
		return OK;
	x->piece = str_slice(x->r->body, (size_t)x->taken, x->r->body.n);
	if (x->r->body_file) {
		size_t most = left < sizeof x->c->out ? (size_t)left : sizeof x->c->out;
		ssize_t n = pread(x->r->body_fd, x->c->out, most, (off_t)x->taken);
		if (n <= 0)
			return fault_set(x->why, STORAGE_FAILED, "the file cannot be read, or became shorter");
		x->piece = (struct str){ x->c->out, (size_t)n };
	}
	x->taken += x->piece.n;
	return OK;
}

/* Send what the socket takes. A failure to send is not an error yet: the server may have answered before it closed. */
static enum status send_some(struct client_exchange *x, short *events)
{
	TRY(fill_input(x));
	while (!x->sent) {
		ssize_t n = connection_write(&x->c->connection, x->piece.p, x->piece.n, events);
		if (n == CONNECTION_WAIT)
			return OK;
		if (n < 0) {
			x->sent = x->cut_short = true;
			return OK;
		}
		x->c->sent = true;
		x->piece = str_slice(x->piece, (size_t)n, x->piece.n);
		if (x->head_sent && x->r->progress != NULL)
			x->r->progress(x->r->progress_arg, x->taken - x->piece.n);
		TRY(fill_input(x));
		/* A fast network must not keep us from looking for an early answer. */
		struct pollfd p = { .fd = x->c->connection.fd, .events = POLLIN };
		if (!x->sent && poll(&p, 1, 0) > 0)
			break;
	}
	return OK;
}

/* Add to the input, sending in the meantime; *ended when the server ended the stream cleanly. */
static enum status read_bytes(struct client_exchange *x, bool *ended)
{
	struct http_client *c = x->c;
	for (;;) {
		short events = POLLIN;
		if (!x->sent) {
			TRY(send_some(x, &events));
			TRY(connection_wait(&c->connection, events, idle_deadline(x), x->why));
		}
		events = 0;
		ssize_t n = connection_read(&c->connection, c->in + c->n_in, sizeof c->in - c->n_in, &events);
		*ended = n == 0;
		if (n == CONNECTION_FAILED)
			return fault_set(x->why, UPSTREAM_FAILED, "the server broke the connection");
		if (n >= 0) {
			c->n_in += (size_t)n;
			x->heard = x->heard || n > 0;
			return OK;
		}
		if (x->sent)
			TRY(connection_wait(&c->connection, events, idle_deadline(x), x->why));
	}
}

static void clear_input(struct http_client *c, size_t n)
{
	c->n_in -= n;
	memmove(c->in, c->in + n, c->n_in);
}

/* Send the request and take the first head that is not a 1xx off the input. */
static enum status receive_head(struct client_exchange *x)
{
	struct http_client *c = x->c;
	for (bool ended = false;;) {
		size_t n = response_head_size((struct str){ c->in, c->n_in });
		if (n > 0) {
			struct str head = str_dup(x->a, (struct str){ c->in, n });
			TRY(response_parse_head(x->a, head, x->answer, x->why));
			clear_input(c, n);
			if (x->answer->status >= 200)
				return OK;
			if (x->answer->status == 101)
				return fault_set(x->why, UPSTREAM_FAILED, "the server switched to another protocol");
			continue;
		}
		if (ended)
			return fault_set(x->why, UPSTREAM_FAILED, "the server closed the connection before its response was complete");
		if (c->n_in == sizeof c->in)
			return fault_set(x->why, TOO_MUCH, "the answer's head is over %d bytes", RESPONSE_HEAD_MAX);
		TRY(read_bytes(x, &ended));
	}
}

static uint64_t body_max(const struct client_exchange *x)
{
	uint64_t max = x->r->max_response_bytes > 0 ? x->r->max_response_bytes : RESPONSE_BODY_MAX;
	return x->answer->status > 299 && max < ERROR_BODY_MAX && !x->r->cut_response ? ERROR_BODY_MAX : max;
}

static enum status body_too_large(const struct client_exchange *x)
{
	return fault_set(x->why, TOO_MUCH, "the answer's body is over %llu bytes", (unsigned long long)body_max(x));
}

static enum status consume(struct client_exchange *x, struct str piece)
{
	assert(x->got <= body_max(x));
	uint64_t left = body_max(x) - x->got;
	if (piece.n > left && !x->r->cut_response)
		return body_too_large(x);
	x->answer_cut = piece.n > left;
	piece = str_slice(piece, 0, x->answer_cut ? (size_t)left : piece.n);
	x->got += piece.n;
	if (!x->r->sink_file || x->answer->status > 299) {
		buf_put(&x->body, piece);
		return fault_check_buf(&x->body, x->why);
	}
	if (file_write_all(x->r->sink_fd, piece) != 0)
		return fault_set(x->why, STORAGE_FAILED, "the response cannot be written");
	return OK;
}

/* Take what the input holds of the body; *done when that was the last of it. */
static enum status consume_input(struct client_exchange *x, struct chunk_reader *chunks, bool *done)
{
	struct str in = { x->c->in, x->c->n_in };
	const struct http_response *answer = x->answer;
	struct str piece = in;
	if (answer->chunked) {
		do {
			if (!chunk_reader_next(chunks, &in, &piece))
				return fault_set(x->why, UPSTREAM_FAILED, "the response's chunks are malformed");
			TRY(consume(x, piece));
		} while (piece.n > 0 && !x->answer_cut);
		*done = chunks->state == CHUNK_DONE;
		clear_input(x->c, x->c->n_in - in.n);
		return OK;
	}
	if (answer->has_length && piece.n > answer->length - x->got)
		piece.n = (size_t)(answer->length - x->got);
	TRY(consume(x, piece));
	clear_input(x->c, piece.n);
	*done = answer->has_length && x->got == answer->length;
	return OK;
}

/* Take memory for a body whose length is known once, and not more: an arena that a body grows in needs up to four times its size. */
static enum status reserve_body(struct client_exchange *x)
{
	uint64_t length = x->answer->length < body_max(x) ? x->answer->length : body_max(x);
	char *memory = arena_alloc(x->a, (size_t)length + 1);
	if (memory == NULL)
		return fault_check_arena(x->a, x->why);
	buf_init_fixed(&x->body, memory, (size_t)length + 1);
	return OK;
}

static enum status receive_body(struct client_exchange *x)
{
	struct chunk_reader chunks = { 0 };
	bool delimited = x->answer->has_length || x->answer->chunked;
	if (x->answer->has_length && x->answer->length > body_max(x) && !x->r->cut_response)
		return body_too_large(x);
	if (x->answer->has_length && (!x->r->sink_file || x->answer->status > 299))
		TRY(reserve_body(x));
	for (bool ended = false, done = false;;) {
		TRY(consume_input(x, &chunks, &done));
		if (done || x->answer_cut || (ended && !delimited))
			return OK;
		if (ended)
			return fault_set(x->why, UPSTREAM_FAILED, "the answer's body was cut off");
		TRY(read_bytes(x, &ended));
	}
}

static enum status run_exchange(struct client_exchange *x, struct str first)
{
	x->piece = first;
	x->c->n_in = 0;
	buf_init_arena(&x->body, x->a, SIZE_MAX / 4);
	TRY(receive_head(x));
	/* An early answer: what is left of the request is of no use to the server. */
	x->cut_short = x->cut_short || !x->sent;
	x->sent = true;
	/* RFC 9112 6.3: answers that never have a body, whatever their headers say. */
	if (str_equal(x->r->method, STR("HEAD")) || x->answer->status == 204 || x->answer->status == 304)
		return OK;
	TRY(receive_body(x));
	x->answer->body = buf_str(&x->body);
	x->answer->close = x->answer->close || x->answer_cut || !(x->answer->has_length || x->answer->chunked);
	return OK;
}

/* Open a connection unless the kept one will do. */
static enum status connect_to(struct client_exchange *x, const struct connection_target *to, bool *kept)
{
	struct http_client *c = x->c;
	c->connection.cancel_fd = x->r->cancel_fd;
	*kept =
		c->at.tls == to->tls && strcmp(c->at.host, to->host) == 0 && strcmp(c->at.port, to->port) == 0 && connection_alive(&c->connection);
	if (*kept)
		return OK;
	connection_close(&c->connection);
	if (to->tls && c->tls == NULL)
		c->tls = connection_tls(x->r->authorities, x->why);
	if (to->tls && c->tls == NULL)
		return UPSTREAM;
	c->at = *to;
	int64_t deadline = clock_mono_ms() + (x->r->connect_timeout_ms > 0 ? x->r->connect_timeout_ms : 10000);
	return connection_open(&c->connection, to, c->tls, deadline < x->ends_ms ? deadline : x->ends_ms, x->why);
}

static bool may_repeat(const struct http_request *r)
{
	static const char *const idempotent[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };
	for (size_t i = 0; i < COUNT_OF(idempotent); i++)
		if (str_equal(r->method, str_of(idempotent[i])))
			return true;
	return r->repeatable;
}

static int64_t target_end(const struct http_request *r)
{
	return r->total_timeout_ms > 0 ? clock_mono_ms() + r->total_timeout_ms : INT64_MAX;
}

enum status http_connect(struct http_client *c, const struct http_request *r, struct arena *a, struct fault *why)
{
	assert(r != NULL);
	struct connection_target to;
	struct buf head;
	struct client_exchange x = { .c = c, .r = r, .why = why, .ends_ms = target_end(r) };
	bool kept;
	buf_init_arena(&head, a, REQUEST_HEAD_MAX);
	TRY(request_write_head(r, &to, &head, why));
	return connect_to(&x, &to, &kept);
}

enum status http_send(struct http_client *c, const struct http_request *r, struct arena *a, struct http_response *out, struct fault *why)
{
	assert(r != NULL && out != NULL);
	struct connection_target to;
	struct buf head;
	buf_init_arena(&head, a, REQUEST_HEAD_MAX);
	TRY(request_write_head(r, &to, &head, why));
	/* One packet, one TLS record, and the server is not woken for half a request. */
	bool whole = !r->body_file && r->progress == NULL && r->body.n <= REQUEST_HEAD_MAX - head.n;
	if (whole)
		buf_put(&head, r->body);
	TRY(fault_check_buf(&head, why));
	int64_t ends_ms = target_end(r);
	enum status st;
	bool again, reopened = r->once;
	c->sent = false;
	struct http_response answer = { 0 };
	do {
		struct client_exchange x = { .c = c, .r = r, .a = a, .answer = &answer, .why = why, .whole = whole, .ends_ms = ends_ms };
		bool kept = false;
		TRY(connect_to(&x, &to, &kept));
		st = run_exchange(&x, buf_str(&head));
		again = st == UPSTREAM && kept && !reopened && !x.heard && may_repeat(r);
		reopened = true;
		if (st != OK || x.cut_short || answer.close || c->n_in > 0)
			connection_close(&c->connection);
	} while (again);
	if (st == OK)
		*out = answer;
	return st;
}

bool http_client_sent(const struct http_client *c)
{
	return c->sent;
}
