/* Rows of images that are requested often, copied in memory: the links of one page lead to the same rows again and again.
 * Nothing stale is ever returned: every commit calls row_cache_clear before its waiters are notified, which voids all. Of a table of
 * fixed size. Any thread, but for init and deinit. */
#ifndef STORE_DB_ROW_CACHE_H
#define STORE_DB_ROW_CACHE_H

#include "base/fault.h"
#include "port/image_table.h"

#include <pthread.h>
#include <stdatomic.h>

#define ROW_CACHE_SLOTS 64

struct row_cache_slot {
	struct arena arena; /* the texts of the row */
	struct image_row row;
	uint64_t generation; /* 0: empty */
};

struct row_cache {
	pthread_mutex_t lock;
	atomic_uint_fast64_t generation;
	struct row_cache_slot slots[ROW_CACHE_SLOTS];
};

void row_cache_init(struct row_cache *c);
void row_cache_deinit(struct row_cache *c);
/* Void all that is kept. */
void row_cache_clear(struct row_cache *c);
/* Which generation a row belongs to that is read after this call. */
uint64_t row_cache_generation(struct row_cache *c);
/* id   a UUID as uuid_v4 gives it
 * out  written if it is found; its texts are copied to `a`, which the caller checks */
bool row_cache_find(struct row_cache *c, struct str id, struct arena *a, struct image_row *out) MUST_CHECK;
/* Keep a copy in place of the row that has its slot. A row with large texts is not kept. */
void row_cache_offer(struct row_cache *c, uint64_t generation, const struct image_row *row);

#endif
