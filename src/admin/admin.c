/* The admin listener: plain text for monitoring, and the console for people. Three paths, GET and HEAD:
 *
 *   /healthz   200 "ok" as long as the process answers; on the reactor, so that a busy pool does not fail it
 *   /readyz    200 "ready", or 503 and a sentence when requests would fail
 *   /metrics   Prometheus text
 *
 * All other paths are the console's, a handler of its own.
 *
 * Access: on loopback anyone may read, for scrapers there have no secret to send, and Host, Origin
 * and Sec-Fetch-Site keep browser pages of other sites out (there is no CORS here). On any other
 * address, and where a proxy seems to have forwarded the request, /metrics requires `Authorization:
 * Bearer` with the token that is printed at start; health stays open, for probes of load balancers
 * carry no header. Headers of a proxy are trusted in this one way only: as a reason to require
 * the token. */
#include "admin/admin.h"
#include "base/metrics.h"
#include "http/problem.h"
#include "http/router.h"
#include "http/server/host.h"

#define NOTE_BYTES_MAX 4096
#define METRICS_BYTES_MAX ((size_t)1 << 20)
#define ARENA_BYTES (4 * METRICS_BYTES_MAX)

static void add_common_headers(struct request_context *x)
{
	answer_header(&x->answer, STR("Cache-Control"), STR("no-store"));
	answer_header(&x->answer, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(&x->answer, STR("X-Request-Id"), x->request.id);
}

static void answer_text(struct request_context *x, int status, struct str text)
{
	answer_header(&x->answer, STR("Content-Type"), STR("text/plain; charset=utf-8"));
	add_common_headers(x);
	x->answer.status = status;
	x->answer.body = text;
}

static void on_error(struct handler *handler, struct request_context *x, const struct fault *why)
{
	problem_answer(x, why);
	add_common_headers(x);
	if (why->code == F_BAD_METHOD)
		answer_header(&x->answer, STR("Allow"), STR("GET, HEAD"));
}

static void show_health(struct admin *a, struct request_context *x)
{
	answer_text(x, 200, STR("ok\n"));
}

static void show_ready(struct admin *a, struct request_context *x)
{
	struct fault why;
	if (a->options.ready == NULL || a->options.ready(a->options.arg, &why) == OK) {
		struct buf b;
		buf_init_arena(&b, x->request.arena, NOTE_BYTES_MAX);
		buf_put(&b, STR("ready\n"));
		if (a->options.note != NULL)
			a->options.note(a->options.arg, &b);
		answer_text(x, 200, buf_str(&b));
		return;
	}
	x->answer.fault = why;
	answer_text(x, 503, str_printf(x->request.arena, "%s\n", why.text));
}

static void show_metrics(struct admin *a, struct request_context *x)
{
	struct buf b;
	if (a->options.refresh != NULL)
		a->options.refresh(a->options.arg);
	buf_init_arena(&b, x->request.arena, METRICS_BYTES_MAX);
	metrics_write(&b);
	request_metrics_write(a->options.metrics, &b);
	if (buf_ok(&b)) {
		answer_text(x, 200, buf_str(&b));
		x->answer.is_poll = str_equal(request_header(&x->request, STR("Sec-Fetch-Site")), STR("same-origin")); /* the console */
		x->answer.headers[0].value = STR("text/plain; version=0.0.4; charset=utf-8");
		return;
	}
	struct fault why;
	fault_set(&why, INTERNAL, "The metrics are too long");
	on_error(&a->handler, x, &why);
}

struct admin_route {
	const char *name;
	enum handler_step step; /* HANDLER_RUN: may wait for the database */
	bool is_secret;
	void (*show)(struct admin *, struct request_context *);
};
static const struct admin_route rows[] = {
	{ "GET /healthz", HANDLER_ANSWER, false, show_health },
	{ "GET /readyz", HANDLER_RUN, false, show_ready },
	{ "GET /metrics", HANDLER_RUN, true, show_metrics },
};
static const struct router routes = ROUTER("", rows, "Try /healthz, /readyz or /metrics");

/* From this machine, by what the request says of itself: nothing that a proxy adds, and a name of loopback. */
static bool seems_direct(const struct request *r)
{
	static const char *const added[] = { "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP" };
	struct str host = request_header(r, STR("Host")), name;
	for (size_t i = 0; i < COUNT_OF(added); i++)
		if (request_header(r, str_of(added[i])).p != NULL)
			return false;
	return host_cut_name(host, &name) &&
		(str_equal_nocase(name, STR("localhost")) || str_starts_with(name, STR("127.")) || str_equal(name, STR("[::1]")));
}

static enum status choose_page(struct admin *a, struct request_context *x, const struct admin_route **out, struct fault *why)
{
	struct route_match at;
	enum status found = router_find(&routes, x->request.method, x->request.path, &at, why);
	TRY(admin_auth_check_site(&x->request, why));
	TRY(found);
	const struct admin_route *route = at.row;
	x->answer.route = route->name;
	if (route->is_secret && (a->options.needs_token || !seems_direct(&x->request)))
		TRY(admin_auth_check_token(&a->options.auth, &x->request, why));
	*out = route;
	return OK;
}

static enum handler_step on_head(struct handler *handler, struct request_context *x)
{
	struct admin *a = (struct admin *)handler;
	struct handler *console = a->options.console;
	const struct admin_route *route = NULL;
	struct route_match at;
	struct fault why;
	if (console != NULL && router_find(&routes, x->request.method, x->request.path, &at, NULL) == NOT_FOUND)
		return handler_pass(console, x);
	if (choose_page(a, x, &route, &why) != OK) {
		on_error(handler, x, &why);
		return HANDLER_ANSWER;
	}
	x->handler_state = (void *)route;
	if (route->step == HANDLER_ANSWER)
		route->show(a, x);
	return route->step;
}

/* Never called: no route asks for a body. */
static enum status on_body(struct handler *handler, struct request_context *x, const char *p, size_t n)
{
	return OK;
}

static void run_request(struct handler *handler, struct request_context *x)
{
	const struct admin_route *route = x->handler_state;
	route->show((struct admin *)handler, x);
}

static void on_abort(struct handler *handler, struct request_context *x, const struct fault *why)
{
}

static const struct handler_ops ops = { on_head, on_body, run_request, on_abort, on_error };

void admin_init(struct admin *a, const struct admin_options *o)
{
	assert(a != NULL && o != NULL);
	assert(o->metrics != NULL);
	size_t arena = o->console != NULL && o->console->arena_bytes > ARENA_BYTES ? o->console->arena_bytes : ARENA_BYTES;
	uint64_t body_max = o->console != NULL ? o->console->body_max : 0;
	*a = (struct admin){ .handler = { .ops = &ops, .arena_bytes = arena, .body_max = body_max }, .options = *o };
}
