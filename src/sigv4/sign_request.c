/* The Authorization header. The URL's path and query are the canonical ones, so what is sent and what
 * was signed cannot differ; every header that is sent is signed. */
#include "sigv4/sign_request.h"
#include "sigv4/canonical.h"

#define AUTHORIZATION_MAX_BYTES (16 * 1024)
#define OWN_HEADERS 4 /* x-amz-date, x-amz-content-sha256, x-amz-security-token, and host or authorization */

/* One call on its way: what is sent, and after it `host` while it is signed. */
struct request_signing {
	const struct sigv4_key *key;
	const struct sign_request_input *in;
	struct arena *a;
	struct header *headers;
	size_t n;
	struct str amz_date, payload_hash;
	struct sigv4_scope scope;
};

static void add_header(struct request_signing *c, struct str name, struct str value)
{
	c->headers[c->n++] = (struct header){ name, value };
}

static struct str authorization_value(const struct request_signing *c, const struct canonical_parts *parts)
{
	struct buf b;
	struct str text = canonical_text(parts, c->amz_date, &c->scope, c->a, NULL);
	buf_init_arena(&b, c->a, AUTHORIZATION_MAX_BYTES);
	BUF_PUT(&b, STR("AWS4-HMAC-SHA256 Credential="), c->key->access_key, STR("/"), c->scope.day, STR("/"), c->scope.region, STR("/"),
		c->scope.service, STR("/aws4_request, SignedHeaders="), parts->signed_headers, STR(", Signature="),
		sign_text(c->key->secret, &c->scope, text, c->a));
	return text.n > 0 && buf_ok(&b) ? buf_str(&b) : STR("");
}

enum status sign_request(
	const struct sigv4_key *key, const struct sign_request_input *in, struct arena *a, struct signed_request *out, struct fault *why)
{
	assert(key != NULL);
	assert(in != NULL);
	assert(a != NULL);
	assert(out != NULL);
	struct str host;
	char date[AMZ_DATE_CHARS + 1], hash[2 * SHA256_BYTES + 1];
	TRY(base_url_host(in->base_url, &host, why));
	clock_amz_date(in->now_ms, date);
	sha256_hex(in->body, hash);
	struct request_signing c = { .key = key,
		.in = in,
		.a = a,
		.headers = arena_array(a, in->n_headers + OWN_HEADERS, sizeof *c.headers),
		.amz_date = str_dup(a, str_of(date)),
		.payload_hash = str_dup(a, str_of(hash)) };
	struct query_pair *pairs = arena_array(a, in->n_query, sizeof *pairs);
	TRY(fault_check_arena(a, why));
	for (size_t i = 0; i < in->n_query; i++)
		pairs[i] = (struct query_pair){ .name = in->query[i].name, .value = in->query[i].value };
	struct query query = { pairs, in->n_query };
	c.scope = (struct sigv4_scope){ .day = str_slice(c.amz_date, 0, 8), .region = key->region, .service = key->service };
	for (size_t i = 0; i < c.in->n_headers; i++)
		add_header(&c, c.in->headers[i].name, c.in->headers[i].value);
	add_header(&c, STR("x-amz-date"), c.amz_date);
	if (c.in->send_hash)
		add_header(&c, STR("x-amz-content-sha256"), c.payload_hash);
	if (c.key->session_token.n > 0)
		add_header(&c, STR("x-amz-security-token"), c.key->session_token);
	c.headers[c.n] = (struct header){ STR("host"), host };
	struct canonical_input canonical = { .method = in->method,
		.path = in->path,
		.path_rule = PATH_DECODED,
		.query = &query,
		.headers = c.headers,
		.n_headers = c.n + 1,
		.signed_headers = signed_header_names(a, c.headers, c.n + 1),
		.payload_hash = c.payload_hash };
	struct canonical_parts parts;
	TRY(canonical_split(a, &canonical, &parts, why));
	add_header(&c, STR("authorization"), authorization_value(&c, &parts)); /* in the place of host */
	struct buf url;
	buf_init_arena(&url, a, CANONICAL_MAX_BYTES);
	BUF_PUT(&url, in->base_url, parts.path, parts.query.n > 0 ? STR("?") : STR(""), parts.query);
	*out = (struct signed_request){ buf_str(&url), c.headers, c.n };
	return arena_ok(a) && buf_ok(&url) && c.headers[c.n - 1].value.n > 0 ? OK : fault_too_much(why);
}
