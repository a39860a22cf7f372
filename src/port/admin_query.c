/* What all adapters of the admin query share, and the one for tables that list uploaded images only: a page
 * reads as many rows as it still has room for, so that the list's own cursor is always right. */
#include "port/admin_query.h"

#include <string.h>

#define LISTS_MAX 20 /* calls of the table for one page: each may cost a remote call */

static bool has_text(struct str s, struct str text)
{
	return text.n == 0 || str_find_nocase(s, text) < s.n;
}

bool admin_query_matches(const struct admin_query_filter *q, const struct image_row *row)
{
	static const enum image_status wanted[] = {
		[ADMIN_QUERY_PENDING] = IMAGE_PENDING, [ADMIN_QUERY_UPLOADED] = IMAGE_UPLOADED, [ADMIN_QUERY_REJECTED] = IMAGE_REJECTED
	};

	if (q->status != ADMIN_QUERY_ALL && row->status != wanted[q->status])
		return false;
	if (!image_filter_matches(&(struct image_filter){ .type = q->type }, row))
		return false;
	if (q->owner.n > 0 && !str_equal(row->owner, q->owner) && !str_equal(row->subject, q->owner))
		return false;
	if (!has_text(row->reason, q->reason) && !has_text(row->damage, q->reason))
		return false;
	return image_filter_matches(&(struct image_filter){ .name = q->text }, row) || has_text(row->image_id, q->text);
}

static enum status page_of_list(
	struct admin_query *port, const struct admin_query_filter *q, struct arena *a, struct admin_query_page *out, struct fault *why)
{
	static const enum image_list_status lists[] = { [ADMIN_QUERY_ALL] = LIST_ALL,
		[ADMIN_QUERY_PENDING] = LIST_PENDING,
		[ADMIN_QUERY_UPLOADED] = LIST_UPLOADED,
		[ADMIN_QUERY_REJECTED] = LIST_REJECTED };
	struct image_table *table = ((struct admin_query_of_list *)port)->table;
	struct admin_query_page page = { .rows = arena_array(a, q->limit, sizeof *page.rows), .next_cursor = q->cursor };

	if (q->status != ADMIN_QUERY_UPLOADED && q->owner.n == 0)
		return fault_set(
			why, NOT_HERE, "This engine lists uploaded images only; to find others, search for the whole id, or for the owner.");
	if (page.rows == NULL)
		return fault_too_much(why);
	for (int calls = 0; calls < LISTS_MAX && page.n < q->limit; calls++) {
		struct image_page rows;
		const struct image_query list = {
			.owner = q->owner, .status = lists[q->status], .limit = q->limit - (uint32_t)page.n, .cursor = page.next_cursor
		};
		TRY(table_list(table, &list, a, &rows, why));
		for (size_t i = 0; i < rows.n; i++)
			if (admin_query_matches(q, &rows.rows[i]))
				page.rows[page.n++] = rows.rows[i];
		page.looked += rows.n;
		page.next_cursor = rows.next_cursor;
		if (page.next_cursor.n == 0)
			break;
	}
	*out = page;
	return OK;
}

static const struct admin_query_ops ops_of_list = { page_of_list };

void admin_query_of_list_init(struct admin_query_of_list *l, struct image_table *t)
{
	assert(t != NULL);
	*l = (struct admin_query_of_list){ .port = { &ops_of_list }, .table = t };
}
