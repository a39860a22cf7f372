/* A slot as a client gets it: prepared, and its row in the table. The API does the two in separate steps. */
#ifndef TEST_FAKE_OPEN_SLOT_H
#define TEST_FAKE_OPEN_SLOT_H

#include "image/product.h"
#include "image/slot.h"

static inline enum status open_slot(struct product *p, const struct slot_request *r, struct arena *a, struct slot *out, struct fault *why)
{
	struct slot s;
	TRY(slot_prepare(p, r, a, &s, why));
	TRY(table_insert(p->table, &s.row, why));
	*out = s;
	return OK;
}

#endif
