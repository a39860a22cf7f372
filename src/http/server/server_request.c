/* Requests in the steps of a handler:
 *
 *   begin     the head: framing, host, query are checked, the handler's `on_head` decides, or first its `check` on a worker
 *   take      each piece of the body: to `on_body`, or dropped
 *   the end   of the body: the answer is sent, or a worker runs `run`, or the handler `run_async`
 *   end       the answer is sent or never will be: report, release
 *
 * A refusal that is known before the end of the body waits for it, up to a bound, for a client that is still
 * sending may not read before; but it goes at once where the client waits for `100 Continue`, where the
 * framing cannot be trusted, or where more is announced than will ever be read. Then the connection ends, and
 * lingers (connection.c). Runs on reactors; run_job on a worker, on_done on any thread. */
#include "http/server/server_request.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/server/framing.h"

#include <string.h>
#include <sys/eventfd.h>

#define DROP_SPARE_BYTES ((uint64_t)1 << 20)
#define HEAD_OUT_MAX ((size_t)1 << 20)

static struct handler *handler_of(const struct server_request *c)
{
	return c->x.passed_to != NULL ? c->x.passed_to : c->listener->handler;
}

static void answer_fault(struct server_request *c, const struct fault *why)
{
	const char *route = c->x.answer.route;
	answer_reset(&c->x.answer);
	c->x.answer.route = route;
	handler_of(c)->ops->on_error(handler_of(c), &c->x, why);
	c->x.answer.fault = *why;
	c->wants = HANDLER_ANSWER;
}

/* Notify the handler that neither run nor run_async will follow. */
static void abort_handler(struct server_request *c, const struct fault *why)
{
	if (!c->owes_end)
		return;
	c->owes_end = false;
	handler_of(c)->ops->on_abort(handler_of(c), &c->x, why);
}

static enum request_next send_response(struct server_request *c)
{
	if (!response_head_make(c))
		c->keeps_alive = false; /* nothing is sent, and the connection ends */
	return NEXT_RESPONSE;
}

/* Answer now although the body, or what comes for one, is not over: the connection ends with it. */
static enum request_next respond_and_close(struct server_request *c)
{
	c->keeps_alive = false;
	return send_response(c);
}

/* requests in run_async */

/* false: the server ends, and nothing may be started any more. */
static bool count_started(struct traffic *t)
{
	pthread_mutex_lock(&t->started_lock);
	bool ok = !t->starts_no_more;
	t->started += ok;
	pthread_mutex_unlock(&t->started_lock);
	return ok;
}

/* Counted down last: whoever waits for 0 may then end the reactors, and the traffic with them. */
static void on_done(struct request_context *x)
{
	struct server_request *c = (struct server_request *)((char *)x - offsetof(struct server_request, x));
	struct traffic *t = c->listener->traffic;
	assert(x->answer.status != 0);
	reactor_resume(&c->connection->task); /* the request may be gone now */
	pthread_mutex_lock(&t->started_lock);
	if (--t->started == 0)
		pthread_cond_signal(&t->none_started);
	pthread_mutex_unlock(&t->started_lock);
}

static void run_async_job(struct job *job)
{
	struct server_request *c = (struct server_request *)((char *)job - offsetof(struct server_request, job));
	handler_of(c)->ops->run_async(handler_of(c), &c->x);
}

static void on_work(struct request_context *x)
{
	struct server_request *c = (struct server_request *)((char *)x - offsetof(struct server_request, x));
	struct fault why;
	assert(c->is_async);
	c->job.run = run_async_job;
	if (workers_submit(c->listener->traffic->workers, &c->job))
		return;
	fault_set(&why, OVERLOADED, "The server is overloaded; try again");
	answer_fault(c, &why);
	on_done(x);
}

void server_request_note_gone(struct connection *connection)
{
	assert(connection->request != NULL);
	struct server_request *c = connection->request;
	const struct handler_ops *ops = handler_of(c)->ops;
	if (c->is_async && ops->on_gone != NULL)
		ops->on_gone(handler_of(c), &c->x);
}

void server_request_end_starts(struct traffic *t)
{
	pthread_mutex_lock(&t->started_lock);
	t->starts_no_more = true;
	while (t->started > 0)
		pthread_cond_wait(&t->none_started, &t->started_lock);
	pthread_mutex_unlock(&t->started_lock);
}

/* the head */

static struct server_request *request_new(struct connection *connection)
{
	struct listener *l = connection->acceptor->listener;
	struct server_request *c = mem_new(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->listener = l;
	c->connection = connection;
	c->began_us = clock_mono_us();
	request_id_make(c->id);
	arena_init(&c->x.arena, l->handler->arena_bytes);
	c->x.answer.fd = -1; /* the rest of an empty answer is zero */
	c->x.done = on_done;
	c->x.work = on_work;
	c->x.slow_body_is_rate = l->handler->slow_body_is_rate;
	c->x.request = (struct request){ .arena = &c->x.arena,
		.id = { c->id, REQUEST_ID_CHARS },
		.client = connection->peer,
		.method = STR(""),
		.target = STR(""),
		.path = STR("") };
	buf_init(&c->head, HEAD_OUT_MAX);
	c->out.fd = -1;
	atomic_fetch_add(&l->traffic->in_flight, 1);
	return c;
}

/* Parse the head, or what came of one that was refused: a refusal answers the request that it is of. */
static enum status parse_head(struct server_request *c, struct str raw, struct fault *why)
{
	struct request *r = &c->x.request;
	const struct head_search *found = &c->connection->search;
	struct head head = { 0 };
	struct str own = str_dup(r->arena, raw);
	if (own.p == NULL)
		return fault_too_much(why);
	enum status status = head_parse(r->arena, own, found->lines, &head, why);
	r->method = head.method;
	r->target = head.target;
	r->headers = head.headers;
	r->n_headers = head.n_headers;
	c->is_old = head.is_old;
	c->keeps_alive = head.keeps_alive;
	return status;
}

static bool is_proxied(const struct server_request *c)
{
	return c->listener->proxies->n > 0 && proxy_list_has(c->listener->proxies, &c->connection->peer);
}

/* The client that the proxy forwards for, and whether that client has too much under way already. */
static enum status identify_client(struct server_request *c, struct fault *why)
{
	const struct listener *l = c->listener;
	if (!is_proxied(c))
		return OK;
	c->x.request.client = proxy_list_client(l->proxies, &c->x.request, c->x.request.client);
	if (!listener_counts(l, &c->x.request.client))
		return OK;
	c->counted = client_limit_enter(l->clients, &c->x.request.client);
	return c->counted ? OK
					  : fault_set(why, TOO_MANY_REQUESTS, "This client has too many requests in progress; wait for some of them to finish");
}

/* Fill in the request. A failure that leaves the path empty leaves the body's end unknown: the connection ends with the answer. */
static enum status read_head(struct server_request *c, struct str raw, struct fault *why)
{
	struct request *r = &c->x.request;
	struct framing framing;
	struct target target;
	TRY(parse_head(c, raw, why));
	TRY(request_index(r->arena, r, why));
	TRY(framing_read(&r->by_name, &framing, why));
	if (c->is_old && framing.chunked)
		return fault_set(why, BAD_FRAMING, "HTTP/1.0 has no Transfer-Encoding");
	if (!c->is_old && framing.host.p == NULL)
		return fault_set(why, BAD_FRAMING, "The Host header is missing");
	TRY(framing_cut_target(r->method, r->target, &target, why));
	r->has_length = framing.has_length;
	r->length = c->left = framing.length;
	r->chunked = framing.chunked;
	r->expects_continue = framing.expects_continue && !c->is_old; /* RFC 9110 10.1.1: ignored in HTTP/1.0 */
	r->path = target.path;
	TRY(identify_client(c, why));
	struct str host = target.authority.n > 0 ? target.authority : framing.host;
	if (host.p != NULL && !host_is_ours(&c->listener->hosts, host)) /* none: of HTTP/1.0, which no browser sends */
		return fault_set(why, BAD_HOST, "\"%.*s\" is not a host of this server. Add it with --hosts.", STRF(host));
	/* RFC 9110 7.4: "Unless the connection is from a trusted gateway", which may be the one that ends TLS. */
	if (target.authority.n > 0 && target.is_https != (c->connection->transport.ssl != NULL) && !is_proxied(c))
		return fault_set(why, MISDIRECTED, "The URL's scheme is not the connection's: https requires TLS, and http none");
	return query_parse(r->arena, target.query, &r->query, why);
}

static uint64_t drop_max(const struct server_request *c)
{
	return c->listener->handler->body_max + DROP_SPARE_BYTES;
}

static bool wants_body(const struct server_request *c)
{
	return c->wants == HANDLER_READ_BODY || c->wants == HANDLER_RUN_ASYNC;
}

enum conn_state server_request_body_state(const struct server_request *c)
{
	if (!wants_body(c))
		return CONN_DROP;
	return c->x.slow_body_is_rate ? CONN_OBJECT : CONN_BODY;
}

static void run_job(struct job *job)
{
	struct server_request *c = (struct server_request *)((char *)job - offsetof(struct server_request, job));
	c->owes_end = false;
	handler_of(c)->ops->run(handler_of(c), &c->x);
	reactor_resume(&c->connection->task);
}

static void answer_load(struct server_request *c, const char *text)
{
	struct fault why;
	fault_set(&why, OVERLOADED, "%s", text);
	abort_handler(c, &why);
	answer_fault(c, &why);
}

static enum request_next refuse_load(struct server_request *c, const char *text)
{
	answer_load(c, text);
	return send_response(c);
}

static enum request_next end_body(struct server_request *c)
{
	switch (c->wants) {
	case HANDLER_ANSWER:
		return send_response(c);
	case HANDLER_RUN_ASYNC:
		if (!count_started(c->listener->traffic))
			return refuse_load(c, "The server is shutting down; try again");
		c->owes_end = false;
		c->is_async = true;
		handler_of(c)->ops->run_async(handler_of(c), &c->x);
		return NEXT_WORK;
	case HANDLER_RUN:
	case HANDLER_READ_BODY:
	case HANDLER_CHECK:
		assert(c->wants != HANDLER_CHECK);
		c->job.run = run_job;
		if (!workers_submit(c->listener->traffic->workers, &c->job))
			return refuse_load(c, "The server is overloaded; try again");
		return NEXT_WORK;
	}
	return NEXT_RESPONSE;
}

/* What the handler wants is known: answer, or go on to the body. */
static enum request_next end_head(struct server_request *c, bool more)
{
	const struct request *r = &c->x.request;
	assert(c->wants != HANDLER_CHECK);
	if (!r->chunked && r->length == 0)
		return end_body(c);
	if (c->wants == HANDLER_ANSWER && (r->expects_continue || r->length > drop_max(c)))
		return respond_and_close(c);
	if (r->expects_continue && !more) { /* RFC 9110 10.1.1: not needed by a client that sends already */
		struct outgoing out = { .head = STR("HTTP/1.1 100 Continue\r\n\r\n"), .fd = -1 };
		/* What a socket without anything under way does not take of it is lost, and the client continues by itself. */
		(void)transport_send(&c->connection->transport, &out);
	}
	return NEXT_BODY;
}

static void run_check(struct job *job)
{
	struct server_request *c = (struct server_request *)((char *)job - offsetof(struct server_request, job));
	c->wants = handler_of(c)->ops->check(handler_of(c), &c->x);
	reactor_resume(&c->connection->task);
}

static enum request_next start_check(struct server_request *c, bool more)
{
	c->job.run = run_check;
	c->is_checking = true;
	if (workers_submit(c->listener->traffic->workers, &c->job))
		return NEXT_WORK;
	c->is_checking = false;
	answer_load(c, "The server is overloaded; try again");
	return end_head(c, more);
}

enum request_next server_request_begin(struct connection *connection, struct str head, bool more, const struct fault *bad)
{
	assert(connection->request == NULL);
	struct fault why;
	struct server_request *c = connection->request = request_new(connection);
	if (c == NULL)
		return NEXT_RESPONSE;
	bool is_read = bad == NULL && read_head(c, head, &why) == OK;
	const struct request *r = &c->x.request;
	if (bad != NULL)
		(void)!parse_head(c, str_slice(head, 0, connection->search.lines > 0 ? connection->search.line : head.n), &why);
	if (is_read && str_equal(r->path, STR("*"))) { /* RFC 9110 9.3.7: what the server as a whole supports */
		c->x.answer.status = 204;
		c->x.answer.route = "OPTIONS *";
		answer_header(&c->x.answer, STR("Allow"), STR("GET, HEAD, POST, PUT, DELETE, OPTIONS"));
	} else if (is_read)
		c->wants = c->listener->handler->ops->on_head(c->listener->handler, &c->x);
	else
		answer_fault(c, bad != NULL ? bad : &why);
	c->owes_end = c->wants != HANDLER_ANSWER;
	if (!is_read && r->path.n == 0)
		return respond_and_close(c);
	return c->wants == HANDLER_CHECK ? start_check(c, more) : end_head(c, more);
}

enum request_next server_request_resume(struct connection *connection, bool more)
{
	assert(connection->request != NULL);
	struct server_request *c = connection->request;
	if (c->is_checking) {
		c->is_checking = false;
		c->owes_end = c->wants != HANDLER_ANSWER;
		return end_head(c, more);
	}
	assert(c->x.answer.status != 0);
	return send_response(c);
}

/* the body */

/* Refuse a body that will never be whole. */
static enum request_next give_up(struct server_request *c, const struct fault *why)
{
	bool wanted = c->owes_end;
	abort_handler(c, why);
	if (wanted || c->x.answer.status == 0)
		answer_fault(c, why);
	return respond_and_close(c);
}

static enum request_next take_piece(struct server_request *c, struct str piece)
{
	struct fault why;
	c->x.body_bytes += piece.n;
	c->connection->moved += piece.n;
	if (wants_body(c)) {
		if (handler_of(c)->ops->on_body(handler_of(c), &c->x, piece.p, piece.n) == OK)
			return NEXT_BODY;
		/* The handler has refused half way: what still comes is dropped, and its answer goes out at the end. */
		assert(c->x.answer.status != 0);
		why = c->x.answer.fault;
		abort_handler(c, &why);
		c->wants = HANDLER_ANSWER;
		return NEXT_BODY;
	}
	c->dropped_bytes += piece.n;
	if (c->dropped_bytes <= drop_max(c))
		return NEXT_BODY;
	fault_set(&why, BODY_TOO_LARGE, "The body is too large");
	c->too_long = true;
	return give_up(c, &why);
}

static enum request_next take_chunks(struct server_request *c, struct str *in)
{
	struct fault why;
	struct str piece;
	enum request_next next = NEXT_BODY;
	do {
		if (!chunk_reader_next(&c->chunks, in, &piece)) {
			fault_set(&why, BAD_FRAMING, "A chunk of the body is malformed");
			*in = (struct str){ NULL, 0 };
			return give_up(c, &why);
		}
		if (piece.n > 0)
			next = take_piece(c, piece);
	} while (piece.n > 0 && next == NEXT_BODY);
	return next == NEXT_BODY && c->chunks.state == CHUNK_DONE ? end_body(c) : next;
}

enum request_next server_request_take_body(struct connection *connection, struct str *in)
{
	assert(connection->request != NULL && in->n > 0);
	struct server_request *c = connection->request;
	if (c->x.request.chunked)
		return take_chunks(c, in);
	struct str piece = str_slice(*in, 0, c->left < in->n ? (size_t)c->left : in->n);
	*in = str_slice(*in, piece.n, in->n);
	c->left -= piece.n;
	enum request_next next = take_piece(c, piece);
	return next == NEXT_BODY && c->left == 0 ? end_body(c) : next;
}

enum request_next server_request_give_up(struct connection *connection)
{
	assert(connection->request != NULL);
	struct fault why;
	struct server_request *c = connection->request;
	c->x.body_cut = !connection->is_cut;
	if (c->x.body_cut)
		fault_set(&why, BODY_CUT, "The connection closed before the body was complete");
	else
		fault_set(&why, BODY_SLOW, "The body arrived too slowly");
	return give_up(c, &why);
}

/* the end */

void server_request_end(struct connection *connection, bool sent)
{
	assert(connection->request != NULL);
	struct server_request *c = connection->request;
	if (c->owes_end) {
		struct fault why;
		fault_set(&why, BODY_CUT, "The connection closed before the body was complete");
		c->x.answer.fault = why;
		c->x.body_cut = !connection->is_cut;
		abort_handler(c, &why);
	}
	access_log_write(c, sent);
	if (c->counted)
		client_limit_leave(c->listener->clients, &c->x.request.client);
	struct traffic *t = c->listener->traffic;
	if (atomic_fetch_sub(&t->in_flight, 1) == 1 && atomic_load(&t->draining))
		eventfd_write(t->idle_fd, 1);
	connection->request = NULL;
	buf_deinit(&c->head);
	answer_drop_body(&c->x.answer);
	arena_deinit(&c->x.arena);
	mem_free(c);
}
