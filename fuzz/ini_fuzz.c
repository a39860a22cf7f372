/* INI: any text is refused with its line, or each name and value is within it, and the reader reaches its end. */
#include "base/ini.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct str part, struct str text)
{
	assert(part.n == 0 || (part.p >= text.p && part.p + part.n <= text.p + text.n));
	assert(part.n == 0 || (part.p[0] != ' ' && part.p[part.n - 1] != ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	for (int skip = 0; skip < 2; skip++) {
		struct ini ini = { .rest = text, .skip_indented = skip == 1 };
		struct ini_line line = { INI_SECTION };
		struct fault why;
		bool in_section = false;
		for (size_t last = 0; line.kind != INI_END; last = ini.number) {
			if (ini_next(&ini, &line, &why) != OK) {
				assert(strncmp(why.text, "line ", 5) == 0);
				break;
			}
			assert(ini.number > last || line.kind == INI_END);
			assert(line.kind != INI_SETTING || (in_section && line.name.n > 0));
			in_section = in_section || line.kind == INI_SECTION;
			check_inside(line.name, text);
			check_inside(line.value, text);
		}
	}
	return 0;
}
