/* Media types: the canonical form, what the rules allow, and the extension of a key.
 * Source: RFC 6838 4.2 (names of at most 127 characters of a small alphabet); RFC 9110 8.3.1. */
#include "image/slot.h"

#define NAME_MAX_CHARS 127

static bool is_name(struct str s)
{
	return s.n <= NAME_MAX_CHARS && str_consists_of_lower(s, STR("!#$&-^_.+"));
}

bool media_type_allowed(const struct image_rules *rules, struct str media_type)
{
	assert(rules != NULL);
	struct str rest = rules->allowed_types;
	while (rest.p != NULL) {
		struct str allowed = str_trim(str_cut(&rest, ','));
		bool jpeg = str_equal_nocase(allowed, STR("image/jpg"));
		if (str_equal_nocase(jpeg ? STR("image/jpeg") : allowed, media_type))
			return true;
	}
	return false;
}

enum status media_type_read(const struct image_rules *rules, struct str text, struct arena *a, struct str *out, struct fault *why)
{
	assert(rules != NULL);
	assert(a != NULL);
	assert(out != NULL);
	if (text.n == 0)
		return fault_set(why, BAD_FIELD, "fileType is missing: give the media type, such as image/jpeg");
	if (str_find_char(text, ';') < text.n)
		return fault_set(why, BAD_FIELD, "fileType must be a media type without parameters, such as image/jpeg");
	struct str type = str_lower(a, text);
	if (str_equal(type, STR("image/jpg"))) /* never registered, but written by many programs */
		type = STR("image/jpeg");
	struct str rest = type, name = str_cut(&rest, '/');
	TRY(fault_check_arena(a, why));
	if (!is_name(name) || !is_name(rest))
		return fault_set(why, BAD_FIELD, "fileType must be a media type, such as image/jpeg");
	if (!media_type_allowed(rules, type))
		return fault_set(why, TYPE_NOT_ALLOWED, "fileType %.*s is not allowed: use one of %.*s", (int)(type.n < 80 ? type.n : 80), type.p,
			STRF(rules->allowed_types));
	*out = type;
	return OK;
}

bool media_type_displayable(struct str media_type)
{
	return str_is_word_of(media_type, STR("image/jpeg image/png image/gif image/webp"));
}

struct str media_type_extension(struct str media_type)
{
	static const struct {
		struct str type, extension;
	} known[] = {
		{ { "image/jpeg", 10 }, { "jpg", 3 } },
		{ { "image/png", 9 }, { "png", 3 } },
		{ { "image/gif", 9 }, { "gif", 3 } },
		{ { "image/webp", 10 }, { "webp", 4 } },
		{ { "image/avif", 10 }, { "avif", 4 } },
		{ { "image/heic", 10 }, { "heic", 4 } },
		{ { "image/tiff", 10 }, { "tif", 3 } },
		{ { "application/pdf", 15 }, { "pdf", 3 } },
	};
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (str_equal(known[i].type, media_type))
			return known[i].extension;
	return STR("bin");
}
