/* Port: reading the image table as an operator does: rows of every status, newest first, filtered.
 *
 * A page scans a bounded number of rows, however many there are and however few match: where the bound
 * ends it, the page is short, or empty, and its next_cursor continues from there. Reading never blocks writers.
 * Following next_cursor, a row that was there at the first page and neither changes its status nor goes comes
 * exactly once. Calls block: workers only. Any thread. Texts live in the arena of the call. */
#ifndef PORT_INSPECTION_H
#define PORT_INSPECTION_H

#include "base/fault.h"
#include "port/image_table.h"

#define INSPECTION_LIMIT_MAX 100
#define INSPECTION_LOOKS_MAX 20000   /* rows that one page may scan */

enum inspection_status { INSPECT_ALL, INSPECT_PENDING, INSPECT_UPLOADED, INSPECT_REJECTED };

struct inspection_query {
	enum inspection_status status;
	struct str text;           /* somewhere in the file name or the id, ASCII case aside; "": any */
	struct str type;           /* the media type, whole or its beginning, ASCII case aside; "": any */
	uint32_t limit;            /* 1..INSPECTION_LIMIT_MAX */
	struct str cursor;         /* "" for the first page, else a next_cursor of the same status */
};

struct inspection_page {
	struct image_row *rows;
	size_t n;
	uint64_t looked;           /* rows that were scanned for it */
	struct str next_cursor;    /* "" on the last page; only letters, digits and "-_." */
};

struct inspection;
struct inspection_ops {
	enum status (*page)(struct inspection *, const struct inspection_query *, struct arena *, struct inspection_page *out, struct fault *);
};
struct inspection {
	const struct inspection_ops *ops;
};

/* One page.
 * out     written only on OK; of INSPECT_ALL newest slot first, of INSPECT_UPLOADED newest commit first, else the
 *         one that ends last first
 * Errors  NOT_HERE this engine cannot list that status; BAD_CURSOR; STORAGE_FAILED; UPSTREAM_FAILED; TOO_MUCH */
MUST_CHECK static inline enum status inspection_page(struct inspection *i, const struct inspection_query *q, struct arena *a, struct inspection_page *out, struct fault *why)
{
	return i->ops->page(i, q, a, out, why);
}

/* Whether a row is what the query asks for, its status included. Pure. */
bool inspection_matches(const struct inspection_query *q, const struct image_row *row);

/* For tables that can only list uploaded images. */
struct inspection_of_list {
	struct inspection port;
	struct image_table *table;
};
/* The table must outlive it; nothing to end. */
void inspection_of_list_init(struct inspection_of_list *l, struct image_table *t);

#endif
