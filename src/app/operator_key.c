/* See operator_key.h. */
#include "app/operator_key.h"

#include "app/access.h"
#include "base/clock.h"
#include "base/hash.h"
#include "http/text.h"

#define KEY_MIN_CHARS 16               /* as of TINTYPE_API_KEY */
#define TEXT_BYTES ((size_t)256 << 10) /* the answer of the store, too */
#define FRESH_MS 300000
#define PAUSE_MS 5000

static void forget(struct operator_key *k)
{
	if (k->value.n > 0)
		secret_wipe((char *)k->value.p, k->value.n);
	arena_deinit(&k->texts);
	k->value = STR("");
}

static enum status fetch(struct operator_key *k, struct fault *why)
{
	struct str value;
	forget(k);
	arena_init(&k->texts, TEXT_BYTES);
	TRY(k->read(k->read_arg, k->name, &k->texts, &value, why));
	if (value.n < KEY_MIN_CHARS || !http_is_visible(value))
		return fault_set(why, BAD_SETTING, "The key must be at least %d visible ASCII characters.", KEY_MIN_CHARS);
	TRY(access_check_key(value, why));
	k->value = value;
	return OK;
}

enum status operator_key_read(void *arg, struct str *out, struct fault *why)
{
	assert(arg != NULL && out != NULL);
	struct operator_key *k = arg;
	struct fault failed = { 0 };
	int64_t now_ms = clock_now_ms(), age_ms = now_ms - k->tried_ms;
	bool is_due = k->tried_ms == 0 || age_ms < 0 || age_ms >= (k->value.n > 0 ? FRESH_MS : PAUSE_MS);
	if (is_due) {
		k->tried_ms = now_ms;
		if (fetch(k, &failed) != OK)
			forget(k);
	}
	*out = k->value;
	if (k->value.n > 0)
		return OK;
	enum status status = fault_set(why, IDENTITY_UNREACHABLE, "Keys cannot be verified now; try again.");
	fault_cause(why, "TINTYPE_API_KEY_PARAMETER: %s%s%s", is_due ? failed.text : "it could not be read a moment ago.",
		failed.cause[0] != '\0' ? " " : "", failed.cause);
	return status;
}

void operator_key_deinit(struct operator_key *k)
{
	assert(k != NULL);
	forget(k);
}
