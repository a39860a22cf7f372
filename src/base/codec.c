/* Hex, base64 in both alphabets, and percent-encoding. Each decoder has one strict reading: what is
 * not the canonical text of some bytes is refused, so that two texts never stand for the same
 * bytes where that could matter (signatures, cursors, digests). OpenSSL encodes base64. UTF-8 and escaping are in utf8.c.
 * Source: RFC 4648 4, 5, 3.5; RFC 3986 2.1; Signature Version 4, UriEncode. */
#include "base/codec.h"
#include "base/arena.h"

#include <openssl/evp.h>

static const char HEX_LOWER[] = "0123456789abcdef";
static const char HEX_UPPER[] = "0123456789ABCDEF";

void hex_encode(const unsigned char *p, size_t n, char *out)
{
	assert(n == 0 || p != NULL);
	assert(out != NULL);
	for (size_t i = 0; i < n; i++) {
		*out++ = HEX_LOWER[p[i] >> 4];
		*out++ = HEX_LOWER[p[i] & 15];
	}
	*out = '\0';
}

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte that two hex digits stand for, or -1. */
static int hex_pair(const char *p)
{
	int high = hex_digit(p[0]);
	int low = hex_digit(p[1]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool hex_decode(struct str s, unsigned char *out, size_t n)
{
	assert(n == 0 || out != NULL);
	if (s.n % 2 != 0 || s.n / 2 != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int byte = hex_pair(s.p + 2 * i);
		if (byte < 0)
			return false;
		out[i] = (unsigned char)byte;
	}
	return true;
}

#define PIECE_BYTES 48
#define PIECE_DIGITS 64

/* The digits of at most PIECE_BYTES from s.p[at] on, and how many they are. */
static size_t encode_piece(struct str s, size_t at, bool url, unsigned char out[PIECE_DIGITS + 1])
{
	struct str piece = str_slice(s, at, at + PIECE_BYTES);
	int n = EVP_EncodeBlock(out, (const unsigned char *)piece.p, (int)piece.n);
	while (url && n > 0 && out[n - 1] == '=')
		n--;
	for (int i = 0; url && i < n; i++)
		out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
	return (size_t)n;
}

static void encode_base64(struct buf *b, struct str s, bool url)
{
	unsigned char digits[PIECE_DIGITS + 1];
	for (size_t at = 0; at < s.n; at += PIECE_BYTES) {
		size_t n = encode_piece(s, at, url, digits);
		buf_put(b, (struct str){ (const char *)digits, n });
	}
}

/* From the character to the number, for the digits that both alphabets have. */
static const signed char SHIFT[256] = { ['A' ... 'Z'] = -'A', ['a' ... 'z'] = 26 - 'a', ['0' ... '9'] = 52 - '0' };

/* 0..63; -1: not a digit of this alphabet. */
static int digit_value(char c, bool url)
{
	int shift = SHIFT[(unsigned char)c];
	return shift != 0 ? c + shift : c == (url ? '-' : '+') ? 62 : c == (url ? '_' : '/') ? 63 : -1;
}

/* Bits that are left over must be zero, so that no bytes have two texts (RFC 4648 3.5). */
static bool decode_base64(struct arena *a, struct str s, bool url, struct str *out)
{
	*out = (struct str){ NULL, 0 };
	if (!url && s.n % 4 != 0)
		return false;
	for (int i = 0; !url && i < 2 && str_ends_with(s, STR("=")); i++)
		s.n--;
	char *p = s.n % 4 == 1 ? NULL : arena_alloc(a, s.n / 4 * 3 + 2);
	if (p == NULL)
		return false;
	size_t n = 0;
	uint32_t bits = 0;
	for (size_t i = 0; i < s.n; i++) {
		int value = digit_value(s.p[i], url);
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 > 0)
			p[n++] = (char)(bits >> (6 - 2 * (i % 4)));
	}
	if ((s.n % 4 == 2 && (bits & 15) != 0) || (s.n % 4 == 3 && (bits & 3) != 0))
		return false;
	*out = (struct str){ p, n };
	return true;
}

void base64_encode(struct buf *b, struct str s)
{
	encode_base64(b, s, false);
}

bool base64_decode(struct arena *a, struct str s, struct str *out)
{
	return decode_base64(a, s, false, out);
}

void base64url_encode(struct buf *b, struct str s)
{
	encode_base64(b, s, true);
}

bool base64url_decode(struct arena *a, struct str s, struct str *out)
{
	return decode_base64(a, s, true, out);
}

bool base64url_chars(struct str s)
{
	return uri_plain(s, false) == s.n && str_find_char(s, '.') == s.n && str_find_char(s, '~') == s.n;
}

/* What stays in a URL: bit 0 anywhere, bit 1 where slashes stay. */
static const unsigned char PLAIN[256] = {
	['A' ... 'Z'] = 3, ['a' ... 'z'] = 3, ['0' ... '9'] = 3, ['-'] = 3, ['.'] = 3, ['_'] = 3, ['~'] = 3, ['/'] = 2
};

size_t uri_plain(struct str s, bool keep_slash)
{
	const unsigned char kind = keep_slash ? 2 : 1;
	size_t n = 0;
	while (n < s.n && (PLAIN[(unsigned char)s.p[n]] & kind) != 0)
		n++;
	return n;
}

void uri_encode(struct buf *b, struct str s, bool keep_slash)
{
	assert(b != NULL);
	const unsigned char kind = keep_slash ? 2 : 1;
	char piece[256];
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (n > sizeof piece - 3) {
			buf_put(b, (struct str){ piece, n });
			n = 0;
		}
		if ((PLAIN[c] & kind) != 0) {
			piece[n++] = (char)c;
			continue;
		}
		piece[n++] = '%';
		piece[n++] = HEX_UPPER[c >> 4];
		piece[n++] = HEX_UPPER[c & 15];
	}
	buf_put(b, (struct str){ piece, n });
}

/* The byte that starts at s.p[*at], which moves to the last character of it; -1 for a bad '%'. */
static int next_byte(struct str s, size_t *at, bool plus_is_blank)
{
	char c = s.p[*at];
	if (c == '+' && plus_is_blank)
		return ' ';
	if (c != '%')
		return (unsigned char)c;
	if (s.n - *at < 3)
		return -1;
	*at += 2;
	return hex_pair(s.p + *at - 1);
}

bool uri_decode(struct arena *a, struct str s, bool plus_is_blank, struct str *out)
{
	assert(a != NULL);
	assert(out != NULL);
	bool plain = str_find_char(s, '%') == s.n && (!plus_is_blank || str_find_char(s, '+') == s.n);
	*out = !plain ? (struct str){ NULL, 0 } : s.p == NULL ? STR("") : s;
	if (plain)
		return true;
	char *p = arena_alloc(a, s.n);
	if (p == NULL)
		return false;
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		int byte = next_byte(s, &i, plus_is_blank);
		if (byte < 0)
			return false;
		p[n++] = (char)byte;
	}
	*out = (struct str){ p, n };
	return true;
}
