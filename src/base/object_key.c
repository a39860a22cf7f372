/* The rule for keys. See object_key.h. */
#include "base/object_key.h"

#include "base/codec.h"

enum status object_key_check(struct str key, struct fault *why)
{
	if (key.n > OBJECT_KEY_MAX_BYTES)
		return fault_set(why, KEY_TOO_LONG, "Your key is too long: %zu bytes, at most %d are allowed", key.n, OBJECT_KEY_MAX_BYTES);
	if (key.n == 0 || !utf8_valid(key) || str_find_char(key, '\0') < key.n)
		return fault_set(why, KEY_INVALID, "A key must be 1 to %d bytes of UTF-8 without U+0000", OBJECT_KEY_MAX_BYTES);
	return OK;
}
