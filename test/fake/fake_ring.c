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

static struct access_key *add(struct fake_ring *r, const char *id, const char *secret)
{
	assert(r->n < FAKE_RING_KEYS);
	struct access_key *k = &r->keys[r->n++];
	int id_chars = snprintf(k->id, sizeof(k->id), "%s", id);
	int secret_chars = snprintf(k->secret, sizeof(k->secret), "%s", secret);
	assert(id_chars < (int)sizeof(k->id) && secret_chars < (int)sizeof(k->secret));
	(void)id_chars;
	(void)secret_chars;
	return k;
}

void fake_ring_add(struct fake_ring *r, const char *id, const char *secret, enum key_power power)
{
	struct access_key *k = add(r, id, secret);
	k->power = power;
	(void)snprintf(k->user, sizeof(k->user), KEY_OWNER_NAME);
}

struct access_key *fake_ring_add_user(struct fake_ring *r, const char *id, const char *secret, const char *user)
{
	struct access_key *k = add(r, id, secret);
	k->power = KEY_USER;
	int chars = snprintf(k->user, sizeof(k->user), "%s", user);
	assert(chars < (int)sizeof(k->user));
	(void)chars;
	return k;
}
