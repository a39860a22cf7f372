/* Port: the API keys of applications. A key's text is told once, when it is made; what is kept is its SHA-256.
 *
 * Calls block (disk or network): workers only. Any thread. Texts live in the arena of the call. */
#ifndef PORT_API_KEY_TABLE_H
#define PORT_API_KEY_TABLE_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

#include <assert.h>

/* What a caller may do. */
enum api_scope {
	SCOPE_UPLOAD = 1 << 0,
	SCOPE_READ = 1 << 1,
	SCOPE_DELETE = 1 << 2,
	SCOPE_ACT_AS = 1 << 3, /* in the name of an owner, by onBehalfOf */
	SCOPE_ADMIN = 1 << 4,  /* everything, of every owner */
};

/* "upload", "read", "delete", "act-as", "admin". */
const char *api_scope_name(unsigned scope);
/* Read one of these.  false: it is another text */
bool api_scope_parse(struct str text, enum api_scope *out) MUST_CHECK;

struct api_key_row {
	struct str id;                     /* the 8 characters of the key's text that are no secret */
	struct str hash;                   /* hex SHA-256 of the whole text */
	struct str name;                   /* UTF-8, for people */
	unsigned scopes;                   /* a set of enum api_scope */
	struct str owner, issuer, subject; /* whose images it is limited to; "": those of all */
	int64_t created_ms;
	int64_t expires_ms; /* 0: never */
	int64_t used_ms;    /* the hour of its last use; 0: never */
};

struct api_key_page {
	struct api_key_row *rows;
	size_t n;
};

/* For what tables refuse: each sets the fault, with the message for the client, and returns its status. */
enum status no_such_api_key(struct fault *why);
enum status api_key_exists(struct fault *why);
enum status api_keys_full(struct fault *why);

struct api_key_table;
struct api_key_table_ops {
	enum status (*add)(struct api_key_table *, const struct api_key_row *, struct fault *);
	enum status (*get)(struct api_key_table *, struct str id, struct arena *, struct api_key_row *out, struct fault *);
	enum status (*list)(struct api_key_table *, struct arena *, struct api_key_page *out, struct fault *);
	enum status (*touch)(struct api_key_table *, struct str id, int64_t hour_ms, struct fault *);
	enum status (*remove)(struct api_key_table *, struct str id, struct fault *);
};
struct api_key_table {
	const struct api_key_table_ops *ops;
};

#define API_KEYS_MAX 1000

/* Errors  TOO_MUCH there are API_KEYS_MAX already; API_KEY_EXISTS; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status api_key_add(struct api_key_table *t, const struct api_key_row *row, struct fault *why)
{
	assert(row->id.n > 0 && row->hash.n == 64 && row->scopes != 0);
	return t->ops->add(t, row, why);
}

/* Whether it has expired is for the caller to check.  Errors: NO_SUCH_API_KEY; STORAGE_FAILED */
MUST_CHECK static inline enum status api_key_get(
	struct api_key_table *t, struct str id, struct arena *a, struct api_key_row *out, struct fault *why)
{
	return t->ops->get(t, id, a, out, why);
}

/* All of them, by id.  Errors: STORAGE_FAILED; TOO_MUCH */
MUST_CHECK static inline enum status api_key_list(struct api_key_table *t, struct arena *a, struct api_key_page *out, struct fault *why)
{
	return t->ops->list(t, a, out, why);
}

/* Note the hour of a use. Of a key that is gone: nothing.  Errors: DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status api_key_touch(struct api_key_table *t, struct str id, int64_t hour_ms, struct fault *why)
{
	return t->ops->touch(t, id, hour_ms, why);
}

/* Errors  NO_SUCH_API_KEY; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status api_key_remove(struct api_key_table *t, struct str id, struct fault *why)
{
	return t->ops->remove(t, id, why);
}

#endif
