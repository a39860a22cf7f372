/* A CDN in memory over a fake store: it copies there, signs by appending the expiry, and remembers what it shall forget. Fails on demand,
 * as the other fakes; every call but sign counts. One thread. */
#ifndef FAKE_CDN_H
#define FAKE_CDN_H

#include "fake/trap.h"
#include "port/cdn.h"
#include "port/object_store.h"

#define FAKE_CDN_PATHS 16

struct fake_cdn {
	struct cdn port;
	struct object_store *store;
	struct trap trap;
	struct arena texts;
	struct str paths[FAKE_CDN_PATHS]; /* that were invalidated, oldest first */
	size_t n_paths;
	bool has_no_key; /* signing fails */
};

void fake_cdn_init(struct fake_cdn *c, struct object_store *store);
void fake_cdn_deinit(struct fake_cdn *c);

#endif
