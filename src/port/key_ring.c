/* What a key may do by its power and grants. Pure. */
#include "port/key_ring.h"

static bool grant_covers(const struct key_grant *g, struct str bucket, struct str key)
{
	return (g->bucket.n == 0 || str_equal(g->bucket, bucket)) && str_starts_with(key, g->prefix);
}

static bool granted_actions(const struct access_key *k, unsigned actions, struct str bucket, struct str key)
{
	unsigned missing = actions;

	for (size_t i = 0; i < k->n_grants; i++)
		if (grant_covers(&k->grants[i], bucket, key))
			missing &= ~k->grants[i].actions;
	return k->n_grants == 0 || missing == 0;
}

bool key_permits(const struct access_key *k, unsigned actions, struct str bucket, struct str key_or_prefix)
{
	switch (k->power) {
	case KEY_OWNER:
		return true;
	case KEY_SLOTS:
		return false;
	case KEY_USER:
		return granted_actions(k, actions, bucket, key_or_prefix);
	}
	return false;
}
