/* The JSON API as a handler.
 *
 * on_head finds the route, checks access and the length, and either responds at once (errors,
 * limits, preflights, files of the page) or lets the listener continue: with the body for routes that have one, without one for
 * all others. Before an image is received from an identified caller, check verifies on a worker the key or token, and what is left of the
 * quota. on_body collects the body, run runs the route's handler, or run_async the form of it that
 * reactors may run. In every case add_common_headers adds the headers that every response has, so that a page of
 * another origin can read errors too. Nothing is held outside the request's arena but what a route's stream holds, which is dropped
 * when the route has run, and by on_abort. */
#include "api/access.h"
#include "api/address_limit.h"
#include "api/cors.h"
#include "api/page.h"
#include "api/request_key.h"
#include "http/problem.h"
#include "base/hash.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/op_deadline.h"
#include "image/image_service.h"
#include "image/verdict.h"

/* A page of 1000 images with the longest names and their URLs is under 6 MB. */
#define ARENA_MAX_BYTES (8u << 20)
#define LOOK_WITHIN_MS 2000

static struct api *api_of(struct handler *d)
{
	return (struct api *)d;
}

static void add_common_headers(struct api *api, struct request_context *x)
{
	struct answer *ans = &x->answer;

	if (x->is_operator) /* for the console's page alone */
		answer_header(ans, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
	else
		cors_headers(x, api->options.cors_origins);
	answer_header(ans, STR("x-amzn-RequestId"), x->request.id);
	if (header_find(ans->headers, ans->n_headers, STR("Cache-Control")).p == NULL)
		answer_header(ans, STR("Cache-Control"), STR("no-store"));
	answer_header(ans, STR("X-Content-Type-Options"), STR("nosniff"));
}

static void answer_problem(struct api *api, struct request_context *x, const struct fault *why)
{
	const struct api_call *c = x->handler_state;

	problem_answer(x, why);
	if (why->code == F_BAD_METHOD)
		answer_header(
			&x->answer, STR("Allow"), c->file != NULL ? STR("GET, HEAD") : router_methods(&api_routes, c->at.path_template, &x->arena));
	if (why->code == F_SCOPE_MISSING && c->needed_scope != 0)
		answer_header(&x->answer, STR("WWW-Authenticate"),
			str_printf(&x->arena, "Bearer error=\"insufficient_scope\", scope=\"%s\"", api_scope_name(c->needed_scope)));
	add_common_headers(api, x);
}

static size_t body_max_of(const struct api_route *route)
{
	return route->has_large_body ? BODY_LARGE_MAX_BYTES : BODY_MAX_BYTES;
}

static enum status refuse_length(const struct api_route *route, struct fault *why)
{
	return fault_set(why, BODY_TOO_LARGE, "The body is over %zu bytes.", body_max_of(route));
}

/* How much this address may request: at all, and anonymously. */
static enum status check_address(struct api_call *c, bool is_admitted, struct fault *why)
{
	const struct client_addr *client = &c->x->request.client;
	bool for_slot = c->route->rule == FOR_SLOTS && !c->undecided && c->caller.kind == CALLER_ANONYMOUS;

	if (c->x->is_operator)
		return OK;
	if (!is_admitted && c->route->run != cors_preflight)
		return address_limit_take(c->api->requests, client, "requests", clock_mono_ms(), why);
	return is_admitted && for_slot ? address_limit_take(c->api->anonymous_slots, client, "uploads", clock_mono_ms(), why) : OK;
}

/* Whether the key, the token or the quota decides if a body is received at all: reading them may block. */
static bool checks_first(const struct api_call *c)
{
	return c->route->stream != NULL && (c->undecided || c->caller.kind != CALLER_ANONYMOUS);
}

static enum status check_request(struct api_call *c, struct fault *why)
{
	struct request_context *x = c->x;

	TRY(page_admit(c, why));
	if (c->file != NULL)
		return OK;
	TRY(router_find(&api_routes, x->request.method, x->request.path, &c->at, why));
	c->route = c->at.row;
	x->answer.route = c->route->name;
	TRY(check_address(c, false, why));
	enum status access = access_check(c, false, why);
	c->undecided = access != OK && why->code == F_IDENTITY_REFRESHING;
	if (access != OK && !c->undecided)
		return access;
	TRY(check_address(c, true, why));
	if (str_find(c->at.path_template, STR("{imageId}")) < c->at.path_template.n && c->route->run != cors_preflight) {
		if (!uuid_valid(c->at.segment))
			return fault_set(why, NO_SUCH_IMAGE, "There is no image with this id; ids are UUIDs in lower case.");
		x->answer.image_id = c->at.segment;
	}
	if (c->route->check != NULL)
		TRY(c->route->check(c, why));
	if (c->route->stream != NULL)
		return checks_first(c) ? OK : c->route->stream->begin(c, why);
	if (!c->route->has_body)
		return OK;
	/* Many first try `curl -F file=@cat.jpg`. Checked before the length. */
	if (str_starts_with_nocase(request_header(&x->request, STR("Content-Type")), STR("multipart/form-data")))
		return fault_set(why, BAD_JSON,
			"Do not send the file here. %sSend JSON, {\"fileName\":\"cat.jpg\",\"fileType\":\"image/jpeg\"}, "
			"to get an upload URL, then PUT the file there.",
			c->api->options.direct != DIRECT_NONE ? "To send it in one request, POST this form to /prod/images. Or: " : "");
	return x->request.length <= body_max_of(c->route) ? OK : refuse_length(c->route, why);
}

bool call_end(struct api_call *c, enum status status, const struct fault *why)
{
	struct fault full;

	if (status == OK && !arena_ok(c->arena)) {
		status = fault_too_much(&full);
		why = &full;
	}
	if (status != OK) {
		answer_problem(c->api, c->x, why);
		return false;
	}
	assert(c->x->answer.status != 0);
	add_common_headers(c->api, c->x);
	return true;
}

static void drop_stream(struct api_call *c)
{
	if (c->route != NULL && c->route->stream != NULL)
		c->route->stream->drop(c);
}

enum status call_admit(struct api_call *c, struct fault *why)
{
	if (c->undecided)
		TRY(access_check(c, true, why));
	c->undecided = false;
	return access_image(c, why);
}

void call_run(struct api_call *c)
{
	struct fault why = { .code = F_NONE };
	enum status status = call_admit(c, &why);

	if (status == OK)
		status = c->route->run(c, &why);
	drop_stream(c);
	call_end(c, status, &why);
}

static enum handler_step on_head(struct handler *d, struct request_context *x)
{
	struct fault why = { .code = F_NONE };
	struct api_call *c = ARENA_NEW(&x->arena, struct api_call);
	enum status status;

	x->handler_state = c;
	if (c == NULL)
		status = fault_no_memory(&why);
	else {
		*c = (struct api_call){ .api = api_of(d), .x = x, .arena = &x->arena };
		buf_init_arena(&c->body, c->arena, BODY_LARGE_MAX_BYTES);
		status = check_request(c, &why);
	}
	if (status != OK) {
		if (c != NULL)
			drop_stream(c);
		answer_problem(api_of(d), x, &why);
		return HANDLER_ANSWER;
	}
	if (c->file != NULL) {
		page_answer(c);
		return HANDLER_ANSWER;
	}
	if (c->route->now && !c->undecided && c->caller.owner.n == 0) {
		call_run(c);
		return HANDLER_ANSWER;
	}
	/* How the listener continues with an admitted call. */
	if (checks_first(c))
		return HANDLER_CHECK;
	bool waits = c->wait_s > 0 && c->api->waits != NULL;
	/* a repeated request may have to read a row */
	bool starts =
		!c->undecided && c->api->product->table->ops->starts_without_waiting && request_header(&x->request, REQUEST_KEY_HEADER).p == NULL;
	if (c->route->start != NULL && (c->route->check != NULL ? waits : starts))
		return HANDLER_RUN_ASYNC;
	return c->route->has_body || c->route->stream != NULL ? HANDLER_READ_BODY : HANDLER_RUN;
}

static enum handler_step check(struct handler *d, struct request_context *x)
{
	struct api_call *c = x->handler_state;
	struct fault why = { .code = F_NONE };
	enum status status = call_admit(c, &why);

	if (status == OK)
		status = c->route->stream->begin(c, &why);
	if (status == OK)
		return HANDLER_READ_BODY;
	drop_stream(c);
	answer_problem(api_of(d), x, &why);
	return HANDLER_ANSWER;
}

static enum status collect_body(struct api_call *c, struct str piece, struct fault *why)
{
	if (piece.n > body_max_of(c->route) - c->body.n)
		return refuse_length(c->route, why);
	buf_put(&c->body, piece);
	return buf_ok(&c->body) ? OK : fault_no_memory(why);
}

static enum status on_body(struct handler *d, struct request_context *x, const char *p, size_t n)
{
	struct api_call *c = x->handler_state;
	struct fault why = { .code = F_NONE };
	struct str piece = { p, n };
	enum status status = c->route->stream != NULL ? c->route->stream->data(c, piece, &why) : collect_body(c, piece, &why);

	if (status != OK)
		answer_problem(api_of(d), x, &why);
	return status;
}

static void run_request(struct handler *d, struct request_context *x)
{
	call_run(x->handler_state);
}

static void run_request_async(struct handler *d, struct request_context *x)
{
	struct api_call *c = x->handler_state;

	c->route->start(c);
}

static void on_abort(struct handler *d, struct request_context *x, const struct fault *why)
{
	drop_stream(x->handler_state);
}

static void on_error(struct handler *d, struct request_context *x, const struct fault *why)
{
	answer_problem(api_of(d), x, why);
}

static void on_gone(struct handler *d, struct request_context *x)
{
	struct api_call *c = x->handler_state;

	if (c != NULL && c->wait_s > 0 && api_of(d)->waits != NULL)
		waits_cancel(api_of(d)->waits, &c->waiter);
}

static void on_drain(struct handler *d)
{
	if (api_of(d)->waits != NULL)
		waits_end(api_of(d)->waits);
}

static const struct handler_ops ops = { on_head, on_body, run_request, on_abort, on_error, run_request_async, on_gone, on_drain, check };

/* On a store that sends no events the object is looked for. */
static bool has_left_pending(void *arg, struct str image_id)
{
	op_deadline_set(clock_mono_ms() + LOOK_WITHIN_MS);
	bool pending = image_service_is_pending(((struct api *)arg)->product, image_id);
	op_deadline_set(0);
	return !pending;
}

/* Limits, and what waits. */
static bool make_parts(struct api *api)
{
	const struct api_options *o = &api->options;
	bool ok = true;

	if (o->waits)
		ok = (api->waits = waits_new(o->unseen_changes ? has_left_pending : NULL, api)) != NULL;
	if (o->anonymous_slots_per_minute > 0)
		ok = (api->anonymous_slots = rate_limit_new_bucket(o->anonymous_slots_per_minute, 60000)) != NULL && ok;
	if (o->requests_per_second > 0)
		ok = (api->requests = rate_limit_new_bucket(
				  o->requests_per_second * ADDRESS_REQUESTS_BURST_S, (int64_t)ADDRESS_REQUESTS_BURST_S * 1000)) != NULL &&
			ok;
	return ok;
}

struct api *api_new(struct product *p, const struct api_options *o)
{
	assert(p != NULL);
	assert(o != NULL);
	struct api *api = mem_new(1, sizeof(*api));

	if (api == NULL)
		return NULL;
	*api = (struct api){
		.handler = { .ops = &ops, .arena_bytes = ARENA_MAX_BYTES, .body_max = BODY_LARGE_MAX_BYTES },
		.product = p,
		.options = *o,
	};
	if (!make_parts(api))
		api_free(&api);
	return api;
}

void api_note_changed(struct api *a, struct str key)
{
	assert(a != NULL && a->waits != NULL);
	waits_wake(a->waits, image_id_of_key(key));
}

void api_free(struct api **a)
{
	if (a == NULL || *a == NULL)
		return;
	waits_free(&(*a)->waits);
	rate_limit_free(&(*a)->anonymous_slots);
	rate_limit_free(&(*a)->requests);
	mem_free(*a);
	*a = NULL;
}

struct handler *api_handler(struct api *a)
{
	assert(a != NULL);
	return &a->handler;
}
