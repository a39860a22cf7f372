/* The keys that sign delivery links, and from which ids of slots with an Idempotency-Key are made, in a migration: links that were given
 * out before must be valid after it, and a request that is repeated must find its image. */
#ifndef APP_COMMANDS_MIGRATE_KEYS_H
#define APP_COMMANDS_MIGRATE_KEYS_H

#include "app/backends.h"

/* What TINTYPE_DELIVERY_KEYS is to be at a destination that has no key of its own: one or two keys with a comma, in `a`. */
struct str migrate_keys_of(const struct settings *s, const struct backends *b, struct arena *a);
/* See that the destination will use these keys; an embedded store without TINTYPE_DELIVERY_KEYS takes the key for its own.
 * Errors  BAD_SETTING, with what to set; those of set_delivery_key */
enum status migrate_keys_check(struct str keys, const struct settings *to, struct backends *b, struct fault *why) MUST_CHECK;

#endif
