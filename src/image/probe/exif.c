/* The only tag of EXIF that is read: 0x0112 (Orientation) of the first directory of its TIFF structure, in
 * either byte order. A directory that is cut or out of bounds counts as missing; the image is not refused for
 * it. Source: TIFF 6.0, section 2; EXIF 2.3, 4.6.4 (Orientation: SHORT, count 1, 1..8). */
#include "image/probe/formats.h"

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define ENTRY_BYTES 12

struct tiff {
	struct str bytes;
	bool big_endian;
};

static uint32_t read16(const struct tiff *t, size_t at)
{
	return t->big_endian ? be16(t->bytes, at) : le16(t->bytes, at);
}

static uint32_t read32(const struct tiff *t, size_t at)
{
	return t->big_endian ? be32(t->bytes, at) : le32(t->bytes, at);
}

uint32_t exif_orientation(struct str bytes)
{
	struct tiff t = { bytes, str_starts_with(bytes, (struct str){ "MM\0*", 4 }) };
	if (!has(bytes, 0, 8) || (!t.big_endian && !str_starts_with(bytes, (struct str){ "II*\0", 4 })))
		return 0;
	size_t at = read32(&t, 4);
	if (at < 8 || !has(bytes, at, 2))
		return 0;
	uint32_t entries = read16(&t, at);
	at += 2;
	for (uint32_t i = 0; i < entries && has(bytes, at, ENTRY_BYTES); i++, at += ENTRY_BYTES) {
		if (read16(&t, at) != TAG_ORIENTATION)
			continue;
		uint32_t value = read16(&t, at + 8);
		return read16(&t, at + 2) == TYPE_SHORT && read32(&t, at + 4) == 1 && value >= 1 && value <= 8 ? value : 0;
	}
	return 0;
}
