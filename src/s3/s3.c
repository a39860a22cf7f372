/* The S3 door: reads an address, checks the signature, looks the operation up and runs it.
 *
 * An operation is a row of one table: method, level (service, bucket, object) and sub-resource, as the
 * S3 API names them. What has no row is MethodNotAllowed, after the signature was checked, so that
 * a URL for one verb never works for another. Every answer leaves through `complete`, which adds
 * what all of them carry: the request id and CORS.
 * begin, data, cancel and refuse run on a reactor and never wait; finish runs on a worker. */
#include "s3/s3.h"

#include "base/mem.h"
#include "image/arrival.h"
#include "s3/auth.h"
#include "s3/cors.h"
#include "s3/error.h"
#include "s3/upload.h"

/* Enough for 64 KB of headers, a form's fields and an explained error; memory is taken as it is used. */
#define ARENA_BYTES ((size_t)512 * 1024)

static const struct operation operations[] = {
	{ "GET", AT_OBJECT, "", "GET /object", true, get_begin, NULL, NULL },
	{ "HEAD", AT_OBJECT, "", "HEAD /object", true, get_begin, NULL, NULL },
	{ "PUT", AT_OBJECT, "", "PUT /object", true, put_begin, put_data, put_finish },
};

/* A browser's form is authenticated by its own fields, which are not read yet when it begins. */
static const struct operation form_operation = {
	"POST", AT_BUCKET, "", "POST /form", true, form_begin, form_data, form_finish,
};

/* Names in the query that make another operation of a request. They are looked for so that none of
 * them is ever taken for the plain one: PUT with ?acl must not write an object. */
static const char *const sub_resources[] = {
	"accelerate", "acl", "analytics", "attributes", "cors", "delete", "encryption", "intelligent-tiering", "inventory",
	"legal-hold", "lifecycle", "list-type", "location", "logging", "metrics", "notification", "object-lock",
	"ownershipControls", "partNumber", "policy", "policyStatus", "publicAccessBlock", "replication",
	"requestPayment", "restore", "retention", "select", "session", "tagging", "torrent", "uploadId", "uploads",
	"versionId", "versioning", "versions", "website",
};

void call_detail(struct call *c, const char *element, struct str value)
{
	if (c->n_details < ERROR_DETAILS_MAX)
		c->details[c->n_details++] = (struct error_detail){ element, value };
}

bool call_is_image(const struct call *c)
{
	return str_equal(c->at.bucket, c->s3->options.image_bucket) && str_starts_with(c->at.key, IMAGE_PREFIX);
}

static void complete(struct s3 *s, struct exchange *x)
{
	if (x->request.id.n > 0)
		answer_header(&x->answer, STR("x-amz-request-id"), x->request.id);
	s3_cors_headers(s, x);
}

static void fail(struct s3 *s, struct exchange *x, const struct fault *why)
{
	struct call *c = x->door_state;
	if (c != NULL)
		upload_drop(c);
	error_answer(x, c, why);
	complete(s, x);
}

/* Copying is a PUT with a header in place of a body. */
static const char *sub_resource(const struct request *r)
{
	for (size_t i = 0; i < COUNT_OF(sub_resources); i++) {
		if (query_find(&r->query, str_of(sub_resources[i])) != NULL)
			return sub_resources[i];
	}
	return request_header(r, STR("x-amz-copy-source")).p != NULL ? "copy" : "";
}

static const struct operation *find_operation(const struct call *c)
{
	struct str sub = str_of(sub_resource(&c->x->request));
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		const struct operation *o = &operations[i];
		if (o->level == c->at.level && str_equal(c->x->request.method, str_of(o->method)) && str_equal(sub, str_of(o->sub)))
			return o;
	}
	return NULL;
}

static bool is_s3_method(struct str method)
{
	static const char *const known[] = { "GET", "HEAD", "PUT", "POST", "DELETE" };
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (str_equal(method, str_of(known[i])))
			return true;
	}
	return false;
}

/* POST to a bucket that is signed nowhere else: a form, or nothing. */
static bool is_form(const struct call *c)
{
	const struct request *r = &c->x->request;
	return c->at.level == AT_BUCKET && str_equal(r->method, STR("POST")) && r->query.n == 0 &&
	       request_header(r, STR("authorization")).p == NULL &&
	       str_starts_with_nocase(request_header(r, STR("content-type")), STR("multipart/form-data"));
}

static enum status start(struct call *c, enum door_step *step, struct fault *why)
{
	if (str_equal(c->x->request.method, STR("OPTIONS"))) {
		c->x->answer.route = "OPTIONS";
		return s3_cors_preflight(c, why);
	}
	if (!is_s3_method(c->x->request.method))
		return fault_set(why, BAD_METHOD, "no such method");
	TRY(address_parse(&c->x->arena, c->x->request.path, &c->at, why));
	if (call_is_image(c))
		c->x->answer.image_id = arrival_image_id(c->at.key);
	c->operation = is_form(c) ? &form_operation : find_operation(c);
	c->x->answer.route = c->operation != NULL ? c->operation->route : NULL;
	if (c->operation != &form_operation) {
		TRY(auth_request(c, why));
		if (c->operation == NULL)
			return fault_set(why, BAD_METHOD, "no such operation");
		TRY(auth_permit(c, why));
	}
	return c->operation->begin(c, step, why);
}

static enum door_step begin(struct door *d, struct exchange *x)
{
	struct s3 *s = (struct s3 *)d;
	struct fault why = { 0 };
	enum door_step step = DOOR_ANSWER;
	struct call *c = ARENA_NEW(&x->arena, struct call);
	x->door_state = c;
	if (c == NULL) {
		(void)fault_set(&why, TOO_MUCH, "the request's head is too large");
		fail(s, x, &why);
		return DOOR_ANSWER;
	}
	c->s3 = s;
	c->x = x;
	enum status st = start(c, &step, &why);
	if (st == OK && !arena_ok(&x->arena))
		st = fault_set(&why, TOO_MUCH, "the request's head is too large");
	if (st != OK) {
		fail(s, x, &why);
		return DOOR_ANSWER;
	}
	if (step == DOOR_ANSWER)
		complete(s, x);
	return step;
}

static enum status data(struct door *d, struct exchange *x, const char *p, size_t n)
{
	struct call *c = x->door_state;
	struct fault why = { 0 };
	enum status st = c->operation->data(c, (struct str){ p, n }, &why);
	if (st == OK && !arena_ok(&x->arena))
		st = fault_set(&why, TOO_MUCH, "the request's fields are too large");
	if (st != OK)
		fail((struct s3 *)d, x, &why);
	return st;
}

static void finish(struct door *d, struct exchange *x)
{
	struct call *c = x->door_state;
	struct fault why = { 0 };
	enum status st = c->operation->finish(c, &why);
	upload_drop(c);
	if (st == OK && !arena_ok(&x->arena))
		st = fault_set(&why, OUT_OF_MEMORY, "the answer does not fit");
	if (st != OK)
		fail((struct s3 *)d, x, &why);
	else
		complete((struct s3 *)d, x);
}

/* After a failing data there is nothing left to release: fail has done it. */
static void cancel(struct door *d, struct exchange *x, const struct fault *why)
{
	if (x->door_state != NULL)
		upload_drop(x->door_state);
}

static void refuse(struct door *d, struct exchange *x, const struct fault *why)
{
	fail((struct s3 *)d, x, why);
}

static const struct door_ops door_ops = {
	.begin = begin, .data = data, .finish = finish, .cancel = cancel, .refuse = refuse,
};

struct s3 *s3_new(struct product *p, struct bucket_store *b, struct key_ring *k, const struct s3_options *o)
{
	struct s3 *s = mem_new(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	*s = (struct s3){
		.door = {
			.ops = &door_ops,
			.arena_bytes = ARENA_BYTES,
			.body_max = p->rules.max_size_bytes,
			.slow_body_is_rate = true,
			.plus_is_blank = true,
		},
		.product = p, .buckets = b, .keys = k, .options = *o,
	};
	return s;
}

void s3_free(struct s3 **s)
{
	if (s == NULL)
		return;
	mem_free(*s);
	*s = NULL;
}

struct door *s3_door(struct s3 *s)
{
	return &s->door;
}
