/* Pages of other origins send bytes straight to the store, so every answer, errors too, says whether
 * they may read it. Without this a browser shows "network error" where S3's sentence would stand.
 * Source: WHATWG Fetch, 3.2 "CORS protocol"; Amazon S3 API, CORSRule. */
#include "s3/cors.h"

#include "s3/text.h"

static const char *const methods[] = { "GET", "PUT", "POST", "HEAD" };
#define METHOD_LIST STR("GET, PUT, POST, HEAD")

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

/* Any origin gets the star, so that one answer may be cached for all; a listed one gets its name. */
static void allow_origin(const struct s3 *s, struct answer *ans, struct str origin)
{
	bool any = str_equal(str_trim(s->options.cors_origins), STR("*"));
	answer_header(ans, STR("Access-Control-Allow-Origin"), any ? STR("*") : origin);
}

void s3_cors_headers(const struct s3 *s, struct exchange *x)
{
	struct str origin = request_header(&x->request, STR("origin"));
	/* without an Origin too: else a browser shows a picture, keeps the answer, and a script is given that */
	answer_header(&x->answer, STR("Vary"), STR("Origin, Access-Control-Request-Headers, Access-Control-Request-Method"));
	if (!header_value_ok(origin) || !origin_allowed(s, origin))
		return;
	allow_origin(s, &x->answer, origin);
	answer_header(&x->answer, STR("Access-Control-Expose-Headers"), STR("ETag, x-amz-request-id"));
}

static bool method_allowed(struct str method)
{
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		if (str_equal(method, str_of(methods[i])))
			return true;
	}
	return false;
}

/* A list of header names: token characters, commas and blanks. */
static bool names_ok(struct str names)
{
	for (size_t i = 0; i < names.n; i++) {
		char c = names.p[i];
		bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		if (!word && str_find_char(STR("-_.!#$%&'*+^`|~, "), c) == 17)
			return false;
	}
	return names.n > 0 && names.n <= 1024;
}

enum status s3_cors_preflight(struct call *c, struct fault *why)
{
	const struct request *r = &c->x->request;
	struct answer *ans = &c->x->answer;
	struct str origin = request_header(r, STR("origin")), wanted = request_header(r, STR("access-control-request-headers"));
	struct str method = request_header(r, STR("access-control-request-method"));
	if (origin.n == 0 || method.n == 0)
		return fault_set(why, REQUEST_INVALID, "Insufficient information. Origin and Access-Control-Request-Method are needed.");
	if (!header_value_ok(origin) || !origin_allowed(c->s3, origin) || !method_allowed(method))
		return fault_set(why, ACCESS_DENIED, "CORSResponse: This CORS request is not allowed.");
	ans->status = 200;
	answer_header(ans, STR("Access-Control-Allow-Methods"), METHOD_LIST);
	if (names_ok(wanted))
		answer_header(ans, STR("Access-Control-Allow-Headers"), wanted);
	answer_header(ans, STR("Access-Control-Max-Age"), STR("3000"));
	return OK;
}
