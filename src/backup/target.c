/* What the kinds of destinations share. See target.h. */
#include "backup/target.h"

#include "base/hash.h"

void target_free(struct target **at)
{
	struct target *t = *at;
	*at = NULL;
	if (t != NULL)
		t->ops->close(t);
}

enum status target_put(struct target *t, struct str name, struct str bytes, struct fault *why)
{
	assert(name.n > 0);
	TRY(t->ops->put(t, name, bytes, why));
	atomic_fetch_add(&t->written, bytes.n);
	return OK;
}

enum status target_get(struct target *t, struct str name, uint64_t max_bytes, struct arena *a, struct str *out, struct fault *why)
{
	return t->ops->get(t, name, max_bytes, a, out, why);
}

enum status target_get_verified(
	struct target *t, struct str name, struct str expected, uint64_t max_bytes, struct arena *a, struct str *out, struct fault *why)
{
	char hash[2 * SHA256_BYTES + 1];
	TRY(fault_check_arena(a, why)); /* which the name may be in */
	enum status status = t->ops->get(t, name, max_bytes, a, out, why);
	if (status != OK && why->code == F_NO_SUCH_KEY)
		return fault_set(why, DATA_DAMAGED, "%.*s is missing", STRF(name));
	TRY(status);
	sha256_hex(*out, hash);
	if (!str_equal(str_of(hash), expected))
		return fault_set(why, DATA_DAMAGED, "%.*s is damaged: it has another SHA-256", STRF(name));
	return OK;
}
