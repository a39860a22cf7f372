/* The header's value is a path, in which a '?' of the key is percent-encoded too, so that a bare
 * one begins the version. It is decoded like a form: '+' is a blank, as Java's URLEncoder writes it, and a plus is %2B. */
#include "s3/wire/copy_source.h"

#include "base/codec.h"
#include "base/object_key.h"

static enum status source_invalid(struct fault *why)
{
	return fault_set(why, ARGUMENT_INVALID, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
}

static enum status decode_source(struct arena *a, struct str raw, struct str *out, struct fault *why)
{
	if (uri_decode(a, raw, true, out))
		return OK;
	return arena_ok(a) ? source_invalid(why) : fault_too_much(why);
}

enum status copy_source_parse(struct arena *a, struct str value, struct copy_source *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	struct copy_source s = { 0 };
	struct str rest = str_trim(value);
	size_t mark = str_find(rest, STR("?versionId="));
	if (mark < rest.n)
		TRY(decode_source(a, str_slice(rest, mark + 11, rest.n), &s.version, why));
	/* decoded first: some clients encode the slashes before and after the bucket too */
	TRY(decode_source(a, str_slice(rest, 0, mark), &rest, why));
	if (str_starts_with(rest, STR("/")))
		rest = str_slice(rest, 1, rest.n);
	size_t slash = str_find_char(rest, '/');
	s.bucket = str_slice(rest, 0, slash);
	s.key = str_slice(rest, slash + 1, rest.n);
	if (s.bucket.n == 0 || s.key.n == 0)
		return source_invalid(why);
	TRY(object_key_check(s.key, why));
	*out = s;
	return OK;
}

enum status copy_range_parse(struct str value, uint64_t size, uint64_t *first, uint64_t *length, struct fault *why)
{
	assert(first != NULL && length != NULL);
	uint64_t a, b;
	struct str rest = str_trim(value);
	bool prefixed = str_starts_with(rest, STR("bytes="));
	rest = str_slice(rest, 6, rest.n);
	size_t dash = str_find_char(rest, '-');
	if (!prefixed || !str_to_u64(str_slice(rest, 0, dash), &a) || !str_to_u64(str_slice(rest, dash + 1, rest.n), &b) || a > b)
		return fault_set(why, ARGUMENT_INVALID,
			"The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
			"last are the zero-based offsets of the first and last bytes to copy");
	if (b >= size)
		return fault_set(why, ARGUMENT_INVALID, "Range specified is not valid for source object of size: %llu", (unsigned long long)size);
	*first = a;
	*length = b - a + 1;
	return OK;
}
