/* A key ring with room for a few keys. Filled first, then only read: any thread. */
#ifndef FAKE_RING_H
#define FAKE_RING_H

#include "port/key_ring.h"

#define FAKE_RING_KEYS 8

struct fake_ring {
	struct key_ring port; /* pass &ring.port where a ring is required */
	struct access_key keys[FAKE_RING_KEYS];
	size_t n;
};

void fake_ring_init(struct fake_ring *r);
/* id and secret are copied. The key acts for the owner, as those of KEY_OWNER and KEY_SLOTS do. */
void fake_ring_add(struct fake_ring *r, const char *id, const char *secret, enum key_power power);
/* A key of KEY_USER without grants, which acts for this user; the test may change what is given back. */
struct access_key *fake_ring_add_user(struct fake_ring *r, const char *id, const char *secret, const char *user);

#endif
