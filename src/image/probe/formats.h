/* Shared by the parsers of the four formats: bounded reads and their common signature. Private to the
 * probe. Reading beyond the bytes is a bug of the parser and fails an assertion, so check `has`. */
#ifndef IMAGE_PROBE_FORMATS_H
#define IMAGE_PROBE_FORMATS_H

#include "image/probe/probe.h"

/* Each gets a whole file that begins with its signature and an `out` with the type filled in. */
enum probe_result probe_jpeg(struct str bytes, struct probe *out);
enum probe_result probe_png(struct str bytes, struct probe *out);
enum probe_result probe_gif(struct str bytes, struct probe *out);
enum probe_result probe_webp(struct str bytes, struct probe *out);

/* The orientation in the first directory of a TIFF structure; 0 when it is missing or malformed. */
uint32_t exif_orientation(struct str tiff);

/* Set why and return PROBE_BAD. why: static */
static inline enum probe_result probe_bad(struct probe *out, const char *why)
{
	out->why = why;
	return PROBE_BAD;
}

static inline enum probe_result probe_cut(struct probe *out)
{
	return probe_bad(out, "it ends too early");
}

/* Whether n bytes are at `at`. */
static inline bool has(struct str s, size_t at, size_t n)
{
	return at <= s.n && n <= s.n - at;
}

static inline uint32_t byte_at(struct str s, size_t at)
{
	assert(has(s, at, 1));
	return (unsigned char)s.p[at];
}

static inline uint32_t be16(struct str s, size_t at)
{
	return byte_at(s, at) << 8 | byte_at(s, at + 1);
}

static inline uint32_t be32(struct str s, size_t at)
{
	return be16(s, at) << 16 | be16(s, at + 2);
}

static inline uint32_t le16(struct str s, size_t at)
{
	return byte_at(s, at) | byte_at(s, at + 1) << 8;
}

static inline uint32_t le24(struct str s, size_t at)
{
	return le16(s, at) | byte_at(s, at + 2) << 16;
}

static inline uint32_t le32(struct str s, size_t at)
{
	return le16(s, at) | le16(s, at + 2) << 16;
}

#endif
