/* One table says of each byte what it may be part of. See text.h. */
#include "http/text.h"

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
