/* POST policies: the signature over the base64 text, then the document itself.
 *
 * Names of fields and operators are compared without case. A condition on a field that was not sent
 * fails, even an empty starts-with. Every field must be in the policy, so that the holder of a form
 * cannot add an ACL or a redirect to it; `bucket` always counts as a field, so that a policy
 * without a bucket is valid for none. A field that is sent twice is refused: one of the two might be checked
 * and the other used. */
#include "sigv4/policy.h"

#include "base/json.h"
#include "sigv4/scope.h"

#include <string.h>

#define DOCUMENT_MAX_BYTES (64 * 1024)
#define CONDITIONS_MAX 128
#define FORM_LIFETIME_S (7 * 24 * 3600) /* a signing key is valid for seven days */

enum condition_kind { MATCH_EXACT, MATCH_PREFIX };

struct condition {
	enum condition_kind kind;
	struct str name, value;
};

enum form_field { FIELD_ALGORITHM, FIELD_CREDENTIAL, FIELD_DATE, FIELD_SIGNATURE, FIELD_POLICY, FORM_FIELDS };

static const char *const FIELD_NAMES[FORM_FIELDS] = {
	[FIELD_ALGORITHM] = "x-amz-algorithm",
	[FIELD_CREDENTIAL] = "x-amz-credential",
	[FIELD_DATE] = "x-amz-date",
	[FIELD_SIGNATURE] = "x-amz-signature",
	[FIELD_POLICY] = "policy",
};

static size_t count_fields(const struct header *fields, size_t n, struct str name, struct str *value)
{
	size_t found = 0;
	for (size_t i = 0; i < n; i++)
		if (str_equal_nocase(fields[i].name, name) && found++ == 0)
			*value = fields[i].value;
	return found;
}

enum status policy_signature(struct arena *a, const struct header *fields, size_t n, struct parsed_signature *out, struct fault *why)
{
	assert(n == 0 || fields != NULL);
	assert(out != NULL);
	struct str values[FORM_FIELDS];
	size_t found[FORM_FIELDS], all = 0;
	*out = (struct parsed_signature){ .expires_s = 0 };
	for (size_t i = 0; i < FORM_FIELDS; i++)
		all += found[i] = count_fields(fields, n, str_of(FIELD_NAMES[i]), &values[i]);
	if (all == 0)
		return fault_set(why, NOT_SIGNED, "Access Denied");
	for (size_t i = 0; i < FORM_FIELDS; i++) {
		if (found[i] == 0)
			return fault_set(why, AUTH_MALFORMED,
				"Bucket POST must contain a field named '%s'. If it is specified, please "
				"check the order of the fields.",
				FIELD_NAMES[i]);
		if (found[i] > 1)
			return fault_set(why, AUTH_MALFORMED, "The field '%s' must not be repeated", FIELD_NAMES[i]);
	}
	if (!str_equal(values[FIELD_ALGORITHM], STR("AWS4-HMAC-SHA256")))
		return fault_set(why, AUTH_MALFORMED, "x-amz-algorithm only supports \"AWS4-HMAC-SHA256\"");
	TRY(credential_parse(values[FIELD_CREDENTIAL], STR("x-amz-credential"), out, why));
	TRY(date_parse(values[FIELD_DATE], STR("x-amz-date"), out, why));
	out->signature = values[FIELD_SIGNATURE];
	return OK;
}

enum status policy_verify(
	const struct header *fields, size_t n, const struct parsed_signature *c, const struct verify_context *ctx, struct fault *why)
{
	assert(n == 0 || fields != NULL);
	assert(c != NULL);
	assert(ctx != NULL);
	TRY(scope_check(c, ctx, STR("x-amz-credential"), why));
	TRY(date_check(c, ctx->now_ms, FORM_LIFETIME_S, why));
	return signature_check(c, ctx->secret, header_find(fields, n, STR("policy")), why);
}

#define BAD_POLICY(why, ...) fault_set((why), POLICY_MALFORMED, "Invalid Policy: " __VA_ARGS__)

/* S3 lets a document escape '$' as "\$", which JSON does not know. */
static struct str undo_dollar(struct arena *a, struct str s)
{
	struct buf b;
	buf_init_arena(&b, a, DOCUMENT_MAX_BYTES);
	for (size_t i = 0; i < s.n; i++) {
		bool pair = s.p[i] == '\\' && i + 1 < s.n;
		if (pair && s.p[i + 1] == '$') {
			i++;
		} else if (pair) {
			buf_put_char(&b, s.p[i++]);
		}
		buf_put_char(&b, s.p[i]);
	}
	return buf_str(&b);
}

static enum status add_condition(struct arena *a, struct post_policy *out, struct condition c, struct fault *why)
{
	c.name = str_dup(a, c.name);
	c.value = str_dup(a, c.value);
	TRY(fault_check_arena(a, why));
	((struct condition *)out->conditions)[out->n_conditions++] = c;
	return OK;
}

/* A bound is a number, or a string of digits, as many signers write it. */
static bool read_bound(const json_t *j, uint64_t *out)
{
	if (json_is_string(j))
		return str_to_u64(json_text(j), out);
	if (!json_is_integer(j) || json_integer_value(j) < 0)
		return false;
	*out = (uint64_t)json_integer_value(j);
	return true;
}

/* ["eq", "$name", "value"], ["starts-with", "$name", "prefix"] */
static enum status read_match(struct arena *a, const json_t *j, enum condition_kind kind, struct post_policy *out, struct fault *why)
{
	const json_t *name = json_array_get(j, 1), *value = json_array_get(j, 2);
	if (json_array_size(j) != 3 || !json_is_string(name) || !json_is_string(value))
		return BAD_POLICY(why, "Invalid Condition: eq and starts-with need a field and a value, both strings.");
	struct str field = json_text(name);
	if (field.n < 2 || field.p[0] != '$')
		return BAD_POLICY(why, "Invalid Condition: a field must begin with '$'.");
	return add_condition(a, out, (struct condition){ kind, str_slice(field, 1, field.n), json_text(value) }, why);
}

static enum status read_condition(struct arena *a, json_t *j, struct post_policy *out, struct fault *why)
{
	if (json_is_object(j)) {
		/* {"name": "value"} */
		if (json_object_size(j) != 1)
			return BAD_POLICY(why, "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.");
		void *entry = json_object_iter(j);
		json_t *value = json_object_iter_value(entry);
		if (!json_is_string(value))
			return BAD_POLICY(why, "Invalid Simple-Condition: value must be a string.");
		struct str name = str_of(json_object_iter_key(entry));
		return add_condition(a, out, (struct condition){ MATCH_EXACT, name, json_text(value) }, why);
	}
	const json_t *operation = json_array_get(j, 0);
	if (!json_is_string(operation))
		return BAD_POLICY(why, "Invalid Condition: each must be an object or a list that begins with an operation.");
	struct str word = json_text(operation);
	if (str_equal_nocase(word, STR("eq")))
		return read_match(a, j, MATCH_EXACT, out, why);
	if (str_equal_nocase(word, STR("starts-with")))
		return read_match(a, j, MATCH_PREFIX, out, why);
	if (str_equal_nocase(word, STR("content-length-range"))) {
		/* ["content-length-range", min, max]; if there are several, all apply. */
		uint64_t min, max;
		if (json_array_size(j) != 3 || !read_bound(json_array_get(j, 1), &min) || !read_bound(json_array_get(j, 2), &max))
			return BAD_POLICY(why, "Invalid Condition: content-length-range needs two integers, none negative.");
		if (max < min)
			return BAD_POLICY(why, "Invalid Condition: content-length-range must not end before it begins.");
		if (!out->has_range || min > out->min_size)
			out->min_size = min;
		if (!out->has_range || max < out->max_size)
			out->max_size = max;
		out->has_range = true;
		return OK;
	}
	return BAD_POLICY(why, "Invalid Condition: unknown operation '%.*s'.", STRF(str_slice(word, 0, 64)));
}

enum status policy_parse(struct arena *a, struct str document, struct post_policy *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	*out = (struct post_policy){ .n_conditions = 0 };
	if (document.n > DOCUMENT_MAX_BYTES)
		return BAD_POLICY(why, "more than %d bytes.", DOCUMENT_MAX_BYTES);
	struct str text = undo_dollar(a, document);
	TRY(fault_check_arena(a, why));
	json_error_t error;
	bool starved = false;
	json_auto_t *root = json_read(text, JSON_REJECT_DUPLICATES, &error, &starved);
	if (starved)
		return fault_no_memory(why);
	if (!json_is_object(root))
		return BAD_POLICY(why, "Invalid JSON.");
	const json_t *expiration = json_object_get(root, "expiration");
	if (expiration == NULL)
		return BAD_POLICY(why, "Policy missing expiration.");
	if (!json_is_string(expiration) || !clock_parse_iso8601(json_text(expiration), &out->expiration_ms))
		return BAD_POLICY(why, "Invalid 'expiration' value; it must be of the form 2007-12-01T12:00:00.000Z.");
	const json_t *list = json_object_get(root, "conditions");
	if (list == NULL)
		return BAD_POLICY(why, "Policy missing conditions.");
	if (!json_is_array(list))
		return BAD_POLICY(why, "'conditions' must be a list.");
	size_t n = json_array_size(list);
	if (n > CONDITIONS_MAX)
		return BAD_POLICY(why, "more than %d conditions.", CONDITIONS_MAX);
	out->conditions = arena_array(a, n, sizeof(struct condition));
	if (out->conditions == NULL)
		return fault_too_much(why);
	for (size_t i = 0; i < n; i++)
		TRY(read_condition(a, json_array_get(list, i), out, why));
	return OK;
}

/* "Content-Type values for a starts-with condition that include commas are interpreted as lists": each must begin so. */
static bool all_begin(struct str list, struct str prefix)
{
	for (struct str rest = list; rest.p != NULL;)
		if (!str_starts_with(str_trim(str_cut(&rest, ',')), prefix))
			return false;
	return true;
}

static bool condition_holds(const struct condition *c, struct str value)
{
	switch (c->kind) {
	case MATCH_EXACT:
		return str_equal(value, c->value);
	case MATCH_PREFIX:
		if (str_equal_nocase(c->name, STR("Content-Type")))
			return value.n == 0 ? c->value.n == 0 : all_begin(value, c->value);
		return str_starts_with(value, c->value);
	}
	return false;
}

static enum status check_condition(const struct condition *c, const struct header *fields, size_t n, struct str bucket, struct fault *why)
{
	static const char *const WORDS[] = { [MATCH_EXACT] = "eq", [MATCH_PREFIX] = "starts-with" };
	struct str value = { NULL, 0 };
	size_t found = count_fields(fields, n, c->name, &value);
	if (str_equal_nocase(c->name, STR("bucket"))) {
		found = 1;
		value = bucket;
	}
	if (found == 1 && condition_holds(c, value))
		return OK;
	return fault_set(why, POLICY_VIOLATED, "Invalid according to Policy: Policy Condition failed: [\"%s\", \"$%.*s\", \"%.*s\"]",
		WORDS[c->kind], STRF(str_slice(c->name, 0, 64)), STRF(str_slice(c->value, 0, 100)));
}

static bool is_exempt(struct str name)
{
	return str_equal_nocase(name, STR("x-amz-signature")) || str_equal_nocase(name, STR("policy")) || str_equal_nocase(name, STR("file")) ||
		str_starts_with_nocase(name, STR("x-ignore-"));
}

static enum status check_field(const struct post_policy *p, struct str name, struct fault *why)
{
	const struct condition *conditions = p->conditions;
	if (is_exempt(name))
		return OK;
	for (size_t i = 0; i < p->n_conditions; i++)
		if (str_equal_nocase(conditions[i].name, name))
			return OK;
	return fault_set(why, POLICY_VIOLATED, "Invalid according to Policy: Extra input fields: %.*s", STRF(str_slice(name, 0, 128)));
}

enum status policy_check(
	const struct post_policy *p, const struct header *fields, size_t n, struct str bucket, int64_t now_ms, struct fault *why)
{
	assert(p != NULL);
	assert(n == 0 || fields != NULL);
	const struct condition *conditions = p->conditions;
	if (now_ms > p->expiration_ms)
		return fault_set(why, POLICY_EXPIRED, "Invalid according to Policy: Policy expired.");
	for (size_t i = 0; i < p->n_conditions; i++)
		TRY(check_condition(&conditions[i], fields, n, bucket, why));
	struct str value;
	TRY(check_field(p, STR("bucket"), why));
	for (size_t i = 0; i < n; i++) {
		TRY(check_field(p, fields[i].name, why));
		if (!is_exempt(fields[i].name) && count_fields(fields, n, fields[i].name, &value) > 1)
			return fault_set(why, POLICY_VIOLATED, "The field '%.*s' must not be repeated", STRF(str_slice(fields[i].name, 0, 128)));
	}
	if (count_fields(fields, n, STR("bucket"), &value) > 0 && !str_equal(value, bucket))
		return fault_set(why, POLICY_VIOLATED, "The field 'bucket' names another bucket than the request");
	return OK;
}
