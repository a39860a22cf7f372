/* Path-style addresses, parsed from the path as it was sent. The raw path is needed: in a decoded one
 * '%2F' and '%00' cannot be distinguished from '/' and U+0000, and a key of "a/../b" is not the key "b". Nothing here resolves,
 * joins or folds anything; a key never becomes a file name. */
#include "s3/wire/address.h"

#include "base/codec.h"
#include "base/object_key.h"

static enum status decode_path(struct arena *a, struct str raw, struct str *out, struct fault *why)
{
	if (uri_decode(a, raw, false, out))
		return OK;
	TRY(fault_check_arena(a, why));
	return fault_set(why, KEY_INVALID, "The path holds a '%%' without two hexadecimal digits");
}

enum status address_parse(struct arena *a, struct str path, struct address *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	struct address at = { 0 };
	if (path.n == 0 || path.p[0] != '/')
		return fault_set(why, KEY_INVALID, "The path must begin with '/'");
	struct str rest = str_slice(path, 1, path.n);
	size_t slash = str_find_char(rest, '/');
	TRY(decode_path(a, str_slice(rest, 0, slash), &at.bucket, why));
	if (slash < rest.n)
		TRY(decode_path(a, str_slice(rest, slash + 1, rest.n), &at.key, why));
	if (at.bucket.n > 0)
		TRY(object_key_check(at.bucket, why));
	if (at.key.n > 0)
		TRY(object_key_check(at.key, why));
	if (at.bucket.n == 0 && at.key.n > 0)
		return fault_set(why, KEY_INVALID, "The path names no bucket");
	if (at.bucket.n > 0)
		at.level = at.key.n > 0 ? AT_OBJECT : AT_BUCKET;
	*out = at;
	return OK;
}
