/* Content-Disposition for a name that a client chose. Nothing of the name reaches the header but
 * letters that cannot end a quoted string or a line; the whole name comes percent-encoded next to it.
 * Source: RFC 6266 4.1, 4.3 and appendix D; RFC 8187 3.2. */
#include "image/image_service.h"

#include "base/buf.h"
#include "base/codec.h"

/* A name of 255 bytes comes once as it is and once with three letters a byte. */
#define HEADER_MAX_BYTES 2048

static bool is_plain_char(char c)
{
	return c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '/' && c != '%';
}

/* One '_' for each code point that is not plain: continuation bytes add nothing. */
static void put_fallback(struct buf *b, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		bool continues = ((unsigned char)name.p[i] & 0xc0) == 0x80;
		if (is_plain_char(name.p[i]))
			buf_put_char(b, name.p[i]);
		else if (!continues)
			buf_put_char(b, '_');
	}
}

struct str content_disposition(struct arena *a, struct str file_name)
{
	struct buf b;
	buf_init_arena(&b, a, HEADER_MAX_BYTES);
	buf_put(&b, STR("inline; filename=\""));
	put_fallback(&b, file_name);
	buf_put(&b, STR("\"; filename*=UTF-8''"));
	uri_encode(&b, file_name, false);
	return buf_ok(&b) ? buf_str(&b) : (struct str){ NULL, 0 };
}
