/* The S3 door: reads an address, checks the signature, looks the operation up and runs it.
 *
 * An operation is a row of one table: method, level (service, bucket, object) and sub-resource, as the
 * S3 API names them. What has no row is NotImplemented where S3 has it and else MethodNotAllowed,
 * after the signature was checked, so that a URL for one verb never works for another. Every answer leaves
 * through `complete`, which adds what all of them carry: the request id, the server's name and CORS.
 * begin, data, start, cancel and refuse run on a reactor and never wait; finish runs on a worker. */
#include "s3/s3.h"

#include "base/mem.h"
#include "image/arrival.h"
#include "s3/absent.h"
#include "s3/auth.h"
#include "s3/cors.h"
#include "s3/error.h"
#include "s3/permit.h"
#include "s3/upload.h"

/* Enough for 64 KB of headers, a form's fields and an explained error; memory is taken as it is used. */
#define ARENA_BYTES ((size_t)512 * 1024)
/* ... and for who may use it: a request of 2 MiB of XML and its tree, an answer of 1000 keys that grow sixfold
 * when they are escaped, and what a buffer leaves behind when it grows. */
#define ARENA_PERMITTED_BYTES ((size_t)64 * 1024 * 1024)

/* Bodies of so many bytes are read on after a refusal: many clients read no answer before they have sent all,
 * files and parts of tens of megabytes among them, and try again and again when the connection just ends. */
#define DROPPED_BYTES ((uint64_t)64 * 1024 * 1024)

/* method, level, sub-resource, route, actions, slots, and what is done: begin, data, finish, start */
static const struct operation operations[] = {
	{ "GET", AT_SERVICE, "", "GET /", KEY_LIST, false, later_begin, NULL, bucket_list_all },

	{ "PUT", AT_BUCKET, "", "PUT /bucket", KEY_BUCKETS, false, document_begin, document_data, bucket_make },
	{ "DELETE", AT_BUCKET, "", "DELETE /bucket", KEY_BUCKETS, false, later_begin, NULL, bucket_drop },
	{ "HEAD", AT_BUCKET, "", "HEAD /bucket", KEY_LIST, false, bucket_head, NULL, NULL },
	{ "GET", AT_BUCKET, "location", "GET /bucket?location", KEY_LIST, false, bucket_location, NULL, NULL },
	{ "GET", AT_BUCKET, "versioning", "GET /bucket?versioning", KEY_LIST, false, bucket_versioning, NULL, NULL },
	{ "GET", AT_BUCKET, "acl", "GET /bucket?acl", KEY_LIST, false, acl_get, NULL, NULL },
	{ "PUT", AT_BUCKET, "acl", "PUT /bucket?acl", KEY_BUCKETS, false, document_begin, document_data, acl_put },
	{ "GET", AT_BUCKET, "cors", "GET /bucket?cors", KEY_LIST, false, later_begin, NULL, cors_get },
	{ "PUT", AT_BUCKET, "cors", "PUT /bucket?cors", KEY_BUCKETS, false, document_begin, document_data, cors_put },
	{ "DELETE", AT_BUCKET, "cors", "DELETE /bucket?cors", KEY_BUCKETS, false, later_begin, NULL, cors_remove },

	{ "GET", AT_BUCKET, "", "GET /bucket", KEY_LIST, false, later_begin, NULL, list_v1 },
	{ "GET", AT_BUCKET, "list-type", "GET /bucket?list-type", KEY_LIST, false, later_begin, NULL, list_v2 },
	{ "GET", AT_BUCKET, "versions", "GET /bucket?versions", KEY_LIST, false, later_begin, NULL, list_versions },
	{ "GET", AT_BUCKET, "uploads", "GET /bucket?uploads", KEY_LIST, false, later_begin, NULL, parts_show_uploads },
	{ "POST", AT_BUCKET, "delete", "POST /bucket?delete", 0, false, document_begin, document_data, delete_many },

	{ "GET", AT_OBJECT, "", "GET /object", KEY_READ, true, get_begin, NULL, NULL },
	{ "HEAD", AT_OBJECT, "", "HEAD /object", KEY_READ, true, get_begin, NULL, NULL },
	{ "PUT", AT_OBJECT, "", "PUT /object", KEY_WRITE, true, put_begin, put_data, put_finish, put_start },
	{ "PUT", AT_OBJECT, "copy", "PUT /object copy", KEY_WRITE, false, later_begin, NULL, copy_object },
	{ "DELETE", AT_OBJECT, "", "DELETE /object", KEY_DELETE, false, later_begin, NULL, delete_one },
	{ "GET", AT_OBJECT, "attributes", "GET /object?attributes", KEY_READ, false, later_begin, NULL, attributes_get },
	{ "GET", AT_OBJECT, "acl", "GET /object?acl", KEY_READ, false, acl_get, NULL, NULL },
	{ "PUT", AT_OBJECT, "acl", "PUT /object?acl", KEY_WRITE, false, document_begin, document_data, acl_put },

	{ "POST", AT_OBJECT, "uploads", "POST /object?uploads", KEY_WRITE, false, later_begin, NULL, parts_begin },
	{ "PUT", AT_OBJECT, "uploadId", "PUT /object?uploadId", KEY_WRITE, false, part_put_begin, put_data, put_finish, put_start },
	{ "PUT", AT_OBJECT, "copy-part", "PUT /object?uploadId copy", KEY_WRITE, false, later_begin, NULL, copy_part },
	{ "GET", AT_OBJECT, "uploadId", "GET /object?uploadId", KEY_WRITE, false, later_begin, NULL, parts_show },
	{ "POST", AT_OBJECT, "uploadId", "POST /object?uploadId", KEY_WRITE, false, document_begin, document_data, complete_parts },
	{ "DELETE", AT_OBJECT, "uploadId", "DELETE /object?uploadId", KEY_WRITE, false, later_begin, NULL, parts_end },
};

/* What S3 has and this store does not, see absent.c. */
static const struct operation absent_bucket = {
	"", AT_BUCKET, "absent", "/bucket?...", KEY_LIST, false, absent_begin, NULL, NULL,
};
static const struct operation absent_object = {
	"", AT_OBJECT, "absent", "/object?...", KEY_READ, false, absent_begin, NULL, NULL,
};

/* A browser's form is authenticated by its own fields, which are not read yet when it begins. */
static const struct operation form_operation = {
	"POST", AT_BUCKET, "", "POST /form", KEY_WRITE, true, form_begin, form_data, form_finish,
};

/* Names in the query that make another operation of a request, those first that decide where several are there.
 * They are looked for so that none of them is ever taken for the plain one: PUT with ?acl must not write an object.
 * What stands in absent.c is looked for too. */
static const char *const sub_resources[] = {
	"uploadId", "uploads", "attributes", "acl", "cors", "delete", "location", "versions", "versioning", "list-type",
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

static bool is_reserved(const struct call *c)
{
	return call_is_image(c) || (str_equal(c->at.bucket, c->s3->options.image_bucket) && str_starts_with(c->at.key, STR("thumbs/")));
}

enum status call_refuse_reserved(const struct call *c, bool by_slot, struct fault *why)
{
	if ((by_slot && call_is_image(c)) || !is_reserved(c))
		return OK;
	return fault_set(why, ACCESS_DENIED, "Access Denied. Images come by upload slots alone: nothing else is written under images/ and thumbs/.");
}

static void complete(struct s3 *s, struct exchange *x)
{
	if (x->request.id.n > 0)
		answer_header(&x->answer, STR("x-amz-request-id"), x->request.id);
	answer_header(&x->answer, STR("x-amz-id-2"), STR(HOST_ID));
	answer_header(&x->answer, STR("Server"), STR("tintype"));
	s3_cors_headers(s, x, x->door_state);
}

/* The elements that an error has by its kind. */
static void add_details(struct call *c, const struct fault *why)
{
	const struct query_pair *upload = query_find(&c->x->request.query, STR("uploadId"));
	enum status st = fault_status(why->code);
	if (why->code == F_NO_SUCH_KEY || why->code == F_NO_SUCH_VERSION)
		call_detail(c, "Key", c->at.key);
	else if (why->code == F_NO_SUCH_UPLOAD && upload != NULL)
		call_detail(c, "UploadId", upload->value);
	else if ((st == NOT_FOUND || st == EXISTS) && c->at.bucket.n > 0)
		call_detail(c, "BucketName", c->at.bucket);
}

static void fail(struct s3 *s, struct exchange *x, const struct fault *why)
{
	struct call *c = x->door_state;
	if (c != NULL) {
		upload_drop(c);
		add_details(c, why);
	}
	error_answer(x, c, why);
	complete(s, x);
}

/* Copying is a PUT with a header in place of a body. */
static const char *sub_resource(const struct request *r)
{
	bool copies = request_header(r, STR("x-amz-copy-source")).p != NULL && str_equal(r->method, STR("PUT"));
	for (size_t i = 0; i < COUNT_OF(sub_resources); i++) {
		if (query_find(&r->query, str_of(sub_resources[i])) == NULL)
			continue;
		return i == 0 && copies ? "copy-part" : sub_resources[i];
	}
	return copies ? "copy" : "";
}

/* A name that says nothing at this level is a query parameter like any other, which S3 passes over. */
static bool means_something(enum address_level level, struct str sub)
{
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		if (operations[i].level == level && str_equal(sub, str_of(operations[i].sub)))
			return true;
	}
	return false;
}

static const struct operation *find_operation(const struct call *c)
{
	struct str method = c->x->request.method, sub = str_of(sub_resource(&c->x->request));
	if (!means_something(c->at.level, sub))
		sub = STR("");
	for (size_t i = 0; i < COUNT_OF(operations); i++) {
		const struct operation *o = &operations[i];
		bool absent = sub.n == 0 && absence_find(&c->x->request, c->at.level) != NULL;
		if (!absent && o->level == c->at.level && str_equal(method, str_of(o->method)) && str_equal(sub, str_of(o->sub)))
			return o;
	}
	if (absence_find(&c->x->request, c->at.level) == NULL)
		return NULL;
	return c->at.level == AT_BUCKET ? &absent_bucket : &absent_object;
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

/* Parameters without which a PUT would be another operation, and which would be passed over as unknown ones. */
static enum status refuse_misplaced(const struct call *c, struct fault *why)
{
	const struct query *q = &c->x->request.query;
	if (c->at.level != AT_OBJECT || !str_equal(c->x->request.method, STR("PUT")))
		return OK;
	if (query_find(q, STR("versionId")) != NULL)
		return fault_set(why, ARGUMENT_INVALID, "This operation does not accept a version-id.");
	if (query_find(q, STR("partNumber")) != NULL && query_find(q, STR("uploadId")) == NULL)
		return fault_set(why, ARGUMENT_INVALID, "A part needs an uploadId beside its partNumber.");
	return OK;
}

static enum status start(struct call *c, enum door_step *step, struct fault *why)
{
	bool preflight = str_equal(c->x->request.method, STR("OPTIONS"));
	if (!preflight && !is_s3_method(c->x->request.method))
		return fault_set(why, BAD_METHOD, "no such method");
	TRY(address_parse(&c->x->arena, c->x->request.path, &c->at, why));
	if (preflight) {
		c->x->answer.route = "OPTIONS";
		return s3_cors_preflight(c, why);
	}
	if (call_is_image(c))
		c->x->answer.image_id = arrival_image_id(c->at.key);
	c->operation = is_form(c) ? &form_operation : find_operation(c);
	c->x->answer.route = c->operation != NULL ? c->operation->route : NULL;
	if (c->operation != &form_operation) {
		TRY(auth_request(c, why));
		if (c->operation == NULL)
			return fault_set(why, BAD_METHOD, "no such operation");
		TRY(permit_call(c, why));
		TRY(refuse_misplaced(c, why));
		c->x->arena.cap_bytes = ARENA_PERMITTED_BYTES;
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

static void answer(struct call *c, enum status st, const struct fault *why)
{
	struct fault lack = { 0 };
	upload_drop(c);
	if (st == OK && !arena_ok(&c->x->arena)) {
		st = fault_no_memory(&lack);
		why = &lack;
	}
	if (st != OK)
		fail(c->s3, c->x, why);
	else
		complete(c->s3, c->x);
}

static void finish(struct door *d, struct exchange *x)
{
	struct call *c = x->door_state;
	struct fault why = { 0 };
	answer(c, c->operation->finish(c, &why), &why);
}

static void start_ending(struct door *d, struct exchange *x)
{
	struct call *c = x->door_state;
	c->operation->start(c);
}

void call_complete(struct call *c, enum status st, const struct fault *why)
{
	struct exchange *x = c->x;
	answer(c, st, why);
	x->wake(x);
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
	.begin = begin, .data = data, .finish = finish, .cancel = cancel, .refuse = refuse, .start = start_ending,
};

struct s3 *s3_new(const struct s3_ports *p, const struct s3_options *o)
{
	struct s3 *s = mem_new(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	*s = (struct s3){
		.door = {
			.ops = &door_ops,
			.arena_bytes = ARENA_BYTES,
			.body_max = p->product->rules.max_size_bytes > DROPPED_BYTES ? p->product->rules.max_size_bytes : DROPPED_BYTES,
			.slow_body_is_rate = true,
			.plus_is_blank = true,
		},
		.product = p->product, .buckets = p->buckets, .catalog = p->catalog, .parts = p->parts, .keys = p->keys, .options = *o,
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
