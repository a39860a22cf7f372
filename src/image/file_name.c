/* What a file name of a client may be. A blank is what Unicode calls White_Space. */
#include "image/slot.h"

#include "base/codec.h"

/* Unicode, PropList.txt, White_Space. */
static const char *const blanks[] = { "\t", "\n", "\v", "\f", "\r", " ", "\xc2\x85", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002",
	"\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000" };

static bool only_blanks(struct str name)
{
	while (name.n > 0) {
		size_t i = 0;
		while (i < COUNT_OF(blanks) && !str_starts_with(name, str_of(blanks[i])))
			i++;
		if (i == COUNT_OF(blanks))
			return false;
		name = str_slice(name, str_of(blanks[i]).n, name.n);
	}
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
