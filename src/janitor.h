/* The janitor: one thread that runs the sweep at its interval. */
#ifndef JANITOR_H
#define JANITOR_H

#include "image/product.h"

struct janitor;
/* NULL: memory or threads failed. product is borrowed. */
struct janitor *janitor_start(struct product *p, uint64_t interval_s);
/* End after the step at hand. Accepts NULL inside. */
void janitor_free(struct janitor **j);

#endif
