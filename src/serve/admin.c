/* The admin listener: plain text for machines that watch. Three paths, GET and HEAD:
 *
 *   /healthz   200 "ok" as long as the process answers; on the reactor, so that a busy pool does not fail it
 *   /readyz    200 "ready", or 503 and a sentence when requests would fail
 *   /metrics   Prometheus text
 *
 * Who may read: on loopback everybody, for scrapers there have no secret to send, and Host, Origin
 * and Sec-Fetch-Site keep browser pages of other sites out (there is no CORS here). On any other
 * address /metrics wants `Authorization: Bearer` with the token that is printed at start; health
 * stays open, for probes of load balancers carry no header. */
#include "serve/admin.h"
#include "base/hash.h"
#include "base/metrics.h"

#define METRICS_BYTES_MAX ((size_t)1 << 20)
#define ARENA_BYTES (4 * METRICS_BYTES_MAX)

static void answer_text(struct exchange *x, int status, struct str text)
{
	answer_header(&x->answer, STR("Content-Type"), STR("text/plain; charset=utf-8"));
	answer_header(&x->answer, STR("Cache-Control"), STR("no-store"));
	answer_header(&x->answer, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(&x->answer, STR("X-Request-Id"), x->request.id);
	x->answer.status = status;
	x->answer.body = text;
}

static int http_status(enum fault_code code)
{
	switch (fault_status(code)) {
	case OK:
		return 200;
	case INVALID:
		return code == F_BAD_METHOD ? 405 : 400;
	case DENIED:
		return code == F_KEY_NEEDED ? 401 : 403;
	case NOT_FOUND:
		return 404;
	case LIMIT:
		return 413;
	case TIMEOUT:
		return 408;
	case BUSY:
		return 503;
	case EXISTS:
	case CONFLICT:
		return 409;
	case IO:
	case UPSTREAM:
	case CORRUPT:
		return 500;
	}
	return 500;
}

static void refuse(struct door *door, struct exchange *x, const struct fault *why)
{
	int status = http_status(why->code);
	x->answer.fault = *why;
	if (status == 401)
		answer_header(&x->answer, STR("WWW-Authenticate"), STR("Bearer"));
	if (status == 405)
		answer_header(&x->answer, STR("Allow"), STR("GET, HEAD"));
	answer_text(x, status, str_printf(x->request.arena, "%s\n", why->text));
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
		x->answer.headers[0].value = STR("text/plain; version=0.0.4; charset=utf-8");
		return;
	}
	struct fault why;
	fault_set(&why, TOO_MUCH, "The metrics are too long");
	refuse(&a->door, x, &why);
	x->answer.status = 500;
}

struct route {
	struct str path;
	const char *name;
	enum door_step step;       /* DOOR_RUN: may wait for the database */
	bool is_secret;
	void (*show)(struct admin *, struct exchange *);
};
static const struct route routes[] = {
	{ { "/healthz", 8 }, "GET /healthz", DOOR_ANSWER, false, show_health },
	{ { "/readyz", 7 }, "GET /readyz", DOOR_RUN, false, show_ready },
	{ { "/metrics", 8 }, "GET /metrics", DOOR_RUN, true, show_metrics },
};

static const struct route *find_route(struct str path)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++)
		if (str_equal(routes[i].path, path))
			return &routes[i];
	return NULL;
}

/* A browser tells where a request comes from by Sec-Fetch-Site, and by Origin where it is not ours. */
static enum status check_site(const struct request *r, struct fault *why)
{
	struct str site = request_header(r, STR("Sec-Fetch-Site")), origin = request_header(r, STR("Origin"));
	struct str own = request_header(r, STR("Host"));
	bool foreign = site.n > 0 && !str_equal(site, STR("same-origin")) && !str_equal(site, STR("none"));
	if (origin.p != NULL)
		foreign |= !str_starts_with(origin, STR("http://")) || !str_equal_nocase(str_slice(origin, 7, origin.n), own);
	if (foreign)
		return fault_set(why, CROSS_SITE, "Pages of other sites may not read this");
	return OK;
}

static enum status check_token(const struct admin *a, const struct request *r, struct fault *why)
{
	struct str sent = request_header(r, STR("Authorization"));
	if (!str_starts_with_nocase(sent, STR("Bearer ")))
		return fault_set(why, KEY_NEEDED, "Send Authorization: Bearer with the token that was printed at start");
	if (a->doors->admin_token.n == 0 || !secret_equal(str_trim(str_slice(sent, 7, sent.n)), a->doors->admin_token))
		return fault_set(why, KEY_WRONG, "The token is not the one that was printed at start");
	return OK;
}

static enum status choose(struct admin *a, struct exchange *x, const struct route **out, struct fault *why)
{
	const struct route *route = find_route(x->request.path);
	TRY(check_site(&x->request, why));
	if (route == NULL)
		return fault_set(why, NO_SUCH_ROUTE, "Here are /healthz, /readyz and /metrics");
	x->answer.route = route->name;
	if (!str_equal(x->request.method, STR("GET")) && !str_equal(x->request.method, STR("HEAD")))
		return fault_set(why, BAD_METHOD, "Only GET and HEAD");
	if (route->is_secret && a->needs_token)
		TRY(check_token(a, &x->request, why));
	*out = route;
	return OK;
}

static enum door_step begin(struct door *door, struct exchange *x)
{
	struct admin *a = (struct admin *)door;
	const struct route *route = NULL;
	struct fault why;
	if (choose(a, x, &route, &why) != OK) {
		refuse(door, x, &why);
		return DOOR_ANSWER;
	}
	x->door_state = (void *)route;
	if (route->step == DOOR_ANSWER)
		route->show(a, x);
	return route->step;
}

/* Never called: no route asks for a body. */
static enum status data(struct door *door, struct exchange *x, const char *p, size_t n)
{
	return OK;
}

static void finish(struct door *door, struct exchange *x)
{
	const struct route *route = x->door_state;
	route->show((struct admin *)door, x);
}

static void cancel(struct door *door, struct exchange *x, const struct fault *why)
{
}

static const struct door_ops ops = { begin, data, finish, cancel, refuse };

void admin_init(struct admin *a, const struct server_doors *doors, struct request_metrics *metrics, bool needs_token)
{
	*a = (struct admin){ .door = { .ops = &ops, .arena_bytes = ARENA_BYTES }, .doors = doors, .metrics = metrics, .needs_token = needs_token };
}
