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
#include "base/hash.h"
#include "base/str.h"

#define OWNER_MAX_BYTES 64

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
	uint64_t version; /* 1 when the slot is made, one more with each change */
	struct str owner; /* a hash of the next two (identity/owner.h); "": none */
	struct str issuer, subject;
	struct str key;         /* the object's key */
	struct str file_name;   /* UTF-8, as the client gave it */
	struct str file_type;   /* media type: declared while pending, found when uploaded */
	uint64_t file_size;     /* bytes: declared (0: not) while pending, real when uploaded */
	uint64_t max_bytes;     /* the most that may be uploaded, which is reserved of the owner's quota while it is pending; 0: not known */
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
	struct str kept_metadata;   /* JSON: what is kept of what was removed, see image/kept_metadata.h; "": nothing */
	struct str metadata;        /* the application's: a JSON object of strings; "": none */
	struct str thumbs;          /* the variants of the thumbnails that are there, with a comma between them; "": none, or not recorded */
	/* Of a slot that was requested with an Idempotency-Key: hex SHA-256 of the request; else "". When such a row is removed, its id
	 * is not given again for TABLE_ID_KEPT_MS: until then an insert of it finds that it exists, while nobody can read it. */
	struct str request_hash;
};

#define TABLE_ID_KEPT_MS ((int64_t)24 * 3600 * 1000)

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
	struct str kept_metadata;
	struct str verdict, damage, placeholder, color; /* as the row's; placeholder and color only of uploaded ones */
	struct str replaces;                            /* "": the row must be pending; else uploaded with this ETag */
};

/* A resolution that leaves an uploaded row as it is, to be changed where more was found out about the same bytes. Borrows its texts. */
struct resolution resolution_of(const struct image_row *row);

/* Whether the thumbnails that are recorded are still those of the row's bytes. */
static inline bool resolution_keeps_thumbs(const struct resolution *s)
{
	return s->status == IMAGE_UPLOADED && s->replaces.n > 0 && str_equal(s->replaces, s->etag);
}

/* Change the row by this resolution, and increment its version; its new texts are in `a`, which the caller checks. */
void image_row_resolve(struct image_row *row, const struct resolution *s, struct arena *a);

/* What shall change of a row, whatever its status. */
struct image_change {
	struct str image_id;
	uint64_t if_version; /* only if this is its version; 0: whatever it is */
	bool has_visibility, is_public;
	bool has_file_name, has_metadata;
	struct str file_name, metadata; /* as the row's */
};

enum image_list_status { LIST_UPLOADED, LIST_PENDING, LIST_REJECTED, LIST_ALL };

/* Rows that a list is narrowed to. */
struct image_filter {
	struct str name;                    /* somewhere in the file name, ASCII case aside; "": any */
	struct str type;                    /* the beginning of the media type, ASCII case aside; "": any */
	int64_t uploaded_from, uploaded_to; /* ms: from this time on, and before that one; 0: any. A row that is not uploaded is in neither */
};

/* Whether a filter lets everything through. Pure. */
static inline bool image_filter_is_empty(const struct image_filter *f)
{
	return f->name.n == 0 && f->type.n == 0 && f->uploaded_from == 0 && f->uploaded_to == 0;
}

/* Reads file_name, file_type and uploaded_ms of the row. Pure. */
bool image_filter_matches(const struct image_filter *f, const struct image_row *row);

/* Which rows a list has. Of everybody: uploaded ones in the order of their commits. Of one owner, and of a hash: in the order of their slots. */
struct image_query {
	struct str owner;              /* "": of everybody */
	enum image_list_status status; /* others than LIST_UPLOADED only of an owner */
	struct str received_sha256;    /* only what was received with this hash: the owner's, or without one what nobody owns; "": any */
	struct image_filter filter;
	bool oldest_first;
	uint32_t limit;    /* 1..TABLE_LIST_MAX */
	uint32_t skip;     /* rows of the list to pass over before the page; without a hash and a filter alone */
	struct str cursor; /* "" for the first page, else a next_cursor of a list of the same owner, status, hash, filter and order */
};

struct image_page {
	struct image_row *rows;
	size_t n;
	bool has_total; /* the engine knows how many the whole list has */
	uint64_t total;
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
	enum status (*change)(struct image_table *, const struct image_change *, struct arena *, struct image_row *now, struct fault *);
	enum status (*remove)(struct image_table *, struct str id, int64_t ended_by_ms, struct fault *);
	enum status (*list)(struct image_table *, const struct image_query *, struct arena *, struct image_page *out, struct fault *);
	enum status (*due)(struct image_table *, int64_t now_ms, uint32_t limit, struct arena *, struct image_page *out, struct fault *);
	enum status (*counts)(struct image_table *, struct image_counts *out, struct fault *);
	enum status (*remove_due)(struct image_table *, int64_t now_ms, struct image_counts *removed, struct fault *);    /* NULL: see below */
	enum status (*remove_many)(struct image_table *, const struct str *ids, size_t n, bool *removed, struct fault *); /* NULL: see below */
	enum status (*set_thumbs)(struct image_table *, struct str id, struct str etag, struct str thumbs, struct arena *,
		struct image_row *now, struct fault *); /* NULL: see below */
};
struct image_table {
	const struct image_table_ops *ops;
};

/* For what tables refuse: each sets the fault, with the message for the client, and returns its status. */
enum status no_such_image(struct fault *why);
enum status image_exists(struct fault *why);
enum status image_slots_full(struct fault *why);
enum status image_not_pending(struct fault *why);
enum status image_was_replaced(struct fault *why);
enum status image_other_version(struct fault *why);
enum status image_not_ended(struct fault *why);
enum status owner_too_long(struct fault *why);

/* Check a row that is to be added.
 * id      written only on OK: the id's bytes
 * Errors  INVALID_INPUT the id is not a UUID, or the owner longer than OWNER_MAX_BYTES */
enum status image_row_check_new(const struct image_row *row, unsigned char id[UUID_BYTES], struct fault *why) MUST_CHECK;
/* Check that table_resolve may change the row.  Errors: STATE_CHANGED */
enum status image_row_check_resolution(const struct image_row *row, const struct resolution *s, struct fault *why) MUST_CHECK;
/* Check that table_remove may remove the row.  Errors: STATE_CHANGED */
enum status image_row_check_ended(const struct image_row *row, int64_t ended_by_ms, struct fault *why) MUST_CHECK;
/* Change the row as table_change does; new texts live in `a`.  Errors: PRECONDITION, which leaves it as it was; TOO_MUCH */
enum status image_row_change(struct image_row *row, const struct image_change *c, struct arena *a, struct fault *why) MUST_CHECK;
/* Change the row as table_set_thumbs does; the text lives in `a`.  Errors: STATE_CHANGED, which leaves it as it was; TOO_MUCH */
enum status image_row_set_thumbs(struct image_row *row, struct str etag, struct str thumbs, struct arena *a, struct fault *why) MUST_CHECK;
/* Add a row to the counts, or with by = -1 subtract it. NULL as the row: does nothing. */
void image_counts_add(struct image_counts *c, const struct image_row *row, int by);

#define TABLE_LIST_MAX 1000
/* Rows that one table_remove_due removes at most. */
#define TABLE_DUE_MAX 500

/* Add a pending row, of version 1; where it has an owner, its max_bytes are reserved of the owner's quota in the same transaction.
 * The callback says when it is durable, or why it is not. `w->done` is called exactly once,
 * on any thread, perhaps before this returns; it must not block. The row, its texts, `a` (used by no one else
 * in the meantime) and `w` stay valid until then.
 * Errors  (of done) IMAGE_EXISTS; SLOTS_FULL there are max_pending pending rows already; QUOTA_FULL; TOO_MANY the owner's slots of
 *         this minute are used up; OWNER_BLOCKED; DISK_FULL; STORAGE_FAILED;
 *         UPSTREAM_FAILED; TOO_MUCH the arena is full
 * Blocks, unless the table's starts_without_waiting is set */
static inline void table_start_insert(struct image_table *t, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	assert(row->status == IMAGE_PENDING && row->version == 1 && w->done != NULL);
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

/* Change what an application says of a row of any status; nothing else of it changes but its version.
 * now     the row as it is after the call, on OK and on PRECONDITION
 * Errors  NO_SUCH_IMAGE; PRECONDITION (CONFLICT) it has another version; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status table_change(
	struct image_table *t, const struct image_change *change, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(a != NULL && now != NULL && (change->has_visibility || change->has_file_name || change->has_metadata));
	return t->ops->change(t, change, a, now, why);
}

/* Remove a row; on an engine that holds the object too, the object goes in the same commit.
 * ended_by_ms   0: whatever its state; else only if its ends_ms is not 0 and at most this
 * Errors  NO_SUCH_IMAGE; STATE_CHANGED it has not ended; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status table_remove(struct image_table *t, struct str id, int64_t ended_by_ms, struct fault *why)
{
	assert(ended_by_ms >= 0);
	return t->ops->remove(t, id, ended_by_ms, why);
}

/* Remove rows, whatever their state: in one commit on an engine that has remove_many, else one after the other.
 * removed  out, in any case: of each id, whether its row was there and is removed; of one that is given twice the first
 * Errors   DISK_FULL; STORAGE_FAILED */
enum status table_remove_many(struct image_table *t, const struct str *ids, size_t n, bool *removed, struct fault *why) MUST_CHECK;

/* One page of a list. Following next_cursor from the first page, every image that was in the list when that page was read, and
 * neither left it nor was removed since, comes exactly once. A page of one owner, or of a filter, may be short, or empty, and have
 * a next_cursor. To skip rows takes time in proportion to their number, little for each.
 * Errors  BAD_CURSOR it was not given out for this list; NOT_HERE this table cannot filter, or skip, or find what nobody owns by a
 *         hash; STORAGE_FAILED */
MUST_CHECK static inline enum status table_list(
	struct image_table *t, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	assert(q->limit >= 1 && q->limit <= TABLE_LIST_MAX);
	assert(q->owner.n > 0 || q->status == LIST_UPLOADED);
	assert(q->skip == 0 || (q->received_sha256.n == 0 && image_filter_is_empty(&q->filter)));
	return t->ops->list(t, q, a, out, why);
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

/* Whether the table records which thumbnails there are; else `thumbs` of all rows is "". */
static inline bool table_keeps_thumbs(const struct image_table *t)
{
	return t->ops->set_thumbs != NULL;
}

/* Record which thumbnails there are of an image, in place of what was recorded; its version grows. A resolution to other bytes than
 * the row had records none.
 * etag    of the bytes that they were made of
 * now     the row as it is after the call, on OK and on STATE_CHANGED
 * Errors  NO_SUCH_IMAGE; STATE_CHANGED (CONFLICT) the image is not uploaded, or its bytes are others; STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status table_set_thumbs(
	struct image_table *t, struct str id, struct str etag, struct str thumbs, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(table_keeps_thumbs(t) && etag.n > 0 && thumbs.n > 0);
	return t->ops->set_thumbs(t, id, etag, thumbs, a, now, why);
}

/* How many rows there are, by status. A remote table may lag by hours, and may count rejected rows as pending
 * and leave stored_bytes 0: for metrics, and nothing else. */
MUST_CHECK static inline enum status table_counts(struct image_table *t, struct image_counts *out, struct fault *why)
{
	return t->ops->counts(t, out, why);
}

#endif
