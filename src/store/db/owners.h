/* The owners of images as the commit thread works with them: what each uses is checked and changed in memory, and written once per
 * owner before the commit, however many rows of the batch are its. What was read or written stays for later batches, since nobody
 * else writes; a batch that is rolled back voids it all. */
#ifndef STORE_DB_OWNERS_H
#define STORE_DB_OWNERS_H

#include "port/user_table.h"
#include "store/db/db.h"

#define OWNER_SLOTS 1024

struct writer;

struct owner_entry {
	char name[OWNER_MAX_BYTES];
	size_t name_n; /* 0: empty */
	bool exists;   /* there is a row */
	bool is_named; /* issuer and subject are in it */
	bool has_quota, blocked;
	struct owner_quota quota;
	struct owner_usage usage;
	int64_t minute; /* that minute_slots were made in */
	uint64_t minute_slots;
	int64_t seen_ms;
};

/* By the hash of the name; owners that collide replace each other. Memory of slots that no owner came to is not touched. */
struct owner_entries {
	struct owner_entry slots[OWNER_SLOTS];
	uint64_t changed[OWNER_SLOTS / 64]; /* a bit for each slot: its usage differs from the row */
};

/* All on the commit thread, in a change's apply or around the batch. Errors are the writer's, and those that are told. */

/* The owner's entry; good until the next call.
 * owner   1..OWNER_MAX_BYTES */
enum status owners_find(struct writer *w, struct str owner, struct owner_entry **out) MUST_CHECK;
/* Make the owner's row if there is none. An issuer and a subject are recorded if none were.
 * now_ms  of its first slot */
enum status owners_need(struct writer *w, const struct image_row *who, int64_t now_ms, struct owner_entry **out) MUST_CHECK;
/* The entry's usage has changed: it is written before the commit. */
void owners_note_change(struct writer *w, const struct owner_entry *e);
/* Write the entry's quota, and whether the owner is blocked. */
enum status owners_save_limits(struct writer *w, const struct owner_entry *e) MUST_CHECK;
/* The owner's row is removed. */
void owners_forget(struct writer *w, struct owner_entry *e);
/* Reserve what a new row may take. Nothing for a row without an owner.
 * Errors  OWNER_BLOCKED; QUOTA_FULL; TOO_MANY; then nothing has changed */
enum status owners_reserve(struct writer *w, const struct image_row *row, struct fault *why) MUST_CHECK;
/* A row of an owner has changed; after: NULL if it is gone. Nothing for a row without an owner. */
enum status owners_move(struct writer *w, const struct image_row *before, const struct image_row *after) MUST_CHECK;
/* Write the usage that differs, before the commit. */
enum status owners_save(struct writer *w) MUST_CHECK;
/* Void everything. */
void owners_clear(struct owner_entries *o);

/* Five and four columns from the i-th on, in the order of the struct. Any thread. */
struct owner_usage column_usage(sqlite3_stmt *s, int i);
struct owner_quota column_quota(sqlite3_stmt *s, int i);

#endif
