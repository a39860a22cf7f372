/* See file_type.h. Two tables: the first bytes of files of a type, and the extensions of names.
 * Source: the formats' own specifications; ISO/IEC 14496-12, 4.3 and ISO/IEC 23008-12, 10 (brands); IANA, media types. */
#include "cli/file_type.h"

#include <assert.h>

#define HEIC "image/heic"
#define AVIF "image/avif"
#define BRAND_CHARS 4

/* '?' is any byte. */
static const struct {
	struct str start;
	const char *type;
} signatures[] = {
	{ { "\xff\xd8\xff", 3 }, "image/jpeg" },
	{ { "\x89PNG\r\n\x1a\n", 8 }, "image/png" },
	{ { "GIF87a", 6 }, "image/gif" },
	{ { "GIF89a", 6 }, "image/gif" },
	{ { "RIFF????WEBP", 12 }, "image/webp" },
	{ { "BM", 2 }, "image/bmp" },
	{ { "II*\0", 4 }, "image/tiff" },
	{ { "MM\0*", 4 }, "image/tiff" },
	{ { "II+\0", 4 }, "image/tiff" },
	{ { "MM\0+", 4 }, "image/tiff" },
	{ { "%PDF-", 5 }, "application/pdf" },
};

static const struct brand {
	const char *brand, *type;
	bool is_major; /* only if it is the major one: a sequence, which the server refuses with a reason */
} brands[] = {
	{ "avif", AVIF, false },
	{ "heic", HEIC, false },
	{ "heix", HEIC, false },
	{ "heim", HEIC, false },
	{ "heis", HEIC, false },
	{ "avis", AVIF, true },
	{ "hevc", HEIC, true },
	{ "hevx", HEIC, true },
	{ "msf1", HEIC, true },
};

static const struct {
	const char *extension, *type;
} extensions[] = {
	{ "jpg", "image/jpeg" },
	{ "jpeg", "image/jpeg" },
	{ "jpe", "image/jpeg" },
	{ "jfif", "image/jpeg" },
	{ "png", "image/png" },
	{ "apng", "image/png" },
	{ "gif", "image/gif" },
	{ "webp", "image/webp" },
	{ "heic", HEIC },
	{ "heif", HEIC },
	{ "avif", AVIF },
	{ "bmp", "image/bmp" },
	{ "tif", "image/tiff" },
	{ "tiff", "image/tiff" },
	{ "svg", "image/svg+xml" },
	{ "jxl", "image/jxl" },
	{ "ico", "image/vnd.microsoft.icon" },
	{ "mp4", "video/mp4" },
	{ "m4v", "video/mp4" },
	{ "mov", "video/quicktime" },
	{ "webm", "video/webm" },
	{ "mkv", "video/matroska" },
	{ "avi", "video/x-msvideo" },
	{ "mp3", "audio/mpeg" },
	{ "m4a", "audio/mp4" },
	{ "ogg", "audio/ogg" },
	{ "wav", "audio/wav" },
	{ "flac", "audio/flac" },
	{ "pdf", "application/pdf" },
	{ "zip", "application/zip" },
	{ "json", "application/json" },
	{ "txt", "text/plain" },
	{ "csv", "text/csv" },
};

static bool begins_with(struct str bytes, struct str signature)
{
	for (size_t i = 0; i < signature.n; i++)
		if (i >= bytes.n || (signature.p[i] != '?' && bytes.p[i] != signature.p[i]))
			return false;
	return true;
}

/* The type of the first known brand of an ISO base media file; its brands are the major one and those after its version. */
static const char *find_brand(struct str start)
{
	uint32_t size = 0;
	if (!begins_with(start, STR("????ftyp")))
		return NULL;
	for (size_t i = 0; i < 4; i++)
		size = size << 8 | (unsigned char)start.p[i];
	struct str box = str_slice(start, 0, size < start.n ? size : start.n);
	for (size_t at = 8; at + BRAND_CHARS <= box.n; at += at == 8 ? 2 * BRAND_CHARS : BRAND_CHARS)
		for (size_t i = 0; i < COUNT_OF(brands); i++)
			if ((at == 8 || !brands[i].is_major) && str_equal(str_slice(box, at, at + BRAND_CHARS), str_of(brands[i].brand)))
				return brands[i].type;
	return NULL;
}

static const char *find_signature(struct str start)
{
	for (size_t i = 0; i < COUNT_OF(signatures); i++)
		if (begins_with(start, signatures[i].start))
			return signatures[i].type;
	return find_brand(start);
}

/* Whether the first bytes of a file of this type would show it. */
static bool has_signature(struct str type)
{
	for (size_t i = 0; i < COUNT_OF(signatures); i++)
		if (str_equal(type, str_of(signatures[i].type)))
			return true;
	return str_equal(type, STR(HEIC)) || str_equal(type, STR(AVIF));
}

struct str file_type(struct str start, struct str name)
{
	const char *type = find_signature(start);
	size_t dot = name.n;
	while (dot > 0 && name.p[dot - 1] != '.')
		dot--;
	for (size_t i = 0; type == NULL && dot > 0 && i < COUNT_OF(extensions); i++)
		if (str_equal_nocase(str_slice(name, dot, name.n), str_of(extensions[i].extension)) && !has_signature(str_of(extensions[i].type)))
			type = extensions[i].type;
	return type != NULL ? str_of(type) : STR("application/octet-stream");
}
