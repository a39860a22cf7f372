/* Credential, scope and date of a claim, and the comparison of signatures: what presigned requests
 * (verify.c) and POST forms (policy.c) check alike. Sentences are S3's where S3 has one, so that
 * what people find about them on the web is right here too. */
#include "sigv4/scope.h"

#include <string.h>

#define CREDENTIAL_PARTS 5

static bool is_day(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n == 8;
}

static size_t split(struct str text, struct str *parts, size_t max)
{
	size_t n = 0;
	for (struct str rest = text; rest.p != NULL; n++) {
		struct str part = str_cut(&rest, '/');
		if (n < max)
			parts[n] = part;
	}
	return n;
}

enum status credential_parse(struct str text, struct str name, struct sigv4_claim *out, struct fault *why)
{
	struct str part[CREDENTIAL_PARTS];
	if (split(text, part, CREDENTIAL_PARTS) != CREDENTIAL_PARTS || part[0].n == 0)
		return fault_set(why, AUTH_MALFORMED, "Error parsing the %.*s parameter; the Credential is mal-formed; expecting "
		                 "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".", STRF(name));
	if (!is_day(part[1]))
		return fault_set(why, AUTH_MALFORMED, "Error parsing the %.*s parameter; incorrect date format \"%.*s\". This date in "
		                 "the credential must be in the format \"yyyyMMdd\".", STRF(name), STRF(part[1]));
	if (!str_equal(part[4], STR("aws4_request")))
		return fault_set(why, AUTH_MALFORMED, "Error parsing the %.*s parameter; incorrect terminal \"%.*s\". This endpoint "
		                 "uses \"aws4_request\".", STRF(name), STRF(part[4]));
	out->access_key = part[0];
	out->scope = (struct sigv4_scope){ .day = part[1], .region = part[2], .service = part[3] };
	return OK;
}

enum status date_parse(struct str text, struct str name, struct sigv4_claim *out, struct fault *why)
{
	if (!clock_parse_amz_date(text, &out->date_ms))
		return fault_set(why, AUTH_MALFORMED, "%.*s must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", STRF(name));
	if (!str_starts_with(text, out->scope.day))
		return fault_set(why, AUTH_MALFORMED, "Invalid credential date \"%.*s\". This date is not the same as %.*s: \"%.*s\".",
		                 STRF(out->scope.day), STRF(name), STRF(str_slice(text, 0, 8)));
	out->amz_date = text;
	return OK;
}

enum status scope_check(const struct sigv4_claim *c, const struct verify_context *ctx, struct str name, struct fault *why)
{
	if (!str_equal(c->scope.region, ctx->region))
		return fault_set(why, AUTH_MALFORMED, "Error parsing the %.*s parameter; the region '%.*s' is wrong; expecting '%.*s'",
		                 STRF(name), STRF(str_slice(c->scope.region, 0, 64)), STRF(ctx->region));
	if (!str_equal(c->scope.service, ctx->service))
		return fault_set(why, AUTH_MALFORMED, "Error parsing the %.*s parameter; incorrect service \"%.*s\". This endpoint "
		                 "belongs to \"%.*s\".", STRF(name), STRF(str_slice(c->scope.service, 0, 64)), STRF(ctx->service));
	return OK;
}

enum status date_check(const struct sigv4_claim *c, int64_t now_ms, int64_t lifetime_s, struct fault *why)
{
	if (c->date_ms > now_ms + SIGV4_SKEW_MS)
		return fault_set(why, SIGNATURE_EXPIRED, "Request is not valid yet");
	if (now_ms > c->date_ms + lifetime_s * 1000)
		return fault_set(why, SIGNATURE_EXPIRED, "Request has expired");
	return OK;
}

enum status signature_wrong(struct fault *why)
{
	return fault_set(why, SIGNATURE_WRONG, "The request signature we calculated does not match the signature you provided. "
	                 "Check your key and signing method.");
}

enum status signature_check(const struct sigv4_claim *c, struct str secret, struct str text, struct fault *why)
{
	unsigned char key[SHA256_BYTES];
	char expected[SIGNATURE_CHARS + 1];
	signing_key(secret, &c->scope, key);
	signature_of(key, text, expected);
	bool equal = secret_equal(c->signature, (struct str){ expected, SIGNATURE_CHARS });
	secret_wipe(key, sizeof key);
	secret_wipe(expected, sizeof expected);
	return equal ? OK : signature_wrong(why);
}
