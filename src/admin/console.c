/* The console as a handler.
 *
 * on_head finds the route, checks where the request comes from and, for data, the token; data is read on a
 * worker. What other handlers do is passed on to them: calls of the API, with the token, as those of its administrator, and pictures, whose
 * links are signed. Every response has headers that keep other sites from reading it: no CORS, nosniff, no-store for
 * data, and a policy that lets the page load from here alone. The Host has been checked by the listener.
 *
 * Successful reads are logged at the debug level: the page polls every few seconds, and would fill the log that it shows with its
 * own lines. Refused ones are logged like any request, and changes as console.action. */
#include "admin/call.h"

#include "base/mem.h"
#include "http/problem.h"
#include "http/router.h"
#include "image/delivery_link.h"
#include "web/web.h"

#define ARENA_BYTES ((size_t)8 << 20)
#define BODY_MAX_BYTES ((size_t)2 << 20)

struct console_route {
	const char *name;
	enum status (*run)(struct console_call *, struct fault *);
};
static const struct console_route rows[] = {
	{ "GET /console/images", console_images },
	{ "GET /console/images/{imageId}", console_image },
	{ "POST /console/images/{imageId}/verify", console_verify },
	{ "GET /console/buckets", console_buckets },
	{ "GET /console/buckets/{name}", console_bucket },
	{ "DELETE /console/buckets/{name}", console_bucket_remove },
	{ "GET /console/s3-users", console_s3_users },
	{ "GET /console/history", console_history },
	{ "GET /console/logs", console_logs },
	{ "GET /console/webhooks", console_webhooks },
	{ "POST /console/webhooks/resend", console_resend },
	{ "POST /console/webhooks/enable", console_enable },
	{ "GET /console/settings", console_settings },
};
static const struct router routes = ROUTER("", rows, "Nothing at this path");

/* What the page calls of the API: none of these waits on a reactor, or has an image as its body. */
static const char *const api_rows[] = { "DELETE /images/{imageId}", "POST /images/delete", "POST /images/{imageId}/complete", "GET /keys",
	"POST /keys", "DELETE /keys/{keyId}", "GET /users", "DELETE /users/{owner}", "PUT /users/{owner}/quota",
	"DELETE /users/{owner}/quota" };
#define API_PREFIX "/prod"
static const struct router api_calls = ROUTER(API_PREFIX, api_rows, "The console does not make this call of the API");

/* Scripts, styles and pictures from here and nowhere else, no markup made from text by a script (the one thing
 * that would let a file's name act), nothing framed, no form sent. */
#define PAGE_POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';" \
	" base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

static void add_common_headers(struct request_context *x)
{
	struct answer *ans = &x->answer;

	answer_header(ans, STR("X-Request-Id"), x->request.id);
	answer_header(ans, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
	answer_header(ans, STR("Referrer-Policy"), STR("no-referrer"));
}

static void add_data_headers(struct request_context *x)
{
	answer_header(&x->answer, STR("Cache-Control"), STR("no-store"));
	answer_header(&x->answer, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(&x->answer, STR("Content-Security-Policy"), STR("default-src 'none'; frame-ancestors 'none'"));
	add_common_headers(x);
}

static const struct router *routes_of(const struct request_context *x)
{
	return str_starts_with(x->request.path, STR(API_PREFIX "/")) ? &api_calls : &routes;
}

static void on_error(struct handler *handler, struct request_context *x, const struct fault *why)
{
	problem_answer(x, why);
	add_data_headers(x);
	struct route_match at;
	if (why->code == F_BAD_METHOD && router_find(routes_of(x), x->request.method, x->request.path, &at, NULL) == INVALID)
		answer_header(&x->answer, STR("Allow"), router_methods(routes_of(x), at.path_template, &x->arena));
	else if (why->code == F_BAD_METHOD)
		answer_header(&x->answer, STR("Allow"), STR("GET, HEAD"));
}

static enum status check_request(struct console *console, struct request_context *x, struct route_match *at, struct fault *why)
{
	const struct request *r = &x->request;
	const struct router *all = routes_of(x);
	enum status found = router_find(all, r->method, r->path, at, why);

	x->answer.route = found == OK && all == &routes ? ((const struct console_route *)at->row)->name : NULL;
	TRY(admin_auth_check_site(r, why));
	TRY(found);
	TRY(admin_auth_check_token(&console->options.auth, r, why));
	x->is_operator = true;
	x->key_id = STR("console");
	x->answer.is_poll = str_is_word_of(r->method, STR("GET HEAD"));
	return OK;
}

struct running {
	struct console_call call;
	const struct console_route *route;
};

/* What is open: the page, which holds nothing. */
static enum handler_step begin_file(struct handler *handler, struct request_context *x, const struct web_file *file)
{
	struct fault why;
	struct str method = x->request.method;
	enum status status = admin_auth_check_site(&x->request, &why);
	x->answer.route = "GET /";
	if (status == OK && !str_equal(method, STR("GET")) && !str_equal(method, STR("HEAD")))
		status = fault_set(&why, BAD_METHOD, "Only GET and HEAD");
	if (status != OK) {
		on_error(handler, x, &why);
		return HANDLER_ANSWER;
	}
	web_answer(file, &x->request, &x->answer);
	x->answer.is_poll = true;
	answer_header(&x->answer, STR("Content-Security-Policy"), STR(PAGE_POLICY));
	answer_header(&x->answer, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
	add_common_headers(x);
	return HANDLER_ANSWER;
}

/* To whoever has the link, unless a page of another site asks. */
static enum handler_step pass_picture(struct console *console, struct request_context *x)
{
	struct fault why;
	if (admin_auth_check_site(&x->request, &why) != OK) {
		on_error(&console->handler, x, &why);
		return HANDLER_ANSWER;
	}
	x->answer.is_poll = true;
	return handler_pass(console->options.delivery, x);
}

static enum handler_step begin_data(struct handler *handler, struct request_context *x)
{
	struct console *console = (struct console *)handler;
	struct route_match at;
	struct fault why;
	enum status status = check_request(console, x, &at, &why);
	if (status == OK && routes_of(x) == &api_calls)
		return handler_pass(console->options.api, x);
	struct running *run = status == OK ? ARENA_NEW(&x->arena, struct running) : NULL;

	x->handler_state = run;
	if (status == OK && run == NULL)
		status = fault_no_memory(&why);
	if (status != OK) {
		on_error(handler, x, &why);
		return HANDLER_ANSWER;
	}
	*run = (struct running){ .call = { .console = console, .x = x, .arena = &x->arena, .segment = at.segment }, .route = at.row };
	return HANDLER_RUN;
}

static enum handler_step on_head(struct handler *handler, struct request_context *x)
{
	struct console *console = (struct console *)handler;
	const struct web_file *file = web_find(&web_console, x->request.path);

	if (delivery_link_is_path(x->request.path))
		return pass_picture(console, x);
	return file != NULL ? begin_file(handler, x, file) : begin_data(handler, x);
}

/* Never called: no route asks for a body. */
static enum status on_body(struct handler *handler, struct request_context *x, const char *p, size_t n)
{
	return OK;
}

static void run_request(struct handler *handler, struct request_context *x)
{
	struct running *run = x->handler_state;
	assert(run != NULL && run->route != NULL);
	struct buf *b = &run->call.body;
	struct fault why = { .code = F_NONE };
	buf_init_arena(b, run->call.arena, BODY_MAX_BYTES);
	enum status status = run->route->run(&run->call, &why);
	if (status == OK && (!buf_ok(b) || !arena_ok(run->call.arena)))
		status = fault_set(&why, TOO_MUCH, "The response would be too large; request less at once");
	if (status != OK) {
		on_error(handler, x, &why);
		return;
	}
	x->answer.status = 200;
	x->answer.body = buf_str(b);
	answer_header(&x->answer, STR("Content-Type"), STR("application/json"));
	add_data_headers(x);
}

static void on_abort(struct handler *handler, struct request_context *x, const struct fault *why)
{
}

static const struct handler_ops ops = { on_head, on_body, run_request, on_abort, on_error };

struct console *console_new(const struct console_options *o)
{
	assert(o != NULL && o->product != NULL && o->product->table != NULL && o->admin_query != NULL && o->settings != NULL);
	assert(o->api != NULL && o->delivery != NULL && (o->catalog == NULL || o->s3_users != NULL));
	assert(o->history != NULL && o->running != NULL);
	struct console *c = mem_new(1, sizeof *c);

	if (c != NULL)
		*c = (struct console){ .handler = { .ops = &ops, .arena_bytes = ARENA_BYTES, .body_max = o->api->body_max }, .options = *o };
	return c;
}

void console_free(struct console **c)
{
	mem_free(*c);
	*c = NULL;
}

struct handler *console_handler(struct console *c)
{
	return c == NULL ? NULL : &c->handler;
}
