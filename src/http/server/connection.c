/* What a connection reads next, where it passes that to, and when it closes.
 *
 *   HANDSHAKE -> HEAD -> BODY | OBJECT | DROP -> WORK -> RESPONSE -> HEAD ...
 *                                                            \-> LINGER -> closed
 *
 * connection_run continues until the socket has no more, or takes no more. What was read is in memory of the thread;
 * only what is not used at once (part of a head, requests that came ahead) is kept for the connection, so that one at
 * rest has no buffer. While a request is at work nothing is read: the socket's own buffer is the back-pressure.
 *
 * A response that ends the connection is followed by LINGER: our end of the stream is closed, and what still comes is
 * read and dropped until the client has ended too, for a reset would else take the response from a client that
 * is still sending. That has bounds: a time, a number of bytes, and a share of the connections, beyond which the oldest
 * is closed. */
#include "http/server/connection.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "http/server/server_request.h"
#include "http/server/tls.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define LINGER_MAX_BYTES ((uint64_t)128 << 20)
#define REQUEST_TURN_BYTES ((size_t)4096) /* what a request counts for, of the bytes that are moved in a turn */

static const char *const state_names[] = { "handshake", "head", "body", "object", "dropped body", "work", "response", "end" };

static struct reactor *reactor_of(const struct connection *c)
{
	return c->acceptor->reactor;
}

/* deadlines */

/* Bytes that the client has taken, all connection long. */
static uint64_t ask_acked(const struct connection *c)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	return getsockopt(c->transport.fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 ? info.tcpi_bytes_acked : 0;
}

static struct conn_progress progress_of(const struct connection *c, bool ask_kernel)
{
	int64_t now_ms = reactor_of(c)->now_ms;
	struct conn_progress seen = { .state = c->state, .for_ms = now_ms - c->since_ms, .bytes = c->moved };
	if (c->head_since_ms != 0)
		seen.head_ms = now_ms - c->head_since_ms + 1;
	if (c->state == CONN_RESPONSE)
		seen.bytes = ask_kernel && c->acked != UINT64_MAX ? ask_acked(c) - c->acked : 0;
	return seen;
}

/* Set the timer, unless it fires early enough: a check that comes too early only sets it again. */
static void schedule_check(struct connection *c)
{
	struct conn_progress seen = progress_of(c, false);
	int64_t at_ms = reactor_of(c)->now_ms + conn_timeouts_left_ms(reactor_of(c)->timeouts, &seen);
	if (!c->task.timer.is_set || at_ms < c->task.timer.at_ms)
		timer_set(&reactor_of(c)->wheel, &c->task.timer, at_ms);
}

static void enter_state(struct connection *c, enum conn_state state)
{
	assert(!c->task.is_ended);
	c->state = state;
	c->since_ms = reactor_of(c)->now_ms;
	c->head_since_ms = 0;
	c->moved = 0;
	schedule_check(c);
}

/* closing */

static void leave_linger_list(struct connection *c)
{
	assert(c->acceptor->lingering > 0);
	struct acceptor *a = c->acceptor;
	*(c->linger_prev != NULL ? &c->linger_prev->linger_next : &a->linger_first) = c->linger_next;
	*(c->linger_next != NULL ? &c->linger_next->linger_prev : &a->linger_last) = c->linger_prev;
	a->lingering--;
}

static void close_connection(struct connection *c)
{
	struct listener *l = c->acceptor->listener;
	if (c->request != NULL)
		server_request_end(c, false);
	if (c->state == CONN_LINGER)
		leave_linger_list(c);
	/* Closing alone does not end its events while a process that is being started has a copy of the descriptor. */
	(void)epoll_ctl(reactor_of(c)->epoll, EPOLL_CTL_DEL, c->transport.fd, NULL);
	transport_close(&c->transport);
	mem_free(c->kept);
	if (c->counted)
		client_limit_leave(l->clients, &c->peer);
	listener_note_closed(l);
	reactor_end(&c->task);
}

static void start_linger(struct connection *c)
{
	assert(c->request == NULL);
	struct acceptor *a = c->acceptor;
	transport_finish(&c->transport);
	if (a->lingering >= a->lingering_max)
		close_connection(a->linger_first);
	c->linger_prev = a->linger_last;
	c->linger_next = NULL;
	*(a->linger_last != NULL ? &a->linger_last->linger_next : &a->linger_first) = c;
	a->linger_last = c;
	a->lingering++;
	enter_state(c, CONN_LINGER);
}

/* the steps */

/* Keep what was not used, which may lie in what was kept before. */
static bool keep_input(struct connection *c, struct str rest)
{
	if (rest.n == c->kept_n && rest.p == c->kept)
		return true;
	char *copy = rest.n > 0 ? mem_new(rest.n, 1) : NULL;
	if (copy != NULL)
		memcpy(copy, rest.p, rest.n);
	mem_free(c->kept);
	c->kept = copy;
	c->kept_n = copy != NULL ? rest.n : 0;
	return rest.n == 0 || copy != NULL;
}

/* Read after what is there of a head. IO_DONE: *in has more, or as much as before at the end */
static enum io_result read_more(struct connection *c, struct str *in, size_t *turn_bytes)
{
	char *scratch = c->transport.memory->scratch;
	size_t got;
	if (in->n > 0)
		memmove(scratch, in->p, in->n);
	*in = (struct str){ scratch, in->n };
	if (!c->transport.readable)
		return IO_WAIT;
	enum io_result r = transport_read(&c->transport, scratch + in->n, TRANSPORT_SCRATCH_BYTES - in->n, &got);
	if (r != IO_DONE)
		return r;
	in->n += got;
	*turn_bytes += got;
	return IO_DONE;
}

static void enter_next(struct connection *c, enum request_next next)
{
	switch (next) {
	case NEXT_BODY:
		enter_state(c, server_request_body_state(c->request));
		return;
	case NEXT_RESPONSE:
		c->acked = UINT64_MAX;
		enter_state(c, CONN_RESPONSE);
		return;
	case NEXT_WORK:
		enter_state(c, CONN_WORK); /* the request is another thread's, the connection still ours */
		if (c->transport.hung_up)
			server_request_note_gone(c);
		return;
	}
}

/* RFC 9112 2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one empty line
 * (CRLF) received prior to the request-line". One it is. */
static void skip_blank_line(struct connection *c, struct str *in)
{
	if (c->had_blank_line || c->search.lines > 0 || !str_starts_with(*in, STR("\r\n")))
		return;
	*in = str_slice(*in, 2, in->n);
	c->search = (struct head_search){ 0 };
	c->had_blank_line = true;
}

static enum io_result receive_head(struct connection *c, struct str *in, size_t *turn_bytes)
{
	if (*turn_bytes >= TRANSPORT_TURN_BYTES)
		return IO_YIELD;
	struct fault why;
	size_t size = 0;
	skip_blank_line(c, in);
	enum status status = in->n > 0 ? head_find(&c->search, *in, &size, &why) : OK;
	if (status == OK && size == 0) {
		size_t before = in->n;
		if (before > 0 && c->head_since_ms == 0) {
			c->head_since_ms = reactor_of(c)->now_ms;
			schedule_check(c);
		}
		enum io_result r = read_more(c, in, turn_bytes);
		if (r != IO_DONE || in->n > before)
			return r;
		if (before == 0)
			return IO_CLOSED;
		status = fault_set(&why, BAD_FRAMING, "The connection was closed before the request's head was complete");
	}
	struct str head = str_slice(*in, 0, status == OK ? size : in->n);
	*in = str_slice(*in, head.n, in->n);
	enter_next(c, server_request_begin(c, head, in->n > 0, status == OK ? NULL : &why));
	c->search = (struct head_search){ 0 };
	c->had_blank_line = false;
	*turn_bytes += REQUEST_TURN_BYTES;
	return IO_DONE;
}

static enum io_result receive_body(struct connection *c, struct str *in, size_t *turn_bytes)
{
	size_t got = 0;
	if (in->n > 0) {
		enum request_next next = server_request_take_body(c, in);
		if (next != NEXT_BODY || c->state != server_request_body_state(c->request))
			enter_next(c, next);
		return IO_DONE;
	}
	if (!c->transport.readable)
		return IO_WAIT;
	if (*turn_bytes >= TRANSPORT_TURN_BYTES)
		return IO_YIELD;
	enum io_result r = transport_read(&c->transport, c->transport.memory->scratch, TRANSPORT_SCRATCH_BYTES, &got);
	if (r != IO_DONE)
		return r;
	*in = (struct str){ c->transport.memory->scratch, got };
	*turn_bytes += got;
	if (got == 0)
		enter_next(c, server_request_give_up(c));
	return IO_DONE;
}

static enum io_result send_response(struct connection *c, struct str *in)
{
	if (c->request == NULL)
		return IO_CLOSED; /* there was no memory for it */
	enum io_result r = transport_send(&c->transport, &c->request->out);
	if (r == IO_WAIT && c->acked == UINT64_MAX)
		c->acked = ask_acked(c);
	if (r != IO_DONE)
		return r;
	bool keeps = c->request->keeps_alive;
	server_request_end(c, true);
	if (keeps) {
		enter_state(c, CONN_HEAD);
	} else {
		*in = (struct str){ NULL, 0 };
		start_linger(c);
	}
	return IO_DONE;
}

static enum io_result shake_hands(struct connection *c)
{
	if (c->transport.ssl == NULL && !tls_begin(&c->transport))
		return IO_CLOSED;
	enum io_result r = transport_handshake(&c->transport);
	if (r == IO_DONE)
		enter_state(c, CONN_HEAD);
	if (r == IO_CLOSED && c->transport.ssl == NULL) {
		struct fault why;
		fault_set(&why, INVALID_INPUT, "A plain HTTP request was sent to a port for HTTPS: use https:// in the URL");
		enter_next(c, server_request_begin(c, STR(""), false, &why));
		return IO_DONE;
	}
	return r == IO_WAIT && c->transport.hung_up ? IO_CLOSED : r;
}

static enum io_result step_state(struct connection *c, struct str *in, size_t *turn_bytes)
{
	switch (c->state) {
	case CONN_HANDSHAKE:
		return shake_hands(c);
	case CONN_HEAD:
		return receive_head(c, in, turn_bytes);
	case CONN_BODY:
	case CONN_OBJECT:
	case CONN_DROP:
		return receive_body(c, in, turn_bytes);
	case CONN_RESPONSE:
		return send_response(c, in);
	case CONN_LINGER: {
		enum io_result r = transport_drop(&c->transport, &c->moved);
		return r == IO_DONE || c->moved > LINGER_MAX_BYTES ? IO_CLOSED : r;
	}
	case CONN_WORK:
		return IO_WAIT;
	}
	return IO_CLOSED;
}

static void run_connection(struct connection *c)
{
	assert(!c->task.is_ended);
	struct str in = { c->kept, c->kept_n };
	size_t turn_bytes = 0;
	enum io_result r;
	do
		r = step_state(c, &in, &turn_bytes);
	while (r == IO_DONE);
	if (r == IO_CLOSED || !keep_input(c, in))
		close_connection(c);
	else if (r == IO_YIELD)
		reactor_yield(&c->task);
}

/* what happens to it */

static void on_event(struct event_source *source, uint32_t events)
{
	struct connection *c = (struct connection *)source;
	if (c->task.is_ended)
		return; /* in this round */
	if ((events & EPOLLIN) != 0)
		c->transport.readable = true;
	if ((events & EPOLLOUT) != 0)
		c->transport.writable = true;
	if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
		c->transport.hung_up = c->transport.readable = true;
	if (!c->task.timer.is_set)
		schedule_check(c);
	if (c->state == CONN_WORK && c->transport.hung_up)
		server_request_note_gone(c);
	if (c->state != CONN_WORK && (c->state != CONN_RESPONSE || c->transport.writable || c->transport.hung_up))
		run_connection(c);
}

static void on_turn(struct reactor_task *t)
{
	run_connection((struct connection *)t);
}

static void on_resume(struct reactor_task *t)
{
	struct connection *c = (struct connection *)t;
	assert(c->state == CONN_WORK && c->request != NULL);
	enter_next(c, server_request_resume(c, c->kept_n > 0));
	run_connection(c);
}

static void on_timeout(struct connection *c)
{
	LOG(CONNECTION_ENDED, STR(""), LOG_C("waitedFor", state_names[c->state]));
	c->is_cut = true;
	if (c->state == CONN_BODY || c->state == CONN_OBJECT || c->state == CONN_DROP) {
		enter_next(c, server_request_give_up(c));
	} else if (c->state == CONN_HEAD && c->kept_n > 0) {
		struct fault why;
		fault_set(&why, HEAD_SLOW, "The request's head arrived too slowly");
		enter_next(c, server_request_begin(c, (struct str){ c->kept, c->kept_n }, false, &why));
	} else {
		if (c->state == CONN_HEAD)
			transport_finish(&c->transport);
		close_connection(c);
		return;
	}
	run_connection(c);
}

static void on_timer(struct reactor_task *t)
{
	struct connection *c = (struct connection *)t;
	struct conn_progress seen = progress_of(c, true);
	if (conn_timeouts_expired(reactor_of(c)->timeouts, &seen))
		on_timeout(c);
	else
		timer_set(&reactor_of(c)->wheel, &c->task.timer, reactor_of(c)->now_ms + conn_timeouts_left_ms(reactor_of(c)->timeouts, &seen));
}

static void on_cut(struct reactor_task *t)
{
	struct connection *c = (struct connection *)t;
	c->is_cut = true;
	if (c->state == CONN_WORK)
		shutdown(c->transport.fd, SHUT_RDWR);
	else
		close_connection(c);
}

static const struct reactor_task_ops task_ops = { .run = on_turn, .resume = on_resume, .on_timer = on_timer, .cut = on_cut };

bool connection_start(struct acceptor *a, int fd, const struct client_addr *peer, bool counted)
{
	assert(fd >= 0);
	struct connection *c = mem_new(1, sizeof *c);
	if (c == NULL)
		return false;
	*c = (struct connection){ .task = { .source = { on_event }, .ops = &task_ops, .reactor = a->reactor },
		.transport = { .fd = fd, .writable = true, .memory = &a->reactor->memory },
		.acceptor = a,
		.peer = *peer,
		.counted = counted,
		.state = a->listener->socket.tls ? CONN_HANDSHAKE : CONN_HEAD,
		.since_ms = clock_mono_ms() };
	if (reactor_start_task(&c->task, fd))
		return true;
	mem_free(c);
	return false;
}
