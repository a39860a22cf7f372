/* The rows of images: reading them, and the changes that others take into their own commit. */
#ifndef STORE_TABLES_IMAGES_H
#define STORE_TABLES_IMAGES_H

#include "base/fault.h"
#include "store/db/group_commit.h"

/* The row that the statement is on; its columns are those of IMAGE_COLUMNS. Texts are copied.
 * Errors  TOO_MUCH */
enum status images_read_row(sqlite3_stmt *s, struct arena *a, struct image_row *out, struct fault *why) MUST_CHECK;

/* One resolution on its way through the commit thread. */
struct resolving {
	const struct resolution *s;
	struct arena *arena;
	struct image_row *now; /* the row as it is afterwards; the caller's */
	int64_t n;             /* the row's number, once found */
};

/* Find the row and check that the resolution may change it; *now is written as table_resolve promises.
 * Errors  NO_SUCH_IMAGE; STATE_CHANGED; TOO_MUCH; the writer's */
enum status images_find_resolved(struct writer *w, struct resolving *st, struct fault *why) MUST_CHECK;
/* Write the resolution into the row that was found.
 * Errors  TOO_MUCH, before anything is written; the writer's */
enum status images_resolve(struct writer *w, struct resolving *st, struct fault *why) MUST_CHECK;
/* Add a pending row, whatever the number of those.  Errors: IMAGE_EXISTS; INVALID_INPUT the id; DISK_FULL no room for rows */
enum status images_insert(struct writer *w, const struct image_row *row, struct fault *why) MUST_CHECK;
/* The two in one: a row that is added as what the resolution makes of it. st->n is set.  Errors: those of both */
enum status images_insert_resolved(struct writer *w, const struct image_row *row, struct resolving *st, struct fault *why) MUST_CHECK;

/* Remove a row alone, without an event, so that another can take its place; the object stays. Nothing if there is none.
 * Errors  the writer's */
enum status images_forget_row(struct writer *w, const unsigned char id[UUID_BYTES]) MUST_CHECK;
/* Remove expired rows, up to a limit, except pending ones that have an object; they are counted in `removed`.
 * Errors  the writer's */
enum status images_remove_due(struct writer *w, int64_t now_ms, struct image_counts *removed) MUST_CHECK;

/* The removals of the port. image_removal.c */
enum status image_removal_row(struct image_table *t, struct str id, int64_t ended_by_ms, struct fault *why) MUST_CHECK;
enum status image_removal_rows(struct image_table *t, const struct str *ids, size_t n, bool *removed, struct fault *why) MUST_CHECK;
enum status image_removal_due(struct image_table *t, int64_t now_ms, struct image_counts *removed, struct fault *why) MUST_CHECK;

/* The reads of the port. image_lists.c */
enum status image_lists_get(struct image_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why) MUST_CHECK;
enum status image_lists_page(
	struct image_table *t, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why) MUST_CHECK;
enum status image_lists_due(
	struct image_table *t, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why) MUST_CHECK;
enum status image_lists_counts(struct image_table *t, struct image_counts *out, struct fault *why) MUST_CHECK;

#endif
