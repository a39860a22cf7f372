/* Credential, scope and date of a signature, and the comparison of signatures: what presigned requests
 * (verify.c), the Authorization header (auth_header.c) and POST forms (policy.c) have in common. The messages
 * are those of S3 where it has one, so that documentation on the web applies here too. */
#include "sigv4/scope.h"

#include "base/codec.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CREDENTIAL_PARTS 5
#define SIGNED_HEADERS_MAX 256

enum status scope_malformed(struct str name, struct fault *why, const char *fmt, ...)
{
	assert(fmt != NULL);
	char text[256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	if (name.n == 0)
		return fault_set(why, AUTH_HEADER_MALFORMED, "The authorization header is malformed; %s", text);
	return fault_set(why, AUTH_MALFORMED, "Error parsing the %.*s parameter; %s", STRF(name), text);
}

enum status credential_parse(struct str text, struct str name, struct parsed_signature *out, struct fault *why)
{
	assert(out != NULL);
	struct str part[CREDENTIAL_PARTS] = { 0 }, rest = text;
	for (size_t i = 0; i < CREDENTIAL_PARTS; i++)
		part[i] = str_cut(&rest, '/');
	if (rest.p != NULL || part[CREDENTIAL_PARTS - 1].p == NULL || part[0].n == 0)
		return scope_malformed(name, why, "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
	uint64_t day;
	if (part[1].n != 8 || !str_to_u64(part[1], &day))
		return scope_malformed(name, why, "incorrect date format \"%.*s\". This date in the credential must be in the format \"yyyyMMdd\".",
			STRF(str_slice(part[1], 0, 64)));
	if (!str_equal(part[4], STR("aws4_request")))
		return scope_malformed(
			name, why, "incorrect terminal \"%.*s\". This endpoint uses \"aws4_request\".", STRF(str_slice(part[4], 0, 64)));
	out->access_key = part[0];
	out->scope = (struct sigv4_scope){ .day = part[1], .region = part[2], .service = part[3] };
	return OK;
}

enum status date_parse(struct str text, struct str name, struct parsed_signature *out, struct fault *why)
{
	assert(out != NULL);
	if (!clock_parse_amz_date(text, &out->date_ms))
		return fault_set(why, AUTH_MALFORMED, "%.*s must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"", STRF(name));
	if (!str_starts_with(text, out->scope.day))
		return fault_set(why, AUTH_MALFORMED, "Invalid credential date \"%.*s\". This date is not the same as %.*s: \"%.*s\".",
			STRF(out->scope.day), STRF(name), STRF(str_slice(text, 0, 8)));
	out->amz_date = text;
	return OK;
}

enum status scope_check(const struct parsed_signature *c, const struct verify_context *ctx, struct str name, struct fault *why)
{
	assert(c != NULL);
	assert(ctx != NULL);
	if (!str_equal(c->scope.region, ctx->region))
		return scope_malformed(
			name, why, "the region '%.*s' is wrong; expecting '%.*s'", STRF(str_slice(c->scope.region, 0, 64)), STRF(ctx->region));
	if (!str_equal(c->scope.service, ctx->service))
		return scope_malformed(name, why, "incorrect service \"%.*s\". This endpoint belongs to \"%.*s\".",
			STRF(str_slice(c->scope.service, 0, 64)), STRF(ctx->service));
	return OK;
}

enum status signed_list_check(struct str list, struct str name, struct fault *why)
{
	size_t n = 1;
	for (size_t i = 0; i < list.n; i++)
		n += list.p[i] == ';';
	if (n > SIGNED_HEADERS_MAX)
		return scope_malformed(name, why, "more than %d headers are signed.", SIGNED_HEADERS_MAX);
	return OK;
}

bool payload_is_hash(struct str s)
{
	unsigned char digest[SHA256_BYTES];
	return hex_decode(s, digest, sizeof digest);
}

enum status date_check(const struct parsed_signature *c, int64_t now_ms, int64_t lifetime_s, struct fault *why)
{
	assert(c != NULL);
	if (c->date_ms > now_ms + SIGV4_SKEW_MS)
		return fault_set(why, SIGNATURE_EXPIRED, "Request is not valid yet");
	if (now_ms > c->date_ms + lifetime_s * 1000 || lifetime_s == 0)
		return fault_set(why, SIGNATURE_EXPIRED, "Request has expired");
	return OK;
}

enum status signature_wrong(struct fault *why)
{
	return fault_set(why, SIGNATURE_WRONG,
		"The request signature we calculated does not match the signature you provided. "
		"Check your key and signing method.");
}

bool signature_fits(const struct parsed_signature *c, const struct sigv4_scope *scope, struct str secret, struct str text)
{
	assert(c != NULL);
	assert(scope != NULL);
	char expected[SIGNATURE_CHARS + 1];
	signature_by_secret(secret, scope, text, expected);
	bool equal = secret_equal(c->signature, (struct str){ expected, SIGNATURE_CHARS });
	secret_wipe(expected, sizeof expected);
	return equal;
}

enum status signature_check(const struct parsed_signature *c, struct str secret, struct str text, struct fault *why)
{
	assert(c != NULL);
	return signature_fits(c, &c->scope, secret, text) ? OK : signature_wrong(why);
}
