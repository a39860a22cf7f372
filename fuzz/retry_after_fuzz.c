/* Retry-After of any bytes: what is accepted is a wait within its bounds. */
#include "http/text.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	int64_t wait_ms = -1;
	bool read = http_retry_after(s, INT64_C(1796000000000), &wait_ms);
	assert(read ? wait_ms >= 0 && wait_ms <= RETRY_AFTER_MAX_MS : wait_ms == -1);
	return 0;
}
