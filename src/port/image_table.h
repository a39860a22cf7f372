/* Port: the table of images. What the product needs from a database, on SQLite or DynamoDB.
 *
 * Every write is atomic and durable when the call returns OK, conditional as stated, and safe
 * to repeat. Calls block (disk or network): workers only, but for `get`, which an embedded table
 * answers from its cache, and table_start_insert. Any thread; the table outlives all calls.
 *
 * A row's key never changes. Texts of a row that is given out live in the arena of the call. */
#ifndef PORT_IMAGE_TABLE_H
#define PORT_IMAGE_TABLE_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

enum image_status { IMAGE_PENDING, IMAGE_UPLOADED, IMAGE_REJECTED };
/* As clients and operators read it: "pending", "uploaded", "rejected". */
struct str image_status_name(enum image_status status);

/* "private" or "public". */
struct str image_visibility_name(bool is_public);
/* Read one of these.  false: it is another text */
bool image_visibility_parse(struct str text, bool *is_public) MUST_CHECK;

struct image_row {
	struct str image_id; /* UUID v4, lower case */
	enum image_status status;
	struct str owner;       /* "" until there are users */
	struct str key;         /* the object's key */
	struct str file_name;   /* UTF-8, as the client gave it */
	struct str file_type;   /* media type: declared while pending, found when uploaded */
	uint64_t file_size;     /* bytes: declared (0: not) while pending, real when uploaded */
	struct str etag;        /* hex MD5 of the bytes, no quotes; "" while pending */
	int64_t modified_ms;    /* when the object that was verified was written, by its store; 0: not certain */
	uint32_t width, height; /* as stored, before orientation is applied; 0: not known */
	uint32_t orientation;   /* EXIF 1..8; 0: not given */
	uint32_t frames;        /* 0: not counted */
	int64_t created_ms;     /* when the slot was made */
	int64_t expires_ms;     /* when its URL expires */
	int64_t uploaded_ms;    /* when the bytes were accepted; 0 until then */
	int64_t ends_ms;        /* when the gc may remove the row; 0: never */
	struct str reason;      /* a sentence: why it was rejected */
	struct str verdict;     /* "ok", "recoverable" or "corrupt"; "": its pixels were not decoded */
	struct str damage;      /* of a recoverable or corrupt one: "end_missing", see render/verdict.def; else "" */
	struct str placeholder; /* a ThumbHash in base64; "": none */
	struct str color;       /* "#rrggbb", the dominant one; "": not known */
	struct str delete_hash; /* hex SHA-256 of the delete token */
	bool is_public;         /* whoever knows the id may read the image by its delivery links; else those are signed */
	/* What was received. What is stored may be less of it; file_size and etag are of the stored bytes. */
	uint64_t received_size;     /* bytes; 0: not known */
	struct str received_sha256; /* hex; "": not known, as of images from before this was kept: they are stored as received */
	bool stripped;              /* what can identify a person was looked for, and removed where it was there */
	uint32_t removed;           /* a set of enum strip_removed (image/strip/strip.h) */
	struct str metadata;        /* JSON: what is kept of what was removed, see image/kept_metadata.h; "": nothing */
};

/* A copy whose texts are in `a`, which the caller checks. */
struct image_row image_row_dup(const struct image_row *row, struct arena *a);

/* What verification changes in a pending row. */
struct resolution {
	struct str image_id;
	enum image_status status; /* IMAGE_PENDING: the object is about to be replaced by one of this size and ETag */
	struct str file_type;
	uint64_t file_size;
	struct str etag;
	int64_t modified_ms; /* an engine whose objects never change need not keep it */
	uint32_t width, height, orientation, frames;
	int64_t uploaded_ms; /* the time of the verdict */
	int64_t ends_ms;
	struct str reason;
	uint64_t received_size;
	struct str received_sha256;
	bool stripped;
	uint32_t removed;
	struct str metadata;
	struct str verdict, damage, placeholder, color; /* as the row's; placeholder and color only of uploaded ones */
	struct str replaces;                            /* "": the row must be pending; else uploaded with this ETag */
};

struct image_page {
	struct image_row *rows;
	size_t n;
	struct str next_cursor; /* "" on the last page */
};

struct image_counts {
	uint64_t pending, uploaded, rejected;
	uint64_t stored_bytes; /* of uploaded images */
};

struct image_table;

/* The callback of a caller that does not wait: done is called once, with the status. */
struct write_completion {
	void (*done)(struct write_completion *, enum status);
	struct fault why; /* written before a done that is not OK */
};

struct image_table_ops {
	bool starts_without_waiting; /* start_insert does not block: reactors may call it */
	void (*start_insert)(struct image_table *, const struct image_row *, struct arena *, struct write_completion *);
	enum status (*get)(struct image_table *, struct str id, struct arena *, struct image_row *out, struct fault *);
	enum status (*resolve)(struct image_table *, const struct resolution *, struct arena *, struct image_row *now, struct fault *);
	enum status (*set_public)(struct image_table *, struct str id, bool is_public, struct arena *, struct image_row *now, struct fault *);
	enum status (*remove)(struct image_table *, struct str id, int64_t ended_by_ms, struct fault *);
	enum status (*list)(struct image_table *, uint32_t limit, struct str cursor, struct arena *, struct image_page *out, struct fault *);
	enum status (*due)(struct image_table *, int64_t now_ms, uint32_t limit, struct arena *, struct image_page *out, struct fault *);
	enum status (*counts)(struct image_table *, struct image_counts *out, struct fault *);
	enum status (*remove_due)(struct image_table *, int64_t now_ms, struct image_counts *removed, struct fault *); /* NULL: see below */
};
struct image_table {
	const struct image_table_ops *ops;
};

#define TABLE_LIST_MAX 1000
/* Rows that one table_remove_due removes at most. */
#define TABLE_DUE_MAX 500

/* Add a pending row; the callback says when it is durable, or why it is not. `w->done` is called exactly once,
 * on any thread, perhaps before this returns; it must not block. The row, its texts, `a` (used by no one else
 * in the meantime) and `w` stay valid until then.
 * Errors  (of done) IMAGE_EXISTS; SLOTS_FULL there are max_pending pending rows already; DISK_FULL; STORAGE_FAILED;
 *         UPSTREAM_FAILED; TOO_MUCH the arena is full
 * Blocks, unless the table's starts_without_waiting is set */
static inline void table_start_insert(struct image_table *t, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	assert(row->status == IMAGE_PENDING && w->done != NULL);
	t->ops->start_insert(t, row, a, w);
}

/* The same, and wait: OK means durable.  Errors: those of table_start_insert */
enum status table_insert(struct image_table *t, const struct image_row *row, struct fault *why) MUST_CHECK;

/* Read one row of any status.  Errors: NO_SUCH_IMAGE; STORAGE_FAILED */
MUST_CHECK static inline enum status table_get(
	struct image_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	return t->ops->get(t, id, a, out, why);
}

/* Change a pending row into an uploaded or a rejected one, or let it say what its object will be. Only a pending row changes, or, where
 * `replaces` is given, an uploaded one with that ETag: other bytes came later, or more was found out about the same. One that is
 * uploaded before and after keeps its place in the list.
 * now     the row as it is after the call, on OK and on STATE_CHANGED
 * Errors  NO_SUCH_IMAGE; STATE_CHANGED (CONFLICT) it was not pending, or not uploaded with that ETag; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status table_resolve(
	struct image_table *t, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(s->status != IMAGE_PENDING || s->uploaded_ms == 0);
	return t->ops->resolve(t, s, a, now, why);
}

/* Set is_public of a row of any status; nothing else of it changes.
 * now     the row as it is after the call
 * Errors  NO_SUCH_IMAGE; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status table_set_public(
	struct image_table *t, struct str id, bool is_public, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(a != NULL && now != NULL);
	return t->ops->set_public(t, id, is_public, a, now, why);
}

/* Remove a row; on an engine that holds the object too, the object goes in the same commit.
 * ended_by_ms   0: whatever its state; else only if its ends_ms is not 0 and at most this
 * Errors  NO_SUCH_IMAGE; STATE_CHANGED it has not ended; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status table_remove(struct image_table *t, struct str id, int64_t ended_by_ms, struct fault *why)
{
	assert(ended_by_ms >= 0);
	return t->ops->remove(t, id, ended_by_ms, why);
}

/* One page of uploaded images, newest commit first. Following next_cursor from the first page, every
 * image that was uploaded when that page was read and not removed since comes exactly once.
 * limit   1..TABLE_LIST_MAX
 * cursor  "" for the first page, else a next_cursor
 * Errors  BAD_CURSOR; STORAGE_FAILED */
MUST_CHECK static inline enum status table_list(
	struct image_table *t, uint32_t limit, struct str cursor, struct arena *a, struct image_page *out, struct fault *why)
{
	assert(limit >= 1 && limit <= TABLE_LIST_MAX);
	return t->ops->list(t, limit, cursor, a, out, why);
}

/* Up to `limit` rows whose ends_ms has come, earliest first; next_cursor stays "". */
MUST_CHECK static inline enum status table_due(
	struct image_table *t, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	assert(limit >= 1);
	return t->ops->due(t, now_ms, limit, a, out, why);
}

/* Whether table_remove_due may be called: on an engine that holds the objects too, which go in the same commit. */
static inline bool table_removes_due(const struct image_table *t)
{
	return t->ops->remove_due != NULL;
}

/* Remove up to TABLE_DUE_MAX rows whose ends_ms has come, earliest first, in one commit; not pending ones that have
 * an object, which is to be verified. Fewer: there are no more now.
 * removed  how many, by the status that they had
 * Errors   DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status table_remove_due(
	struct image_table *t, int64_t now_ms, struct image_counts *removed, struct fault *why)
{
	assert(table_removes_due(t));
	return t->ops->remove_due(t, now_ms, removed, why);
}

/* How many rows there are, by status. A remote table may lag by hours, and may count rejected rows as pending
 * and leave stored_bytes 0: for metrics, and nothing else. */
MUST_CHECK static inline enum status table_counts(struct image_table *t, struct image_counts *out, struct fault *why)
{
	return t->ops->counts(t, out, why);
}

#endif
