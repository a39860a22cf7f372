/* The functions and their routes: one program, so that one zip serves all, and a role each. After
 * each invocation the events that it wrote are sent, and a line of metrics is written, before the answer goes out and the environment
 * may be frozen. */
#include "lambda/lambda.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "lambda/event_function.h"
#include "lambda/emf.h"
#include "lambda/gateway.h"
#include "lambda/render_function.h"
#include "lambda/sweep_function.h"

static const char *const upload_routes[] = { "POST /upload", "POST /uppy", "POST /images", "GET /limits", NULL };
static const char *const images_routes[] = { "GET /me", "GET /images", "GET /images/{imageId}", "GET /images/{imageId}/file",
	"GET /images/{imageId}/thumbnail", "POST /images/{imageId}/links", NULL };
static const char *const manage_routes[] = { "POST /images/delete", "POST /images/{imageId}/complete", "PATCH /images/{imageId}",
	"DELETE /images/{imageId}", "GET /keys", "POST /keys", "DELETE /keys/{keyId}", "GET /users", "GET /users/{owner}",
	"DELETE /users/{owner}", "PUT /users/{owner}/quota", "DELETE /users/{owner}/quota", NULL };
static const char *const no_routes[] = { NULL };

static const struct function {
	const char *name;
	const char *const *routes; /* NULL: not of the API */
	bool delivers;             /* delivery links: makes their thumbnails, unless a queue does */
	struct lambda_work work;
} functions[] = {
	{ "upload", upload_routes },
	{ "images", images_routes },
	{ "manage", manage_routes, .work = { .decodes = true } },
	{ "delivery", no_routes, .delivers = true, .work = { .decodes = true } },
	{ "event", NULL, .work = { .decodes = true, .reads_objects = true } },
	{ "render", NULL, .work = { .decodes = true, .reads_objects = true, .renders = true } },
	{ "sweep", NULL, .work = { .decodes = true, .sweeps = true } },
};

struct measured {
	struct invocation_handler inner;
	struct event_sender *events;
	struct emf emf;
	struct str function;
};

static enum status run_measured(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why)
{
	struct measured *m = arg;
	char memory[2048];
	struct buf line;
	enum status end = m->inner.run(m->inner.arg, in, a, answer, why);
	event_sender_flush(m->events);
	buf_init_fixed(&line, memory, sizeof memory);
	emf_write(&m->emf, &line, clock_now_ms(), m->function, in->id);
	if (buf_ok(&line) && line.n > 0)
		log_write_raw(buf_str(&line));
	return end;
}

static const struct function *find_function(struct str function_handler)
{
	for (size_t i = 0; i < COUNT_OF(functions); i++)
		if (str_equal(str_of(functions[i].name), function_handler))
			return &functions[i];
	return NULL;
}

enum status lambda_check(struct str function_handler, bool queue, struct lambda_work *out, struct fault *why)
{
	assert(out != NULL);
	const struct function *f = find_function(function_handler);
	if (f == NULL)
		return fault_set(why, BAD_SETTING,
			"unknown handler \"%.*s\"; the function's handler must be upload, images, manage, delivery, event, render or sweep",
			STRF(str_slice(function_handler, 0, 64)));
	*out = f->work;
	if (f->delivers && queue)
		out->decodes = false;
	return OK;
}

enum status lambda_run(struct runtime *r, const struct lambda_options *o, struct fault *why)
{
	assert(r != NULL && o != NULL);
	const struct function *f = find_function(o->function_handler);
	assert(f != NULL);
	struct gateway gateway = { .http_handler = o->http_handler, .routes = f->routes, .delivers = f->delivers, .cdn_secret = o->cdn_secret };
	struct event_function event_function = { .product = o->product, .bucket = o->bucket };
	struct render_function render_function = { .product = o->product };
	struct sweep_function sweep_function = { .product = o->product, .events = o->events };
	struct measured m = {
		.inner = f->routes != NULL ? (struct invocation_handler){ gateway_run, &gateway }
			: f->work.renders      ? (struct invocation_handler){ render_function_run, &render_function }
			: f->work.sweeps       ? (struct invocation_handler){ sweep_function_run, &sweep_function }
								   : (struct invocation_handler){ event_function_run, &event_function },
		.events = o->events,
		.function = o->function,
	};
	const struct invocation_handler function_handler = { run_measured, &m };
	LOG(LAMBDA_READY, STR(""), LOG_S("function", o->function), LOG_C("handler", f->name), LOG_C("version", VERSION));
	for (;;)
		TRY(runtime_serve(r, &function_handler, why));
}
