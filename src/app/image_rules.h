/* The image rules, from the settings; used by every main program. */
#ifndef APP_IMAGE_RULES_H
#define APP_IMAGE_RULES_H

#include "config/settings.h"
#include "image/kept_metadata.h"
#include "image/product.h"

/* Texts are borrowed from the settings. */
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

#endif
