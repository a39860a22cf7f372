/* What a key may do by its power and grants. Pure. */
#include "port/key_ring.h"

bool key_permits(const struct access_key *k, unsigned actions, struct str bucket, struct str key_or_prefix)
{
	unsigned missing = actions;

	assert(actions != 0 && (actions & ~KEY_ACTIONS_ALL) == 0);
	if (k->power != KEY_USER || k->n_grants == 0)
		return k->power != KEY_SLOTS;
	for (size_t i = 0; i < k->n_grants; i++) {
		const struct key_grant *g = &k->grants[i];
		if ((g->bucket.n == 0 || str_equal(g->bucket, bucket)) && str_starts_with(key_or_prefix, g->prefix))
			missing &= ~g->actions;
	}
	return missing == 0;
}
