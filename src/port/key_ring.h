/* Port: the access keys that may sign requests to the embedded store. Any thread; does not block. */
#ifndef PORT_KEY_RING_H
#define PORT_KEY_RING_H

#include "base/str.h"

enum key_power {
	KEY_OWNER,   /* everything */
	KEY_SLOTS,   /* put and get under images/ of the image bucket, presigned or by form, no more */
};

struct access_key {
	char id[64];       /* NUL-terminated */
	char secret[64];   /* NUL-terminated */
	enum key_power power;
};

struct key_ring;

struct key_ring_ops {
	const struct access_key *(*find)(struct key_ring *, struct str id);
};
struct key_ring {
	const struct key_ring_ops *ops;
};

/* The key of this id, or NULL. It stays good for as long as the ring. */
static inline const struct access_key *key_find(struct key_ring *r, struct str id)
{
	return r->ops->find(r, id);
}

#endif
