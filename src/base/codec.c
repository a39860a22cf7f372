/* Hex, base64 in both alphabets, and percent-encoding. Each decoder has one strict reading: what is
 * not the canonical text of some bytes is refused, so that two texts never stand for the same
 * bytes where that could matter (signatures, cursors, digests). UTF-8 and escaping are in utf8.c.
 * Source: RFC 4648 4, 5, 3.5; RFC 3986 2.1; Signature Version 4, UriEncode. */
#include "base/codec.h"
#include "base/arena.h"

#include <string.h>

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

/* 0..15, or -1. */
static int hex_digit(char c)
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

struct alphabet {
	const char *digits; /* 64 */
	bool padded;
};

static const struct alphabet STANDARD = { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true };
static const struct alphabet URL_SAFE = { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false };

static void encode_base64(struct buf *b, struct str s, const struct alphabet *with)
{
	for (size_t at = 0; at < s.n; at += 3) {
		/* One to three bytes as four digits; digits without any bit of input are '=' or left out. */
		const char *p = s.p + at;
		size_t n = s.n - at < 3 ? s.n - at : 3;
		uint32_t bits = 0;
		char out[4] = "====";
		for (size_t i = 0; i < n; i++)
			bits |= (uint32_t)(unsigned char)p[i] << (16 - 8 * i);
		for (size_t i = 0; i <= n; i++)
			out[i] = with->digits[bits >> (18 - 6 * i) & 63];
		buf_put(b, (struct str){ out, with->padded ? 4 : n + 1 });
	}
}

/* 0..63, or -1. The letters and figures are those of both alphabets. */
static int base64_digit(char c, const struct alphabet *with)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == with->digits[62])
		return 62;
	return c == with->digits[63] ? 63 : -1;
}

/* Two to four digits to one to three bytes. RFC 4648 3.5: bits left over must be zero. */
static bool decode_group(const char *digits, size_t n, char *out, const struct alphabet *with)
{
	uint32_t bits = 0;
	for (size_t i = 0; i < n; i++) {
		int digit = base64_digit(digits[i], with);
		if (digit < 0)
			return false;
		bits |= (uint32_t)digit << (18 - 6 * i);
	}
	for (size_t i = 0; i + 1 < n; i++)
		out[i] = (char)(bits >> (16 - 8 * i) & 0xff);
	return (bits & (0xffffffu >> (8 * (n - 1)))) == 0;
}

/* How many '=' the text must end in is given by its length alone. */
static bool strip_padding(struct str *s)
{
	if (s->n % 4 != 0)
		return false;
	for (int i = 0; i < 2 && s->n > 0 && s->p[s->n - 1] == '='; i++)
		s->n--;
	return true;
}

static bool decode_base64(struct arena *a, struct str s, const struct alphabet *with, struct str *out)
{
	*out = (struct str){ NULL, 0 };
	if ((with->padded && !strip_padding(&s)) || s.n % 4 == 1)
		return false;
	size_t bytes = s.n / 4 * 3 + s.n % 4 * 3 / 4;
	char *p = arena_alloc(a, bytes);
	if (p == NULL)
		return false;
	for (size_t at = 0, to = 0; at < s.n; at += 4, to += 3)
		if (!decode_group(s.p + at, s.n - at < 4 ? s.n - at : 4, p + to, with))
			return false;
	*out = (struct str){ p, bytes };
	return true;
}

void base64_encode(struct buf *b, struct str s)
{
	encode_base64(b, s, &STANDARD);
}

bool base64_decode(struct arena *a, struct str s, struct str *out)
{
	return decode_base64(a, s, &STANDARD, out);
}

void base64url_encode(struct buf *b, struct str s)
{
	encode_base64(b, s, &URL_SAFE);
}

bool base64url_decode(struct arena *a, struct str s, struct str *out)
{
	return decode_base64(a, s, &URL_SAFE, out);
}

static const bool UNRESERVED[256] = {
	['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true
};

size_t uri_plain(struct str s, bool keep_slash)
{
	size_t n = 0;
	while (n < s.n && (UNRESERVED[(unsigned char)s.p[n]] || (keep_slash && s.p[n] == '/')))
		n++;
	return n;
}

void uri_encode(struct buf *b, struct str s, bool keep_slash)
{
	assert(b != NULL);
	while (s.n > 0) {
		size_t plain = uri_plain(s, keep_slash);
		buf_put(b, str_slice(s, 0, plain));
		if (plain == s.n)
			return;
		unsigned char c = (unsigned char)s.p[plain];
		const char escaped[3] = { '%', HEX_UPPER[c >> 4], HEX_UPPER[c & 15] };
		buf_put(b, (struct str){ escaped, sizeof escaped });
		s = str_slice(s, plain + 1, s.n);
	}
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
	*out = plain ? str_dup(a, s) : (struct str){ NULL, 0 };
	if (plain)
		return out->p != NULL;
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
