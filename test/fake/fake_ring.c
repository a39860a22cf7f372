/* A key ring in memory. See fake_ring.h. */
#include "fake/fake_ring.h"

#include <assert.h>
#include <stdio.h>

static const struct access_key *find(struct key_ring *port, struct str id)
{
	const struct fake_ring *r = (const struct fake_ring *)port;
	for (size_t i = 0; i < r->n; i++)
		if (str_equal(str_of(r->keys[i].id), id))
			return &r->keys[i];
	return NULL;
}

static const struct key_ring_ops ops = { .find = find };

void fake_ring_init(struct fake_ring *r)
{
	*r = (struct fake_ring){ .port = { &ops } };
}

void fake_ring_add(struct fake_ring *r, const char *id, const char *secret, enum key_power power)
{
	assert(r->n < FAKE_RING_KEYS);
	struct access_key *k = &r->keys[r->n++];
	int id_chars = snprintf(k->id, sizeof(k->id), "%s", id);
	int secret_chars = snprintf(k->secret, sizeof(k->secret), "%s", secret);
	assert(id_chars < (int)sizeof(k->id) && secret_chars < (int)sizeof(k->secret));
	(void)id_chars;
	(void)secret_chars;
	k->power = power;
}
