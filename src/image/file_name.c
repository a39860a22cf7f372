/* What a file name of a client may be. See file_name.h. A blank is what Unicode calls White_Space. */
#include "image/file_name.h"

#include "base/codec.h"
#include "image/slot.h"

/* Unicode, PropList.txt, White_Space: the ranges from..to of code points. */
static const struct {
	uint32_t from, to;
} blanks[] = { { 0x09, 0x0d }, { 0x20, 0x20 }, { 0x85, 0x85 }, { 0xa0, 0xa0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200a }, { 0x2028, 0x2029 },
	{ 0x202f, 0x202f }, { 0x205f, 0x205f }, { 0x3000, 0x3000 } };

static bool is_blank(uint32_t point)
{
	for (size_t i = 0; i < COUNT_OF(blanks); i++)
		if (point >= blanks[i].from && point <= blanks[i].to)
			return true;
	return false;
}

/* The first code point of well-formed UTF-8, cut off the front; no blank has more than three bytes,
 * so what has four may come out as anything beyond them. */
static uint32_t cut_point(struct str *rest)
{
	size_t n = 1;
	uint32_t point = (unsigned char)rest->p[0];
	if (point >= 0xc0)
		point &= point >= 0xe0 ? 0x0f : 0x1f;
	for (; n < rest->n && ((unsigned char)rest->p[n] & 0xc0) == 0x80; n++)
		point = point << 6 | ((unsigned char)rest->p[n] & 0x3f);
	if (n == 4)
		point |= 0x10000;
	*rest = str_slice(*rest, n, rest->n);
	return point;
}

static bool only_blanks(struct str name)
{
	while (name.n > 0)
		if (!is_blank(cut_point(&name)))
			return false;
	return true;
}

enum status file_name_check(struct str name, struct fault *why)
{
	if (name.n == 0)
		return fault_set(why, BAD_FIELD, "fileName is missing or empty: give the file's name");
	if (name.n > FILE_NAME_MAX_BYTES)
		return fault_set(why, BAD_FIELD, "fileName must have at most %d bytes of UTF-8", FILE_NAME_MAX_BYTES);
	if (!utf8_valid(name))
		return fault_set(why, BAD_FIELD, "fileName must be well-formed UTF-8");
	if (str_find_char(name, '\0') < name.n)
		return fault_set(why, BAD_FIELD, "fileName must not contain U+0000");
	if (only_blanks(name))
		return fault_set(why, BAD_FIELD, "fileName must not be blank");
	return OK;
}
