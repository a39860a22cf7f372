/* Addresses of tables: what is shown is a part of the URL that no parameter is in, and has no password: it is shown as it is if it is read again. */
#include "config/table_url.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str url = { (const char *)data, size };
	struct buf shown CLEANUP(buf_deinit), again CLEANUP(buf_deinit);
	buf_init(&shown, size + 1);
	buf_init(&again, size + 1);
	table_url_put(&shown, url);
	assert(buf_ok(&shown) && shown.n <= size);
	table_url_put(&again, buf_str(&shown));
	assert(str_equal(buf_str(&again), buf_str(&shown)));
	assert(!table_url_has_password(buf_str(&shown)));
	assert(!table_url_is(url) || str_find_char(buf_str(&shown), '?') == shown.n || str_find_char(url, '?') < str_find_char(url, '@'));
	return 0;
}
