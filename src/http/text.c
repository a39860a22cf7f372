/* One table says of each byte what it may be part of. See text.h. */
#include "http/text.h"

#include "base/clock.h"

#define P (CHAR_VALUE | CHAR_PRINTABLE)
#define V (P | CHAR_VISIBLE)
#define T (V | CHAR_TOKEN)
#define H (T | CHAR_HEX)
const unsigned char http_char_kinds[256] = { ['\t'] = CHAR_VALUE | CHAR_BLANK,
	[' '] = P | CHAR_BLANK,
	['!'] = T,
	['"'] = V,
	['#'] = T,
	['$'] = T,
	['%'] = T,
	['&'] = T,
	['\''] = T,
	['('] = V,
	[')'] = V,
	['*'] = T,
	['+'] = T,
	[','] = V,
	['-'] = T,
	['.'] = T,
	['/'] = V,
	['0' ... '9'] = H,
	[':' ... '@'] = V,
	['A' ... 'F'] = H,
	['G' ... 'Z'] = T,
	['[' ... ']'] = V,
	['^' ... '`'] = T,
	['a' ... 'f'] = H,
	['g' ... 'z'] = T,
	['{'] = V,
	['|'] = T,
	['}'] = V,
	['~'] = T,
	[0x80 ... 0xff] = CHAR_VALUE };

struct str http_take(struct str *rest, unsigned kinds)
{
	assert(rest != NULL);
	const char *p = rest->p; /* which may be NULL, without any bytes */
	size_t left = rest->n;
	for (; left >= 4 && http_is_char(p[0], kinds) && http_is_char(p[1], kinds) && http_is_char(p[2], kinds) && http_is_char(p[3], kinds);
		 p += 4)
		left -= 4;
	for (; left > 0 && http_is_char(*p, kinds); p++)
		left--;
	return str_take(rest, rest->n - left);
}

static bool consists_of(struct str s, unsigned kind)
{
	(void)http_take(&s, kind);
	return s.n == 0;
}

bool http_is_token(struct str s)
{
	return s.n > 0 && consists_of(s, CHAR_TOKEN);
}

bool http_is_field_value(struct str s)
{
	return consists_of(s, CHAR_VALUE);
}

bool http_is_visible(struct str s)
{
	return s.n > 0 && consists_of(s, CHAR_VISIBLE);
}

bool http_is_printable(struct str s)
{
	return consists_of(s, CHAR_PRINTABLE);
}

/* "q=0", "q=0.", "q=0.000": not this one. Whatever else is there is some weight, or nonsense. */
static bool weight_is_zero(struct str parameters)
{
	while (parameters.p != NULL) {
		struct str weight = str_trim(str_cut(&parameters, ';'));
		if (!str_starts_with_nocase(weight, STR("q=0")))
			continue;
		for (size_t i = 3; i < weight.n; i++)
			if (weight.p[i] != '.' && weight.p[i] != '0')
				return false;
		return true;
	}
	return false;
}

enum http_preference http_preference(struct str list, struct str name)
{
	assert(name.n > 0);
	while (list.p != NULL) {
		struct str parameters = str_cut(&list, ',');
		if (str_equal_nocase(str_trim(str_cut(&parameters, ';')), name))
			return weight_is_zero(parameters) ? HTTP_REFUSED : HTTP_ACCEPTED;
	}
	return HTTP_NOT_NAMED;
}

bool http_etag_equals(struct str tag, struct str etag, bool weak)
{
	if (str_starts_with(tag, STR("W/"))) {
		if (!weak)
			return false;
		tag = str_slice(tag, 2, tag.n);
	}
	return str_equal(str_unquote(tag), etag);
}

bool http_etag_listed(struct str list, struct str etag, bool weak)
{
	if (str_equal(str_trim(list), STR("*")))
		return true;
	/* our tags contain no comma, so that a part of another quoted tag cannot equal one */
	while (list.p != NULL)
		if (http_etag_equals(str_trim(str_cut(&list, ',')), etag, weak))
			return true;
	return false;
}

bool http_retry_after(struct str value, int64_t now_ms, int64_t *wait_ms)
{
	assert(wait_ms != NULL);
	uint64_t seconds;
	int64_t at_ms, wait;
	if (str_to_u64(value, &seconds))
		wait = seconds < RETRY_AFTER_MAX_MS / 1000 ? (int64_t)seconds * 1000 : RETRY_AFTER_MAX_MS;
	else if (clock_parse_http_date(value, &at_ms))
		wait = at_ms > now_ms ? at_ms - now_ms : 0;
	else
		return false;
	*wait_ms = wait < RETRY_AFTER_MAX_MS ? wait : RETRY_AFTER_MAX_MS;
	return true;
}
