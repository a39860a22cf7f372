/* Which format the bytes begin with, by a table of signatures; the format's own parser does the rest
 * (jpeg.c, png.c, gif.c, webp.c, heif.c). Content decides: names and headers are
 * never seen here. */
#include "image/probe/formats.h"

static const struct format {
	enum probe_type type;
	struct str signature; /* '?' is any byte */
	const char *media_type;
	enum probe_result (*parse)(struct str bytes, struct probe *out);
} formats[] = {
	{ PROBE_JPEG, { "\xff\xd8\xff", 3 }, "image/jpeg", probe_jpeg },
	{ PROBE_PNG, { "\x89PNG\r\n\x1a\n", 8 }, "image/png", probe_png },
	{ PROBE_GIF, { "GIF87a", 6 }, "image/gif", probe_gif },
	{ PROBE_GIF, { "GIF89a", 6 }, "image/gif", probe_gif },
	{ PROBE_WEBP, { "RIFF????WEBP", 12 }, "image/webp", probe_webp },
	{ PROBE_HEIC, { "????ftyphei?", 12 }, "image/heic", probe_heif },
	{ PROBE_HEIC, { "????ftyphev?", 12 }, "image/heic", probe_heif },
	{ PROBE_HEIC, { "????ftypmif1", 12 }, "image/heic", probe_heif },
	{ PROBE_HEIC, { "????ftypmsf1", 12 }, "image/heic", probe_heif },
	{ PROBE_AVIF, { "????ftypavi?", 12 }, "image/avif", probe_heif },
};

static bool has_signature(struct str bytes, struct str signature)
{
	for (size_t i = 0; i < signature.n; i++)
		if (i >= bytes.n || (signature.p[i] != '?' && bytes.p[i] != signature.p[i]))
			return false;
	return true;
}

enum probe_type probe_signature(struct str bytes)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (has_signature(bytes, formats[i].signature))
			return formats[i].type;
	return PROBE_UNKNOWN;
}

enum probe_result probe_image(struct str bytes, struct probe *out)
{
	assert(out != NULL && (bytes.p != NULL || bytes.n == 0));
	for (size_t i = 0; i < COUNT_OF(formats); i++) {
		if (!has_signature(bytes, formats[i].signature))
			continue;
		*out = (struct probe){ .type = formats[i].type };
		enum probe_result result = formats[i].parse(bytes, out);
		if (result != PROBE_OK)
			*out = (struct probe){ .type = out->type, .why = out->why, .is_cut = out->is_cut };
		return result;
	}
	*out = (struct probe){ .type = PROBE_UNKNOWN, .why = "it is not a JPEG, PNG, GIF or WebP image" };
	return PROBE_NOT_IMAGE;
}

struct str probe_media_type(enum probe_type type)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (formats[i].type == type)
			return str_of(formats[i].media_type);
	return STR("");
}
