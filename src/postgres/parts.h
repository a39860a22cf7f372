/* Internal to postgres/: the struct that is shared by the parts, each of which implements a port. */
#ifndef POSTGRES_PARTS_H
#define POSTGRES_PARTS_H

#include "postgres/ask.h"
#include "postgres/batch.h"
#include "postgres/postgres.h"

struct postgres {
	struct image_table table;
	struct user_table users;
	struct api_key_table api_keys;
	struct outbox outbox;
	struct transfer transfer;
	struct pg_target target;
	char *url, *password_file;
	struct pg_writer writer;
	struct pg_asker points; /* statements that touch a few rows */
	struct pg_asker scans;  /* lists, counts, walks */
	/* The claim of events that is under way, or one that failed and may have been committed; under the lock. */
	pthread_mutex_t claiming;
	struct pg_change claim;
	int64_t claimed_ms;
};

#define POSTGRES_OF(port, member) ((struct postgres *)((char *)(port)-offsetof(struct postgres, member)))

extern const struct image_table_ops pg_image_ops;
extern const struct user_table_ops pg_user_ops;
extern const struct api_key_table_ops pg_api_key_ops;
extern const struct outbox_ops pg_outbox_ops;
extern const struct transfer_ops pg_transfer_ops;

/* Operations of image_table that read; image_lists.c. */
enum status pg_images_get(struct image_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why) MUST_CHECK;
enum status pg_images_list(
	struct image_table *t, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why) MUST_CHECK;
enum status pg_images_due(
	struct image_table *t, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why) MUST_CHECK;
enum status pg_images_counts(struct image_table *t, struct image_counts *out, struct fault *why) MUST_CHECK;

/* Write the event of a change, if webhooks are configured.
 * row     as it is after the change, or before its removal
 * Errors  those of the source; TOO_MUCH */
enum status pg_outbox_add(struct pg_batch *b, enum outbox_kind kind, const struct image_row *row, struct fault *why) MUST_CHECK;
/* Read the columns OUTBOX_COLUMNS; texts are in the arena, which the caller checks.  body: the column of the body; -1: none */
struct outbox_event pg_outbox_read_event(const PGresult *r, int i, int body, struct arena *a);

#endif
