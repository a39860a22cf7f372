/* Fuzz target of sigv4/policy: the first line is the form's fields (name=value, '&' between), the rest
 * the document. A policy that holds must name every field. */
#include "sigv4/policy.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define FIELDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena arena CLEANUP(arena_deinit) = { 0 };
	struct header fields[FIELDS_MAX + 1];
	struct post_policy policy;
	struct parsed_signature auth;
	struct fault why;
	size_t count = 0;
	struct str document = { (const char *)p, n };
	struct str line = str_cut(&document, '\n');
	arena_init(&arena, 16 << 20);
	while (line.p != NULL && count < FIELDS_MAX) {
		struct str pair = str_cut(&line, '&');
		fields[count].name = str_cut(&pair, '=');
		fields[count++].value = pair;
	}
	struct verify_context ctx = { .region = STR("us-east-1"), .service = STR("s3"), .secret = STR("nobody knows this secret") };
	if (policy_signature(&arena, fields, count, &auth, &why) == OK)
		assert(policy_verify(fields, count, &auth, &ctx, &why) != OK);
	if (policy_parse(&arena, document, &policy, &why) != OK)
		return 0;
	assert(policy.n_conditions <= 128);
	assert(!policy.has_range || policy.min_size <= INT64_MAX);
	if (policy_check(&policy, fields, count, STR("b"), 0, &why) != OK)
		return 0;
	fields[count++] = (struct header){ STR("a field that nobody would name"), STR("") };
	assert(policy_check(&policy, fields, count, STR("b"), 0, &why) != OK);
	return 0;
}
