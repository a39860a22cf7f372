/* The shared credentials files: any text is refused, or the values read from it are within it. */
#include "aws/profile.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str part, struct str text)
{
	assert(part.n == 0 || (part.p >= text.p && part.p + part.n <= text.p + text.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct fault why;
	for (int kind = PROFILE_CREDENTIALS; kind <= PROFILE_CONFIG; kind++) {
		struct aws_profile p;
		if (profile_read(text, (enum profile_file)kind, STR("default"), &p, &why) != OK)
			continue;
		check_inside(p.access_key, text);
		check_inside(p.secret, text);
		check_inside(p.session_token, text);
		check_inside(p.region, text);
		assert(p.found || p.access_key.n + p.secret.n + p.session_token.n + p.region.n == 0);
	}
	return 0;
}
