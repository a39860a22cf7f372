/* Rows for tests: copies that own their texts, what a resolution does to one, and rows and ids that
 * are made from a number. */
#ifndef FAKE_ROWS_H
#define FAKE_ROWS_H

#include "port/image_table.h"

/* A copy whose texts live in `a`. A full arena is a bug of the test (assert). */
void row_dup(struct arena *a, const struct image_row *row, struct image_row *out);
/* What table_resolve does to a pending row; the new texts are copied into `a`. */
void row_resolve(struct arena *a, struct image_row *row, const struct resolution *s);
/* Every field alike. */
bool row_equal(const struct image_row *x, const struct image_row *y);

/* A UUID v4 that depends on n alone. */
struct str row_id(struct arena *a, unsigned n);
/* A pending row of that id, every text of it filled in. */
struct image_row row_pending(struct arena *a, unsigned n);
/* A resolution of that id. reason "" : uploaded; else rejected, and it ends at uploaded_ms + 1000. */
struct resolution row_verdict(struct arena *a, unsigned n, int64_t uploaded_ms, struct str reason);

#endif
