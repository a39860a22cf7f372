/* Media types: the canonical form, what the rules allow, and the extension of a key.
 * Source: RFC 6838 4.2 (names of at most 127 characters of a small alphabet); RFC 9110 8.3.1. */
#include "image/probe/probe.h"
#include "image/slot.h"

#define NAME_MAX_CHARS 127

static bool is_name(struct str s)
{
	return s.n <= NAME_MAX_CHARS && str_consists_of(s, STR("!#$&-^_.+"));
}

bool media_type_valid(struct str text)
{
	struct str rest = text, name = str_cut(&rest, '/');
	return is_name(name) && is_name(rest);
}

/* image/jpg was never registered, but is written by many programs. */
static struct str registered_type(struct str type)
{
	return str_equal_nocase(type, STR("image/jpg")) ? STR("image/jpeg") : type;
}

/* The next of a list with commas. */
static struct str next_type(struct str *rest)
{
	return registered_type(str_trim(str_cut(rest, ',')));
}

bool media_type_listed(struct str list, struct str media_type)
{
	while (list.p != NULL)
		if (str_equal_nocase(next_type(&list), media_type))
			return true;
	return false;
}

bool media_type_allowed(const struct image_rules *rules, struct str media_type)
{
	assert(rules != NULL);
	return media_type_listed(rules->allowed_types, media_type);
}

/* Those that every program here can verify, and every browser shows. */
static bool is_always_verified(struct str media_type)
{
	for (enum probe_type t = PROBE_JPEG; t <= PROBE_WEBP; t++)
		if (str_equal_nocase(probe_media_type(t), media_type))
			return true;
	return false;
}

bool media_type_verifiable(struct str media_type)
{
	return is_always_verified(media_type) || media_type_is_heif(media_type);
}

bool media_type_is_heif(struct str media_type)
{
	return str_equal_nocase(media_type, probe_media_type(PROBE_HEIC)) || str_equal_nocase(media_type, probe_media_type(PROBE_AVIF));
}

bool media_type_unverified(const struct image_rules *rules, struct str media_type)
{
	assert(rules != NULL);
	return !is_always_verified(media_type) && media_type_listed(rules->unverified_types, media_type);
}

bool media_types_need_heif(const struct image_rules *rules)
{
	assert(rules != NULL);
	for (struct str rest = rules->allowed_types; rest.p != NULL;) {
		struct str type = next_type(&rest);
		if (media_type_is_heif(type) && !media_type_unverified(rules, type))
			return true;
	}
	return false;
}

enum status media_types_check(const struct image_rules *rules, struct fault *why)
{
	assert(rules != NULL);
	for (struct str rest = rules->allowed_types; rest.p != NULL;) {
		struct str type = next_type(&rest);
		if (!media_type_verifiable(type) && !media_type_unverified(rules, type))
			return fault_set(why, BAD_SETTING,
				"--allowed-types names %.*s, which cannot be verified here. Remove it, or name it in --unverified-types "
				"(TINTYPE_UNVERIFIED_TYPES) too: then it is stored with all its metadata, and served as a download only.",
				STRF(type));
	}
	for (struct str rest = rules->unverified_types; rules->unverified_types.n > 0 && rest.p != NULL;) {
		struct str type = next_type(&rest);
		if (is_always_verified(type))
			return fault_set(why, BAD_SETTING,
				"--unverified-types (TINTYPE_UNVERIFIED_TYPES) names %.*s, which is always verified: remove it there.", STRF(type));
		if (!media_type_allowed(rules, type))
			return fault_set(why, BAD_SETTING,
				"--unverified-types (TINTYPE_UNVERIFIED_TYPES) names %.*s, which --allowed-types does not: name it in both, or in neither.",
				STRF(type));
	}
	return OK;
}

struct str media_types_shown(struct str list, char memory[MEDIA_TYPES_SHOWN_BYTES])
{
	struct buf b;
	buf_init_fixed(&b, memory, MEDIA_TYPES_SHOWN_BYTES);
	for (struct str rest = list; rest.p != NULL;) {
		struct str type = str_trim(str_cut(&rest, ','));
		buf_printf(&b, "%s%.*s", b.n > 0 ? ", " : "", STRF(type));
	}
	return buf_str(&b);
}

enum status refuse_size(uint64_t most, struct fault *why)
{
	const uint64_t mebibyte = UINT64_C(1) << 20;
	if (most < mebibyte)
		return fault_set(why, IMAGE_TOO_LARGE, "The file is too large: the limit is %llu bytes.", (unsigned long long)most);
	return fault_set(why, IMAGE_TOO_LARGE, "The file is too large: the limit is %.*g MiB (%llu bytes).", most % mebibyte == 0 ? 6 : 3,
		(double)most / (double)mebibyte, (unsigned long long)most);
}

enum status media_type_read(const struct image_rules *rules, struct str text, struct arena *a, struct str *out, struct fault *why)
{
	assert(rules != NULL);
	assert(a != NULL);
	assert(out != NULL);
	char shown[MEDIA_TYPES_SHOWN_BYTES];
	if (text.n == 0)
		return fault_set(why, BAD_FIELD, "fileType is missing: give the media type, such as image/jpeg");
	if (str_find_char(text, ';') < text.n)
		return fault_set(why, BAD_FIELD, "fileType must be a media type without parameters, such as image/jpeg");
	struct str type = str_lower(a, text);
	type = registered_type(type);
	TRY(fault_check_arena(a, why));
	if (!media_type_valid(type))
		return fault_set(why, BAD_FIELD, "fileType must be a media type, such as image/jpeg");
	if (!media_type_allowed(rules, type) && str_equal(type, STR("application/octet-stream")))
		return fault_set(why, TYPE_NOT_ALLOWED, "A file of unknown type is not allowed here: use %.*s.",
			STRF(media_types_shown(rules->allowed_types, shown)));
	if (!media_type_allowed(rules, type))
		return fault_set(why, TYPE_NOT_ALLOWED, "A file of type %.*s is not allowed here: use %.*s%s.", (int)(type.n < 40 ? type.n : 40),
			type.p, STRF(media_types_shown(rules->allowed_types, shown)),
			media_type_is_heif(type) ? ", or let the server accept it with --allowed-types" : "");
	*out = type;
	return OK;
}

bool media_type_displayable(struct str media_type)
{
	return is_always_verified(media_type);
}

struct str media_type_served(const struct image_row *row)
{
	bool known = media_type_displayable(row->file_type) || (media_type_is_heif(row->file_type) && row->verdict.n > 0);
	return known ? row->file_type : STR("application/octet-stream");
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
