/* What the settings say about images, their delivery and their thumbnails; used by every main program. Texts are borrowed from the
 * settings. */
#ifndef APP_IMAGE_RULES_H
#define APP_IMAGE_RULES_H

#include "config/settings.h"
#include "image/kept_metadata.h"
#include "image/product.h"
#include "image/thumbnails.h"
#include "port/user_table.h"

static inline struct image_rules rules_of(const struct settings *s)
{
	return (struct image_rules){
		.allowed_types = str_of(s->allowed_types),
		.unverified_types = str_of(s->unverified_types),
		.max_size_bytes = s->max_size,
		.max_pixels = s->max_pixels,
		.url_ttl_s = (uint32_t)s->url_ttl_s,
		.pending_ttl_s = (uint32_t)s->pending_ttl_s,
		.rejected_ttl_s = (uint32_t)s->rejected_ttl_s,
		.orphan_ttl_s = (uint32_t)s->orphan_ttl_s,
		.strip = s->strip,
		.keep = kept_metadata_read(str_of(s->keep_metadata)),
		.require_size = s->require_size,
		.check = str_equal(str_of(s->verify), STR("header")) ? CHECK_HEADER
			: str_equal(str_of(s->verify), STR("strict"))    ? CHECK_STRICT
															 : CHECK_DECODE,
		.is_public = str_equal(str_of(s->visibility), image_visibility_name(true)),
	};
}

/* Of owners without a quota of their own. */
static inline struct owner_quota quota_of(const struct settings *s)
{
	return (struct owner_quota){
		.bytes = s->quota_bytes, .images = s->quota_images, .pending = s->quota_pending, .slots_per_minute = s->quota_slots
	};
}

/* keys  of one store, which every program of it has, with a comma between them
 * url   what links begin with; "": no links
 * Errors  BAD_SETTING the keys are malformed */
MUST_CHECK static inline enum status delivery_rules_of(
	const struct settings *s, struct str keys, struct str url, struct delivery_rules *out, struct fault *why)
{
	*out = (struct delivery_rules){ .url = url, .ttl_s = (uint32_t)s->delivery_ttl_s };
	if (delivery_keys_parse(keys, &out->keys))
		return OK;
	return fault_set(why, BAD_SETTING,
		"TINTYPE_DELIVERY_KEYS must be one key, or two different ones with a comma, each of 32 to 256 characters of A-Z, a-z, 0-9 and "
		"-._~+/=");
}

static inline struct str setting_unless_none(const char *value)
{
	return str_equal(str_of(value), STR("none")) ? STR("") : str_of(value);
}

/* Without where they are kept, and by how many threads they are made. */
static inline struct thumbnails_options thumbnails_of(const struct settings *s, struct product *p)
{
	return (struct thumbnails_options){
		.presets = setting_unless_none(s->thumbnails), .at_upload = setting_unless_none(s->thumbnail_at_upload), .product = p
	};
}

#endif
