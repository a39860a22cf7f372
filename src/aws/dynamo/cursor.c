/* Cursors: base64url of 1 byte version, the sort key, and 4 bytes of a SHA-256 over both and the list's text. The check is
 * not secret: it detects cursors that were not issued here, and the form of the key is tested
 * besides, so that a Query only ever gets a well-formed sort key. */
#include "aws/dynamo/cursor.h"

#include "base/codec.h"
#include "port/cursor.h"

#include <inttypes.h>
#include <string.h>

#define VERSION_BYTE 2
#define CHECK_BYTES 4
#define CURSOR_BYTES (1 + DYNAMO_ORDER_CHARS + CHECK_BYTES)
#define CURSOR_CHARS_MAX 96

struct str dynamo_order(int64_t ms, struct str image_id, struct arena *a)
{
	assert(ms >= 0 && image_id.n == UUID_CHARS);
	return str_printf(a, "%0*" PRId64 "#%.*s", DYNAMO_ORDER_DIGITS, ms, STRF(image_id));
}

static bool order_valid(struct str order)
{
	uint64_t ms;
	return order.n == DYNAMO_ORDER_CHARS && str_to_u64(str_slice(order, 0, DYNAMO_ORDER_DIGITS), &ms) && ms <= INT64_MAX &&
		order.p[DYNAMO_ORDER_DIGITS] == '#' && uuid_valid(str_slice(order, DYNAMO_ORDER_DIGITS + 1, order.n));
}

static void pack_order(struct str order, struct str list, unsigned char out[CURSOR_BYTES])
{
	assert(order.n == DYNAMO_ORDER_CHARS);
	unsigned char digest[SHA256_BYTES];
	struct hash h;
	out[0] = VERSION_BYTE;
	memcpy(out + 1, order.p, DYNAMO_ORDER_CHARS);
	hash_init(&h, HASH_SHA256);
	hash_update(&h, out, 1 + DYNAMO_ORDER_CHARS);
	hash_update(&h, list.p, list.n);
	hash_final(&h, digest);
	memcpy(out + 1 + DYNAMO_ORDER_CHARS, digest, CHECK_BYTES);
}

struct str dynamo_partition(struct str name, uint32_t shard, struct arena *a)
{
	return str_printf(a, "%.*s#%" PRIu32, STRF(name), shard);
}

struct str dynamo_cursor_write(struct str order, struct str list, struct arena *a)
{
	unsigned char bytes[CURSOR_BYTES];
	struct buf b;
	if (order.n != DYNAMO_ORDER_CHARS)
		return (struct str){ 0 };
	pack_order(order, list, bytes);
	buf_init_arena(&b, a, CURSOR_CHARS_MAX);
	base64url_encode(&b, (struct str){ (const char *)bytes, sizeof bytes });
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

enum status dynamo_cursor_read(struct str text, struct str list, struct arena *a, struct str *order, struct fault *why)
{
	assert(a != NULL && order != NULL);
	unsigned char expected[CURSOR_BYTES];
	struct str got = { 0 };
	bool ok = text.n <= CURSOR_CHARS_MAX && base64url_decode(a, text, &got) && got.n == CURSOR_BYTES;
	struct str found = str_slice(got, 1, 1 + DYNAMO_ORDER_CHARS);
	ok = ok && order_valid(found);
	if (ok)
		pack_order(found, list, expected);
	if (!ok || memcmp(expected, got.p, CURSOR_BYTES) != 0)
		return bad_cursor(why);
	*order = found;
	return OK;
}
