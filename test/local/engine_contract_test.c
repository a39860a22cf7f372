/* The contracts of image_table, object_store and bucket_store on the embedded engine. */
#include "fake/contract_bucket.h"
#include "fake/contract_inspection.h"
#include "fake/contract_store.h"
#include "fake/contract_table.h"
#include "local/place.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

static void show(struct contract_world *w)
{
	struct place *p = w->own;

	w->table = engine_image_table(p->engine);
	w->inspection = engine_inspection(p->engine);
	w->store = engine_object_store(p->engine);
	w->bucket = engine_bucket_store(p->engine);
	w->bucket_name = p->options.bucket;
}

static void make(struct contract_world *w, uint64_t max_pending)
{
	struct place *p = mem_new(1, sizeof *p);

	assert(p != NULL);
	place_init(p);
	p->options.max_pending = max_pending;
	place_open(p);
	w->own = p;
	show(w);
}

static void reopen(struct contract_world *w)
{
	struct place *p = w->own;

	place_close(p);
	place_open(p);
	show(w);
}

static void unmake(struct contract_world *w)
{
	place_deinit(w->own);
	mem_free(w->own);
}

int main(void)
{
	const struct contract_maker maker = { "local", make, reopen, unmake };

	crypto_init();
	return contract_table(&maker) + contract_inspection(&maker) + contract_store(&maker) + contract_bucket(&maker);
}
