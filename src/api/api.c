/* The JSON API as a handler.
 *
 * begin finds the route, checks who asks and how much is sent, and either answers at once (errors,
 * limits, preflights, files of the page) or lets the listener continue: with the body for POST /upload, without one for
 * all others. data gathers the body, finish runs the route's handler, or start the form of it that
 * reactors may run. Whatever comes of it, seal
 * adds the headers that every response has, so that a page of another origin can read errors
 * too. Nothing is held outside the request's arena: cancel has nothing to release. */
#include "api/access.h"
#include "api/cors.h"
#include "api/page.h"
#include "http/problem.h"
#include "base/hash.h"
#include "base/mem.h"

/* A page of 1000 images with the longest names and their URLs is under 6 MB. */
#define ARENA_MAX_BYTES (8u << 20)

static struct api *api_of(struct door *d)
{
	return (struct api *)d;
}

static void seal(struct api *api, struct exchange *x)
{
	struct answer *ans = &x->answer;

	cors_headers(x, api->options.cors_origins);
	answer_header(ans, STR("x-amzn-RequestId"), x->request.id);
	answer_header(ans, STR("Cache-Control"), STR("no-store"));
	answer_header(ans, STR("X-Content-Type-Options"), STR("nosniff"));
}

static void fail(struct api *api, struct exchange *x, const struct fault *why)
{
	const struct call *c = x->door_state;

	problem_answer(x, why);
	if (why->code == F_BAD_METHOD)
		answer_header(&x->answer, STR("Allow"), c->file != NULL ? STR("GET, HEAD") : router_methods(&api_routes, c->at.path_template, &x->arena));
	seal(api, x);
}

enum status call_json(struct call *c, const struct buf *b, struct fault *why)
{
	assert(c != NULL);
	assert(b != NULL);
	struct answer *ans = &c->x->answer;

	if (b->starved)
		return fault_no_memory(why);
	ans->body = b->arena != NULL ? buf_str(b) : str_dup(c->arena, buf_str(b));
	if (!buf_ok(b) || ans->body.p == NULL)
		return fault_set(why, TOO_MUCH, "The response would be too large; request less at once.");
	ans->status = 200;
	answer_header(ans, STR("Content-Type"), STR("application/json"));
	return OK;
}

/* The first thing that many try is `curl -F file=@cat.jpg`. Said before the length is checked. */
static enum status check_content_type(const struct call *c, struct fault *why)
{
	if (!c->route->has_body || !str_starts_with_nocase(request_header(&c->x->request, STR("Content-Type")), STR("multipart/form-data")))
		return OK;
	return fault_set(why, BAD_JSON, "Do not send the file here. Send JSON, {\"fileName\":\"cat.jpg\",\"fileType\":\"image/jpeg\"}, to get an upload URL, "
	                 "then PUT the file there.");
}

static enum status check_length(const struct call *c, struct fault *why)
{
	if (!c->route->has_body || c->x->request.length <= BODY_MAX_BYTES)
		return OK;
	return fault_set(why, BODY_TOO_LARGE, "The body is over %d bytes.", BODY_MAX_BYTES);
}

static enum status admit(struct call *c, struct fault *why)
{
	struct exchange *x = c->x;

	TRY(page_admit(c, why));
	if (c->file != NULL)
		return OK;
	TRY(router_find(&api_routes, x->request.method, x->request.path, &c->at, why));
	c->route = c->at.row;
	x->answer.route = c->route->name;
	TRY(access_check(c, why));
	if (c->at.segment.n > 0 && c->route->run != cors_preflight) {
		if (!uuid_valid(c->at.segment))
			return fault_set(why, NO_SUCH_IMAGE, "There is no image with this id; ids are UUIDs in lower case.");
		x->answer.image_id = c->at.segment;
	}
	TRY(check_content_type(c, why));
	return check_length(c, why);
}

bool call_end(struct call *c, enum status status, const struct fault *why)
{
	struct fault full;

	if (status == OK && !arena_ok(c->arena)) {
		status = fault_too_much(&full);
		why = &full;
	}
	if (status != OK) {
		fail(c->api, c->x, why);
		return false;
	}
	assert(c->x->answer.status != 0);
	seal(c->api, c->x);
	return true;
}

static void run(struct call *c)
{
	struct fault why = { .code = F_NONE };
	enum status status = c->route->run(c, &why);

	call_end(c, status, &why);
}

/* How the listener continues with an admitted call. */
static enum door_step next_step(const struct call *c)
{
	if (c->route->start != NULL && c->api->product->table->ops->starts_without_waiting)
		return DOOR_START;
	return c->route->has_body ? DOOR_BODY : DOOR_RUN;
}

static enum door_step begin(struct door *d, struct exchange *x)
{
	struct fault why = { .code = F_NONE };
	struct call *c = ARENA_NEW(&x->arena, struct call);
	enum status status;

	x->door_state = c;
	if (c == NULL)
		status = fault_no_memory(&why);
	else {
		*c = (struct call){ .api = api_of(d), .x = x, .arena = &x->arena };
		buf_init_arena(&c->body, c->arena, BODY_MAX_BYTES);
		status = admit(c, &why);
	}
	if (status != OK) {
		fail(api_of(d), x, &why);
		return DOOR_ANSWER;
	}
	if (c->file != NULL) {
		page_answer(c);
		return DOOR_ANSWER;
	}
	if (c->route->now) {
		run(c);
		return DOOR_ANSWER;
	}
	return next_step(c);
}

static enum status data(struct door *d, struct exchange *x, const char *p, size_t n)
{
	struct call *c = x->door_state;
	struct fault why = { .code = F_NONE };

	if (n <= BODY_MAX_BYTES - c->body.n) {
		buf_put(&c->body, (struct str){ p, n });
		if (buf_ok(&c->body))
			return OK;
		fault_no_memory(&why);
	} else {
		fault_set(&why, BODY_TOO_LARGE, "The body is over %d bytes.", BODY_MAX_BYTES);
	}
	fail(api_of(d), x, &why);
	return fault_status(why.code);
}

static void finish(struct door *d, struct exchange *x)
{
	(void)d;
	run(x->door_state);
}

static void start(struct door *d, struct exchange *x)
{
	struct call *c = x->door_state;

	(void)d;
	c->route->start(c);
}

static void cancel(struct door *d, struct exchange *x, const struct fault *why)
{
	(void)d;
	(void)x;
	(void)why;
}

static void refuse(struct door *d, struct exchange *x, const struct fault *why)
{
	fail(api_of(d), x, why);
}

static const struct door_ops ops = { begin, data, finish, cancel, refuse, start };

struct api *api_new(struct product *p, const struct api_options *o)
{
	assert(p != NULL);
	assert(o != NULL);
	struct api *api = mem_new(1, sizeof(*api));

	if (api == NULL)
		return NULL;
	*api = (struct api){
		.door = { .ops = &ops, .arena_bytes = ARENA_MAX_BYTES, .body_max = BODY_MAX_BYTES },
		.product = p,
		.options = *o,
	};
	return api;
}

void api_free(struct api **a)
{
	if (a == NULL)
		return;
	mem_free(*a);
	*a = NULL;
}

struct door *api_door(struct api *a)
{
	assert(a != NULL);
	return &a->door;
}
