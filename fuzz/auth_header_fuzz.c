/* Fuzz target of sigv4/auth_header: bytes as a request head, target in the first line, headers below. What is read is
 * of its form, and no signature that was not made with the secret passes. */
#include "head.h"
#include "sigv4/verify.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena arena CLEANUP(arena_deinit) = { 0 };
	struct header headers[HEADERS_MAX];
	struct parsed_signature c;
	struct fault why;
	arena_init(&arena, 16 << 20);
	struct request r = { .arena = &arena };
	if (!read_head((struct str){ (const char *)p, n }, headers, &r))
		return 0;
	if (auth_header_parse(&r, &c, &why) != OK)
		return 0;
	assert(c.in_header && c.access_key.n > 0 && c.scope.day.n == 8 && c.signature.n > 0 && c.amz_date.n == AMZ_DATE_CHARS);
	assert(c.payload != PAYLOAD_HASH || c.payload_hash.n == 0 || c.payload_hash.n == 2 * SHA256_BYTES);
	struct verify_context ctx = {
		.region = c.scope.region, .service = c.scope.service, .now_ms = c.date_ms, .secret = STR("nobody knows this secret")
	};
	assert(signature_verify(&r, &c, &ctx, &why) != OK);
	return 0;
}
