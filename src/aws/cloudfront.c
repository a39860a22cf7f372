/* cdn on CloudFront: a distribution whose origin is the bucket. It reads the bucket itself, by origin access control, so that the
 * copies are made in S3 and only invalidations are calls to CloudFront.
 * Source: Amazon CloudFront API reference, CreateInvalidation. */
#include "aws/aws.h"

#include "aws/cloudfront_url.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"

#include <stddef.h>

#define TEXTS_MAX_BYTES 4096
#define URL_MAX_BYTES 4096
#define SCRATCH_BYTES (256u << 10)
#define BODY_MAX_BYTES 2048

struct cloudfront {
	struct cdn port;
	struct cloudfront_options o;
	struct arena texts;
};

static struct cloudfront *cloudfront_of(struct cdn *c)
{
	return (struct cloudfront *)((char *)c - offsetof(struct cloudfront, port));
}

/* S3 reads these two of the query, which CloudFront passes on and keeps apart. */
static void put_query(struct buf *b, const struct cdn_link *l)
{
	const struct header fields[] = { { STR("response-content-disposition"), l->disposition },
		{ STR("response-content-type"), l->content_type } };
	char separator = '?';
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (fields[i].value.n == 0)
			continue;
		buf_printf(b, "%c%.*s=", separator, STRF(fields[i].name));
		uri_encode(b, fields[i].value, false);
		separator = '&';
	}
}

static enum status sign_link(struct cdn *port, const struct cdn_link *l, struct arena *a, struct str *url, struct fault *why)
{
	const struct cloudfront *c = cloudfront_of(port);
	struct buf plain, whole;
	if (c->o.key == NULL)
		return fault_set(why, INTERNAL, "This program has no key of the CDN: set TINTYPE_CDN_KEY_ID and TINTYPE_CDN_KEY_PARAMETER.");
	buf_init_arena(&plain, a, URL_MAX_BYTES);
	buf_init_arena(&whole, a, URL_MAX_BYTES);
	buf_put(&plain, cdn_address(port, l->key, a));
	put_query(&plain, l);
	TRY(fault_check_buf(&plain, why));
	TRY(cloudfront_url_sign(c->o.key, c->o.key_id, buf_str(&plain), l->expires_s, &whole, why));
	*url = buf_str(&whole);
	return OK;
}

static enum status copy_object(struct cdn *port, const struct cdn_copy *what, struct fault *why)
{
	const struct header headers[] = { { STR("Content-Type"), what->content_type }, { STR("Cache-Control"), what->cache_control },
		{ STR("Content-Disposition"), what->disposition } };
	const struct s3_copy c = { .from = what->from,
		.to = what->to,
		.etag = what->etag,
		.headers = headers,
		.n_headers = COUNT_OF(headers) - (what->disposition.n == 0) };
	return s3_store_copy(cloudfront_of(port)->o.store, &c, why);
}

/* The same reference with the same paths is the same invalidation, so that the call may be repeated. */
static enum status invalidate_path(struct cdn *port, struct str path, struct fault *why)
{
	const struct cloudfront *c = cloudfront_of(port);
	struct arena CLEANUP(arena_deinit) a = { 0 };
	struct http_response r;
	struct buf body;
	char reference[UUID_CHARS + 1];
	arena_init(&a, SCRATCH_BYTES);
	uuid_v4(reference);
	buf_init_arena(&body, &a, BODY_MAX_BYTES);
	buf_printf(&body,
		"<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Paths><Quantity>1</Quantity><Items><Path>%.*s</Path>"
		"</Items></Paths><CallerReference>%s</CallerReference></InvalidationBatch>",
		STRF(path), reference);
	TRY(fault_check_buf(&body, why));
	const struct header type = { STR("content-type"), STR("application/xml") };
	const struct aws_call call = { .method = STR("POST"),
		.path = str_printf(&a, "/2020-05-31/distribution/%.*s/invalidation", STRF(c->o.distribution)),
		.headers = &type,
		.n_headers = 1,
		.body = buf_str(&body),
		.repeatable = true };
	TRY(fault_check_arena(&a, why));
	TRY(aws_service_call(c->o.service, &call, &a, &r, why));
	if (r.status == 201)
		return OK;
	bool busy = str_find(r.body, STR("TooManyInvalidationsInProgress")) < r.body.n;
	enum status st = busy ? fault_set(why, OVERLOADED, "The CDN is still working on too many changes. Try again in a few minutes.")
						  : fault_set(why, UPSTREAM_FAILED, "The CDN refused to forget what it keeps. Try again.");
	fault_cause(why, "CloudFront CreateInvalidation: HTTP %d %.*s", r.status, STRF(str_slice(r.body, 0, 180)));
	return st;
}

static const struct cdn_ops ops = { sign_link, copy_object, invalidate_path };

struct cdn *cloudfront_new(const struct cloudfront_options *o)
{
	assert(o != NULL && o->url.n > 0 && (o->key == NULL || o->key_id.n > 0));
	struct cloudfront *c = mem_new(1, sizeof *c);
	if (c == NULL)
		return NULL;
	c->o = *o;
	arena_init(&c->texts, TEXTS_MAX_BYTES);
	c->o.key_id = str_dup(&c->texts, o->key_id);
	c->o.distribution = str_dup(&c->texts, o->distribution);
	c->port = (struct cdn){ .ops = &ops, .url = str_dup(&c->texts, o->url) };
	struct cdn *port = &c->port;
	if (!arena_ok(&c->texts))
		cloudfront_free(&port);
	return port;
}

void cloudfront_free(struct cdn **port)
{
	assert(port != NULL);
	if (*port == NULL)
		return;
	arena_deinit(&cloudfront_of(*port)->texts);
	mem_free(cloudfront_of(*port));
	*port = NULL;
}
