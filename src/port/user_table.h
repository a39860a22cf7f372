/* Port: the owners of images: what each uses, and may use. Rows come to be with an owner's first slot; usage is changed by the image
 * table in the same transaction as the image's row (see table_insert, table_resolve and table_remove), and read here.
 *
 * Calls block (disk or network): workers only. Any thread. Texts live in the arena of the call. */
#ifndef PORT_USER_TABLE_H
#define PORT_USER_TABLE_H

#include "port/image_table.h"

/* 0: no limit. */
struct owner_quota {
	uint64_t bytes;            /* of uploaded images, and reserved for pending ones */
	uint64_t images;           /* uploaded and pending */
	uint64_t pending;          /* slots at a time */
	uint64_t slots_per_minute; /* in each minute of the clock */
};

/* Rejected images are not counted: nothing of them is kept but the reason. */
struct owner_usage {
	uint64_t bytes, images;           /* uploaded */
	uint64_t pending, reserved_bytes; /* slots, and what they may take */
	uint64_t derived_bytes;           /* thumbnails; no quota limits them */
};

struct user_row {
	struct str owner, issuer, subject;
	struct owner_usage usage;
	bool has_quota; /* one of its own; else that of all */
	struct owner_quota quota;
	bool blocked;              /* no new slots: everything of this owner is being deleted */
	int64_t first_ms, seen_ms; /* of the first and the last slot */
};

struct user_query {
	bool blocked;      /* only those that are */
	uint32_t limit;    /* 1..USER_LIST_MAX */
	struct str cursor; /* "" for the first page, else a next_cursor of the same list */
};

struct user_page {
	struct user_row *rows;
	size_t n;
	struct str next_cursor; /* "" on the last page */
};

/* An owner whose usage was recorded wrongly. */
struct user_repair {
	struct str owner;
	struct owner_usage recorded, counted; /* before, and from now on */
	struct user_repair *next;
};

/* What a recount found. */
struct user_recount {
	uint64_t owners, repaired;   /* whose usage was right; whose was not, and is now if it was to be repaired */
	struct user_repair *repairs; /* of these */
	struct str next_owner;       /* to begin the next call with; "": all are done */
};

struct user_table;
struct user_table_ops {
	enum status (*get)(struct user_table *, struct str owner, struct arena *, struct user_row *out, struct fault *);
	enum status (*list)(struct user_table *, const struct user_query *, struct arena *, struct user_page *out, struct fault *);
	enum status (*set_quota)(struct user_table *, struct str owner, const struct owner_quota *, struct fault *);
	enum status (*block)(struct user_table *, struct str owner, struct fault *);
	enum status (*remove)(struct user_table *, struct str owner, struct fault *);
	enum status (*add_derived)(struct user_table *, struct str owner, int64_t bytes, struct fault *);
	enum status (*recount)(
		struct user_table *, struct str from_owner, bool repair, struct arena *, struct user_recount *out, struct fault *);
};
struct user_table {
	const struct user_table_ops *ops;
};

#define USER_LIST_MAX 1000

/* What a row counts of its owner's usage is added to `u`, or with by = -1 taken off. Nothing of a rejected one, and with NULL. Pure. */
void owner_usage_add(struct owner_usage *u, const struct image_row *row, int by);
/* Whether one more slot of so many bytes is within the quota. Pure.
 * Errors  QUOTA_FULL, with a sentence that gives the figures */
enum status owner_quota_check(const struct owner_quota *q, const struct owner_usage *u, uint64_t max_bytes, struct fault *why) MUST_CHECK;
/* Whether one more slot is within those of this minute, of which so many were made. Pure.
 * Errors  TOO_MANY, with a sentence that gives the seconds until the next minute */
enum status owner_quota_check_rate(const struct owner_quota *q, uint64_t minute_slots, int64_t now_ms, struct fault *why) MUST_CHECK;
/* Whether what is counted from the rows is the same; derived bytes are not. Pure. */
bool owner_usage_equal(const struct owner_usage *x, const struct owner_usage *y);
/* Add the bytes of thumbnails that were made, or, if negative, that were removed; the sum never falls below 0. Pure. */
void owner_usage_add_derived(struct owner_usage *u, int64_t bytes);
/* Add what was counted and not recorded, or subtract what was recorded and not counted; derived bytes stay. What other commits have changed
 * since the count remains right. Pure. */
void owner_usage_correct(struct owner_usage *u, const struct owner_usage *recorded, const struct owner_usage *counted);
/* Note in `r` what was counted for an owner, and recorded before. What is kept lives in `a`, which the caller checks. */
void user_recount_note(
	struct user_recount *r, struct arena *a, struct str owner, const struct owner_usage *recorded, const struct owner_usage *counted);
/* The minute of the clock that slots are counted in. */
#define QUOTA_MINUTE_MS 60000
enum status owner_blocked(struct fault *why);
enum status no_such_user(struct fault *why);
enum status user_not_blocked(struct fault *why);
enum status user_has_images(struct fault *why);

/* Errors  NO_SUCH_USER; STORAGE_FAILED */
MUST_CHECK static inline enum status user_get(
	struct user_table *t, struct str owner, struct arena *a, struct user_row *out, struct fault *why)
{
	assert(owner.n > 0 && out != NULL);
	return t->ops->get(t, owner, a, out, why);
}

/* One page, by owner.  Errors: BAD_CURSOR; STORAGE_FAILED */
MUST_CHECK static inline enum status user_list(
	struct user_table *t, const struct user_query *q, struct arena *a, struct user_page *out, struct fault *why)
{
	assert(q->limit >= 1 && q->limit <= USER_LIST_MAX);
	return t->ops->list(t, q, a, out, why);
}

/* Give an owner a quota of its own, or with NULL that of all again. Neither removes anything: an owner over its quota gets no new
 * slots. Makes a row for an owner without slots.  Errors: DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status user_set_quota(
	struct user_table *t, struct str owner, const struct owner_quota *quota, struct fault *why)
{
	assert(owner.n > 0);
	return t->ops->set_quota(t, owner, quota, why);
}

/* Refuse new slots of this owner, until user_remove.  Errors: NO_SUCH_USER; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status user_block(struct user_table *t, struct str owner, struct fault *why)
{
	assert(owner.n > 0);
	return t->ops->block(t, owner, why);
}

/* Remove the row of a blocked owner that has no images any more, and what waits in the outbox for it.
 * Errors  NO_SUCH_USER; STATE_CHANGED it is not blocked, or has images; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status user_remove(struct user_table *t, struct str owner, struct fault *why)
{
	assert(owner.n > 0);
	return t->ops->remove(t, owner, why);
}

/* Thumbnails of an owner's images were made, or with less than 0 removed. Of an unknown owner: nothing. */
MUST_CHECK static inline enum status user_add_derived(struct user_table *t, struct str owner, int64_t bytes, struct fault *why)
{
	assert(owner.n > 0);
	return owner.n > OWNER_MAX_BYTES || bytes == 0 ? OK : t->ops->add_derived(t, owner, bytes, why);
}

/* Compute the usage of some owners from the rows of their images, beginning with the one after from_owner ("": the first), and repair
 * what differs. An owner is counted in one transaction with the writes of others kept out, or again when they came between.
 * repair  false: what differs is given and left as it is
 * Errors  DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status user_recount(
	struct user_table *t, struct str from_owner, bool repair, struct arena *a, struct user_recount *out, struct fault *why)
{
	return t->ops->recount(t, from_owner, repair, a, out, why);
}

#endif
