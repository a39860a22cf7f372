/* One thread that runs garbage collection at its interval, and aborts multipart uploads that were not completed. */
#ifndef JANITOR_H
#define JANITOR_H

#include "image/product.h"
#include "port/part_store.h"

struct janitor_options {
	struct product *product;   /* borrowed, as parts */
	struct part_store *parts;  /* NULL: there are no multipart uploads here */
	uint64_t interval_s;
	uint64_t multipart_ttl_s;  /* multipart uploads that are older are aborted */
};

struct janitor;
/* NULL: memory or threads failed. */
struct janitor *janitor_start(const struct janitor_options *o);
/* End after the step at hand. Accepts NULL inside. */
void janitor_free(struct janitor **j);

#endif
