/* object_store on S3. Every call may be sent twice without harm: a put of the same bytes replaces
 * them by themselves, the rest changes nothing or removes what is removed already.
 *
 * A bucket is addressed virtual-hosted, BUCKET.s3.REGION.amazonaws.com; path style where an endpoint
 * is set, and for names with a dot, which the certificate's wildcard does not cover.
 * A presigned URL expires with the credentials that signed it, so it gets their expiry where that is earlier.
 * Source: Amazon S3 API reference. */
#include "aws/aws.h"

#include "aws/listing.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/object_key.h"
#include "sigv4/presign.h"

#include <assert.h>
#include <stddef.h>

#define SCRATCH_BYTES (2u << 20)
#define LISTING_MAX_BYTES (8u << 20)
#define ADDRESS_MAX_BYTES 8192
#define TEXTS_MAX_BYTES 4096
#define LIST_MAX 1000
#define VERSIONS_PAGE 100
#define VERSIONS_PAGE_TEXT "100"
#define VERSIONS_ROUNDS 6
#define VERSIONS_MAX_BYTES (1u << 20)

struct s3_store {
	struct object_store port;
	struct aws_service *service;
	struct arena texts;
	struct str bucket, region;
	struct str host_prefix; /* "bucket."; "": path style */
	struct str base;        /* what clients see before the path */
	bool deny_overwrite;
	int64_t timeout_ms;
	bool keep_versions;
};

static struct s3_store *store_of(struct object_store *s)
{
	return (struct s3_store *)((char *)s - offsetof(struct s3_store, port));
}

static enum status no_such_key(struct fault *why)
{
	return fault_set(why, NO_SUCH_KEY, "The specified key does not exist.");
}

/* "": the bucket itself. */
static struct str path_of(const struct s3_store *s, struct str key, struct arena *a)
{
	if (s->host_prefix.n == 0)
		return str_printf(a, key.n > 0 ? "/%.*s/%.*s" : "/%.*s", STRF(s->bucket), STRF(key));
	return str_printf(a, "/%.*s", STRF(key));
}

static enum status send_call(
	const struct s3_store *s, struct aws_call *c, struct str key, struct arena *a, struct http_response *out, struct fault *why)
{
	assert(key.p != NULL || key.n == 0);
	c->host_prefix = s->host_prefix;
	c->path = path_of(s, key, a);
	c->repeatable = true;
	c->deadline_ms = s->timeout_ms > 0 ? clock_mono_ms() + s->timeout_ms : 0;
	TRY(fault_check_arena(a, why));
	return aws_service_call(s->service, c, a, out, why);
}

/* An answer that the call has no use for; what S3 says is for the log. */
static enum status fault_refused(const struct s3_store *s, const struct http_response *r, struct fault *why)
{
	fault_set(why, UPSTREAM_FAILED, "the object store refused with %d", r->status);
	fault_cause(why, "S3 answered %d for bucket %.*s: %.*s", r->status, STRF(s->bucket), STRF(str_slice(r->body, 0, 180)));
	return UPSTREAM;
}

/* A missing bucket is a mistake of the setting, not an absent object. A HEAD has no body. */
static bool is_absent(const struct http_response *r)
{
	return r->status == 404 && str_find(r->body, STR("<Code>NoSuchBucket</Code>")) == r->body.n;
}

static enum status delete_version(const struct s3_store *s, struct str key, struct str id, struct fault *why)
{
	struct arena CLEANUP(arena_deinit) a = { 0 };
	struct http_response r;
	const struct header query = { STR("versionId"), id };
	struct aws_call c = { .method = STR("DELETE"), .query = &query, .n_query = 1 };
	arena_init(&a, SCRATCH_BYTES);
	TRY(send_call(s, &c, key, &a, &r, why));
	return r.status == 200 || r.status == 204 || is_absent(&r) ? OK : fault_refused(s, &r, why);
}

/* The versions of a key stand first among those of the prefix. The latest one, if it is not the marker, came
 * after the removal and is not touched. */
static enum status delete_page(const struct s3_store *s, struct str key, struct str marker, bool *any, struct fault *why)
{
	struct arena CLEANUP(arena_deinit) a = { 0 };
	struct http_response r;
	struct version_page page;
	const struct header query[] = { { STR("versions"), STR("") }, { STR("encoding-type"), STR("url") },
		{ STR("max-keys"), STR(VERSIONS_PAGE_TEXT) }, { STR("prefix"), key } };
	struct aws_call c = { .method = STR("GET"), .query = query, .n_query = COUNT_OF(query), .max_response_bytes = VERSIONS_MAX_BYTES };
	arena_init(&a, SCRATCH_BYTES);
	*any = false;
	TRY(send_call(s, &c, STR(""), &a, &r, why));
	if (r.status != 200)
		return fault_refused(s, &r, why);
	TRY(versions_parse(r.body, VERSIONS_PAGE, &a, &page, why));
	for (size_t i = 0; i < page.n; i++) {
		const struct version *v = &page.versions[i];
		if (v->latest || !str_equal(v->key, key) || str_equal(v->id, marker))
			continue;
		TRY(delete_version(s, key, v->id, why));
		*any = true;
	}
	return OK;
}

/* All versions of the key but this one and the latest. */
static enum status delete_others(const struct s3_store *s, struct str key, struct str kept, struct fault *why)
{
	bool any = true;
	for (unsigned round = 0; any && round < VERSIONS_ROUNDS; round++)
		TRY(delete_page(s, key, kept, &any, why));
	if (any)
		return fault_set(why, UPSTREAM_FAILED, "the object has more versions than are removed at once");
	return OK;
}

static enum status delete_versions_before(struct object_store *port, struct str key, struct fault *why)
{
	TRY(object_key_check(key, why));
	return delete_others(store_of(port), key, STR(""), why);
}

/* In a versioned bucket what a write has replaced would stay as an older version. */
static enum status delete_replaced(const struct s3_store *s, struct str key, const struct http_response *r, struct fault *why)
{
	struct str version = response_header(r, STR("x-amz-version-id"));
	bool kept = version.n > 0 && !str_equal(version, STR("null"));
	return kept && !s->keep_versions ? delete_others(s, key, version, why) : OK;
}

static enum status put_object(struct object_store *port, struct str key, struct str content_type, struct str body, struct fault *why)
{
	struct arena CLEANUP(arena_deinit) a = { 0 };
	struct http_response r;
	const struct header type = { STR("Content-Type"), content_type };
	struct aws_call c = { .method = STR("PUT"), .headers = &type, .n_headers = 1, .body = body };
	TRY(object_key_check(key, why));
	arena_init(&a, SCRATCH_BYTES);
	TRY(send_call(store_of(port), &c, key, &a, &r, why));
	if (r.status != 200)
		return fault_refused(store_of(port), &r, why);
	return delete_replaced(store_of(port), key, &r, why);
}

/* 409: another write is in progress. 404: what If-Match names is gone. */
enum status s3_store_put_if(struct object_store *port, const struct s3_put_if *p, struct arena *a, struct str *etag, struct fault *why)
{
	assert(port != NULL && p != NULL && etag != NULL);
	struct http_response r;
	const struct s3_store *s = store_of(port);
	const struct header headers[] = { { STR("Content-Type"), p->content_type },
		p->etag.n > 0 ? (struct header){ STR("If-Match"), p->etag } : (struct header){ STR("If-None-Match"), STR("*") } };
	struct aws_call c = { .method = STR("PUT"), .headers = headers, .n_headers = COUNT_OF(headers), .body = p->body };
	TRY(object_key_check(p->key, why));
	TRY(send_call(s, &c, p->key, a, &r, why));
	if (r.status == 412 || r.status == 409 || is_absent(&r))
		return fault_set(why, PRECONDITION, "the object was changed by another");
	if (r.status != 200)
		return fault_refused(s, &r, why);
	*etag = str_dup(a, str_unquote(response_header(&r, STR("ETag"))));
	TRY(fault_check_arena(a, why));
	return delete_replaced(s, p->key, &r, why);
}

/* S3 may fail after it has sent the head of a 200: then the body has the error. A copy of what is there already is the same. */
enum status s3_store_copy(struct object_store *port, const struct s3_copy *c, struct fault *why)
{
	assert(port != NULL && c != NULL && c->n_headers <= S3_COPY_HEADERS_MAX);
	struct arena CLEANUP(arena_deinit) a = { 0 };
	struct http_response r;
	struct s3_store *s = store_of(port);
	struct header headers[S3_COPY_HEADERS_MAX + 3] = { { STR("x-amz-metadata-directive"), STR("REPLACE") } };
	size_t n = 1;
	struct buf source;
	TRY(object_key_check(c->from, why));
	TRY(object_key_check(c->to, why));
	arena_init(&a, SCRATCH_BYTES);
	buf_init_arena(&source, &a, ADDRESS_MAX_BYTES);
	buf_printf(&source, "/%.*s/", STRF(s->bucket));
	uri_encode(&source, c->from, true);
	headers[n++] = (struct header){ STR("x-amz-copy-source"), buf_str(&source) };
	if (c->etag.n > 0)
		headers[n++] = (struct header){ STR("x-amz-copy-source-if-match"), str_printf(&a, "\"%.*s\"", STRF(c->etag)) };
	for (size_t i = 0; i < c->n_headers; i++)
		headers[n++] = c->headers[i];
	struct aws_call call = { .method = STR("PUT"), .headers = headers, .n_headers = n };
	TRY(fault_check_buf(&source, why));
	TRY(send_call(s, &call, c->to, &a, &r, why));
	if (is_absent(&r))
		return no_such_key(why);
	if (r.status == 412)
		return fault_set(why, PRECONDITION, "the object has other bytes");
	if (r.status != 200 || str_find(r.body, STR("<CopyObjectResult")) == r.body.n)
		return fault_refused(s, &r, why);
	return delete_replaced(s, c->to, &r, why);
}

static enum status read_info(const struct http_response *r, struct str key, struct arena *a, struct object_info *out, struct fault *why)
{
	struct object_info info = { .key = str_dup(a, key),
		.size = r->length,
		.etag = str_unquote(response_header(r, STR("ETag"))),
		.content_type = response_header(r, STR("Content-Type")) };
	if (!r->has_length || !clock_parse_http_date(response_header(r, STR("Last-Modified")), &info.modified_ms))
		return fault_set(why, UPSTREAM_FAILED, "the object store did not give an object's length and time");
	*out = info;
	return fault_check_arena(a, why);
}

static enum status get_object(
	struct object_store *port, struct str key, uint64_t max_size, struct arena *a, struct object *out, struct fault *why)
{
	struct http_response r;
	struct object_info info;
	struct aws_call c = { .method = STR("GET"), .max_response_bytes = max_size > 0 ? max_size : 1 };
	if (object_key_check(key, NULL) != OK)
		return no_such_key(why);
	enum status st = send_call(store_of(port), &c, key, a, &r, why);
	if (st == OK && is_absent(&r))
		return no_such_key(why);
	if (st == OK && r.status != 200)
		return fault_refused(store_of(port), &r, why);
	if ((st == LIMIT && arena_ok(a)) || (st == OK && r.body.n > max_size))
		return fault_set(why, IMAGE_TOO_LARGE, "the object has more than %llu bytes", (unsigned long long)max_size);
	TRY(st);
	TRY(read_info(&r, key, a, &info, why));
	*out = (struct object){ info, r.body };
	return OK;
}

static enum status head_object(struct object_store *port, struct str key, struct arena *a, struct object_info *out, struct fault *why)
{
	struct http_response r;
	struct aws_call c = { .method = STR("HEAD") };
	if (object_key_check(key, NULL) != OK)
		return no_such_key(why);
	TRY(send_call(store_of(port), &c, key, a, &r, why));
	if (is_absent(&r))
		return no_such_key(why);
	return r.status == 200 ? read_info(&r, key, a, out, why) : fault_refused(store_of(port), &r, why);
}

/* In a versioned bucket a removal only puts a marker over what was there. The marker goes last: while a version is
 * left, the object must not come to light again. */
static enum status delete_versions(const struct s3_store *s, struct str key, struct str marker, struct fault *why)
{
	TRY(delete_others(s, key, marker, why));
	return delete_version(s, key, marker, why);
}

/* The key is checked first: without one this would remove the bucket. Where versioning is suspended, S3 says the
 * version "null", which it has removed; older ones are left to the bucket's lifecycle. */
static enum status delete_object(struct object_store *port, struct str key, struct fault *why)
{
	struct arena CLEANUP(arena_deinit) a = { 0 };
	struct http_response r;
	struct aws_call c = { .method = STR("DELETE") };
	if (object_key_check(key, NULL) != OK)
		return OK;
	arena_init(&a, SCRATCH_BYTES);
	TRY(send_call(store_of(port), &c, key, &a, &r, why));
	if (r.status != 200 && r.status != 204)
		return is_absent(&r) ? OK : fault_refused(store_of(port), &r, why);
	struct str marker = response_header(&r, STR("x-amz-version-id"));
	bool marked = marker.n > 0 && !str_equal(marker, STR("null"));
	return marked && !store_of(port)->keep_versions ? delete_versions(store_of(port), key, marker, why) : OK;
}

static enum status list_objects(struct object_store *port, struct str prefix, struct str after, uint32_t limit, struct arena *a,
	struct object_page *out, struct fault *why)
{
	struct http_response r;
	assert(limit >= 1 && limit <= LIST_MAX);
	const struct header query[] = { { STR("list-type"), STR("2") }, { STR("encoding-type"), STR("url") },
		{ STR("max-keys"), str_printf(a, "%u", limit) }, { STR("prefix"), prefix }, { STR("start-after"), after } };
	struct aws_call c = {
		.method = STR("GET"), .query = query, .n_query = COUNT_OF(query) - (after.n == 0), .max_response_bytes = LISTING_MAX_BYTES
	};
	TRY(send_call(store_of(port), &c, STR(""), a, &r, why));
	return r.status == 200 ? listing_parse(r.body, limit, a, out, why) : fault_refused(store_of(port), &r, why);
}

/* key "": the bucket's own address. */
static struct str object_address(const struct s3_store *s, struct str key, struct arena *a)
{
	struct buf b;
	buf_init_arena(&b, a, ADDRESS_MAX_BYTES);
	buf_put(&b, s->base);
	uri_encode(&b, path_of(s, key, a), true);
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

struct str s3_store_address(struct object_store *port, struct str key, struct arena *a)
{
	return object_address(store_of(port), key, a);
}

/* Credentials for a thing that shall live expires_s from the time of its signature, which is cut to their own life. */
static enum status key_for(const struct s3_store *s, int64_t now_ms, int64_t signed_ms, uint32_t *expires_s, struct arena *a,
	struct sigv4_key *key, struct fault *why)
{
	struct aws_credentials have;
	TRY(aws_chain_get(aws_service_chain(s->service), now_ms, a, &have, why));
	int64_t left_s = have.expires_ms == 0 ? *expires_s : (have.expires_ms - signed_ms) / 1000;
	if (have.expires_ms != 0 && have.expires_ms - now_ms < 1000)
		return fault_set(why, UPSTREAM_FAILED, "the AWS credentials expire before a URL could be used");
	if (left_s < *expires_s)
		*expires_s = (uint32_t)left_s;
	*key = (struct sigv4_key){ have.access_key, have.secret, have.session_token, s->region, STR("s3") };
	return OK;
}

/* The request's headers, and the condition where a PUT must not replace. */
static const struct header *signed_headers(const struct s3_store *s, const struct presign_request *r, size_t *n, struct arena *a)
{
	struct header *all = arena_array(a, r->n_headers + 1, sizeof *all);
	*n = r->n_headers;
	for (size_t i = 0; all != NULL && i < r->n_headers; i++)
		all[i] = r->headers[i];
	if (all != NULL && s->deny_overwrite && str_equal(r->method, STR("PUT")))
		all[(*n)++] = (struct header){ STR("If-None-Match"), STR("*") };
	return all;
}

static enum status presign_object(
	struct object_store *port, const struct presign_request *r, struct arena *a, struct presigned *out, struct fault *why)
{
	const struct s3_store *s = store_of(port);
	struct sigv4_key key;
	struct header query[5];
	size_t n_query = 0, n_headers = 0;
	struct str url = { 0 };
	uint32_t expires_s = r->expires_s;
	const int64_t signed_ms = presign_time_ms(r);
	TRY(object_key_check(r->key, why));
	TRY(key_for(s, r->now_ms, signed_ms, &expires_s, a, &key, why));
	if (r->disposition.n > 0)
		query[n_query++] = (struct header){ STR("response-content-disposition"), r->disposition };
	if (r->content_type.n > 0)
		query[n_query++] = (struct header){ STR("response-content-type"), r->content_type };
	if (r->content_type.n > 0) {
		/* headers that a holder of the upload URL may have set */
		query[n_query++] = (struct header){ STR("response-content-encoding"), STR("identity") };
		query[n_query++] = (struct header){ STR("response-content-language"), STR("und") };
		query[n_query++] = (struct header){ STR("response-cache-control"),
			r->cache_control.n > 0 ? r->cache_control : str_printf(a, "private, max-age=%u", expires_s) };
	}
	const struct header *headers = signed_headers(s, r, &n_headers, a);
	struct presign_input in = { .method = r->method,
		.base_url = s->base,
		.path = path_of(s, r->key, a),
		.headers = headers,
		.n_headers = n_headers,
		.query = query,
		.n_query = n_query,
		.now_ms = signed_ms,
		.expires_s = expires_s };
	TRY(fault_check_arena(a, why));
	TRY(presign_url(&key, &in, a, &url, why));
	/* The date in the URL has whole seconds. */
	*out = (struct presigned){ .url = url,
		.address = object_address(s, r->key, a),
		.expires_ms = signed_ms - signed_ms % 1000 + (int64_t)expires_s * 1000,
		.added = headers + r->n_headers,
		.n_added = n_headers - r->n_headers };
	return fault_check_arena(a, why);
}

static enum status make_form(
	struct object_store *port, const struct form_request *r, struct arena *a, struct post_form *out, struct fault *why)
{
	const struct s3_store *s = store_of(port);
	struct sigv4_key key;
	uint32_t expires_s = r->expires_s;
	size_t n = 0;
	TRY(object_key_check(r->key, why));
	TRY(key_for(s, r->now_ms, r->now_ms, &expires_s, a, &key, why));
	struct header *fields = arena_array(a, POST_FIELDS, sizeof *fields);
	const struct post_policy_input in = { .bucket = s->bucket,
		.key = r->key,
		.content_type = r->content_type,
		.min_size = r->min_size,
		.max_size = r->max_size,
		.now_ms = r->now_ms,
		.expires_s = expires_s };
	if (fields == NULL)
		return fault_too_much(why);
	TRY(presign_post(&key, &in, a, fields, &n, why));
	*out = (struct post_form){ .url = object_address(s, STR(""), a),
		.address = object_address(s, r->key, a),
		.fields = fields,
		.n_fields = n,
		.expires_ms = r->now_ms + (int64_t)expires_s * 1000 };
	return fault_check_arena(a, why);
}

static const struct object_store_ops ops = { put_object, get_object, head_object, delete_object, list_objects, presign_object, make_form,
	delete_versions_before };

struct object_store *s3_store_new(const struct s3_store_options *o)
{
	assert(o != NULL && o->bucket.n > 0);
	struct s3_store *s = mem_new(1, sizeof *s);
	struct str public_url = o->public_url;
	if (s == NULL)
		return NULL;
	s->port.ops = &ops;
	s->service = o->service;
	s->deny_overwrite = o->deny_overwrite;
	s->timeout_ms = o->timeout_ms;
	s->keep_versions = o->keep_versions;
	arena_init(&s->texts, TEXTS_MAX_BYTES);
	s->bucket = str_dup(&s->texts, o->bucket);
	s->region = str_dup(&s->texts, o->region);
	bool path_style = o->path_style || str_find_char(o->bucket, '.') < o->bucket.n;
	s->host_prefix = path_style ? STR("") : str_printf(&s->texts, "%.*s.", STRF(o->bucket));
	while (str_ends_with(public_url, STR("/")))
		public_url.n--;
	s->base = str_dup(&s->texts, public_url.n > 0 ? public_url : aws_service_url(s->service, s->host_prefix, &s->texts));
	struct object_store *port = &s->port;
	if (!arena_ok(&s->texts))
		s3_store_free(&port);
	return port;
}

enum status s3_store_warm(struct object_store *port, struct fault *why)
{
	const struct s3_store *s = store_of(port);
	return aws_service_warm(s->service, s->host_prefix, why);
}

struct str s3_store_url(struct object_store *port)
{
	return store_of(port)->base;
}

void s3_store_set_timeout(struct object_store *port, int64_t timeout_ms)
{
	assert(timeout_ms > 0);
	((struct s3_store *)port)->timeout_ms = timeout_ms;
}

void s3_store_free(struct object_store **port)
{
	assert(port != NULL);
	if (*port == NULL)
		return;
	arena_deinit(&store_of(*port)->texts);
	mem_free(store_of(*port));
	*port = NULL;
}
