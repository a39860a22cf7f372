/* The pool of renderers, from the settings; used by every main program that decodes images itself. */
#ifndef APP_RENDER_POOL_H
#define APP_RENDER_POOL_H

#include "app/image_rules.h"
#include "config/settings.h"
#include "image/slot.h"
#include "pool/pool.h"

/* workers: at most; 0: as the settings say. waiting_most: jobs that wait for one of them */
static inline struct pool_options render_pool_options(const struct settings *s, unsigned workers, unsigned waiting_most)
{
	const struct image_rules rules = rules_of(s);
	return (struct pool_options){ .heif = media_types_need_heif(&rules),
		.workers = workers > 0 ? workers : (unsigned)s->render_jobs,
		.memory_bytes = s->render_memory,
		.sandbox = str_equal(str_of(s->render_sandbox), STR("on")),
		.waiting_most = waiting_most,
		.max_pixels = s->max_pixels };
}

#endif
