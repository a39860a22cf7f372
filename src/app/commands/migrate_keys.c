/* See migrate_keys.h. An embedded store has a key of its own, which signs links where TINTYPE_DELIVERY_KEYS is not set, and from which the ids
 * of slots are made in any case; elsewhere the first of TINTYPE_DELIVERY_KEYS does both. */
#include "app/commands/migrate_keys.h"

#include "base/hash.h"

#define KEY_CHARS 64 /* of an embedded store's own */

struct str migrate_keys_of(const struct settings *s, const struct backends *b, struct arena *a)
{
	struct str set = str_of(s->delivery_keys), own = b->delivery_key;
	bool has_two = str_find_char(set, ',') < set.n;
	if (own.n == 0 || has_two || (set.n > 0 && secret_equal(set, own)))
		return str_dup(a, set);
	return set.n == 0 ? str_dup(a, own) : STR_CONCAT(a, own, STR(","), set);
}

static bool is_own_key(struct str key)
{
	bool ok = key.n == KEY_CHARS;
	for (size_t i = 0; ok && i < key.n; i++)
		ok = (key.p[i] >= '0' && key.p[i] <= '9') || (key.p[i] >= 'a' && key.p[i] <= 'f');
	return ok;
}

enum status migrate_keys_check(struct str keys, const struct settings *to, struct backends *b, struct fault *why)
{
	struct str set = str_of(to->delivery_keys), rest = keys, first = str_cut(&rest, ',');
	bool takes_own = b->set_delivery_key != NULL && is_own_key(first);
	bool same = set.n >= keys.n && secret_equal(str_slice(set, 0, keys.n), keys) && (set.n == keys.n || set.p[keys.n] == ',');
	if (!(set.n > 0 ? same : takes_own && rest.n == 0))
		return fault_set(why, BAD_SETTING,
			"The links of the source would not be valid at the destination: set TINTYPE_DELIVERY_KEYS there to what "
			"`tintype migrate --from FILE --delivery-keys` prints.");
	return takes_own && !secret_equal(first, b->delivery_key) ? b->set_delivery_key(b, first, why) : OK;
}
