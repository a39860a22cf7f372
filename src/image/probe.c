/* Which format the bytes begin with, by a table of signatures; the format's own parser does the rest
 * (probe_jpeg.c, probe_png.c, probe_gif.c, probe_webp.c). Content decides: names and headers are
 * never seen here. */
#include "image/probe_parts.h"

static const struct format {
	enum probe_type type;
	struct str signature;      /* '?' is any byte */
	const char *media_type;
	enum probe_result (*parse)(struct str bytes, bool whole, struct probe *out);
} formats[] = {
	{ PROBE_JPEG, { "\xff\xd8\xff", 3 }, "image/jpeg", probe_jpeg },
	{ PROBE_PNG, { "\x89PNG\r\n\x1a\n", 8 }, "image/png", probe_png },
	{ PROBE_GIF, { "GIF87a", 6 }, "image/gif", probe_gif },
	{ PROBE_GIF, { "GIF89a", 6 }, "image/gif", probe_gif },
	{ PROBE_WEBP, { "RIFF????WEBP", 12 }, "image/webp", probe_webp },
};

/* How many bytes agree with the signature before the first that does not, or before either ends. */
static size_t agreeing(struct str bytes, struct str signature)
{
	size_t i = 0;
	while (i < bytes.n && i < signature.n && (signature.p[i] == '?' || bytes.p[i] == signature.p[i]))
		i++;
	return i;
}

static enum probe_result parse(const struct format *f, struct str bytes, bool whole, struct probe *out)
{
	*out = (struct probe){ .type = f->type };
	enum probe_result result = f->parse(bytes, whole, out);
	if (result == PROBE_NEED_MORE && whole)
		result = probe_bad(out, "it ends too early");
	if (result != PROBE_OK)
		*out = (struct probe){ .type = f->type, .why = result == PROBE_BAD ? out->why : NULL };
	return result;
}

enum probe_result probe_image(struct str bytes, bool whole, struct probe *out)
{
	bool may_become = false;
	*out = (struct probe){ .type = PROBE_UNKNOWN };
	for (size_t i = 0; i < COUNT_OF(formats); i++) {
		size_t n = agreeing(bytes, formats[i].signature);
		if (n == formats[i].signature.n)
			return parse(&formats[i], bytes, whole, out);
		may_become |= n == bytes.n;
	}
	if (may_become && !whole)
		return PROBE_NEED_MORE;
	out->why = "it is no JPEG, PNG, GIF or WebP image";
	return PROBE_NOT_IMAGE;
}

struct str probe_media_type(enum probe_type type)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (formats[i].type == type)
			return str_of(formats[i].media_type);
	return STR("");
}
