/* Any bytes as a path, and as keys. What must hold: what is valid is what is written for it, byte for byte; without keys nothing signed is
 * valid; one byte more or less makes it unknown. */
#include "image/delivery_link.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEY "0123456789abcdefghijklmnopqrstuv"

static void check_written(struct str path, const struct delivery_link *link, struct str key)
{
	char text[512];
	struct buf b;
	buf_init_fixed(&b, text, sizeof text);
	delivery_link_write(&b, link, key);
	assert(buf_ok(&b) && str_equal(buf_str(&b), path));
}

/* Sign what the path asks for, so that signed ones are reached. */
static void check_signed(const struct delivery_link *link, const struct delivery_keys *keys, uint8_t seed)
{
	char text[512];
	struct buf b;
	struct delivery_link signed_link = *link, got;
	signed_link.is_signed = true;
	signed_link.expires_s = 1 + seed;
	buf_init_fixed(&b, text, sizeof text);
	delivery_link_write(&b, &signed_link, keys->keys[0]);
	assert(buf_ok(&b));
	assert(delivery_link_read(buf_str(&b), keys, 0, &got) == DELIVERY_VALID);
	assert(delivery_link_read(buf_str(&b), keys, signed_link.expires_s, &got) == DELIVERY_EXPIRED);
	text[3 + seed % (b.n - 3)] ^= 1;
	assert(delivery_link_read(buf_str(&b), keys, 0, &got) == DELIVERY_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct delivery_keys keys = { { STR(KEY) }, 1 }, none = { 0 };
	struct str text = { (const char *)data, size };
	struct delivery_keys parsed;
	struct delivery_variant v;
	struct delivery_link link;
	if (delivery_keys_parse(text, &parsed))
		assert(parsed.n > 0 && parsed.keys[0].n >= DELIVERY_KEY_MIN && parsed.keys[0].p == text.p);
	if (delivery_link_read(text, &keys, 0, &link) != DELIVERY_UNKNOWN) {
		assert(delivery_variant_parse(link.variant, &v));
		check_written(text, &link, STR(KEY));
		if (!link.is_signed)
			check_signed(&link, &keys, data[size / 2]);
	}
	if (delivery_link_read(text, &none, 0, &link) != DELIVERY_UNKNOWN)
		assert(!link.is_signed);
	return 0;
}
