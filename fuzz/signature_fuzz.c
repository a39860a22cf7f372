/* Fuzz target of sigv4/canonical and sigv4/verify: bytes as a request head, target in the first line,
 * headers below. What is read must be verifiable without harm, a canonical request has as many lines
 * as it must, and no signature that was not made with the secret passes. */
#include "head.h"
#include "sigv4/canonical.h"
#include "sigv4/verify.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static size_t count_lines(struct str s)
{
	size_t n = 0;
	while (s.p != NULL) {
		(void)str_cut(&s, '\n');
		n++;
	}
	return n;
}

static enum status canonical_request(struct arena *a, const struct canonical_input *in, struct buf *out, struct fault *why)
{
	struct canonical_parts parts;
	TRY(canonical_split(a, in, &parts, why));
	canonical_join(&parts, out);
	return fault_check_buf(out, why);
}

static void canonicalise(const struct request *r, struct str signed_headers)
{
	struct canonical_input in = { .method = r->method,
		.path = r->path,
		.path_rule = PATH_AS_SENT,
		.query = &r->query,
		.headers = r->headers,
		.n_headers = r->n_headers,
		.signed_headers = signed_headers,
		.payload_hash = SIGV4_UNSIGNED_PAYLOAD };
	size_t names = 1;
	struct buf b;
	for (size_t i = 0; i < signed_headers.n; i++)
		names += signed_headers.p[i] == ';';
	for (enum path_rule rule = PATH_DECODED; rule <= PATH_AS_SENT; rule++) {
		in.path_rule = rule;
		buf_init_arena(&b, r->arena, 1 << 20);
		if (canonical_request(r->arena, &in, &b, NULL) == OK)
			assert(signed_headers.p == NULL || count_lines(buf_str(&b)) == 6 + names);
	}
}

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
	canonicalise(&r, signed_header_names(&arena, headers, r.n_headers));
	if (signature_parse(&r, &c, &why) != OK)
		return 0;
	assert(c.expires_s <= 604800 && c.scope.day.n == 8);
	struct verify_context ctx = {
		.region = c.scope.region, .service = c.scope.service, .now_ms = c.date_ms, .secret = STR("nobody knows this secret")
	};
	assert(signature_verify(&r, &c, &ctx, &why) != OK);
	struct sigv4_diagnosis d;
	signature_explain(&r, &c, &ctx, &d);
	assert(d.mistake.n == 0);
	return 0;
}
