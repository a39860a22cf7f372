/* One request through the handler, on the only thread: on_head, the whole body as one piece, run.
 * A function serves some of the API's routes, or delivery links, because its role may do no more; the others, which
 * only a Function URL would send here, are not paths of this function. Preflights are answered for
 * every path. A response over Lambda's limit becomes an error in the API's format. */
#include "lambda/gateway.h"

#include "api/route.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log/log.h"
#include "image/delivery_link.h"
#include "lambda/gateway_response.h"
#include "lambda/gateway_event.h"

#include <assert.h>
#include <semaphore.h>
#include <string.h>

#define FIELDS_MAX 14
#define METHOD_MAX 32

/* A request, and the semaphore that its handler posts when an asynchronous run is done. */
struct gateway_call {
	struct request_context x;
	sem_t woken;
};

static void on_done(struct request_context *x)
{
	sem_post(&((struct gateway_call *)x)->woken);
}

/* Delivery links are not below the API's base path, but on API Gateway everything is. */
static bool serves_route(const struct gateway *g, struct request *r)
{
	struct route_match at;
	struct str below = str_slice(r->path, strlen(api_routes.prefix), r->path.n);
	if (delivery_link_is_path(below)) {
		if (g->delivers)
			r->path = r->target = below;
		return g->delivers;
	}
	if (router_find(&api_routes, r->method, r->path, &at, NULL) != OK || str_equal(r->method, STR("OPTIONS")))
		return true; /* the handler says what is wrong, or what may be sent */
	for (const char *const *name = g->routes; *name != NULL; name++)
		if (strcmp(*name, ((const struct api_route *)at.row)->name) == 0)
			return true;
	return false;
}

/* The whole body at once. false: it was refused. */
static bool decode_body(struct handler *d, struct request_context *x, struct str body)
{
	if (body.n == 0 || d->ops->on_body(d, x, body.p, body.n) == OK)
		return true;
	struct fault why = x->answer.fault;
	d->ops->on_abort(d, x, &why);
	return false;
}

static void run_handler(struct handler *d, struct gateway_call *c, struct str body)
{
	enum handler_step step = d->ops->on_head(d, &c->x);
	if (step == HANDLER_CHECK)
		step = d->ops->check(d, &c->x);
	switch (step) {
	case HANDLER_ANSWER:
	case HANDLER_CHECK:
		assert(step == HANDLER_ANSWER);
		return;
	case HANDLER_RUN:
		d->ops->run(d, &c->x);
		return;
	case HANDLER_READ_BODY:
		if (decode_body(d, &c->x, body))
			d->ops->run(d, &c->x);
		return;
	case HANDLER_RUN_ASYNC:
		if (decode_body(d, &c->x, body)) {
			c->x.done = on_done;
			d->ops->run_async(d, &c->x);
			while (sem_wait(&c->woken) != 0)
				continue; /* EINTR */
		}
		return;
	}
}

/* Behind a CDN the peer of the gateway is one of the CDN's servers, which has put its own peer at the end of X-Forwarded-For; the gateway
 * may have added the CDN's server. The gateway can be called without the CDN, with any header: the secret proves that the CDN called it. */
static void find_client(const struct gateway *g, struct request *r)
{
	const struct client_addr unknown = { { 0 } };
	const struct proxy_list cdn = { .nets = { { r->client, 8 * sizeof r->client.bytes } }, .n = 1 };
	if (g->cdn_secret.n == 0 || memcmp(&r->client, &unknown, sizeof unknown) == 0)
		return;
	if (secret_equal(g->cdn_secret, request_header(r, STR("X-Tintype-Cdn"))))
		r->client = proxy_list_client(&cdn, r, r->client);
}

static void answer_fault(struct handler *d, struct request_context *x, const struct fault *why)
{
	answer_reset(&x->answer);
	d->ops->on_error(d, x, why);
	x->answer.fault = *why;
}

/* Write the response, or an error in its place if it does not fit. */
static void write_answer(struct handler *d, struct request_context *x, const struct gateway_event *e, struct buf *answer)
{
	bool head = str_equal(x->request.method, STR("HEAD"));
	struct fault why;
	assert(x->answer.status != 0 && x->answer.fd < 0);
	gateway_answer_write(answer, e->version, &x->answer, head);
	if (buf_ok(answer))
		return;
	fault_set(&why, TOO_MUCH, "The response would be too large; request less at once.");
	answer_fault(d, x, &why);
	buf_clear(answer);
	gateway_answer_write(answer, e->version, &x->answer, head);
}

static void log_request(const struct invocation *in, const struct request_context *x, int64_t us)
{
	const struct answer *ans = &x->answer;
	const struct fault *f = &ans->fault;
	struct log_field fields[FIELDS_MAX];
	char client[CLIENT_ADDR_CHARS];
	size_t n = 0;
	fields[n++] = LOG_C("listener", "lambda");
	fields[n++] = LOG_S("invocation", in->id);
	fields[n++] = LOG_S("client", client_addr_text(&x->request.client, client));
	fields[n++] = LOG_S("method", str_slice(x->request.method, 0, METHOD_MAX));
	fields[n++] = LOG_C("route", ans->route);
	fields[n++] = LOG_I("status", ans->status);
	fields[n++] = LOG_D("ms", (double)us / 1000.0);
	fields[n++] = LOG_I("bytesIn", x->body_bytes);
	fields[n++] = LOG_I("bytesOut", ans->body.n);
	fields[n++] = LOG_S("imageId", ans->image_id);
	fields[n++] = LOG_S("keyId", x->key_id);
	fields[n++] = LOG_S("owner", x->owner);
	if (f->code != F_NONE) {
		fields[n++] = LOG_C("code", fault_name(f->code));
		fields[n++] = LOG_C("text", f->text);
	}
	log_write(EV_REQUEST, x->request.id, fields, n);
	if (http_is_failure(ans->status))
		LOG(REQUEST_FAILED, x->request.id, LOG_C("listener", "lambda"), LOG_S("invocation", in->id), LOG_C("route", ans->route),
			LOG_C("code", fault_name(f->code)), LOG_C("text", f->text), LOG_C("cause", f->cause));
}

enum status gateway_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why)
{
	assert(arg != NULL && in != NULL && a != NULL && answer != NULL);
	const struct gateway *g = arg;
	struct gateway_event e;
	struct gateway_call c = { 0 };
	struct request_context *x = &c.x;
	struct fault failed = { 0 };
	int64_t began_us = clock_mono_us();
	sem_init(&c.woken, 0, 0);
	arena_init(&x->arena, g->http_handler->arena_bytes);
	answer_init(&x->answer);
	enum status end = gateway_event_read(a, in->event, &e, &failed);
	struct request *r = &x->request;
	*r = (struct request){
		.arena = &x->arena,
		.id = e.id.n > 0 ? e.id : in->id,
		.client = e.client,
		.method = e.method,
		.target = e.path,
		.path = e.path,
		.headers = e.headers,
		.n_headers = e.n_headers,
		.has_length = true,
		.length = e.body.n,
	};
	x->body_bytes = e.body.n;
	find_client(g, r);
	if (end == OK)
		end = query_parse(&x->arena, e.query, &r->query, &failed);
	if (end == OK && !serves_route(g, r))
		end = fault_set(&failed, NO_SUCH_ROUTE, "This function does not serve this path.");
	if (end == OK)
		run_handler(g->http_handler, &c, e.body);
	else
		answer_fault(g->http_handler, x, &failed);
	write_answer(g->http_handler, x, &e, answer);
	log_request(in, x, clock_mono_us() - began_us);
	answer_reset(&x->answer);
	arena_deinit(&x->arena);
	sem_destroy(&c.woken);
	return fault_check_buf(answer, why);
}
