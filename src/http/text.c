/* One table says of each byte what it may be part of. See text.h. */
#include "http/text.h"

enum { VALUE = 1, PRINTABLE = 2, VISIBLE = 4, TOKEN = 8 };
#define V (VALUE | PRINTABLE | VISIBLE)
#define T (V | TOKEN)

static const unsigned char kinds[256] = {
	['\t'] = VALUE, [' '] = VALUE | PRINTABLE, ['!'] = T, ['"'] = V, ['#'] = T, ['$'] = T, ['%'] = T, ['&'] = T, ['\''] = T,
	['('] = V, [')'] = V, ['*'] = T, ['+'] = T, [','] = V, ['-'] = T, ['.'] = T, ['/'] = V, ['0' ... '9'] = T, [':' ... '@'] = V,
	['A' ... 'Z'] = T, ['[' ... ']'] = V, ['^' ... 'z'] = T, ['{'] = V, ['|'] = T, ['}'] = V, ['~'] = T, [0x80 ... 0xff] = VALUE,
};

static bool consists_of(struct str s, unsigned kind)
{
	for (size_t i = 0; i < s.n; i++)
		if ((kinds[(unsigned char)s.p[i]] & kind) == 0)
			return false;
	return true;
}

bool http_is_token(struct str s)
{
	return s.n > 0 && consists_of(s, TOKEN);
}

bool http_is_field_value(struct str s)
{
	return consists_of(s, VALUE);
}

bool http_is_visible(struct str s)
{
	return s.n > 0 && consists_of(s, VISIBLE);
}

bool http_is_printable(struct str s)
{
	return consists_of(s, PRINTABLE);
}
