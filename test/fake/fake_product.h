/* The product over the fakes, with the default rules, and what must hold of it whatever failed. */
#ifndef FAKE_PRODUCT_H
#define FAKE_PRODUCT_H

#include "fake/fake_store.h"
#include "fake/fake_table.h"
#include "image/product.h"

struct fake_product {
	struct product product;
	struct fake_table *table;
	struct fake_store *store;
	struct arena a; /* for the test's own use */
	struct fault why;
};

/* holds: the table takes objects along when it removes rows, as the embedded engine does. */
void fake_product_init(struct fake_product *f, bool holds);
void fake_product_deinit(struct fake_product *f);

/* A pending row n (see rows.h) of this type, without bytes; returns its key. */
struct str fake_product_slot(struct fake_product *f, unsigned n, struct str file_type);
/* Bytes that come to the store after the table's back, as they do on a remote store; always at this time. */
#define FAKE_PRODUCT_ARRIVED_MS 1000
void fake_product_arrive(struct fake_product *f, struct str key, struct str bytes);
/* The row n; false when there is none. */
bool fake_product_row(struct fake_product *f, unsigned n, struct image_row *out);
bool fake_product_has_object(struct fake_product *f, struct str key);
/* Fail the test unless every uploaded row has its object, of its size and digest. */
void fake_product_check(struct fake_product *f);

#endif
