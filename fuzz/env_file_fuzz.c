/* Environment files: any text is refused, or each assignment is within it, and the reader reaches its end. */
#include "config/env_file.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str part, struct str text)
{
	assert(part.n == 0 || (part.p >= text.p && part.p + part.n <= text.p + text.n));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, rest = text;
	struct env_line l;
	struct fault why;
	unsigned line = 0;
	while (env_file_next(&rest, &line, &l, &why) == OK && l.name.n > 0) {
		check_inside(l.name, text);
		check_inside(l.value, text);
		assert(line <= size + 1);
	}
	return 0;
}
