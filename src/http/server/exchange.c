/* libmicrohttpd's callbacks, turned into the steps of a door. For each request:
 *
 *   on_target     the first line was read: a call is made, with the target as it was sent
 *   on_request    1. the head: framing, host, query are checked, the door's `begin` decides
 *                 2. each piece of the body: to `data`, or dropped
 *                 3. the end of the body: the answer is queued, or the connection is suspended and a
 *                    worker runs `finish`, or the door `start`s what will wake it; resumed, a last time
 *                    to queue the answer
 *   on_completed  the answer is sent or never will be: report, release
 *
 * Answers are queued at the end of the body even when they were known from the head, for an answer
 * in step 1 makes libmicrohttpd close the connection, and a client that is still sending then loses
 * it. Exceptions: the client waits for `100 Continue`, the framing cannot be believed, or more is
 * announced than we will ever read. Runs on reactors; `work` on a worker, `wake` on any thread. */
#include "http/server/exchange.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/server/framing.h"

#include <assert.h>
#include <string.h>
#include <sys/eventfd.h>

#define DROP_SPARE_BYTES ((uint64_t)1 << 20)

void exchange_refuse(struct call *c, const struct fault *why)
{
	const char *route = c->x.answer.route;
	answer_reset(&c->x.answer);
	c->x.answer.route = route;
	c->listener->door->ops->refuse(c->listener->door, &c->x, why);
	c->x.answer.fault = *why;
	c->wants = DOOR_ANSWER;
}

/* Tell the door that no finish will come. */
static void cancel(struct call *c, const struct fault *why)
{
	if (!c->owes_end)
		return;
	c->owes_end = false;
	c->listener->door->ops->cancel(c->listener->door, &c->x, why);
}

static struct conn *conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info == NULL ? NULL : info->socket_context;
}

static void resume(struct call *c)
{
	atomic_store_explicit(&c->step, CALL_READY, memory_order_release);
	MHD_resume_connection(c->connection);
}

/* false: the server ends, and its connections must not be suspended any more. */
static bool count_started(struct traffic *t)
{
	pthread_mutex_lock(&t->started_lock);
	bool ok = !t->starts_no_more;
	t->started += ok;
	pthread_mutex_unlock(&t->started_lock);
	return ok;
}

/* Counted down last: who waits for none to be left may then end the daemon, and the traffic with it. */
static void wake(struct exchange *x)
{
	struct call *c = (struct call *)((char *)x - offsetof(struct call, x));
	struct traffic *t = c->listener->traffic;
	assert(x->answer.status != 0);
	resume(c);   /* the call may be gone now */
	pthread_mutex_lock(&t->started_lock);
	if (--t->started == 0)
		pthread_cond_signal(&t->none_started);
	pthread_mutex_unlock(&t->started_lock);
}

void exchange_end_starts(struct traffic *t)
{
	pthread_mutex_lock(&t->started_lock);
	t->starts_no_more = true;
	while (t->started > 0)
		pthread_cond_wait(&t->none_started, &t->started_lock);
	pthread_mutex_unlock(&t->started_lock);
}

static void release(struct call *c)
{
	c->conn->open = NULL;
	answer_reset(&c->x.answer);
	arena_deinit(&c->x.arena);
	mem_free(c);
}

/* libmicrohttpd would split the query, which we parse ourselves, into pieces of 64 bytes each in the
 * connection's buffer. Where they do not fit it gives up half way, tells nobody, and waits for ever. So it
 * finds none: the text is its own, writable buffer, and what it tells here is split only afterwards. */
static void hide_query(const char *target)
{
	char *question = strchr(target, '?');
	if (question != NULL)
		question[1] = '\0';
}

void *exchange_on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct listener *l = cls;
	struct conn *conn = conn_of(connection);
	if (conn == NULL)
		return NULL;
	/* A first line that went nowhere, as no on_completed tells. */
	if (conn->open != NULL)
		release(conn->open);
	struct call *c = mem_new(1, sizeof *c);
	if (c == NULL)
		return NULL;
	conn->open = c;
	c->listener = l;
	c->conn = conn;
	c->connection = connection;
	c->began_us = clock_mono_us();
	request_id_make(c->id);
	arena_init(&c->x.arena, l->door->arena_bytes);
	answer_init(&c->x.answer);
	c->x.wake = wake;
	c->x.request.arena = &c->x.arena;
	c->x.request.id = (struct str){ c->id, REQUEST_ID_CHARS };
	/* libmicrohttpd decodes its own copy in place. */
	c->x.request.target = str_dup(&c->x.arena, str_of(target));
	hide_query(target);
	return c;
}

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value, size_t value_n)
{
	(*(size_t *)cls)++;
	return MHD_YES;
}

/* Names and values stay in libmicrohttpd's memory of the connection, which lasts until on_completed. */
static enum MHD_Result add_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value, size_t value_n)
{
	struct header **next = cls;
	*(*next)++ = (struct header){ { name, name_n }, { value == NULL ? "" : value, value_n } };
	return MHD_YES;
}

static enum status collect_headers(struct call *c, struct fault *why)
{
	size_t n = 0;
	MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, count_header, &n);
	struct header *headers = arena_array(&c->x.arena, n, sizeof *headers), *next = headers;
	if (headers == NULL || c->x.request.target.p == NULL)
		return fault_set(why, TOO_MUCH, "The request's head is too large");
	MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, add_header, &next);
	c->x.request.headers = headers;
	c->x.request.n_headers = n;
	return OK;
}

/* libmicrohttpd reads the head in place: from the method's first letter on lies all of it. */
static enum status check_head(struct call *c, const char *url, const char *version, struct fault *why)
{
	const struct request *r = &c->x.request;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	struct head head = { .method = r->method, .target = { url, r->target.n }, .version = str_of(version),
	                     .headers = r->headers, .n_headers = r->n_headers };
	head.raw = (struct str){ r->method.p, info == NULL ? 0 : info->header_size };
	return framing_check_head(&head, why);
}

/* Fill in the request. On a failure before the framing is known the answer is for at once. */
static enum status read_head(struct call *c, const char *url, const char *version, struct fault *why)
{
	struct request *r = &c->x.request;
	struct framing framing;
	struct target target;
	c->at_once = true;
	TRY(collect_headers(c, why));
	TRY(check_head(c, url, version, why));
	TRY(framing_read(r->headers, r->n_headers, &framing, why));
	TRY(framing_cut_target(r->target, &target, why));
	c->at_once = false;
	r->has_length = framing.has_length;
	r->length = framing.length;
	r->chunked = framing.chunked;
	r->expects_continue = framing.expects_continue;
	r->path = target.path;
	struct str host = target.authority.n > 0 ? target.authority : framing.host;
	if (!host_is_ours(&c->listener->hosts, host))
		return fault_set(why, BAD_HOST, "\"%.*s\" is not a host of this server. Add it with --hosts.", STRF(host));
	return query_parse(r->arena, target.query, c->listener->door->plus_is_blank, &r->query, why);
}

static bool has_body(const struct request *r)
{
	return r->chunked || r->length > 0;
}

static uint64_t drop_max(const struct call *c)
{
	return c->listener->door->body_max + DROP_SPARE_BYTES;
}

static bool wants_body(const struct call *c)
{
	return c->wants == DOOR_BODY || c->wants == DOOR_START;
}

/* Which deadline the body has. */
static enum conn_state body_state(const struct call *c)
{
	if (!wants_body(c))
		return CONN_DROP;
	return c->listener->door->slow_body_is_rate ? CONN_OBJECT : CONN_BODY;
}

static bool must_answer_now(const struct call *c)
{
	const struct request *r = &c->x.request;
	if (c->at_once)
		return true;
	return c->wants == DOOR_ANSWER && has_body(r) && (r->expects_continue || r->length > drop_max(c));
}

static enum MHD_Result take_head(struct call *c, const char *method, const char *url, const char *version)
{
	struct fault why;
	c->counted = true;
	atomic_fetch_add(&c->listener->traffic->in_flight, 1);
	if (!c->conn->kept)
		atomic_fetch_add(&c->listener->kept, 1);
	c->conn->kept = true;
	c->x.request.method = str_of(method);
	if (read_head(c, url, version, &why) == OK)
		c->wants = c->listener->door->ops->begin(c->listener->door, &c->x);
	else
		exchange_refuse(c, &why);
	c->owes_end = c->wants != DOOR_ANSWER;
	atomic_store_explicit(&c->step, CALL_BODY, memory_order_relaxed);
	if (must_answer_now(c))
		return reply_send(c);
	if (!has_body(&c->x.request))
		return MHD_YES;
	atomic_store_explicit(&c->conn->body_bytes, 0, memory_order_relaxed);
	c->conn->call = c;
	return conn_move(c->listener->traffic->deadlines, c->conn, body_state(c)) ? MHD_YES : MHD_NO;
}

/* The door has refused half way: what still comes is dropped, and its answer goes out at the end. */
static enum MHD_Result turn_to_dropping(struct call *c)
{
	struct fault why = c->x.answer.fault;
	assert(c->x.answer.status != 0);
	cancel(c, &why);
	c->wants = DOOR_ANSWER;
	return conn_move(c->listener->traffic->deadlines, c->conn, CONN_DROP) ? MHD_YES : MHD_NO;
}

/* That the body came too slowly. Perhaps on the sweeper's thread, while the reactor is in the middle of the body:
 * of the call only what does not change after begin is read, and the answer is made in an exchange of its own.
 * session  of TLS, on its reactor; NULL: none, on the sweeper */
static void say_last_word(struct call *c, void *session)
{
	const struct request *r = &c->x.request;
	struct door *door = c->listener->door;
	struct exchange x = { .request = {
		.id = r->id, .method = r->method, .target = r->target, .path = r->path, .query = r->query,
		.headers = r->headers, .n_headers = r->n_headers } };
	struct fault why;
	fault_set(&why, BODY_SLOW, "The body came too slowly");
	arena_init(&x.arena, door->arena_bytes);
	x.request.arena = &x.arena;
	answer_init(&x.answer);
	door->ops->refuse(door, &x, &why);
	c->last_word_status = x.answer.status;
	reply_send_raw(c->conn->fd, session, &x);
	answer_reset(&x.answer);
	arena_deinit(&x.arena);
}

/* The sweeper has cut a body whose last word is left to us. */
static void speak_by_tls(struct call *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (c->listener->socket.tls && info != NULL && wants_body(c))
		say_last_word(c, info->tls_session);
}

static enum MHD_Result take_body(struct call *c, const char *data, size_t *n)
{
	size_t got = *n;
	*n = 0;
	if (conn_is_cut(c->conn)) {
		speak_by_tls(c);
		return MHD_NO;
	}
	c->x.body_bytes += got;
	if (!wants_body(c)) {
		c->dropped_bytes += got;
		c->too_long = c->dropped_bytes > drop_max(c);
		return c->too_long ? MHD_NO : MHD_YES;
	}
	atomic_store_explicit(&c->conn->body_bytes, c->x.body_bytes, memory_order_relaxed);
	if (c->listener->door->ops->data(c->listener->door, &c->x, data, got) != OK)
		return turn_to_dropping(c);
	return MHD_YES;
}

static void work(struct job *job)
{
	struct call *c = (struct call *)((char *)job - offsetof(struct call, job));
	/* The step was stored with release before the job was queued. */
	assert(atomic_load_explicit(&c->step, memory_order_acquire) == CALL_WORK);
	c->owes_end = false;
	c->listener->door->ops->finish(c->listener->door, &c->x);
	resume(c);
}

static enum MHD_Result hand_to_worker(struct call *c)
{
	struct fault why;
	if (!conn_move(c->listener->traffic->deadlines, c->conn, CONN_WORK))
		return MHD_NO;
	c->job.run = work;
	/* Before it is queued: a worker may be done with it before this function returns. */
	atomic_store_explicit(&c->step, CALL_WORK, memory_order_release);
	MHD_suspend_connection(c->connection);
	if (workers_submit(c->listener->traffic->workers, &c->job))
		return MHD_YES;
	fault_set(&why, OVERLOADED, "Too much is waiting to be done; try again");
	cancel(c, &why);
	exchange_refuse(c, &why);
	resume(c);
	return MHD_YES;
}

static enum MHD_Result hand_to_door(struct call *c)
{
	struct fault why;
	if (!conn_move(c->listener->traffic->deadlines, c->conn, CONN_WORK))
		return MHD_NO;
	if (!count_started(c->listener->traffic)) {
		fault_set(&why, OVERLOADED, "The server is ending; try again");
		cancel(c, &why);
		exchange_refuse(c, &why);
		return reply_send(c);
	}
	c->owes_end = false;
	/* Suspended before it is started: it may be woken before this function returns. */
	atomic_store_explicit(&c->step, CALL_WORK, memory_order_release);
	MHD_suspend_connection(c->connection);
	c->listener->door->ops->start(c->listener->door, &c->x);
	return MHD_YES;
}

static enum MHD_Result take_end(struct call *c)
{
	switch (c->wants) {
	case DOOR_ANSWER:
		return reply_send(c);
	case DOOR_START:
		return hand_to_door(c);
	case DOOR_RUN:
	case DOOR_BODY:
		return hand_to_worker(c);
	}
	return MHD_NO;
}

enum MHD_Result exchange_on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *data, size_t *data_n, void **call)
{
	struct call *c = *call;
	if (c == NULL)
		return MHD_NO;
	switch (atomic_load_explicit(&c->step, memory_order_acquire)) {
	case CALL_HEAD:
		return take_head(c, method, url, version);
	case CALL_BODY:
		if (*data_n > 0)
			return take_body(c, data, data_n);
		return take_end(c);
	case CALL_READY:
		return reply_send(c);
	case CALL_WORK:
	case CALL_SENT:
		return MHD_YES;
	}
	return MHD_NO;
}

/* Why the body will never be whole. */
static void end_body(struct call *c, bool cut)
{
	struct fault why;
	if (cut)
		fault_set(&why, BODY_SLOW, "The body came too slowly");
	else if (c->too_long)
		fault_set(&why, BODY_TOO_LARGE, "More body came than is read");
	else
		fault_set(&why, BODY_CUT, "The connection ended before the body did");
	if (c->owes_end)
		c->x.answer.fault = why;
	c->x.body_cut = !cut && !c->too_long;
	cancel(c, &why);
}

static void leave_flight(struct call *c)
{
	struct traffic *t = c->listener->traffic;
	if (c->counted && atomic_fetch_sub(&t->in_flight, 1) == 1 && atomic_load(&t->draining))
		eventfd_write(t->idle_fd, 1);
}

void exchange_on_completed(void *cls, struct MHD_Connection *connection, void **call, enum MHD_RequestTerminationCode how)
{
	struct call *c = *call;
	if (c == NULL)
		return;
	*call = NULL;
	atomic_load_explicit(&c->step, memory_order_acquire);   /* what a worker did last is seen */
	/* From here the sweeper does not know the call. */
	bool cut = !conn_move(c->listener->traffic->deadlines, c->conn, CONN_WAIT);
	end_body(c, cut);
	report_call(c, how);
	leave_flight(c);
	release(c);
}

enum MHD_Result exchange_may_open(void *cls, const struct sockaddr *from, socklen_t from_n)
{
	struct listener *l = cls;
	return l->other == NULL || files_may_open(&l->shares, atomic_load(&l->open), atomic_load(&l->other->open)) ? MHD_YES : MHD_NO;
}

void exchange_on_connection(void *cls, struct MHD_Connection *connection, void **conn, enum MHD_ConnectionNotificationCode what)
{
	struct listener *l = cls;
	struct conn *c = *conn;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*conn = info == NULL ? NULL : deadlines_add(l->traffic->deadlines, info->connect_fd);
		metric_add(l->connections, 1);
		atomic_fetch_add(&l->open, 1);
		return;
	}
	metric_add(l->connections, -1);
	atomic_fetch_sub(&l->open, 1);
	*conn = NULL;
	if (c == NULL)
		return;
	if (c->open != NULL)
		release(c->open);
	if (c->kept)
		atomic_fetch_sub(&l->kept, 1);
	deadlines_remove(l->traffic->deadlines, &c);
}

bool exchange_last_word(struct conn *conn)
{
	struct call *c = conn->call;
	/* A session of TLS is the reactor's alone. */
	if (c->listener->socket.tls)
		return false;
	say_last_word(c, NULL);
	return true;
}
