/* UTF-8 and the escapings: any bytes become harmless text, well-formed prefixes stay well-formed,
 * and an independent parser reads the JSON string back. */
#include "base/codec.h"

#include <assert.h>
#include <jansson.h>

#define OUT_MAX ((size_t)1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_prefixes(struct str s)
{
	bool valid = utf8_valid(s);
	size_t before = 0;
	for (size_t max = 0; max <= s.n && max < 64; max++) {
		size_t prefix = utf8_prefix(s, max);
		assert(prefix <= max && prefix >= before && max - prefix < 4);
		assert(!valid || utf8_valid(str_slice(s, 0, prefix)));
		before = prefix;
	}
}

static void check_json(struct str s)
{
	struct buf b;
	buf_init(&b, OUT_MAX);
	buf_put_char(&b, '"');
	json_escape(&b, s);
	buf_put_char(&b, '"');
	if (buf_ok(&b)) {
		json_t *value = json_loadb(b.p, b.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert(value != NULL);
		struct str back = { json_string_value(value), json_string_length(value) };
		assert(!utf8_valid(s) || str_equal(back, s));
		json_decref(value);
	}
	buf_deinit(&b);
}

static void check_terminal(struct str s)
{
	struct buf b;
	buf_init(&b, OUT_MAX);
	terminal_escape(&b, s);
	assert(utf8_valid(buf_str(&b)));
	for (size_t i = 0; i < b.n; i++)
		assert((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7f);
	buf_deinit(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str s = { (const char *)data, n };
	check_prefixes(s);
	check_json(s);
	check_terminal(s);
	return 0;
}
