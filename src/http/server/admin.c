/* The admin listener: plain text for machines that watch, and the console for people. Three paths, GET and HEAD:
 *
 *   /healthz   200 "ok" as long as the process answers; on the reactor, so that a busy pool does not fail it
 *   /readyz    200 "ready", or 503 and a sentence when requests would fail
 *   /metrics   Prometheus text
 *
 * All other paths are the console's, a handler of its own.
 *
 * Who may read: on loopback everybody, for scrapers there have no secret to send, and Host, Origin
 * and Sec-Fetch-Site keep browser pages of other sites out (there is no CORS here). On any other
 * address, and where a proxy seems to have forwarded the request, /metrics requires `Authorization:
 * Bearer` with the token that is printed at start; health stays open, for probes of load balancers
 * carry no header. What a proxy says of the request is trusted in this one way only: as a reason to require
 * the token. */
#include "http/server/admin.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "http/problem.h"
#include "http/router.h"
#include "http/server/host.h"

#define METRICS_BYTES_MAX ((size_t)1 << 20)
#define ARENA_BYTES (4 * METRICS_BYTES_MAX)

static void seal(struct exchange *x)
{
	answer_header(&x->answer, STR("Cache-Control"), STR("no-store"));
	answer_header(&x->answer, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(&x->answer, STR("X-Request-Id"), x->request.id);
}

static void answer_text(struct exchange *x, int status, struct str text)
{
	answer_header(&x->answer, STR("Content-Type"), STR("text/plain; charset=utf-8"));
	seal(x);
	x->answer.status = status;
	x->answer.body = text;
}

static void refuse(struct door *door, struct exchange *x, const struct fault *why)
{
	problem_answer(x, why);
	seal(x);
	if (why->code == F_BAD_METHOD)
		answer_header(&x->answer, STR("Allow"), STR("GET, HEAD"));
}

static void show_health(struct admin *a, struct exchange *x)
{
	answer_text(x, 200, STR("ok\n"));
}

static void show_ready(struct admin *a, struct exchange *x)
{
	struct fault why;
	if (a->doors->ready == NULL || a->doors->ready(a->doors->arg, &why) == OK) {
		answer_text(x, 200, STR("ready\n"));
		return;
	}
	x->answer.fault = why;
	answer_text(x, 503, str_printf(x->request.arena, "%s\n", why.text));
}

static void show_metrics(struct admin *a, struct exchange *x)
{
	struct buf b;
	if (a->doors->refresh != NULL)
		a->doors->refresh(a->doors->arg);
	buf_init_arena(&b, x->request.arena, METRICS_BYTES_MAX);
	metrics_write(&b);
	request_metrics_write(a->metrics, &b);
	if (buf_ok(&b)) {
		answer_text(x, 200, buf_str(&b));
		x->answer.is_poll = str_equal(request_header(&x->request, STR("Sec-Fetch-Site")), STR("same-origin"));   /* the console */
		x->answer.headers[0].value = STR("text/plain; version=0.0.4; charset=utf-8");
		return;
	}
	struct fault why;
	fault_set(&why, INTERNAL, "The metrics are too long");
	refuse(&a->door, x, &why);
}

struct admin_route {
	const char *name;
	enum door_step step;       /* DOOR_RUN: may wait for the database */
	bool is_secret;
	void (*show)(struct admin *, struct exchange *);
};
static const struct admin_route rows[] = {
	{ "GET /healthz", DOOR_ANSWER, false, show_health },
	{ "GET /readyz", DOOR_RUN, false, show_ready },
	{ "GET /metrics", DOOR_RUN, true, show_metrics },
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
	return host_cut_name(host, &name)
		&& (str_equal_nocase(name, STR("localhost")) || str_starts_with(name, STR("127.")) || str_equal(name, STR("[::1]")));
}

static enum status choose(struct admin *a, struct exchange *x, const struct admin_route **out, struct fault *why)
{
	struct route_match at;
	enum status found = router_find(&routes, x->request.method, x->request.path, &at, why);
	TRY(gate_check_site(&x->request, why));
	TRY(found);
	const struct admin_route *route = at.row;
	x->answer.route = route->name;
	if (route->is_secret && (a->needs_token || !seems_direct(&x->request)))
		TRY(gate_check_token(a->doors->gate, &x->request, clock_mono_ms(), why));
	*out = route;
	return OK;
}

/* The console, if the request is its own. */
static struct door *console_of(const struct admin *a, const struct exchange *x)
{
	struct route_match at;
	bool ours = router_find(&routes, x->request.method, x->request.path, &at, NULL) != NOT_FOUND;
	return ours ? NULL : a->doors->console;
}

static enum door_step begin(struct door *door, struct exchange *x)
{
	struct admin *a = (struct admin *)door;
	struct door *console = console_of(a, x);
	const struct admin_route *route = NULL;
	struct fault why;
	if (console != NULL)
		return console->ops->begin(console, x);
	if (choose(a, x, &route, &why) != OK) {
		refuse(door, x, &why);
		return DOOR_ANSWER;
	}
	x->door_state = (void *)route;
	if (route->step == DOOR_ANSWER)
		route->show(a, x);
	return route->step;
}

/* Never called: no route asks for a body, nor does one of the console's. */
static enum status data(struct door *door, struct exchange *x, const char *p, size_t n)
{
	return OK;
}

static void finish(struct door *door, struct exchange *x)
{
	struct admin *a = (struct admin *)door;
	struct door *console = console_of(a, x);
	const struct admin_route *route = x->door_state;
	if (console != NULL)
		console->ops->finish(console, x);
	else
		route->show(a, x);
}

static void cancel(struct door *door, struct exchange *x, const struct fault *why)
{
	struct door *console = console_of((struct admin *)door, x);
	if (console != NULL)
		console->ops->cancel(console, x, why);
}

static const struct door_ops ops = { begin, data, finish, cancel, refuse };

void admin_init(struct admin *a, const struct server_doors *doors, struct request_metrics *metrics, bool needs_token)
{
	size_t arena = doors->console != NULL && doors->console->arena_bytes > ARENA_BYTES ? doors->console->arena_bytes : ARENA_BYTES;
	*a = (struct admin){ .door = { .ops = &ops, .arena_bytes = arena, .plus_is_blank = true }, .doors = doors, .metrics = metrics, .needs_token = needs_token };
}
