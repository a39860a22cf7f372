/* The sweep: ends pending rows whose time is over (after one look for an object that is there),
 * forgets rejected rows, and deletes objects that no row explains. Idempotent; one at a time. */
#ifndef IMAGE_SWEEP_H
#define IMAGE_SWEEP_H

#include "image/product.h"

struct sweep_result {
	uint64_t ended, forgotten, confirmed, orphans;
};

/* Work off what is due at now_ms, in steps of bounded memory. `stop` is asked between steps; NULL: never.
 * Errors  STORAGE_FAILED and the ports' others; what was done before stays done */
enum status sweep_run(struct product *p, int64_t now_ms, bool (*stop)(void *), void *stop_arg, struct sweep_result *out, struct fault *why) MUST_CHECK;

#endif
