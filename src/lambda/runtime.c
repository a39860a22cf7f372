/* One turn of the loop. GET /next has no time limit, since the environment may be frozen for hours while it waits,
 * and is repeated only if a kept-alive connection had been closed. The response is posted once more if the connection broke:
 * Lambda refuses the second of two with 400 or 403, which then says that the first arrived. Any other failure ends
 * the process, and Lambda starts a new one.
 *
 * A handler has half a second less than Lambda allows, so that there is time to respond. */
#include "lambda/runtime.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/op_deadline.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/writer.h"
#include "http/client/client.h"

#include <stdio.h>
#include <stdlib.h>

#define VERSION_PATH "/2018-06-01/runtime"
#define EVENT_MAX_BYTES ((size_t)8 << 20)  /* 6 MiB, and a margin */
#define ARENA_MAX_BYTES ((size_t)64 << 20) /* an event, a response, and what their buffers left behind when they grew */
#define FOREVER_MS (INT64_MAX / 4)
#define CONNECT_MS 5000
#define POST_MS 30000
#define SPARE_MS 500
#define TRACE_MAX_CHARS 1024

static const char TRACE_NAME[] = "_X_AMZN_TRACE_ID=";

struct runtime {
	struct http_client *http;
	struct str host_port;
	char trace[sizeof TRACE_NAME + TRACE_MAX_CHARS]; /* in the environment, changed in place: setenv keeps every value for ever */
};

struct runtime *runtime_new(struct str host_port)
{
	struct runtime *r = mem_new(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->host_port = host_port;
	r->http = http_client_new();
	if (r->http == NULL)
		runtime_free(&r);
	return r;
}

void runtime_free(struct runtime **r)
{
	assert(r != NULL);
	if (*r == NULL)
		return;
	if ((*r)->trace[0] != '\0')
		unsetenv("_X_AMZN_TRACE_ID");
	http_client_free(&(*r)->http);
	mem_free(*r);
	*r = NULL;
}

static enum status post_answer(struct runtime *r, struct str path, struct str body, struct arena *a, int *http_status, struct fault *why)
{
	const struct header type = { STR("Content-Type"), STR("application/json") };
	const struct http_request q = {
		.method = STR("POST"),
		.url = str_printf(a, "http://%.*s" VERSION_PATH "%.*s", STRF(r->host_port), STRF(path)),
		.headers = &type,
		.n_headers = 1,
		.body = body,
		.connect_timeout_ms = CONNECT_MS,
		.total_timeout_ms = POST_MS,
	};
	struct http_response got;
	TRY(http_send(r->http, &q, a, &got, why));
	*http_status = got.status;
	return OK;
}

/* {"errorMessage","errorType","stackTrace"}: the type is one of the form Runtime.Word or Function.Word. */
static struct str error_body(struct arena *a, const struct fault *f, const char *type)
{
	struct buf b;
	buf_init_arena(&b, a, 8192);
	writer_open(&b, STR(""), '{');
	writer_text(&b, STR("errorMessage"), str_printf(a, "%s (%s)", f->text, fault_name(f->code)));
	writer_text(&b, STR("errorType"), str_of(type));
	writer_raw(&b, STR("stackTrace"), STR("[]"));
	writer_close(&b, '}');
	return buf_ok(&b) ? buf_str(&b) : STR("{\"errorMessage\":\"out of memory\",\"errorType\":\"Function.Failed\",\"stackTrace\":[]}");
}

enum status runtime_fail_init(struct runtime *r, const struct fault *cause, struct fault *why)
{
	assert(r != NULL && cause != NULL);
	struct arena a CLEANUP(arena_deinit);
	int status = 0;
	arena_init(&a, ARENA_MAX_BYTES);
	TRY(post_answer(r, STR("/init/error"), error_body(&a, cause, "Runtime.InitFailed"), &a, &status, why));
	return status == 202 ? OK : fault_set(why, UPSTREAM_FAILED, "the Runtime API answered %d to the init error", status);
}

static void set_deadline(const struct invocation *in)
{
	int64_t left = in->deadline_ms - clock_now_ms();
	if (in->deadline_ms == 0) {
		op_deadline_set(0);
		return;
	}
	left -= left > 2 * SPARE_MS ? SPARE_MS : left / 2;
	op_deadline_set(clock_mono_ms() + (left > 1 ? left : 1));
}

static enum status next_invocation(struct runtime *r, struct arena *a, struct invocation *out, struct fault *why)
{
	const struct http_request q = {
		.method = STR("GET"),
		.url = str_printf(a, "http://%.*s" VERSION_PATH "/invocation/next", STRF(r->host_port)),
		.connect_timeout_ms = CONNECT_MS,
		.idle_timeout_ms = FOREVER_MS,
		.max_response_bytes = EVENT_MAX_BYTES,
	};
	struct http_response got;
	uint64_t deadline = 0;
	TRY(http_send(r->http, &q, a, &got, why));
	if (got.status != 200)
		return fault_set(why, UPSTREAM_FAILED, "the Runtime API answered %d to next", got.status);
	struct str at = response_header(&got, STR("Lambda-Runtime-Deadline-Ms"));
	*out = (struct invocation){ .id = response_header(&got, STR("Lambda-Runtime-Aws-Request-Id")), .event = got.body };
	if (out->id.n > 128 || !str_consists_of(out->id, STR("-_")) || (at.n > 0 && (!str_to_u64(at, &deadline) || deadline > INT64_MAX / 2)))
		return fault_set(why, UPSTREAM_FAILED, "the Runtime API sent an invocation without a usable id or deadline");
	out->deadline_ms = (int64_t)deadline;
	/* The trace is propagated to the services that this process calls, by the environment variable that SDKs read. */
	bool first = r->trace[0] == '\0';
	struct str trace = response_header(&got, STR("Lambda-Runtime-Trace-Id"));
	(void)snprintf(r->trace, sizeof r->trace, "%s%.*s", TRACE_NAME, trace.n < TRACE_MAX_CHARS ? (int)trace.n : 0, trace.p);
	if (first)
		(void)putenv(r->trace);
	return OK;
}

/* Post a response or an error; 202 is expected. */
static enum status deliver_answer(struct runtime *r, const struct invocation *in, struct str path, struct str body, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	int status = 0;
	arena_init(&a, ARENA_MAX_BYTES);
	struct str whole = str_printf(&a, "/invocation/%.*s/%.*s", STRF(in->id), STRF(path));
	enum status sent = post_answer(r, whole, body, &a, &status, why);
	bool again = sent == UPSTREAM;
	if (again)
		sent = post_answer(r, whole, body, &a, &status, why);
	TRY(sent);
	if (status >= 200 && status <= 299)
		return OK;
	if (again && (status == 400 || status == 403))
		return OK; /* the first one had arrived */
	if (status != 413)
		return fault_set(why, UPSTREAM_FAILED, "the Runtime API answered %d to the %.*s", status, STRF(path));
	LOG(LAMBDA_REFUSED, in->id, LOG_I("bytes", body.n), LOG_C("text", "the answer was too large for Lambda"));
	return OK;
}

enum status runtime_serve(struct runtime *r, const struct invocation_handler *h, struct fault *why)
{
	assert(r != NULL && h != NULL && h->run != NULL);
	struct arena a CLEANUP(arena_deinit);
	struct invocation in;
	struct buf answer;
	struct fault failed = { 0 };
	arena_init(&a, ARENA_MAX_BYTES);
	TRY(next_invocation(r, &a, &in, why));
	buf_init_arena(&answer, &a, RUNTIME_ANSWER_MAX);
	set_deadline(&in);
	enum status end = h->run(h->arg, &in, &a, &answer, &failed);
	op_deadline_set(0);
	if (end == OK && !buf_ok(&answer))
		end = fault_set(&failed, TOO_MUCH, "the answer is too large");
	if (end == OK)
		return deliver_answer(r, &in, STR("response"), buf_str(&answer), why);
	LOG(LAMBDA_REFUSED, in.id, LOG_C("code", fault_name(failed.code)), LOG_C("text", failed.text), LOG_C("cause", failed.cause));
	return deliver_answer(r, &in, STR("error"), error_body(&a, &failed, "Function.Failed"), why);
}
