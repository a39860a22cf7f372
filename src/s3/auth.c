/* Authentication is in two steps, because the secret must be found between them: read the signature,
 * find its key, verify. The error for a wrong signature depends on the mode: S3's plain
 * message, or in development mode all that S3 itself shows, and the likely mistake.
 * What each key may do is decided in authorize.c. */
#include "s3/auth.h"

#include "base/checksum.h"
#include "s3/authorize.h"

static struct str bytes_in_hex(struct arena *a, struct str s)
{
	static const char digits[] = "0123456789abcdef";
	char *out = arena_array(a, s.n, 3);
	if (out == NULL || s.n == 0)
		return (struct str){ 0 };
	for (size_t i = 0; i < s.n; i++) {
		out[3 * i] = digits[(unsigned char)s.p[i] >> 4];
		out[3 * i + 1] = digits[s.p[i] & 15];
		out[3 * i + 2] = ' ';
	}
	return (struct str){ out, 3 * s.n - 1 };
}

#define SIGNATURE_SENTENCE \
	"The request signature we calculated does not match the signature you provided. " \
	"Check your key and signing method."
/* Longer texts, which no client sends, are cut, so that the error stays small. */
#define SHOWN_MAX 16384
#define EXPLAINED_PER_SECOND 100

static void explain_mismatch(struct s3_call *c, const struct verify_context *ctx, struct fault *why)
{
	struct arena *a = &c->x->arena;
	struct sigv4_diagnosis d = { 0 };
	signature_explain(&c->x->request, &c->auth, ctx, &d);
	struct str text = str_slice(d.string_to_sign, 0, SHOWN_MAX), canonical = str_slice(d.canonical_request, 0, SHOWN_MAX);
	call_detail(c, "AWSAccessKeyId", c->auth.access_key);
	call_detail(c, "StringToSign", text);
	call_detail(c, "SignatureProvided", c->auth.signature);
	call_detail(c, "StringToSignBytes", bytes_in_hex(a, text));
	call_detail(c, "CanonicalRequest", canonical);
	call_detail(c, "CanonicalRequestBytes", bytes_in_hex(a, canonical));
	if (d.mistake.n == 0)
		return;
	call_detail(c, "Mistake", d.mistake);
	(void)fault_set(why, SIGNATURE_WRONG, SIGNATURE_SENTENCE " %.*s", STRF(d.mistake));
}

/* An explanation costs dozens of signatures and is read by a person, so their number per
 * second is limited. */
static bool may_explain(struct s3 *s, int64_t now_ms)
{
	uint64_t second = (uint64_t)now_ms / 1000, next;
	uint64_t seen = atomic_load_explicit(&s->explained, memory_order_relaxed);
	do {
		if (seen >> 32 != (second & UINT32_MAX))
			next = second << 32 | 1;
		else if ((seen & UINT32_MAX) < EXPLAINED_PER_SECOND)
			next = seen + 1;
		else
			return false;
	} while (!atomic_compare_exchange_weak(&s->explained, &seen, next));
	return true;
}

static struct str iso_text(struct arena *a, int64_t ms)
{
	char iso[ISO8601_CHARS + 1];
	clock_iso8601(ms, iso);
	return str_dup(a, str_of(iso));
}

enum status auth_find_key(struct s3_call *c, struct fault *why)
{
	assert(c->s3->keys != NULL);
	c->key = key_find(c->s3->keys, c->auth.access_key);
	if (c->key != NULL)
		return OK;
	call_detail(c, "AWSAccessKeyId", c->auth.access_key);
	return fault_set(why, ACCESS_KEY_UNKNOWN, "The AWS Access Key Id you provided does not exist in our records.");
}

struct verify_context auth_context(const struct s3_call *c, int64_t now_ms)
{
	assert(c->key != NULL);
	return (struct verify_context){
		.region = c->s3->options.region,
		.service = STR("s3"),
		.now_ms = now_ms,
		.secret = str_of(c->key->secret),
	};
}

enum status auth_old_version(struct fault *why)
{
	return fault_set(why, REQUEST_INVALID,
		"The authorization mechanism you have provided is not supported. "
		"Please use AWS4-HMAC-SHA256 (Signature Version 4).");
}

static enum status read_signature(struct s3_call *c, struct fault *why)
{
	const struct request *r = &c->x->request;
	bool in_query = signature_present(r), in_header = auth_header_present(r);
	if (in_query && in_header) {
		call_detail(c, "ArgumentName", STR("Authorization"));
		return fault_set(why, ARGUMENT_INVALID,
			"Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, "
			"Signature query string parameter or the Authorization header should be specified");
	}
	if (in_query)
		return signature_parse(r, &c->auth, why);
	if (in_header)
		return auth_header_parse(r, &c->auth, why);
	if (query_find(&r->query, STR("AWSAccessKeyId")) != NULL && query_find(&r->query, STR("Signature")) != NULL)
		return auth_old_version(why);
	/* as on S3: NO_SUCH_BUCKET for a bucket that does not exist, unless the request would create it */
	struct bucket_info there = { 0 };
	if (c->at.level != AT_SERVICE && !permit_makes_bucket(c))
		TRY(authorize_find_bucket(c, c->at.bucket, &there, why));
	return fault_set(why, NOT_SIGNED, "Access Denied. The bucket is private: sign the request, or use a presigned URL.");
}

/* The parameters of the signature itself, and those that describe a body, which is unknown when a URL is signed: SDKs put
 * the checksum of an empty body there, and S3 ignores it. */
static bool stays_in_query(struct str name)
{
	struct str names = STR("x-amz-algorithm x-amz-credential x-amz-date x-amz-expires x-amz-signedheaders x-amz-signature "
						   "x-amz-security-token x-amz-content-sha256 x-amz-decoded-content-length x-amz-trailer "
						   "x-amz-sdk-checksum-algorithm");

	return !str_starts_with_nocase(name, STR("x-amz-")) || str_is_word_of_nocase(name, names) || checksum_by_header(name) != CHECKSUM_NONE;
}

/* Signers move x-amz-* headers into the query of a URL, and S3 treats them as headers. If such a header was sent too, as
 * some SDKs require, only that one counts. */
static enum status take_headers_of_query(struct s3_call *c, struct fault *why)
{
	struct request *r = &c->x->request;
	struct header *all = NULL;
	size_t n = r->n_headers;

	for (size_t i = 0; i < r->query.n; i++) {
		const struct query_pair *pair = &r->query.pairs[i];
		if (stays_in_query(pair->name) || request_header(r, pair->name).p != NULL)
			continue;
		if (all == NULL && (all = arena_array(&c->x->arena, n + r->query.n, sizeof(*all))) == NULL)
			return fault_too_much(why);
		for (size_t k = 0; n == r->n_headers && k < n; k++)
			all[k] = r->headers[k];
		all[n++] = (struct header){ pair->name, pair->value };
	}
	if (all == NULL)
		return OK;
	r->headers = all;
	r->n_headers = n;
	return request_index(&c->x->arena, r, why);
}

enum status auth_request(struct s3_call *c, struct fault *why)
{
	assert(c != NULL && c->key == NULL);
	const struct request *r = &c->x->request;
	struct arena *a = &c->x->arena;
	TRY(read_signature(c, why));
	TRY(auth_find_key(c, why));
	/* Our keys are not temporary: S3 refuses a session token with such a key and does not ignore it. */
	const struct query_pair *pair = query_find(&r->query, STR("X-Amz-Security-Token"));
	struct str token = pair != NULL ? pair->value : request_header(r, STR("x-amz-security-token"));
	if (token.p != NULL) {
		call_detail(c, "Token-0", str_slice(token, 0, 256));
		return fault_set(why, SESSION_TOKEN_INVALID, "The provided token is malformed or otherwise invalid.");
	}
	if (!c->auth.in_header && r->chunked && signed_header_listed(c->auth.signed_headers, STR("content-length")))
		return fault_set(why, REQUEST_INVALID, "The URL was signed with Content-Length: send that header instead of a chunked body.");
	struct verify_context ctx = auth_context(c, clock_now_ms());
	enum status st = signature_verify(r, &c->auth, &ctx, why);
	if (st != OK) {
		/* The elements that S3 adds, by the error. */
		if (why->code == F_SIGNATURE_EXPIRED) {
			call_detail(c, "X-Amz-Expires", str_printf(a, "%u", c->auth.expires_s));
			call_detail(c, "Expires", iso_text(a, c->auth.date_ms + (int64_t)c->auth.expires_s * 1000));
			call_detail(c, "ServerTime", iso_text(a, ctx.now_ms));
		}
		if (why->code == F_CLOCK_SKEWED) {
			call_detail(c, "RequestTime", c->auth.date_text);
			call_detail(c, "ServerTime", iso_text(a, ctx.now_ms));
			call_detail(c, "MaxAllowedSkewMilliseconds", str_printf(a, "%d", SIGV4_SKEW_MS));
		}
		if (why->code == F_AUTH_HEADER_MALFORMED && !str_equal(c->auth.scope.region, ctx.region))
			call_detail(c, "Region", ctx.region);
		if (why->code == F_SIGNATURE_WRONG) {
			(void)fault_set(why, SIGNATURE_WRONG, SIGNATURE_SENTENCE);
			if (c->s3->options.explain && may_explain(c->s3, ctx.now_ms))
				explain_mismatch(c, &ctx, why);
		}
		return st;
	}
	return c->auth.in_header ? OK : take_headers_of_query(c, why);
}
