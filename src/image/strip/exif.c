/* Read the facts that a caller may keep of EXIF, and write the block that stays. Text in EXIF is padded and may hold
 * anything: only printable ASCII is accepted, and only times and positions of the right form.
 * Source: EXIF 2.3, 4.6.4..4.6.6; TIFF 6.0, section 2. */
#include "image/strip/formats.h"

#include <string.h>

#define TIME_CHARS 19  /* "2024:05:06 07:08:09" */
#define OFFSET_CHARS 6 /* "+02:00" */

void exif_minimal(uint32_t orientation, char out[EXIF_MINIMAL_BYTES])
{
	assert(orientation >= 1 && orientation <= 8);
	/* Big-endian; the first directory at 8, with one entry: tag 0x0112, SHORT, one of them. No other directory. */
	memcpy(out, "MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0", EXIF_MINIMAL_BYTES);
	out[19] = (char)orientation;
}

/* The text of a tag without padding; empty unless it is printable ASCII. */
static struct str find_text(struct str tiff, size_t directory, enum exif_tag tag)
{
	struct exif_value v;
	if (!exif_find(tiff, directory, tag, &v) || v.type != EXIF_ASCII)
		return STR("");
	struct str text = str_trim(str_slice(v.bytes, 0, str_find_char(str_slice(v.bytes, 0, v.count), '\0')));
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return STR("");
	return text;
}

static void copy_text(struct str text, char *out, size_t size)
{
	size_t n = text.n < size ? text.n : size - 1;
	if (n > 0)
		memcpy(out, text.p, n);
	out[n] = '\0';
}

/* '0' in the form is any digit. */
static bool has_form(struct str text, const char *form)
{
	if (text.n != strlen(form))
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (form[i] == '0' ? text.p[i] < '0' || text.p[i] > '9' : text.p[i] != form[i])
			return false;
	return true;
}

static void read_taken(struct str tiff, size_t directory, struct strip_facts *out)
{
	struct str text = find_text(tiff, directory, EXIF_TAKEN), offset = find_text(tiff, directory, EXIF_TAKEN_OFFSET);
	if (!has_form(text, "0000:00:00 00:00:00") || str_starts_with(text, STR("0000")))
		return;
	copy_text(text, out->taken_at, sizeof out->taken_at);
	out->taken_at[4] = out->taken_at[7] = '-';
	out->taken_at[10] = 'T';
	if (has_form(offset, "+00:00") || has_form(offset, "-00:00"))
		copy_text(offset, out->taken_at + TIME_CHARS, OFFSET_CHARS + 1);
}

/* Degrees, minutes and seconds; a letter gives the sign. */
static bool read_angle(struct str tiff, size_t directory, enum exif_tag tag, const char *sides, double *out)
{
	struct exif_value v;
	double angle = 0, unit = 1;
	struct str side = find_text(tiff, directory, tag == GPS_LATITUDE ? GPS_LATITUDE_REF : GPS_LONGITUDE_REF);
	if (!exif_find(tiff, directory, tag, &v) || v.type != EXIF_RATIONAL || v.count != 3 || side.n != 1)
		return false;
	for (uint32_t i = 0; i < 3; i++, unit *= 60) {
		uint32_t over = exif_number(&v, 2 * i), under = exif_number(&v, 2 * i + 1);
		if (under == 0 && over != 0)
			return false;
		if (under != 0)
			angle += (double)over / under / unit;
	}
	*out = side.p[0] == sides[1] ? -angle : angle;
	return (side.p[0] == sides[0] || side.p[0] == sides[1]) && angle <= (tag == GPS_LATITUDE ? 90 : 180);
}

static size_t find_directory(struct str tiff, enum exif_tag tag)
{
	struct exif_value v;
	if (!exif_find(tiff, exif_first_directory(tiff), tag, &v) || v.type != EXIF_LONG || v.count != 1)
		return 0;
	return exif_number(&v, 0);
}

void exif_facts(struct str tiff, struct strip_facts *out)
{
	assert(out != NULL);
	size_t first = exif_first_directory(tiff), gps = find_directory(tiff, EXIF_GPS_DIRECTORY);
	double latitude, longitude;
	out->orientation = exif_orientation(tiff);
	copy_text(find_text(tiff, first, EXIF_MAKE), out->make, sizeof out->make);
	copy_text(find_text(tiff, first, EXIF_MODEL), out->model, sizeof out->model);
	read_taken(tiff, find_directory(tiff, EXIF_DIRECTORY), out);
	out->has_position = read_angle(tiff, gps, GPS_LATITUDE, "NS", &latitude) && read_angle(tiff, gps, GPS_LONGITUDE, "EW", &longitude);
	if (out->has_position) {
		out->latitude = latitude;
		out->longitude = longitude;
	}
}
