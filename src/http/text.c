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
	size_t n = 0;
	while (n < rest->n && http_is_char(rest->p[n], kinds))
		n++;
	struct str piece = str_slice(*rest, 0, n);
	*rest = str_slice(*rest, n, rest->n); /* which may be NULL */
	return piece;
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
