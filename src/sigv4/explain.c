/* Explains SIGNATURE_WRONG in development mode: the canonical request of this server, and the common mistake that
 * leads to the signature that was sent.
 *
 * Each row of the table changes the canonical request (or the scope of the key) into what a client with
 * that mistake would have signed. If the secret then gives the signature that was sent, the
 * mistake is found. Rows have variants: alter is called with 0, 1, 2, ... until it returns false.
 * All of it uses an arena of its own, so that the request's is not filled. */
#include "sigv4/canonical.h"
#include "sigv4/scope.h"

#include "base/codec.h"

#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES (4 * 1024 * 1024)
#define SHOWN_MAX_BYTES (8 * 1024) /* longer texts are not shown: they would fill the request's arena */
#define DAY_MS (24 * 3600 * 1000)

struct trial {
	struct arena *a;
	const struct request *r;
	const struct parsed_signature *c;
	const struct header *headers; /* the request's, and an empty one for each that is signed but missing */
	size_t n_headers;
	struct canonical_parts parts;
	struct sigv4_scope scope;     /* in the string to sign */
	struct sigv4_scope key_scope; /* of the signing key */
	struct str value;             /* the value that this variant tries, for the sentence */
};

struct mistake {
	bool (*alter)(struct trial *, size_t variant);
	const char *before, *after; /* the sentence around the value */
};

static struct str header_of(const struct trial *t, struct str name)
{
	return str_trim(header_find(t->headers, t->n_headers, name));
}

static void rebuild_headers(struct trial *t)
{
	struct canonical_input in = { .headers = t->headers, .n_headers = t->n_headers, .signed_headers = t->parts.signed_headers };
	struct buf b;
	buf_init_arena(&b, t->a, CANONICAL_MAX_BYTES);
	if (canonical_headers(&in, &b, NULL) == OK)
		t->parts.headers = buf_str(&b);
}

/* Replace all headers of this name by one with the value. */
static bool set_header(struct trial *t, struct str name, struct str value)
{
	struct header *all = arena_array(t->a, t->n_headers + 1, sizeof *all);
	size_t n = 0;
	if (all == NULL)
		return false;
	for (size_t i = 0; i < t->n_headers; i++)
		if (!str_equal_nocase(t->headers[i].name, name))
			all[n++] = t->headers[i];
	all[n++] = (struct header){ name, value };
	t->headers = all;
	t->n_headers = n;
	t->value = value;
	rebuild_headers(t);
	return true;
}

static void add_missing(struct trial *t)
{
	for (struct str rest = t->c->signed_headers; rest.p != NULL;) {
		struct str name = str_cut(&rest, ';');
		bool sent = false;
		for (size_t i = 0; i < t->n_headers && !sent; i++)
			sent = str_equal_nocase(t->headers[i].name, name);
		if (!sent && !set_header(t, name, STR("")))
			return;
	}
}

static const char *const TYPES[] = { "image/jpeg", "image/png", "image/gif", "image/webp", "image/jpg", "application/octet-stream",
	"application/x-www-form-urlencoded", "binary/octet-stream", "text/plain", "text/plain;charset=UTF-8", "multipart/form-data", "" };

static bool type_not_sent(struct trial *t, size_t variant)
{
	if (variant >= COUNT_OF(TYPES) || header_of(t, STR("content-type")).n > 0)
		return false;
	return set_header(t, STR("content-type"), str_of(TYPES[variant]));
}

static bool type_with_parameter(struct trial *t, size_t variant)
{
	static const char *const PARAMETERS[] = { "; charset=UTF-8", "; charset=utf-8", ";charset=UTF-8", ";charset=utf-8" };
	struct str sent = header_of(t, STR("content-type"));
	size_t cut = str_find_char(sent, ';');
	if (sent.n == 0 || variant > COUNT_OF(PARAMETERS))
		return false;
	struct str bare = str_trim(str_slice(sent, 0, cut));
	if (variant == 0)
		return set_header(t, STR("content-type"), bare);
	return set_header(t, STR("content-type"), str_printf(t->a, "%.*s%s", STRF(bare), PARAMETERS[variant - 1]));
}

static bool type_other(struct trial *t, size_t variant)
{
	if (variant >= COUNT_OF(TYPES) || header_of(t, STR("content-type")).n == 0)
		return false;
	return set_header(t, STR("content-type"), str_of(TYPES[variant]));
}

/* The client put Content-Type into its canonical request but not into X-Amz-SignedHeaders, or signed host alone. */
static bool type_not_listed(struct trial *t, size_t variant)
{
	struct str sent = header_of(t, STR("content-type"));
	if (variant > 1 || sent.n == 0 || signed_header_listed(t->c->signed_headers, STR("content-type")))
		return false;
	struct str list = str_printf(t->a, "content-type;%.*s", STRF(t->c->signed_headers));
	t->parts.signed_headers = list;
	rebuild_headers(t);
	if (variant == 1)
		t->parts.signed_headers = t->c->signed_headers;
	t->value = sent;
	return true;
}

/* ":9000"; "": the host has no port. */
static struct str port_of(struct str host)
{
	size_t colon = host.n;
	while (colon > 0 && host.p[colon - 1] != ':' && host.p[colon - 1] != ']')
		colon--;
	return colon > 0 && host.p[colon - 1] == ':' ? str_slice(host, colon - 1, host.n) : STR("");
}

static bool host_bare(struct trial *t, size_t variant)
{
	struct str host = header_of(t, STR("host")), port = port_of(host);
	if (variant > 0 || port.n == 0 || port.n == host.n)
		return false;
	return set_header(t, STR("host"), str_slice(host, 0, host.n - port.n));
}

static bool host_with_port(struct trial *t, size_t variant)
{
	static const char *const PORTS[] = { "80", "443", "9000", "8080" };
	struct str host = header_of(t, STR("host"));
	if (variant >= COUNT_OF(PORTS) || str_find_char(host, ':') < host.n)
		return false;
	return set_header(t, STR("host"), str_printf(t->a, "%.*s:%s", STRF(host), PORTS[variant]));
}

static bool host_other_name(struct trial *t, size_t variant)
{
	static const char *const NAMES[] = { "localhost", "127.0.0.1", "[::1]", "0.0.0.0" };
	struct str port = port_of(header_of(t, STR("host")));
	if (variant >= COUNT_OF(NAMES))
		return false;
	return set_header(t, STR("host"), str_printf(t->a, "%s%.*s", NAMES[variant], STRF(port)));
}

static bool path_twice(struct trial *t, size_t variant)
{
	t->parts.path = canonical_encode(t->a, t->parts.path, true);
	return variant == 0;
}

static bool path_raw(struct trial *t, size_t variant)
{
	return variant == 0 && uri_decode(t->a, t->r->path, false, &t->parts.path);
}

/* Replace each `from` by `to`. */
static struct str replace_text(struct arena *a, struct str s, struct str from, struct str to)
{
	struct buf b;
	buf_init_arena(&b, a, CANONICAL_MAX_BYTES);
	for (size_t i = 0; i < s.n;) {
		if (str_starts_with(str_slice(s, i, s.n), from)) {
			buf_put(&b, to);
			i += from.n;
			continue;
		}
		buf_put_char(&b, s.p[i++]);
	}
	return buf_str(&b);
}

static bool blank_as_plus(struct trial *t, size_t variant)
{
	if (variant == 0)
		t->parts.query = replace_text(t->a, t->parts.query, STR("%20"), STR("+"));
	else
		t->parts.path = replace_text(t->a, t->parts.path, STR("%20"), variant == 1 ? STR("+") : STR("%2B"));
	return variant < 3;
}

/* The pairs with '+' decoded as a plus sign, in the canonical order. */
static bool plus_as_plus(struct trial *t, size_t variant)
{
	const struct query *q = &t->r->query;
	struct query_pair *pairs = arena_array(t->a, q->n, sizeof *pairs);
	if (pairs == NULL || variant > 0)
		return false;
	for (size_t i = 0; i < q->n; i++) {
		pairs[i] = q->pairs[i];
		if (!uri_decode(t->a, q->pairs[i].raw_name, false, &pairs[i].name) ||
			!uri_decode(t->a, q->pairs[i].raw_value, false, &pairs[i].value))
			return false;
	}
	t->parts.query = canonical_query(t->a, &(struct query){ pairs, q->n });
	return true;
}

static int compare_texts(const void *x, const void *y)
{
	return str_compare(*(const struct str *)x, *(const struct str *)y);
}

static bool join_query(struct trial *t, bool raw, bool sorted)
{
	const struct query *q = &t->r->query;
	struct str *texts = arena_array(t->a, q->n, sizeof *texts);
	struct buf b;
	buf_init_arena(&b, t->a, CANONICAL_MAX_BYTES);
	size_t n = 0;
	for (size_t i = 0; texts != NULL && i < q->n; i++) {
		const struct query_pair *p = &q->pairs[i];
		struct str name = raw ? p->raw_name : canonical_encode(t->a, p->name, false);
		struct str value = raw ? p->raw_value : canonical_encode(t->a, p->value, false);
		if (!str_equal(p->name, STR("X-Amz-Signature")))
			texts[n++] = str_printf(t->a, "%.*s=%.*s", STRF(name), STRF(value));
	}
	if (sorted)
		qsort(texts, n, sizeof *texts, compare_texts);
	for (size_t i = 0; i < n; i++) {
		buf_put(&b, i > 0 ? STR("&") : STR(""));
		buf_put(&b, texts[i]);
	}
	t->parts.query = buf_str(&b);
	return true;
}

static bool query_unsorted(struct trial *t, size_t variant)
{
	return variant < 2 && join_query(t, variant == 1, false);
}

static bool query_as_sent(struct trial *t, size_t variant)
{
	return variant == 0 && join_query(t, true, true);
}

static bool payload_other(struct trial *t, size_t variant)
{
	char hash[2 * SHA256_BYTES + 1];
	const struct query_pair *given = query_find(&t->r->query, STR("X-Amz-Content-Sha256"));
	sha256_hex(variant == 1 ? t->r->body : STR(""), hash);
	const struct str tries[] = { { hash, 2 * SHA256_BYTES }, { hash, 2 * SHA256_BYTES }, SIGV4_UNSIGNED_PAYLOAD, STR(""),
		given != NULL ? given->value : STR("") };
	if (variant >= COUNT_OF(tries))
		return false;
	t->value = str_dup(t->a, tries[variant]);
	t->parts.payload_hash = t->value;
	return true;
}

static bool payload_in_header(struct trial *t, size_t variant)
{
	return t->c->in_header && payload_other(t, variant);
}

static bool method_other(struct trial *t, size_t variant)
{
	static const char *const METHODS[] = { "GET", "PUT", "POST", "HEAD", "DELETE" };
	if (variant >= COUNT_OF(METHODS))
		return false;
	t->parts.method = t->value = str_of(METHODS[variant]);
	return true;
}

/* One candidate in three places: the key and the string to sign, the key, the string to sign. */
static bool put_scope(struct trial *t, size_t variant, struct sigv4_scope scope)
{
	if (variant % 3 != 2)
		t->key_scope = scope;
	if (variant % 3 != 1)
		t->scope = scope;
	return true;
}

static bool region_other(struct trial *t, size_t variant)
{
	static const char *const REGIONS[] = { "us-east-1", "", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-central-1",
		"ap-southeast-1", "auto", "local" };
	struct sigv4_scope scope = t->c->scope;
	if (variant / 3 >= COUNT_OF(REGIONS))
		return false;
	scope.region = t->value = str_of(REGIONS[variant / 3]);
	return put_scope(t, variant, scope);
}

static bool service_other(struct trial *t, size_t variant)
{
	static const char *const SERVICES[] = { "s3", "", "S3", "execute-api", "s3-object-lambda", "service", "aws" };
	struct sigv4_scope scope = t->c->scope;
	if (variant / 3 >= COUNT_OF(SERVICES))
		return false;
	scope.service = t->value = str_of(SERVICES[variant / 3]);
	return put_scope(t, variant, scope);
}

static bool day_other(struct trial *t, size_t variant)
{
	struct sigv4_scope scope = t->c->scope;
	char date[AMZ_DATE_CHARS + 1];
	if (variant / 3 >= 2)
		return false;
	clock_amz_date(t->c->date_ms + (variant / 3 == 0 ? -DAY_MS : DAY_MS), date);
	scope.day = t->value = str_dup(t->a, (struct str){ date, 8 });
	return put_scope(t, variant, scope);
}

static const struct mistake MISTAKES[] = {
	{ type_not_sent, "The signature covers the header Content-Type: ", ", but the request was sent without it; send it exactly so" },
	{ type_with_parameter, "The signature covers the header Content-Type: ", ", but another was sent; a charset parameter counts too" },
	{ type_other, "The signature covers the header Content-Type: ", ", but another was sent; send it exactly as it was signed" },
	{ type_not_listed, "The signer included the header Content-Type: ", ", but X-Amz-SignedHeaders does not name it as it should" },
	{ host_bare, "The signer signed the host as ", ", without the port that the Host header has; sign host and port" },
	{ host_with_port, "The signer signed the host as ", ", but the Host header has no port; leave out the scheme's own port" },
	{ host_other_name, "The signer signed the host as ", ", but the Host header has another name; ask the host that was signed" },
	{ path_twice, "The signer percent-encoded the path twice; S3 requires it encoded once", "" },
	{ path_raw, "The signer did not percent-encode the path; S3 requires it encoded once", "" },
	{ blank_as_plus, "The signer wrote a blank as '+'; the canonical request requires %20", "" },
	{ plus_as_plus, "A '+' in the query means a blank, but the signer took it for a plus sign; send a plus sign as %2B", "" },
	{ query_as_sent, "The signer did not percent-encode the query parameters as S3 does: all but A-Z a-z 0-9 - . _ ~, hex in upper case",
		"" },
	{ query_unsorted, "The signer did not sort the query parameters; the canonical request requires them by name", "" },
	{ payload_in_header, "The signer put the payload hash '",
		"' into the canonical request, but the header x-amz-content-sha256 has another" },
	{ payload_other, "The signer put the payload hash '", "' into the canonical request; for a presigned URL it is UNSIGNED-PAYLOAD" },
	{ method_other, "The URL was signed for the method ", ", but the request has another" },
	{ region_other, "The signer made its key or string to sign for the region '", "', not for the one in X-Amz-Credential" },
	{ service_other, "The signer made its key or string to sign for the service '", "', not for the one in X-Amz-Credential" },
	{ day_other, "The signer made its key or string to sign for the day ", ", not for that of X-Amz-Date; the day is UTC's" },
};

/* The request as it was received, with an empty header for each that is signed and missing. */
static bool make_base(struct trial *t)
{
	struct canonical_input in = { .method = t->r->method,
		.path = t->r->path,
		.path_rule = PATH_AS_SENT,
		.query = &t->r->query,
		.signed_headers = t->c->signed_headers,
		.payload_hash = t->c->payload_hash };
	t->headers = t->r->headers;
	t->n_headers = t->r->n_headers;
	t->parts.signed_headers = in.signed_headers;
	t->scope = t->key_scope = t->c->scope;
	add_missing(t);
	in.headers = t->headers;
	in.n_headers = t->n_headers;
	return canonical_split(t->a, &in, &t->parts, NULL) == OK;
}

static struct str try_row(const struct trial *base, const struct mistake *m, struct str secret, struct arena *out)
{
	for (size_t variant = 0; arena_ok(base->a); variant++) {
		struct trial t = *base;
		if (!m->alter(&t, variant))
			break;
		struct str text = canonical_text(&t.parts, t.c->amz_date, &t.scope, t.a, NULL);
		if (text.n > 0 && signature_fits(t.c, &t.key_scope, secret, text))
			return str_printf(out, "%s%.*s%s.", m->before, STRF(str_slice(t.value, 0, 128)), m->after);
	}
	return STR("");
}

void signature_explain(
	const struct request *r, const struct parsed_signature *c, const struct verify_context *ctx, struct sigv4_diagnosis *out)
{
	assert(r != NULL);
	assert(c != NULL);
	assert(ctx != NULL);
	assert(out != NULL);
	*out = (struct sigv4_diagnosis){ .mistake = STR("") };
	struct arena scratch CLEANUP(arena_deinit) = { 0 };
	arena_init(&scratch, SCRATCH_BYTES);
	struct trial base = { .a = &scratch, .r = r, .c = c };
	if (!make_base(&base))
		return;
	struct str canonical, text = canonical_text(&base.parts, c->amz_date, &base.scope, &scratch, &canonical);
	if (canonical.n > SHOWN_MAX_BYTES || !arena_ok(&scratch))
		return;
	out->canonical_request = str_dup(r->arena, canonical);
	out->string_to_sign = str_dup(r->arena, text);
	for (size_t i = 0; i < COUNT_OF(MISTAKES) && out->mistake.n == 0; i++)
		out->mistake = try_row(&base, &MISTAKES[i], ctx->secret, r->arena);
}
