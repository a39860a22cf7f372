/* The four functions and their routes: one program, so that one zip serves all, and a role each. After
 * each invocation a line of metrics is written, before the answer goes out and the environment may be
 * frozen. */
#include "lambda/lambda.h"

#include "base/clock.h"
#include "base/log.h"
#include "lambda/arrivals.h"
#include "lambda/emf.h"
#include "lambda/gateway.h"

static const char *const upload_routes[] = { "POST /upload", "POST /uppy", "GET /limits", NULL };
static const char *const images_routes[] = { "GET /images", "GET /images/{imageId}", "GET /images/{imageId}/file", NULL };
static const char *const manage_routes[] = { "POST /images/{imageId}/complete", "DELETE /images/{imageId}", NULL };

static const struct function {
	const char *name;
	const char *const *routes;   /* NULL: events of objects */
} functions[] = {
	{ "upload", upload_routes },
	{ "images", images_routes },
	{ "manage", manage_routes },
	{ "event", NULL },
};

struct measured {
	struct handler inner;
	struct emf emf;
	struct str function;
};

static enum status run_measured(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why)
{
	struct measured *m = arg;
	char memory[2048];
	struct buf line;
	enum status end = m->inner.run(m->inner.arg, in, a, answer, why);
	buf_init_fixed(&line, memory, sizeof memory);
	emf_write(&m->emf, &line, clock_now_ms(), m->function, in->id);
	if (buf_ok(&line) && line.n > 0)
		log_write_raw(buf_str(&line));
	return end;
}

static const struct function *find(struct str handler)
{
	for (size_t i = 0; i < COUNT_OF(functions); i++)
		if (str_equal(str_of(functions[i].name), handler))
			return &functions[i];
	return NULL;
}

enum status lambda_check(struct str handler, struct fault *why)
{
	if (find(handler) != NULL)
		return OK;
	return fault_set(why, BAD_SETTING, "unknown handler \"%.*s\"; the function's handler must be upload, images, manage or event",
	                 STRF(str_slice(handler, 0, 64)));
}

enum status lambda_run(struct runtime *r, const struct lambda_options *o, struct fault *why)
{
	TRY(lambda_check(o->handler, why));
	const struct function *f = find(o->handler);
	struct gateway gateway = { .door = o->door, .routes = f->routes };
	struct arrivals arrivals = { .product = o->product, .bucket = o->bucket };
	struct measured m = {
		.inner = f->routes != NULL ? (struct handler){ gateway_run, &gateway } : (struct handler){ arrivals_run, &arrivals },
		.function = o->function,
	};
	const struct handler handler = { run_measured, &m };
	LOG(LAMBDA_READY, STR(""), LOG_S("function", o->function), LOG_C("handler", f->name), LOG_C("version", VERSION));
	for (;;)
		TRY(runtime_serve(r, &handler, why));
}
