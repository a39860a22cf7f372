/* The console as a door.
 *
 * begin finds the route, looks at where the request comes from and, for data, at the token; data is read on a
 * worker. Every answer carries what keeps a browser from lending it to anybody: no CORS, nosniff, no-store for
 * data, and a policy that lets the page load from here alone. The Host has been checked by the listener.
 *
 * Data that was given out is logged below the usual level: the page asks every few seconds, and would fill the
 * log that it shows with lines of its own. What was refused is logged as any request. */
#include "console/call.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/writer.h"
#include "web/web.h"

#include <assert.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define BODY_MAX_BYTES ((size_t)2 << 20)

struct route {
	const char *name;
	const char *path;
	enum status (*run)(struct console_call *, struct fault *);
};
static const struct route routes[] = {
	{ "GET /console/images", "/console/images", console_images },
	{ "GET /console/images/{imageId}", "/console/images/", console_image },   /* and the id */
	{ "GET /console/logs", "/console/logs", console_logs },
	{ "GET /console/settings", "/console/settings", console_settings },
};

static const struct route *find_route(struct str path, struct str *image_id)
{
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		struct str own = str_of(routes[i].path);
		bool has_id = str_ends_with(own, STR("/"));
		*image_id = has_id ? str_slice(path, own.n, path.n) : (struct str){ 0 };
		if (has_id ? str_starts_with(path, own) && image_id->n > 0 && str_find_char(*image_id, '/') == image_id->n : str_equal(path, own))
			return &routes[i];
	}
	return NULL;
}

static const int statuses[FAULT_CODES] = {
	[F_INVALID_INPUT] = 400, [F_BAD_FIELD] = 400, [F_BAD_CURSOR] = 400, [F_BAD_FRAMING] = 400,
	[F_KEY_NEEDED] = 401, [F_KEY_WRONG] = 403, [F_CROSS_SITE] = 403, [F_BAD_HOST] = 403, [F_TOO_MANY_TRIES] = 429,
	[F_NO_SUCH_ROUTE] = 404, [F_NO_SUCH_IMAGE] = 404, [F_BAD_METHOD] = 405, [F_NOT_HERE] = 409, [F_TOO_MUCH] = 413, [F_BODY_TOO_LARGE] = 413,
	[F_UPSTREAM_FAILED] = 502, [F_STORAGE_FAILED] = 503, [F_OUT_OF_MEMORY] = 503, [F_OVERLOADED] = 503, [F_DEADLINE] = 503, [F_DISK_FULL] = 503,
};

/* Scripts, styles and pictures from here and nowhere else, no markup made from text by a script (the one thing
 * that would let a file's name act), nothing framed, no form sent. */
#define PAGE_POLICY \
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';" \
	" base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

static void seal(struct exchange *x)
{
	struct answer *ans = &x->answer;

	answer_header(ans, STR("X-Request-Id"), x->request.id);
	answer_header(ans, STR("Cross-Origin-Resource-Policy"), STR("same-origin"));
	answer_header(ans, STR("Referrer-Policy"), STR("no-referrer"));
}

static void answer_json(struct exchange *x, int status, struct str body)
{
	x->answer.status = status;
	x->answer.body = body;
	answer_header(&x->answer, STR("Content-Type"), STR("application/json"));
	answer_header(&x->answer, STR("Cache-Control"), STR("no-store"));
	answer_header(&x->answer, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(&x->answer, STR("Content-Security-Policy"), STR("default-src 'none'; frame-ancestors 'none'"));
	seal(x);
}

static void write_problem(struct buf *b, const struct exchange *x, int status, const struct fault *why)
{
	bool ours = status >= 500;   /* what only the operator may know is in the log */

	writer_open(b, (struct str){ 0 }, '{');
	writer_number(b, STR("status"), (uint64_t)status);
	writer_text(b, STR("code"), str_of(fault_name(why->code)));
	writer_text(b, STR("detail"), ours ? STR("The server could not do it; the request id finds the cause in its log.") : str_of(why->text));
	writer_text(b, STR("requestId"), x->request.id);
	writer_close(b, '}');
}

static void refuse(struct door *door, struct exchange *x, const struct fault *why)
{
	int status = why->code < FAULT_CODES && statuses[why->code] != 0 ? statuses[why->code] : 500;
	const char *route = x->answer.route;
	struct str image_id = x->answer.image_id;
	struct buf b;

	answer_reset(&x->answer);
	x->answer.route = route;
	x->answer.image_id = image_id;
	x->answer.fault = *why;
	buf_init_arena(&b, &x->arena, 4096);
	write_problem(&b, x, status, why);
	answer_json(x, status, buf_ok(&b) ? buf_str(&b) : STR("{\"code\":\"too_much\"}"));
	if (status == 401)
		answer_header(&x->answer, STR("WWW-Authenticate"), STR("Bearer"));
	if (status == 405)
		answer_header(&x->answer, STR("Allow"), STR("GET, HEAD"));
	if (status == 429)
		answer_header(&x->answer, STR("Retry-After"), STR("60"));
}

static void answer_file(struct exchange *x, const struct web_file *file)
{
	web_answer(file, &x->request, &x->answer);
	answer_header(&x->answer, STR("Content-Security-Policy"), STR(PAGE_POLICY));
	answer_header(&x->answer, STR("Cross-Origin-Opener-Policy"), STR("same-origin"));
	seal(x);
}

static enum status check_method(const struct request *r, struct fault *why)
{
	if (!str_equal(r->method, STR("GET")) && !str_equal(r->method, STR("HEAD")))
		return fault_set(why, BAD_METHOD, "Only GET and HEAD");
	return OK;
}

/* What is open: the page, which holds nothing. */
static enum status admit_file(struct exchange *x, struct fault *why)
{
	x->answer.route = "GET /";
	TRY(gate_check_site(&x->request, why));
	return check_method(&x->request, why);
}

static enum status admit(struct console *console, struct exchange *x, const struct route **route, struct str *image_id, struct fault *why)
{
	const struct request *r = &x->request;

	*route = find_route(r->path, image_id);
	x->answer.route = *route != NULL ? (*route)->name : NULL;
	TRY(gate_check_site(r, why));
	if (*route == NULL)
		return fault_set(why, NO_SUCH_ROUTE, "There is nothing at this path");
	TRY(check_method(r, why));
	return gate_check_token(console->options.gate, r, clock_mono_ms(), why);
}

struct running {
	struct console_call call;
	const struct route *route;
};

static enum door_step begin_file(struct door *door, struct exchange *x, const struct web_file *file)
{
	struct fault why;

	if (admit_file(x, &why) == OK)
		answer_file(x, file);
	else
		refuse(door, x, &why);
	return DOOR_ANSWER;
}

static enum door_step begin_data(struct door *door, struct exchange *x)
{
	struct console *console = (struct console *)door;
	const struct route *route;
	struct str image_id;
	struct fault why;
	enum status status = admit(console, x, &route, &image_id, &why);
	struct running *run = status == OK ? ARENA_NEW(&x->arena, struct running) : NULL;

	x->door_state = run;
	if (status == OK && run == NULL)
		status = fault_no_memory(&why);
	if (status != OK) {
		refuse(door, x, &why);
		return DOOR_ANSWER;
	}
	*run = (struct running){ .call = { .console = console, .x = x, .arena = &x->arena, .image_id = image_id }, .route = route };
	return DOOR_RUN;
}

static enum door_step begin(struct door *door, struct exchange *x)
{
	const struct web_file *file = web_find(&web_console, x->request.path);

	return file != NULL ? begin_file(door, x, file) : begin_data(door, x);
}

/* Never called: no route asks for a body. */
static enum status data(struct door *door, struct exchange *x, const char *p, size_t n)
{
	return OK;
}

static enum status run_to_end(struct running *run, struct fault *why)
{
	struct buf *b = &run->call.body;

	buf_init_arena(b, run->call.arena, BODY_MAX_BYTES);
	TRY(run->route->run(&run->call, why));
	if (!buf_ok(b) || !arena_ok(run->call.arena))
		return fault_set(why, TOO_MUCH, "The answer would be too large; ask for less at once");
	return OK;
}

static void finish(struct door *door, struct exchange *x)
{
	struct running *run = x->door_state;
	struct fault why = { .code = F_NONE };

	if (run_to_end(run, &why) != OK) {
		refuse(door, x, &why);
		return;
	}
	answer_json(x, 200, buf_str(&run->call.body));
	x->answer.is_poll = true;
}

static void cancel(struct door *door, struct exchange *x, const struct fault *why)
{
}

static const struct door_ops ops = { begin, data, finish, cancel, refuse };

struct console *console_new(const struct console_options *o)
{
	struct console *c = mem_new(1, sizeof *c);

	if (c != NULL)
		*c = (struct console){ .door = { .ops = &ops, .arena_bytes = ARENA_BYTES, .plus_is_blank = true }, .options = *o };
	return c;
}

void console_free(struct console **c)
{
	mem_free(*c);
	*c = NULL;
}

struct door *console_door(struct console *c)
{
	return c == NULL ? NULL : &c->door;
}
