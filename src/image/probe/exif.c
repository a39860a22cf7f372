/* Read tags from EXIF, in either byte order: the entries of a TIFF structure's directories, and from them the orientation. A
 * directory that is cut or out of bounds counts as missing; the image is not refused for it.
 * Source: TIFF 6.0, section 2; EXIF 2.3, 4.6.4 (Orientation: SHORT, count 1, 1..8). */
#include "image/probe/formats.h"

#define ENTRY_BYTES 12

static bool is_big_endian(struct str tiff)
{
	return str_starts_with(tiff, (struct str){ "MM\0*", 4 });
}

static uint32_t read16(struct str tiff, size_t at)
{
	return is_big_endian(tiff) ? be16(tiff, at) : le16(tiff, at);
}

static uint32_t read32(struct str tiff, size_t at)
{
	return is_big_endian(tiff) ? be32(tiff, at) : le32(tiff, at);
}

size_t exif_first_directory(struct str tiff)
{
	if (!has(tiff, 0, 8) || (!is_big_endian(tiff) && !str_starts_with(tiff, (struct str){ "II*\0", 4 })))
		return 0;
	return read32(tiff, 4) < 8 ? 0 : read32(tiff, 4);
}

/* Values of more than four bytes are elsewhere in the structure. */
static bool read_entry(struct str tiff, size_t at, struct exif_value *out)
{
	static const uint32_t sizes[] = { [EXIF_ASCII] = 1, [EXIF_SHORT] = 2, [EXIF_LONG] = 4, [EXIF_RATIONAL] = 8 };
	uint32_t type = read16(tiff, at + 2), count = read32(tiff, at + 4);
	uint64_t length = type < COUNT_OF(sizes) ? (uint64_t)sizes[type] * count : 0;
	at += 8;
	if (length > 4)
		at = read32(tiff, at);
	if (length > tiff.n || !has(tiff, at, (size_t)length))
		return false;
	*out = (struct exif_value){ type, count, str_slice(tiff, at, at + (length == 0 ? 4 : (size_t)length)), is_big_endian(tiff) };
	return true;
}

bool exif_find(struct str tiff, size_t at, enum exif_tag tag, struct exif_value *out)
{
	assert(out != NULL);
	if (at < 8 || !has(tiff, at, 2))
		return false;
	uint32_t entries = read16(tiff, at);
	at += 2;
	for (uint32_t i = 0; i < entries && has(tiff, at, ENTRY_BYTES); i++, at += ENTRY_BYTES)
		if (read16(tiff, at) == (uint32_t)tag)
			return read_entry(tiff, at, out);
	return false;
}

uint32_t exif_number(const struct exif_value *v, uint32_t i)
{
	assert(v != NULL);
	assert(v->type == EXIF_SHORT || v->type == EXIF_LONG || v->type == EXIF_RATIONAL);
	assert(v->type == EXIF_RATIONAL ? i / 2 < v->count : i < v->count);
	size_t size = v->type == EXIF_SHORT ? 2 : 4;
	if (size == 2)
		return v->big_endian ? be16(v->bytes, i * size) : le16(v->bytes, i * size);
	return v->big_endian ? be32(v->bytes, i * size) : le32(v->bytes, i * size);
}

uint32_t exif_orientation(struct str tiff)
{
	struct exif_value v;
	if (!exif_find(tiff, exif_first_directory(tiff), EXIF_ORIENTATION, &v) || v.type != EXIF_SHORT || v.count != 1)
		return 0;
	return exif_number(&v, 0) >= 1 && exif_number(&v, 0) <= 8 ? exif_number(&v, 0) : 0;
}
