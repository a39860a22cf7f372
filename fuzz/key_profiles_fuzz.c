/* The credentials file: any text is read or refused with its line; what is read is whole. */
#include "store/keys/key_profiles.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct profiles profiles;
	struct fault why = { 0 };
	struct arena a CLEANUP(arena_deinit);

	arena_init(&a, PROFILES_ARENA_BYTES);
	if (profiles_parse((struct str){ (const char *)data, size }, &a, &profiles, &why) != OK) {
		assert(strncmp(why.text, "line ", 5) == 0);
		return 0;
	}
	for (size_t i = 0; i < profiles.n; i++) {
		assert(profiles.all[i].name[0] != '\0');
		assert(profiles.all[i].key.id[0] != '\0');
		assert(profiles.all[i].key.secret[0] != '\0');
		assert(profiles.all[i].key.user[0] != '\0');
		struct buf b CLEANUP(buf_deinit);
		buf_init(&b, 8 * size + 1024);
		grants_write(&b, profiles.all[i].key.grants, profiles.all[i].key.n_grants);
		assert(buf_ok(&b));
	}
	return 0;
}
