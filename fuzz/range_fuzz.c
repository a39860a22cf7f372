/* Fuzz target of s3/wire/range and s3/wire/conditions: eight bytes are the object's size, the rest the header. A
 * part must are in the object; conditions are only asked not to break. */
#include "s3/wire/range.h"

#include "s3/wire/conditions.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t size;
	struct range r = { 0 };
	if (n < sizeof(size))
		return 0;
	memcpy(&size, p, sizeof(size));
	struct str text = { (const char *)p + sizeof(size), n - sizeof(size) };
	if (range_parse(text, size, &r) == RANGE_PART)
		assert(r.length > 0 && r.first < size && r.length <= size - r.first);
	struct conditions c = { text, text, text, text };
	(void)conditions_check(&c, STR("0123456789abcdef0123456789abcdef"), 1795333042789);
	(void)if_range_holds(text, STR("0123456789abcdef0123456789abcdef"), 1795333042789);
	return 0;
}
