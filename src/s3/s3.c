/* The S3 handler: reads an address, checks the signature, looks the operation up and runs it.
 *
 * An operation is a row of one table: method, level (service, bucket, object) and sub-resource, as the
 * S3 API names them. What has no row is NotImplemented where S3 has it and else MethodNotAllowed,
 * after the signature was checked, so that a URL for one method never works for another. Every response passes
 * complete_answer, which adds the common headers: the request id, the server's name and CORS.
 * begin, data and start run on a reactor and never block; finish runs on a worker. */
#include "s3/s3.h"

#include "base/mem.h"
#include "s3/auth.h"
#include "s3/cors.h"
#include "s3/error.h"
#include "s3/authorize.h"
#include "s3/route.h"
#include "s3/put_body.h"
#include "s3/wire/request_headers.h"

/* Enough for 64 KB of headers, a form's fields and an explained error; memory is taken as it is used. */
#define ARENA_BYTES ((size_t)512 * 1024)
/* ... and for authorized requests: 2 MiB of XML and its tree, a response of 1000 keys that grow sixfold
 * when they are escaped, and the old copies of a growing buffer. */
#define ARENA_PERMITTED_BYTES ((size_t)64 * 1024 * 1024)

/* So much of a body is read and discarded after a refusal: many clients read no response before they have sent all,
 * files and parts of tens of megabytes too, and retry again and again if the connection is closed. */
#define DROPPED_BYTES ((uint64_t)64 * 1024 * 1024)

/* As S3, add the region to every response about an existing bucket, whether the access is authorized or not: clients
 * detect the region by it. */
static void add_region(struct s3 *s, struct request_context *x)
{
	const struct s3_call *c = x->handler_state;
	struct bucket_info info = { 0 };
	struct fault unseen = { 0 };

	if (c == NULL || c->at.level != AT_BUCKET || c->operation == &s3_route_form || permit_makes_bucket(c))
		return;
	if (c->bucket.name.n == 0 &&
		(x->answer.status == 404 || x->answer.status >= 500 || authorize_find_bucket(c, c->at.bucket, &info, &unseen) != OK))
		return;
	answer_header(&x->answer, STR("x-amz-bucket-region"), s->options.region);
}

static void complete_answer(struct s3 *s, struct request_context *x)
{
	add_region(s, x);
	if (x->request.id.n > 0)
		answer_header(&x->answer, STR("x-amz-request-id"), x->request.id);
	answer_header(&x->answer, STR("x-amz-id-2"), STR(HOST_ID));
	answer_header(&x->answer, STR("Server"), STR("tintype"));
	s3_cors_headers(s, x, x->handler_state);
}

static void answer_error(struct s3 *s, struct request_context *x, const struct fault *why)
{
	struct s3_call *c = x->handler_state;
	if (c != NULL) {
		put_body_drop(c);
		call_detail_missing(c, c->at.bucket, c->at.key, why);
	}
	error_answer(x, c, why);
	complete_answer(s, x);
}

/* POST to a bucket without a signature in its head: a form, or nothing. */
static bool is_form(const struct s3_call *c)
{
	const struct request *r = &c->x->request;
	return c->at.level == AT_BUCKET && str_equal(r->method, STR("POST")) && r->query.n == 0 &&
		request_header(r, STR("authorization")).p == NULL &&
		str_starts_with_nocase(request_header(r, STR("content-type")), STR("multipart/form-data"));
}

/* Parameters that would be ignored as unknown, and the write would be another operation. */
static enum status refuse_misplaced(const struct s3_call *c, struct fault *why)
{
	const struct query *q = &c->x->request.query;
	bool puts = str_equal(c->x->request.method, STR("PUT")), removes = str_equal(c->x->request.method, STR("DELETE"));
	if (c->at.level == AT_BUCKET && (puts || removes) &&
		(query_find(q, STR("versionId")) != NULL || query_find(q, STR("partNumber")) != NULL))
		return fault_set(why, ARGUMENT_INVALID, "A versionId or partNumber is of an object: the request names no key.");
	if (c->at.level != AT_OBJECT || !puts)
		return OK;
	if (query_find(q, STR("versionId")) != NULL)
		return fault_set(why, ARGUMENT_INVALID, "This operation does not accept a version-id.");
	if (query_find(q, STR("partNumber")) != NULL && query_find(q, STR("uploadId")) == NULL)
		return fault_set(why, ARGUMENT_INVALID, "A part requires an uploadId as well as its partNumber.");
	return OK;
}

static enum status begin_operation(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	bool preflight = str_equal(c->x->request.method, STR("OPTIONS"));
	if (!preflight && !str_is_word_of(c->x->request.method, STR("GET HEAD PUT POST DELETE")))
		return fault_set(why, BAD_METHOD, "no such method");
	TRY(address_parse(&c->x->arena, c->x->request.path, &c->at, why));
	TRY(request_headers_combine(&c->x->arena, &c->x->request, why));
	if (preflight) {
		c->x->answer.route = "OPTIONS";
		return s3_cors_preflight(c, why);
	}
	call_set_key(c, c->at.key);
	c->operation = is_form(c) ? &s3_route_form : s3_route_find(c);
	c->x->answer.route = c->operation != NULL ? c->operation->route : NULL;
	if (c->operation != &s3_route_form) {
		TRY(auth_request(c, why));
		if (c->operation == NULL)
			return fault_set(why, BAD_METHOD, "no such operation");
		TRY(authorize_call(c, why));
		TRY(refuse_misplaced(c, why));
		c->x->arena.cap_bytes = ARENA_PERMITTED_BYTES;
	}
	return c->operation->begin(c, step, why);
}

static enum handler_step on_head(struct handler *d, struct request_context *x)
{
	struct s3 *s = (struct s3 *)d;
	struct fault why = { 0 };
	enum handler_step step = HANDLER_ANSWER;
	struct s3_call *c = ARENA_NEW(&x->arena, struct s3_call);
	x->handler_state = c;
	if (c == NULL) {
		(void)fault_too_much(&why);
		answer_error(s, x, &why);
		return HANDLER_ANSWER;
	}
	c->s3 = s;
	c->x = x;
	enum status st = begin_operation(c, &step, &why);
	if (st == OK && !arena_ok(&x->arena))
		st = fault_too_much(&why);
	if (st != OK) {
		answer_error(s, x, &why);
		return HANDLER_ANSWER;
	}
	if (step == HANDLER_ANSWER)
		complete_answer(s, x);
	return c->operation != NULL && c->operation->is_long && step != HANDLER_ANSWER ? HANDLER_RUN_ASYNC : step;
}

static enum status on_body(struct handler *d, struct request_context *x, const char *p, size_t n)
{
	struct s3_call *c = x->handler_state;
	struct fault why = { 0 };
	enum status st = c->operation->data != NULL ? c->operation->data(c, (struct str){ p, n }, &why) : OK;
	if (st == OK && !arena_ok(&x->arena))
		st = fault_too_much(&why);
	if (st != OK)
		answer_error((struct s3 *)d, x, &why);
	return st;
}

static void answer_client(struct s3_call *c, enum status st, const struct fault *why)
{
	struct fault lack = { 0 };
	put_body_drop(c);
	if (st == OK && !arena_ok(&c->x->arena)) {
		st = fault_no_memory(&lack);
		why = &lack;
	}
	if (st != OK)
		answer_error(c->s3, c->x, why);
	else
		complete_answer(c->s3, c->x);
}

static void run_request(struct handler *d, struct request_context *x)
{
	struct s3_call *c = x->handler_state;
	struct fault why = { 0 };
	answer_client(c, c->operation->finish(c, &why), &why);
}

static void run_long(struct long_job *job)
{
	struct s3_call *c = (struct s3_call *)((char *)job - offsetof(struct s3_call, job));
	struct fault why = { 0 };
	call_complete(c, c->operation->finish(c, &why), &why);
}

static void run_request_async(struct handler *d, struct request_context *x)
{
	struct s3_call *c = x->handler_state;
	struct fault why = { 0 };
	if (!c->operation->is_long) {
		c->operation->start(c);
		return;
	}
	c->job = (struct long_job){ .run = run_long, .owner = str_of(c->key != NULL ? c->key->user : "") };
	if (!long_jobs_submit(c->s3->long_jobs, &c->job))
		call_complete(c, fault_set(&why, OVERLOADED, "Too many copies, completions and deletions are queued; try again."), &why);
}

void call_complete(struct s3_call *c, enum status st, const struct fault *why)
{
	assert(c != NULL && c->x->done != NULL);
	struct request_context *x = c->x;
	answer_client(c, st, why);
	x->done(x);
}

/* After on_body has failed nothing is left to release: answer_error has done it. */
static void on_abort(struct handler *d, struct request_context *x, const struct fault *why)
{
	if (x->handler_state != NULL)
		put_body_drop(x->handler_state);
}

static void on_error(struct handler *d, struct request_context *x, const struct fault *why)
{
	answer_error((struct s3 *)d, x, why);
}

static const struct handler_ops handler_ops = {
	.on_head = on_head, .on_body = on_body, .run = run_request, .on_abort = on_abort, .on_error = on_error, .run_async = run_request_async
};

struct s3 *s3_new(const struct s3_ports *p, const struct s3_options *o)
{
	assert(p != NULL && p->product != NULL && p->buckets != NULL && p->catalog != NULL && p->parts != NULL && p->keys != NULL);
	assert(o != NULL && o->region.n > 0 && o->image_bucket.n > 0);
	struct s3 *s = mem_new(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	*s = (struct s3){
		.handler = {
			.ops = &handler_ops,
			.arena_bytes = ARENA_BYTES,
			.body_max = p->product->rules.max_size_bytes > DROPPED_BYTES ? p->product->rules.max_size_bytes : DROPPED_BYTES,
			.slow_body_is_rate = true,
		},
		.product = p->product, .buckets = p->buckets, .catalog = p->catalog, .parts = p->parts, .keys = p->keys, .options = *o,
		.long_jobs = long_jobs_new()
	};
	if (s->long_jobs == NULL)
		s3_free(&s);
	return s;
}

void s3_free(struct s3 **s)
{
	if (s == NULL || *s == NULL)
		return;
	long_jobs_free(&(*s)->long_jobs);
	mem_free(*s);
	*s = NULL;
}

struct handler *s3_handler(struct s3 *s)
{
	assert(s != NULL);
	return &s->handler;
}
