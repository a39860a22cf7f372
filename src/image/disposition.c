/* Content-Disposition for a name that a client chose. Only characters that cannot end a quoted
 * string or a line are copied to the header; the whole name follows percent-encoded.
 * Source: RFC 6266 4.1, 4.3 and appendix D; RFC 8187 3.2. */
#include "image/image_service.h"

#include "base/buf.h"
#include "base/codec.h"
#include "image/slot.h"

/* A name of 255 bytes, once as it is and once with three characters a byte. */
#define HEADER_MAX_BYTES 2048

struct str content_disposition(struct arena *a, struct str file_type, struct str file_name)
{
	assert(a != NULL);
	struct buf b;
	buf_init_arena(&b, a, HEADER_MAX_BYTES);
	buf_put(&b, media_type_displayable(file_type) ? STR("inline") : STR("attachment"));
	buf_put(&b, STR("; filename=\""));
	/* One '_' for each code point that is not plain: continuation bytes add nothing. */
	for (size_t i = 0; i < file_name.n; i++) {
		char c = file_name.p[i];
		bool continues = ((unsigned char)c & 0xc0) == 0x80;
		if (c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != '/' && c != '%')
			buf_put_char(&b, c);
		else if (!continues)
			buf_put_char(&b, '_');
	}
	buf_put(&b, STR("\"; filename*=UTF-8''"));
	uri_encode(&b, file_name, false);
	return buf_ok(&b) ? buf_str(&b) : (struct str){ NULL, 0 };
}
