/* Port: the access keys that may sign requests to the embedded store. Any thread; does not block.
 *
 * A key acts for a user, who owns the buckets it makes; the S3 handler knows the owner of each bucket. A key
 * has access to its own user's buckets only; grants restrict that further and never extend it. */
#ifndef PORT_KEY_RING_H
#define PORT_KEY_RING_H

#include "base/str.h"

#define KEY_ID_MAX 128
#define KEY_SECRET_MAX 128
#define KEY_USER_MAX 63
#define KEY_OWNER_NAME "tintype" /* the user of the owner's key, and of the image bucket */

enum key_power {
	KEY_OWNER, /* everything on the owner's buckets; nothing on those of others */
	KEY_SLOTS, /* put and get under images/ of the image bucket, presigned or by form, no more */
	KEY_USER,  /* what its grants allow, on its user's own buckets */
};

enum key_action {
	KEY_LIST = 1,
	KEY_READ = 2,
	KEY_WRITE = 4,
	KEY_DELETE = 8,
	KEY_BUCKETS = 16, /* create, delete and configure buckets */
};
#define KEY_ACTIONS_ALL 31u

struct key_grant {
	unsigned actions;  /* of enum key_action */
	struct str bucket; /* "": every one of its own */
	struct str prefix; /* of the object key; "": all of the bucket */
};

struct access_key {
	char id[KEY_ID_MAX + 1];         /* NUL-terminated */
	char secret[KEY_SECRET_MAX + 1]; /* NUL-terminated */
	enum key_power power;
	char user[KEY_USER_MAX + 1]; /* who owns what it makes; "tintype" for the owner and for slots */
	const struct key_grant *grants;
	size_t n_grants; /* 0: everything on its own buckets */
};

/* Whether the key's power and grants allow all of `actions`, which several grants may do together. Does
 * not check the bucket's owner. KEY_OWNER may do everything; KEY_SLOTS nothing: the handler has a rule of its own for it.
 * bucket         "": the account, as for a list of buckets; allowed by a grant of every bucket alone
 * key_or_prefix  an object's key, or the prefix that a list asks for; "": the bucket itself, or all of it,
 *                allowed by a grant without a prefix alone
 * Threads        any; pure */
bool key_permits(const struct access_key *k, unsigned actions, struct str bucket, struct str key_or_prefix);

struct key_ring;

struct key_ring_ops {
	const struct access_key *(*find)(struct key_ring *, struct str id);
};
struct key_ring {
	const struct key_ring_ops *ops;
};

/* The key of this id, or NULL. It stays valid for as long as the ring, even after the key is removed from
 * it: then it is no longer found. Keys may change while a server runs. */
static inline const struct access_key *key_find(struct key_ring *r, struct str id)
{
	return r->ops->find(r, id);
}

#endif
