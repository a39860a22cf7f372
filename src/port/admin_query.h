/* Port: reading the image table as an operator does: rows of every status, newest first, filtered.
 *
 * A page scans a bounded number of rows, however many there are and however few match: where that limit
 * is reached, the page is short, or empty, and its next_cursor continues from there. Reading never blocks writers.
 * Following next_cursor, a row that was there at the first page and neither changes its status nor goes comes
 * exactly once. Calls block: workers only. Any thread. Texts live in the arena of the call. */
#ifndef PORT_ADMIN_QUERY_H
#define PORT_ADMIN_QUERY_H

#include "base/fault.h"
#include "port/image_table.h"

#define ADMIN_QUERY_LIMIT_MAX 100
#define ADMIN_QUERY_SCAN_MAX 20000 /* rows that one page may scan */

enum admin_query_status { ADMIN_QUERY_ALL, ADMIN_QUERY_PENDING, ADMIN_QUERY_UPLOADED, ADMIN_QUERY_REJECTED };

struct admin_query_filter {
	enum admin_query_status status;
	struct str text;   /* somewhere in the file name or the id, ASCII case aside; "": any */
	struct str reason; /* somewhere in the reason of the rejection or the damage, ASCII case aside; "": any */
	struct str owner;  /* the whole owner, or the subject if the table can find it; "": any */
	struct str type;   /* the media type, whole or its beginning, ASCII case aside; "": any */
	uint32_t limit;    /* 1..ADMIN_QUERY_LIMIT_MAX */
	struct str cursor; /* "" for the first page, else a next_cursor of the same status and owner */
};

struct admin_query_page {
	struct image_row *rows;
	size_t n;
	uint64_t looked;        /* rows that were scanned for it */
	struct str next_cursor; /* "" on the last page; only letters, digits and "-_." */
};

struct admin_query;
struct admin_query_ops {
	enum status (*page)(
		struct admin_query *, const struct admin_query_filter *, struct arena *, struct admin_query_page *out, struct fault *);
};
struct admin_query {
	const struct admin_query_ops *ops;
};

/* One page.
 * out     written only on OK; of an owner newest slot first or newest commit first; else of ADMIN_QUERY_ALL newest slot first, of ADMIN_QUERY_UPLOADED newest commit first, else the
 *         one that ends last first
 * Errors  NOT_HERE this engine cannot list that status; BAD_CURSOR; STORAGE_FAILED; UPSTREAM_FAILED; TOO_MUCH */
MUST_CHECK static inline enum status admin_query_page(
	struct admin_query *i, const struct admin_query_filter *q, struct arena *a, struct admin_query_page *out, struct fault *why)
{
	assert(q->limit >= 1 && q->limit <= ADMIN_QUERY_LIMIT_MAX);
	return i->ops->page(i, q, a, out, why);
}

/* Whether a row matches the query, including its status. Pure. */
bool admin_query_matches(const struct admin_query_filter *q, const struct image_row *row);

/* For tables that can only list uploaded images. */
struct admin_query_of_list {
	struct admin_query port;
	struct image_table *table;
};
/* The table must outlive it; there is nothing to free. */
void admin_query_of_list_init(struct admin_query_of_list *l, struct image_table *t);

#endif
