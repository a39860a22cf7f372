/* Presigned requests, the verifying side: signature_parse reads the query, signature_verify
 * checks it, or what auth_header.c has read from a header, against the clock, the scope and the key's secret.
 *
 * The payload's hash of a presigned request is UNSIGNED-PAYLOAD unless there is a header x-amz-content-sha256. A
 * parameter of that name is signed with the others and has no other effect: AWS SDKs write
 * X-Amz-Content-Sha256=UNSIGNED-PAYLOAD there, and S3 requires any other value to be a header (as was
 * found with aws-sdk-go). So a hash that applies is always among the signed headers, and the caller can
 * compare the body with it.
 *
 * Every x-amz-* header must be signed, x-amz-content-sha256 too: an unsigned one would
 * let the holder of a URL add an ACL or a copy source to what was signed. Stock clients send no unsigned one
 * with a presigned URL: the AWS SDKs move them into the query, and plain HTTP clients
 * send none. */
#include "sigv4/verify.h"
#include "sigv4/canonical.h"
#include "sigv4/scope.h"

#define EXPIRES_MAX_S 604800

enum parameter { P_ALGORITHM, P_CREDENTIAL, P_SIGNATURE, P_DATE, P_SIGNED_HEADERS, P_EXPIRES, PARAMETERS };

static const struct str NAMES[PARAMETERS] = {
	[P_ALGORITHM] = { "X-Amz-Algorithm", 15 },
	[P_CREDENTIAL] = { "X-Amz-Credential", 16 },
	[P_SIGNATURE] = { "X-Amz-Signature", 15 },
	[P_DATE] = { "X-Amz-Date", 10 },
	[P_SIGNED_HEADERS] = { "X-Amz-SignedHeaders", 19 },
	[P_EXPIRES] = { "X-Amz-Expires", 13 },
};

bool signature_present(const struct request *r)
{
	assert(r != NULL);
	for (size_t i = 0; i < PARAMETERS; i++)
		if (query_find(&r->query, NAMES[i]) != NULL)
			return true;
	return false;
}

/* Of two values of one parameter this code might use one and other code the other: none may be repeated. */
static enum status refuse_repeated(const struct query *q, struct fault *why)
{
	for (size_t i = 0; i < q->n; i++) {
		if (!str_starts_with_nocase(q->pairs[i].name, STR("X-Amz-")))
			continue;
		for (size_t j = i + 1; j < q->n; j++) {
			if (str_equal_nocase(q->pairs[i].name, q->pairs[j].name))
				return fault_set(why, AUTH_MALFORMED, "The parameter %.*s must not be repeated", STRF(str_slice(q->pairs[i].name, 0, 100)));
		}
	}
	return OK;
}

static enum status read_parameters(const struct query *q, struct str values[PARAMETERS], struct fault *why)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		const struct query_pair *pair = query_find(q, NAMES[i]);
		if (pair == NULL || pair->value.n == 0)
			return fault_set(why, AUTH_MALFORMED,
				"Query-string authentication version 4 requires the X-Amz-Algorithm, "
				"X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
		values[i] = pair->value;
	}
	return refuse_repeated(q, why);
}

static bool all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static enum status parse_expires(struct str text, uint32_t *out, struct fault *why)
{
	if (text.p[0] == '-' && all_digits(str_slice(text, 1, text.n)))
		return fault_set(why, AUTH_MALFORMED, "X-Amz-Expires must be non-negative");
	if (!all_digits(text))
		return fault_set(why, AUTH_MALFORMED, "X-Amz-Expires must be a number");
	uint64_t seconds = 0;
	if (!str_to_u64(text, &seconds) || seconds > EXPIRES_MAX_S)
		return fault_set(why, AUTH_MALFORMED,
			"X-Amz-Expires must be less than a week (in seconds); that is, the given "
			"X-Amz-Expires must be less than 604800 seconds");
	*out = (uint32_t)seconds;
	return OK;
}

enum status signature_parse(const struct request *r, struct parsed_signature *out, struct fault *why)
{
	assert(r != NULL);
	assert(out != NULL);
	struct str values[PARAMETERS];
	*out = (struct parsed_signature){ .expires_s = 0 };
	if (!signature_present(r))
		return fault_set(why, NOT_SIGNED, "Access Denied");
	TRY(read_parameters(&r->query, values, why));
	if (!str_equal(values[P_ALGORITHM], STR("AWS4-HMAC-SHA256")))
		return fault_set(why, AUTH_MALFORMED, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
	TRY(credential_parse(values[P_CREDENTIAL], NAMES[P_CREDENTIAL], out, why));
	TRY(date_parse(values[P_DATE], NAMES[P_DATE], out, why));
	TRY(parse_expires(values[P_EXPIRES], &out->expires_s, why));
	TRY(signed_list_check(values[P_SIGNED_HEADERS], NAMES[P_SIGNED_HEADERS], why));
	out->signed_headers = values[P_SIGNED_HEADERS];
	out->signature = values[P_SIGNATURE];
	struct str given = str_trim(request_header(r, STR("x-amz-content-sha256")));
	out->payload_hash = given.n == 0 ? SIGV4_UNSIGNED_PAYLOAD : given;
	out->payload = str_equal(out->payload_hash, SIGV4_UNSIGNED_PAYLOAD) ? PAYLOAD_UNSIGNED : PAYLOAD_HASH;
	if (out->payload == PAYLOAD_HASH && !payload_is_hash(out->payload_hash))
		return fault_set(why, AUTH_MALFORMED, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a valid sha256 value.");
	return OK;
}

static enum status unsigned_header(struct str name, struct fault *why)
{
	return fault_set(
		why, HEADER_UNSIGNED, "There were headers present in the request which were not signed: %.*s", STRF(str_slice(name, 0, 128)));
}

/* In a header: the time is within SIGV4_SKEW_MS of the clock, and on the credential's day. */
static enum status check_skew(const struct parsed_signature *c, int64_t now_ms, struct fault *why)
{
	if (c->date_ms > now_ms + SIGV4_SKEW_MS || c->date_ms < now_ms - SIGV4_SKEW_MS)
		return fault_set(why, CLOCK_SKEWED, "The difference between the request time and the current time is too large.");
	if (!str_starts_with(c->amz_date, c->scope.day))
		return scope_malformed(STR(""), why, "Invalid credential date \"%.*s\". This date is not the same as X-Amz-Date: \"%.*s\".",
			STRF(c->scope.day), STRF(str_slice(c->amz_date, 0, 8)));
	return OK;
}

static enum status check_signature_fields(const struct parsed_signature *c, const struct verify_context *ctx, struct fault *why)
{
	if (!c->in_header) {
		TRY(scope_check(c, ctx, NAMES[P_CREDENTIAL], why));
		return date_check(c, ctx->now_ms, c->expires_s, why);
	}
	TRY(check_skew(c, ctx->now_ms, why));
	TRY(scope_check(c, ctx, STR(""), why));
	if (c->payload_hash.n == 0)
		return fault_set(why, REQUEST_INVALID, "Missing required header for this request: x-amz-content-sha256");
	return OK;
}

enum status signature_verify(const struct request *r, const struct parsed_signature *c, const struct verify_context *ctx, struct fault *why)
{
	assert(r != NULL);
	assert(c != NULL);
	assert(ctx != NULL);
	TRY(check_signature_fields(c, ctx, why));
	if (!signed_header_listed(c->signed_headers, STR("host")))
		return unsigned_header(STR("host"), why);
	for (size_t i = 0; i < r->n_headers; i++) {
		struct str name = r->headers[i].name;
		if (str_starts_with_nocase(name, STR("x-amz-")) && !signed_header_listed(c->signed_headers, name))
			return unsigned_header(name, why);
	}
	const struct canonical_input in = { .method = r->method,
		.path = r->path,
		.path_rule = PATH_AS_SENT,
		.query = &r->query,
		.headers = r->headers,
		.n_headers = r->n_headers,
		.signed_headers = c->signed_headers,
		.payload_hash = c->payload_hash };
	struct canonical_parts parts;
	enum status split = canonical_split(r->arena, &in, &parts, why);
	/* A signed header that was not sent, or a path that cannot be decoded: no signature fits that. */
	if (split == INVALID)
		return signature_wrong(why);
	TRY(split);
	struct str text = canonical_text(&parts, c->amz_date, &c->scope, r->arena, NULL);
	if (text.n == 0 || !arena_ok(r->arena))
		return fault_too_much(why);
	return signature_check(c, ctx->secret, text, why);
}
