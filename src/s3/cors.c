/* Pages of other origins send bytes straight to the store, so every response, an error too, has the headers that let
 * them read it. Without these a browser shows "network error" where S3's message would be.
 *
 * A bucket's configuration decides. Until the image bucket has one, the setting of allowed origins applies to it; any
 * other bucket without one allows no origin, as on S3.
 * Source: WHATWG Fetch, 3.2 "CORS protocol"; Amazon S3 API, CORSRule, PutBucketCors. */
#include "s3/cors.h"

#include "s3/wire/cors_rules.h"
#include "s3/xml_body.h"
#include "s3/wire/text.h"

#define CORS_BYTES_MAX (64 * 1024)

/* What applies to one request. */
struct policy {
	bool from_settings;
	struct cors_rules rules; /* else */
};

static bool origin_allowed(const struct s3 *s, struct str origin)
{
	struct str rest = s->options.cors_origins;
	while (origin.n > 0 && rest.p != NULL) {
		struct str one = str_trim(str_cut(&rest, ','));
		if (str_equal(one, STR("*")) || str_equal(one, origin))
			return true;
	}
	return false;
}

static enum status find_policy(const struct s3 *s, struct request_context *x, struct str bucket, struct policy *out, struct fault *why)
{
	struct bucket_info info = { 0 };
	*out = (struct policy){ 0 };
	TRY(catalog_info(s->catalog, bucket, &x->arena, &info, why));
	out->from_settings = info.cors.n == 0 && str_equal(bucket, s->options.image_bucket);
	return info.cors.n > 0 ? cors_rules_read(&x->arena, info.cors, &out->rules, why) : OK;
}

static struct str join_list(struct arena *a, const struct cors_list *l)
{
	struct buf b;
	buf_init_arena(&b, a, CORS_BYTES_MAX);
	for (size_t i = 0; i < l->n; i++) {
		buf_put(&b, i > 0 ? STR(", ") : STR(""));
		buf_put(&b, l->items[i]);
	}
	return buf_ok(&b) ? buf_str(&b) : STR("");
}

static void allow_by_rule(struct request_context *x, const struct cors_rule *rule, struct str origin)
{
	struct answer *ans = &x->answer;
	bool open = cors_rule_is_open(rule, origin);
	answer_header(ans, STR("Access-Control-Allow-Origin"), open ? STR("*") : origin);
	answer_header(ans, STR("Access-Control-Allow-Methods"), join_list(&x->arena, &rule->methods));
	if (rule->exposed.n > 0)
		answer_header(ans, STR("Access-Control-Expose-Headers"), join_list(&x->arena, &rule->exposed));
	if (!open)
		answer_header(ans, STR("Access-Control-Allow-Credentials"), STR("true"));
	if (rule->has_max_age)
		answer_header(ans, STR("Access-Control-Max-Age"), str_printf(&x->arena, "%u", rule->max_age_s));
}

void s3_cors_headers(const struct s3 *s, struct request_context *x, const struct s3_call *c)
{
	assert(s != NULL);
	assert(x != NULL);
	struct str origin = request_header(&x->request, STR("origin"));
	struct policy p = { .from_settings = true };
	struct fault unseen = { 0 };
	/* without an Origin too: else a browser caches the response for a picture, and gives that one to a script */
	answer_header(&x->answer, STR("Vary"), STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
	/* If the head could not be parsed, the Origin may be unknown: '*' fits every one. */
	if (x->request.path.n == 0 && origin.n == 0 && origin_allowed(s, STR("*")))
		origin = STR("*");
	if (!header_value_ok(origin) || origin.n == 0)
		return;
	if (c != NULL && c->at.bucket.n > 0 && find_policy(s, x, c->at.bucket, &p, &unseen) != OK)
		return;
	if (p.from_settings && origin_allowed(s, origin)) {
		/* '*' where any origin is allowed, so that one cached response serves all; else the origin itself. */
		bool any = str_equal(str_trim(s->options.cors_origins), STR("*"));
		answer_header(&x->answer, STR("Access-Control-Allow-Origin"), any ? STR("*") : origin);
		answer_header(&x->answer, STR("Access-Control-Expose-Headers"), STR("ETag, x-amz-request-id"));
	}
	/* the response to a preflight is complete already */
	if (p.from_settings || str_equal(x->request.method, STR("OPTIONS")))
		return;
	/* as S3: Access-Control-Request-Method counts even if the request is not a preflight */
	struct str asked = request_header(&x->request, STR("access-control-request-method"));
	const struct cors_rule *rule = cors_rules_match(&p.rules, origin, asked.n > 0 ? asked : x->request.method, (struct str){ 0 });
	if (rule != NULL)
		allow_by_rule(x, rule, origin);
}

/* A list of header names: token characters, commas and blanks. */
static void echo_headers(struct answer *ans, struct str wanted)
{
	if (wanted.n <= 1024 && str_consists_of(wanted, STR("-_.!#$%&'*+^`|~, ")))
		answer_header(ans, STR("Access-Control-Allow-Headers"), wanted);
}

enum status s3_cors_preflight(struct s3_call *c, struct fault *why)
{
	assert(c != NULL && c->s3 != NULL);
	const struct request *r = &c->x->request;
	struct str origin = request_header(r, STR("origin")), method = request_header(r, STR("access-control-request-method"));
	struct policy p = { .from_settings = true };
	if (origin.n == 0 || method.n == 0)
		return fault_set(why, REQUEST_INVALID, "Insufficient information. Origin and Access-Control-Request-Method are needed.");
	if (c->at.bucket.n > 0)
		TRY(find_policy(c->s3, c->x, c->at.bucket, &p, why));
	struct str wanted = request_header(r, STR("access-control-request-headers"));
	struct answer *ans = &c->x->answer;
	if (p.from_settings) {
		if (!header_value_ok(origin) || !origin_allowed(c->s3, origin) || !str_is_word_of(method, STR("GET PUT POST HEAD")))
			return fault_set(why, CORS_FORBIDDEN, "CORSResponse: This CORS request is not allowed.");
		ans->status = 200;
		answer_header(ans, STR("Access-Control-Allow-Methods"), STR("GET, PUT, POST, HEAD"));
		answer_header(ans, STR("Access-Control-Max-Age"), STR("3000"));
		echo_headers(ans, wanted);
		return OK;
	}
	if (p.rules.n == 0)
		return fault_set(why, CORS_FORBIDDEN, "CORSResponse: CORS is not enabled for this bucket.");
	const struct cors_rule *rule = header_value_ok(origin) ? cors_rules_match(&p.rules, origin, method, wanted) : NULL;
	if (rule == NULL)
		return fault_set(why, CORS_FORBIDDEN,
			"CORSResponse: This CORS request is not allowed. This is usually because the evaluation of "
			"Origin, request method or Access-Control-Request-Headers is not permitted by the bucket's CORS configuration.");
	ans->status = 200;
	allow_by_rule(c->x, rule, origin);
	echo_headers(ans, wanted);
	return OK;
}

enum status cors_get(struct s3_call *c, struct fault *why)
{
	assert(c->bucket.name.n > 0);
	struct bucket_info info = { 0 };
	TRY(catalog_info(c->s3->catalog, c->at.bucket, &c->x->arena, &info, why));
	if (info.cors.n == 0)
		return fault_set(why, NO_SUCH_CORS, "the bucket has no CORS configuration");
	c->x->answer.status = 200;
	c->x->answer.body = info.cors;
	answer_header(&c->x->answer, STR("Content-Type"), STR("application/xml"));
	return OK;
}

enum status cors_put(struct s3_call *c, struct fault *why)
{
	assert(c->bucket.name.n > 0);
	struct str body;
	struct cors_rules rules;
	struct buf b;
	TRY(document_read(c, DIGEST_OPTIONAL, &body, why));
	if (body.n > CORS_BYTES_MAX)
		return fault_set(why, XML_MALFORMED, "A CORSConfiguration can have at most 64 KB.");
	TRY(cors_rules_read(&c->x->arena, body, &rules, why));
	buf_init_arena(&b, &c->x->arena, 8 * CORS_BYTES_MAX);
	cors_rules_write(&b, &rules);
	if (!buf_ok(&b))
		return fault_too_much(why);
	TRY(catalog_set_cors(c->s3->catalog, c->at.bucket, buf_str(&b), why));
	c->x->answer.status = 200;
	return OK;
}

enum status cors_remove(struct s3_call *c, struct fault *why)
{
	assert(c->bucket.name.n > 0);
	TRY(catalog_set_cors(c->s3->catalog, c->at.bucket, STR(""), why));
	c->x->answer.status = 204;
	return OK;
}
