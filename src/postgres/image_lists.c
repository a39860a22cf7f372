/* The reads of image_table on PostgreSQL. A position in a list is a time in microseconds and an id, both of which are in the index. */
#include "port/cursor.h"
#include "postgres/parts.h"
#include "postgres/rows.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

struct place {
	int64_t us;
	unsigned char id[UUID_BYTES];
};
#define PLACE_BYTES (8 + UUID_BYTES)

enum status pg_images_get(struct image_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	unsigned char bytes[UUID_BYTES];

	if (!uuid_to_bytes(id, bytes))
		return no_such_image(why);
	TRY(PG_ASK(&POSTGRES_OF(t, table)->points, PQ_IMAGE_GET, &r, why, pg_uuid(bytes)));
	if (libpq.ntuples(r) == 0)
		return no_such_image(why);
	struct image_row row = pg_rows_read_image(r, 0, a);
	TRY(fault_check_arena(a, why));
	*out = row;
	return OK;
}

/* Identifies the list that a cursor belongs to. */
static struct str name_list(const struct image_query *q, struct arena *a)
{
	const struct image_filter *f = &q->filter;

	return str_printf(a, "%.*s\n%d\n%.*s\n%d\n%.*s\n%.*s\n%" PRId64 "\n%" PRId64, STRF(q->owner), q->status, STRF(q->received_sha256),
		q->oldest_first, STRF(f->name), STRF(f->type), f->uploaded_from, f->uploaded_to);
}

static struct str write_cursor(const struct place *p, const struct image_query *q, struct arena *a)
{
	char bytes[PLACE_BYTES];
	uint64_t us = htobe64((uint64_t)p->us);

	memcpy(bytes, &us, sizeof us);
	memcpy(bytes + sizeof us, p->id, UUID_BYTES);
	return cursor_write_text((struct str){ bytes, sizeof bytes }, name_list(q, a), a);
}

static enum status read_cursor(const struct image_query *q, struct arena *a, struct place *out, struct fault *why)
{
	struct str bytes;
	uint64_t us;

	out->us = q->oldest_first ? 0 : INT64_MAX;
	memset(out->id, q->oldest_first ? 0 : 0xff, sizeof out->id);
	if (q->cursor.n == 0)
		return OK;
	TRY(cursor_read_text(q->cursor, name_list(q, a), a, &bytes, why));
	if (bytes.n != PLACE_BYTES)
		return bad_cursor(why);
	memcpy(&us, bytes.p, sizeof us);
	out->us = (int64_t)be64toh(us);
	memcpy(out->id, bytes.p + sizeof us, UUID_BYTES);
	return OK;
}

static bool is_of_all(const struct image_query *q)
{
	return q->owner.n == 0 && q->received_sha256.n == 0;
}

static const int64_t status_of[] = {
	[LIST_UPLOADED] = IMAGE_UPLOADED, [LIST_PENDING] = IMAGE_PENDING, [LIST_REJECTED] = IMAGE_REJECTED, [LIST_ALL] = -1
};

/* Move `at` to the n-th row after it.  found: whether there are that many rows */
static enum status skip_rows(struct pg_asker *s, const struct image_query *q, int64_t n, struct place *at, bool *found, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	if (is_of_all(q))
		TRY(PG_ASK(s, q->oldest_first ? PQ_SKIP_OLDEST : PQ_SKIP, &r, why, pg_number(at->us), pg_uuid(at->id), pg_number(n - 1)));
	else
		TRY(PG_ASK(s, q->oldest_first ? PQ_SKIP_OWN_OLDEST : PQ_SKIP_OWN, &r, why, pg_number(at->us), pg_uuid(at->id), pg_text(q->owner),
			pg_number(status_of[q->status]), pg_number(n - 1)));
	*found = libpq.ntuples(r) > 0;
	if (*found) {
		at->us = pg_column_number(r, 0, 0);
		memcpy(at->id, libpq.getvalue(r, 0, 1), UUID_BYTES);
	}
	return OK;
}

static enum status ask_page(struct pg_asker *s, const struct image_query *q, const struct place *from, PGresult **out, struct fault *why)
{
	const bool oldest = q->oldest_first;
	const struct image_filter *f = &q->filter;
	const struct pg_value us = pg_number(from->us), id = pg_uuid(from->id), limit = pg_number((int64_t)q->limit + 1);
	const struct pg_value owner = pg_text(q->owner), status = pg_number(status_of[q->status]);
	const struct pg_value name = pg_text(f->name), type = pg_text(f->type), after = pg_number(f->uploaded_from),
						  before = pg_number(f->uploaded_to);

	if (q->received_sha256.n > 0)
		return PG_ASK(
			s, oldest ? PQ_LIST_RECEIVED_OLDEST : PQ_LIST_RECEIVED, out, why, us, id, owner, status, pg_text(q->received_sha256), limit);
	if (image_filter_is_empty(f))
		return is_of_all(q) ? PG_ASK(s, oldest ? PQ_LIST_OLDEST : PQ_LIST, out, why, us, id, limit)
							: PG_ASK(s, oldest ? PQ_LIST_OWN_OLDEST : PQ_LIST_OWN, out, why, us, id, owner, status, limit);
	if (is_of_all(q))
		return PG_ASK(s, oldest ? PQ_LIST_FILTER_OLDEST : PQ_LIST_FILTER, out, why, us, id, limit, name, type, after, before);
	return PG_ASK(
		s, oldest ? PQ_LIST_OWN_FILTER_OLDEST : PQ_LIST_OWN_FILTER, out, why, us, id, owner, status, limit, name, type, after, before);
}

/* Add the total, for lists whose images are counted in `writers` or `users`. A page that is not empty has it in its rows.
 * rows  NULL: the page is empty */
static enum status add_total(
	struct postgres *p, const struct image_query *q, const PGresult *rows, struct image_page *page, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	struct image_counts counts;

	if (!image_filter_is_empty(&q->filter) || q->received_sha256.n > 0)
		return OK;
	if (q->owner.n > 0 && q->status != LIST_UPLOADED && q->status != LIST_PENDING)
		return OK;
	if (libpq.ntuples(rows) > 0) {
		page->total = (uint64_t)pg_column_number(rows, 0, PG_IMAGE_VALUES);
	} else if (q->owner.n == 0) {
		TRY(pg_images_counts(&p->table, &counts, why));
		page->total = counts.uploaded;
	} else {
		TRY(PG_ASK(&p->points, PQ_OWNER_GET, &r, why, pg_text(q->owner)));
		page->total = libpq.ntuples(r) == 0 ? 0 : (uint64_t)pg_column_number(r, 0, q->status == LIST_UPLOADED ? 4 : 5);
	}
	page->has_total = true;
	return OK;
}

static enum status read_page(const PGresult *r, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	const size_t n = (size_t)libpq.ntuples(r) < limit ? (size_t)libpq.ntuples(r) : limit;

	*out = (struct image_page){ .rows = arena_array(a, n, sizeof *out->rows), .n = n };
	for (size_t i = 0; i < n && out->rows != NULL; i++)
		out->rows[i] = pg_rows_read_image(r, (int)i, a);
	return fault_check_arena(a, why);
}

/* The position of a row of the result. */
static struct place place_of(const PGresult *r, int i, const struct image_query *q)
{
	struct place p = { .us = pg_column_number(r, i, is_of_all(q) ? PG_IMAGE_VALUES - 1 : PG_IMAGE_VALUES - 2) };

	memcpy(p.id, libpq.getvalue(r, i, 0), UUID_BYTES);
	return p;
}

enum status pg_images_list(struct image_table *t, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	struct postgres *p = POSTGRES_OF(t, table);
	PGresult *r CLEANUP(result_clear) = NULL;
	struct image_page page = { 0 };
	struct place place;
	bool more = true;

	TRY(read_cursor(q, a, &place, why));
	if (q->skip > 0)
		TRY(skip_rows(&p->scans, q, q->skip, &place, &more, why));
	if (more) {
		TRY(ask_page(&p->scans, q, &place, &r, why));
		TRY(read_page(r, q->limit, a, &page, why));
		more = (size_t)libpq.ntuples(r) > page.n;
	}
	if (more)
		place = place_of(r, (int)page.n - 1, q);
	else if (!image_filter_is_empty(&q->filter) && q->received_sha256.n == 0)
		TRY(skip_rows(&p->scans, q, PG_SCAN_MAX, &place, &more, why));
	if (more)
		page.next_cursor = write_cursor(&place, q, a);
	TRY(add_total(p, q, r, &page, why));
	*out = page;
	return fault_check_arena(a, why);
}

enum status pg_images_due(struct image_table *t, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	TRY(PG_ASK(&POSTGRES_OF(t, table)->scans, PQ_IMAGE_DUE, &r, why, pg_number(now_ms), pg_number(limit)));
	return read_page(r, limit, a, out, why);
}

enum status pg_images_counts(struct image_table *t, struct image_counts *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	TRY(PG_ASK(&POSTGRES_OF(t, table)->points, PQ_COUNTS, &r, why, { PG_END }));
	*out = (struct image_counts){ (uint64_t)pg_column_number(r, 0, 0), (uint64_t)pg_column_number(r, 0, 1),
		(uint64_t)pg_column_number(r, 0, 2), (uint64_t)pg_column_number(r, 0, 3) };
	return OK;
}
