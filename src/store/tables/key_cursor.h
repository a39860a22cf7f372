/* A cursor over keys in byte order: it starts at a prefix, continues after a key, or after all that begins
 * with a common prefix. It seeks in an index, so that what it skips costs nothing. Pure. */
#ifndef STORE_TABLES_KEY_CURSOR_H
#define STORE_TABLES_KEY_CURSOR_H

#include "base/object_key.h"
#include "store/tables/images.h"

/* The least key, in byte order, that the walk may meet. */
struct seek {
	char bytes[OBJECT_KEY_MAX_BYTES + 2];
	size_t n;
};

struct key_cursor_query {
	struct str prefix, delimiter, after; /* as struct object_query's */
};

static inline struct str key_cursor_str(const struct seek *s)
{
	return (struct str){ s->bytes, s->n };
}

/* The beginning of a walk. */
void key_cursor_start(struct seek *s, const struct key_cursor_query *q);
/* After all keys that begin with `group`, which is not empty. */
void key_cursor_skip_group(struct seek *s, struct str group);
/* The common prefix that a key, which has the prefix, belongs to: up to and with the first delimiter after the prefix.
 * {NULL, 0} when it belongs to none. */
struct str key_cursor_group(struct str key, struct str prefix, struct str delimiter);

#endif
