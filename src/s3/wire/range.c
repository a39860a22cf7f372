/* One range of bytes. "A server MAY ignore the Range header field" (RFC 9110 14.2): as on S3, several
 * ranges, which would need a multipart response, give the whole object; and so does a malformed
 * range. */
#include "s3/wire/range.h"

/* Any number of digits: a value of more than 64 bits is larger than any object. */
static bool read_number(struct str s, uint64_t *out)
{
	uint64_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(n, (uint64_t)10, &n) || __builtin_add_overflow(n, (uint64_t)(s.p[i] - '0'), &n))
			n = UINT64_MAX / 10 + 1;
	}
	*out = n;
	return s.n > 0;
}

static enum range_kind read_suffix(struct str digits, uint64_t size, struct range *out)
{
	uint64_t n;
	if (!read_number(digits, &n))
		return RANGE_WHOLE;
	if (n == 0 || size == 0)
		return RANGE_UNSATISFIABLE;
	n = n < size ? n : size;
	*out = (struct range){ .first = size - n, .length = n };
	return RANGE_PART;
}

static enum range_kind read_from(struct str from, struct str to, uint64_t size, struct range *out)
{
	uint64_t first, last = UINT64_MAX;
	if (!read_number(from, &first) || (to.n > 0 && !read_number(to, &last)))
		return RANGE_WHOLE;
	if (last < first)
		return RANGE_WHOLE;
	if (first >= size)
		return RANGE_UNSATISFIABLE;
	last = last < size ? last : size - 1;
	*out = (struct range){ .first = first, .length = last - first + 1 };
	return RANGE_PART;
}

enum range_kind range_parse(struct str value, uint64_t size, struct range *out)
{
	assert(out != NULL);
	struct str unit = STR("bytes=");
	if (!str_starts_with_nocase(value, unit))
		return RANGE_WHOLE;
	struct str spec = str_trim(str_slice(value, unit.n, value.n));
	size_t dash = str_find_char(spec, '-');
	if (dash == spec.n)
		return RANGE_WHOLE;
	struct str from = str_slice(spec, 0, dash), to = str_slice(spec, dash + 1, spec.n);
	return from.n == 0 ? read_suffix(to, size, out) : read_from(from, to, size, out);
}
