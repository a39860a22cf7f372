/* Parameters are read as leniently as S3 reads them: an empty one counts as missing, one above the maximum as the
 * maximum. */
#include "s3/parameters.h"

#include "base/codec.h"
#include "base/hash.h"
#include "base/object_key.h"

#include <string.h>

struct str parameter(const struct s3_call *c, const char *name)
{
	assert(name != NULL);
	const struct query_pair *p = query_find(&c->x->request.query, str_of(name));
	if (p == NULL)
		return (struct str){ 0 };
	return p->value.p != NULL ? p->value : STR("");
}

enum status argument_fault(struct s3_call *c, const char *name, struct str value, const char *text, struct fault *why)
{
	assert(name != NULL && text != NULL);
	call_detail(c, "ArgumentName", str_of(name));
	call_detail(c, "ArgumentValue", str_slice(value, 0, 1024));
	return fault_set(why, ARGUMENT_INVALID, "%s", text);
}

/* *out is what an empty value means. */
static enum status read_count(struct s3_call *c, const char *name, struct str value, uint32_t most, uint32_t *out, struct fault *why)
{
	char text[128];
	struct buf b;
	uint64_t n;
	if (value.n == 0)
		return OK;
	if (!str_to_u64(value, &n) || n > INT32_MAX) {
		buf_init_fixed(&b, text, sizeof(text));
		buf_printf(&b, "Argument %s must be an integer between 0 and 2147483647", name);
		return argument_fault(c, name, value, text, why);
	}
	*out = n > most ? most : (uint32_t)n;
	return OK;
}

enum status parameter_count(struct s3_call *c, const char *name, uint32_t default_, uint32_t most, uint32_t *out, struct fault *why)
{
	assert(out != NULL);
	assert(default_ <= most);
	*out = default_;
	return read_count(c, name, parameter(c, name), most, out, why);
}

enum status header_count(struct s3_call *c, const char *name, uint32_t default_, uint32_t most, uint32_t *out, struct fault *why)
{
	assert(out != NULL);
	assert(default_ <= most);
	*out = default_;
	return read_count(c, name, str_trim(request_header(&c->x->request, str_of(name))), most, out, why);
}

enum status parameter_encoding(struct s3_call *c, bool *url, struct fault *why)
{
	struct str value = parameter(c, "encoding-type");
	*url = str_equal_nocase(value, STR("url"));
	if (*url || value.n == 0)
		return OK;
	return argument_fault(c, "encoding-type", value, "Invalid Encoding Method specified in Request", why);
}

enum status parameter_text(struct s3_call *c, const char *name, struct str *out, struct fault *why)
{
	assert(out != NULL);
	struct str value = parameter(c, name);
	*out = value;
	if (value.n <= OBJECT_KEY_MAX_BYTES && utf8_valid(value) && str_find_char(value, '\0') == value.n)
		return OK;
	return argument_fault(c, name, (struct str){ 0 }, "The parameter must be UTF-8 of at most 1024 bytes without U+0000", why);
}

enum status parameter_part_number(struct s3_call *c, uint32_t *out, struct fault *why)
{
	assert(out != NULL);
	struct str value = parameter(c, "partNumber");
	uint64_t n;
	if (!str_to_u64(value, &n) || n < 1 || n > PART_NUMBER_MAX)
		return argument_fault(c, "partNumber", value, "Part number must be an integer between 1 and 10000, inclusive", why);
	*out = (uint32_t)n;
	return OK;
}

#define VERSION_CHARS 32

enum status version_check(struct str id, struct fault *why)
{
	if (str_equal(id, STR("null")))
		return OK;
	if (id.n == VERSION_CHARS)
		return fault_set(why, NO_SUCH_VERSION, "The specified version does not exist.");
	return fault_set(why, ARGUMENT_INVALID, "Invalid version id specified");
}

enum status parameter_version(struct s3_call *c, struct fault *why)
{
	struct str id = parameter(c, "versionId");
	if (id.p == NULL)
		return OK;
	enum status st = version_check(id, why);
	if (st != OK)
		call_detail(c, "VersionId", str_slice(id, 0, 256));
	return st;
}

/* A token is the last key, with the beginning of a hash of scope and key before it, in base64 for URLs. It
 * is not a secret and grants nothing: the hash only finds what was cut or made up. */
#define CHECK_BYTES 8

static void check_bytes(struct str scope, struct str last, unsigned char out[SHA256_BYTES])
{
	struct hash h;
	hash_init(&h, HASH_SHA256);
	hash_update(&h, scope.p, scope.n);
	hash_update(&h, "/", 1);
	hash_update(&h, last.p, last.n);
	hash_final(&h, out);
}

struct str token_write(struct arena *a, struct str scope, struct str last)
{
	assert(a != NULL);
	unsigned char check[SHA256_BYTES];
	struct buf raw, text;
	check_bytes(scope, last, check);
	buf_init_arena(&raw, a, CHECK_BYTES + OBJECT_KEY_MAX_BYTES);
	buf_put(&raw, (struct str){ (const char *)check, CHECK_BYTES });
	buf_put(&raw, last);
	buf_init_arena(&text, a, 2 * (CHECK_BYTES + OBJECT_KEY_MAX_BYTES));
	base64url_encode(&text, buf_str(&raw));
	return buf_ok(&raw) && buf_ok(&text) ? buf_str(&text) : (struct str){ 0 };
}

bool token_decode(struct arena *a, struct str scope, struct str token, struct str *last)
{
	assert(a != NULL);
	assert(last != NULL);
	unsigned char check[SHA256_BYTES];
	struct str raw;
	if (token.n > 2 * (CHECK_BYTES + OBJECT_KEY_MAX_BYTES) || !base64url_decode(a, token, &raw) || raw.n < CHECK_BYTES)
		return false;
	*last = str_slice(raw, CHECK_BYTES, raw.n);
	check_bytes(scope, *last, check);
	return memcmp(check, raw.p, CHECK_BYTES) == 0;
}

enum status token_read(struct s3_call *c, struct str scope, struct str token, struct str *last, struct fault *why)
{
	if (token_decode(&c->x->arena, scope, token, last))
		return OK;
	return argument_fault(c, "continuation-token", token, "The continuation token provided is incorrect", why);
}
