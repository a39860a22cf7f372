/* Port: checking what a backend keeps beyond what the other ports show, for `tintype fsck`: its database, the files of its data
 * directory, the objects of all buckets, and the bytes of images. The embedded store has one; a remote store checks its own.
 *
 * What is to be examined are items, which have names. Each is examined by itself, whatever else goes on: what is found
 * was so at one moment, between commits. Calls block; any thread. Results live in the arena of the call. */
#ifndef PORT_STORAGE_CHECK_H
#define PORT_STORAGE_CHECK_H

#include "base/fault.h"
#include "port/object_store.h"

enum finding_kind {
	FINDING_NONE,
#define FINDING(id, name, meaning, repair) FINDING_##id,
#include "port/finding.def"
#undef FINDING
	FINDING_KINDS
};

struct finding_words {
	const char *name;    /* "object_missing" */
	const char *meaning; /* what is wrong, without a full stop */
	const char *repair;  /* what a repair did; "": there is none but a backup */
};
/* Of any kind but NONE. */
const struct finding_words *finding_words(enum finding_kind kind);

struct finding {
	enum finding_kind kind;
	struct str subject; /* an image's id, "bucket/key", a file's path in the data directory, ... */
	struct str detail;  /* figures and causes; "": the kind says it all */
	bool repaired;
};

/* Where findings go, and what was looked at. One thread at a time. */
struct finding_sink {
	void (*found)(struct finding_sink *, const struct finding *); /* texts are borrowed */
	uint64_t objects, bytes;                                      /* whose bytes were read, and how many these were */
	uint64_t unhashed; /* objects of which nothing is recorded that bytes could be compared with */
};

/* An object, and whether its bytes are those that were stored. */
struct object_state {
	struct object_info info; /* as recorded */
	enum finding_kind bytes; /* NONE; OBJECT_MISSING, OBJECT_DAMAGED, OBJECT_UNREADABLE */
	struct str detail;
};

struct check_items {
	struct str *names;
	size_t n;
	struct str cursor; /* to go on with; "": there are no more */
};

struct storage_check;
struct storage_check_ops {
	enum status (*list)(struct storage_check *, struct str cursor, struct arena *, struct check_items *out, struct fault *);
	enum status (*examine)(struct storage_check *, struct str item, bool repair, struct arena *, struct finding_sink *, struct fault *);
	enum status (*inspect)(struct storage_check *, struct str key, struct str sha256, struct arena *, struct finding_sink *,
		struct object_state *out, struct fault *);
};
struct storage_check {
	const struct storage_check_ops *ops;
};

/* Some of the items, in an order that does not change.
 * cursor  "" to begin with, else that of the page before
 * Errors  TOO_MUCH; STORAGE_FAILED */
MUST_CHECK static inline enum status check_list(
	struct storage_check *c, struct str cursor, struct arena *a, struct check_items *out, struct fault *why)
{
	assert(out != NULL);
	return c->ops->list(c, cursor, a, out, why);
}

/* Examine one item, and with `repair` repair what is found, which is examined again in the same step. One that is gone is right.
 * Errors  INVALID_INPUT no item has such a name; TOO_MUCH; STORAGE_FAILED; with `repair` also DISK_FULL */
MUST_CHECK static inline enum status check_examine(
	struct storage_check *c, struct str item, bool repair, struct arena *a, struct finding_sink *sink, struct fault *why)
{
	assert(sink != NULL && sink->found != NULL);
	return c->ops->examine(c, item, repair, a, sink, why);
}

/* Read an object of the bucket of images, which are no items, and compare its bytes with what is recorded of them.
 * sha256  hex, of the bytes, if it is known and those were stored as they were received; else ""
 * Errors  NO_SUCH_KEY; TOO_MUCH; STORAGE_FAILED */
MUST_CHECK static inline enum status check_inspect(struct storage_check *c, struct str key, struct str sha256, struct arena *a,
	struct finding_sink *sink, struct object_state *out, struct fault *why)
{
	return c->ops->inspect(c, key, sha256, a, sink, out, why);
}

#endif
