/* Cursors: base64url of 1 byte version, 8 bytes number, 4 bytes of a SHA-256 over both. See cursor.h. */
#include "store/db/cursor.h"

#include "base/codec.h"
#include "base/hash.h"

#include <endian.h>
#include <string.h>

#define VERSION_BYTE 1
#define SEQ_BYTES 8
#define CHECK_BYTES 4
#define CURSOR_BYTES (1 + SEQ_BYTES + CHECK_BYTES)
#define CURSOR_CHARS_MAX 32

_Static_assert(CURSOR_BYTES * 4 / 3 + 1 <= CURSOR_CHARS_MAX, "the text of every cursor fits");

static void pack_cursor(int64_t seq, unsigned char out[CURSOR_BYTES])
{
	unsigned char digest[SHA256_BYTES];
	uint64_t number = htobe64((uint64_t)seq);

	out[0] = VERSION_BYTE;
	memcpy(out + 1, &number, SEQ_BYTES);
	sha256((struct str){ (const char *)out, 1 + SEQ_BYTES }, digest);
	memcpy(out + 1 + SEQ_BYTES, digest, CHECK_BYTES);
}

struct str cursor_write(int64_t seq, struct arena *a)
{
	unsigned char bytes[CURSOR_BYTES];
	struct buf b;

	pack_cursor(seq, bytes);
	buf_init_arena(&b, a, CURSOR_CHARS_MAX);
	base64url_encode(&b, (struct str){ (const char *)bytes, sizeof bytes });
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

enum status cursor_read(struct str text, struct arena *a, int64_t *seq, struct fault *why)
{
	unsigned char want[CURSOR_BYTES];
	struct str got = { 0 };
	uint64_t number;

	if (text.n <= CURSOR_CHARS_MAX && base64url_decode(a, text, &got) && got.n == CURSOR_BYTES) {
		memcpy(&number, got.p + 1, SEQ_BYTES);
		int64_t n = (int64_t)be64toh(number);
		pack_cursor(n, want);
		if (n >= 0 && memcmp(want, got.p, CURSOR_BYTES) == 0) {
			*seq = n;
			return OK;
		}
	}
	return fault_set(why, BAD_CURSOR, "cursor was not issued by this server");
}
