/* The credentials file: any text is read or refused with its line; what is read is whole. */
#include "local/credentials.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct profiles profiles;
	struct fault why = { 0 };

	if (credentials_parse((struct str){ (const char *)data, size }, &profiles, &why) != OK) {
		assert(strncmp(why.text, "line ", 5) == 0);
		return 0;
	}
	for (size_t i = 0; i < profiles.n; i++) {
		assert(profiles.all[i].name[0] != '\0');
		assert(profiles.all[i].key.id[0] != '\0');
		assert(profiles.all[i].key.secret[0] != '\0');
	}
	return 0;
}
