/* Cursors: base64url of 1 byte version, the place (8 bytes of a number, or a text), 4 bytes of a SHA-256 over both and the list. See
 * cursor.h. */
#include "port/cursor.h"

#include "base/codec.h"
#include "base/hash.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define VERSION_BYTE 1
#define NUMBER_BYTES 8
#define CHECK_BYTES 4
#define CURSOR_CHARS_MAX (4 * (1 + CURSOR_TEXT_MAX + CHECK_BYTES) / 3 + 3)

/* {NULL, 0} when the arena is full. */
static struct str pack_cursor(struct str place, struct str list, struct arena *a)
{
	unsigned char digest[SHA256_BYTES];
	struct buf b, all;

	buf_init_arena(&b, a, 1 + CURSOR_TEXT_MAX + CHECK_BYTES);
	buf_put_char(&b, VERSION_BYTE);
	buf_put(&b, place);
	buf_init_arena(&all, a, 1 + CURSOR_TEXT_MAX + list.n);
	buf_put(&all, buf_str(&b));
	buf_put(&all, list);
	sha256(buf_str(&all), digest);
	buf_put(&b, (struct str){ (const char *)digest, CHECK_BYTES });
	return buf_ok(&b) && buf_ok(&all) ? buf_str(&b) : (struct str){ 0 };
}

struct str cursor_write_text(struct str text, struct str list, struct arena *a)
{
	struct buf b;

	assert(text.n > 0 && text.n <= CURSOR_TEXT_MAX);
	struct str bytes = pack_cursor(text, list, a);
	buf_init_arena(&b, a, CURSOR_CHARS_MAX);
	base64url_encode(&b, bytes);
	return bytes.p != NULL && buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

struct str cursor_write(int64_t n, struct str list, struct arena *a)
{
	uint64_t number = htobe64((uint64_t)n);

	return cursor_write_text((struct str){ (const char *)&number, NUMBER_BYTES }, list, a);
}

enum status bad_cursor(struct fault *why)
{
	return fault_set(why, BAD_CURSOR, "cursor was not issued by this server, or for another list");
}

enum status cursor_read_text(struct str cursor, struct str list, struct arena *a, struct str *text, struct fault *why)
{
	struct str got = { 0 };

	if (cursor.n > CURSOR_CHARS_MAX || !base64url_decode(a, cursor, &got) || got.n <= 1 + CHECK_BYTES)
		return bad_cursor(why);
	struct str place = str_slice(got, 1, got.n - CHECK_BYTES);
	if (place.n > CURSOR_TEXT_MAX)
		return bad_cursor(why);
	struct str want = pack_cursor(place, list, a);
	TRY(fault_check_arena(a, why));
	if (!str_equal(want, got))
		return bad_cursor(why);
	*text = place;
	return OK;
}

enum status cursor_read(struct str cursor, struct str list, struct arena *a, int64_t *n, struct fault *why)
{
	struct str place;
	uint64_t number;

	TRY(cursor_read_text(cursor, list, a, &place, why));
	if (place.n != NUMBER_BYTES)
		return bad_cursor(why);
	memcpy(&number, place.p, NUMBER_BYTES);
	*n = (int64_t)be64toh(number);
	return *n >= 0 ? OK : bad_cursor(why);
}
