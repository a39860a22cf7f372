/* The outbox on SQLite: the events of changes, written by the commit thread as part of them, and the port that the sender uses. */
#ifndef STORE_TABLES_OUTBOX_H
#define STORE_TABLES_OUTBOX_H

#include "port/outbox.h"
#include "store/db/group_commit.h"

/* Write the event of a change, unless nothing receives events. For apply functions: the row as it is after the change, or before its
 * removal. What fails marks the writer broken, as a statement that fails does.
 * Errors  the source's; the writer's */
enum status outbox_add(struct writer *w, enum outbox_kind kind, const struct image_row *row) MUST_CHECK;
/* Whether anybody wants to know of such a change. */
bool outbox_wants(const struct writer *w, enum outbox_kind kind);
/* Remove all events of an owner.  Errors: the writer's */
enum status outbox_remove_owner(struct writer *w, struct str owner) MUST_CHECK;
/* The event that the statement is on; its columns are those of OUTBOX_COLUMNS, and the body where there is another. Texts are
 * copied into `a`, which the caller checks. */
void outbox_read_event(sqlite3_stmt *s, struct arena *a, struct outbox_event *out);

#endif
