/* UTF-8, and the two escapings that make any bytes harmless to show: for a terminal and inside a
 * JSON string. (Declared in codec.h with the other text codings.)
 *
 * One decoder reads a code point; everything else is written with it. An ill-formed byte is one
 * byte, whatever follows. Printable ASCII, which is nearly all there is, is ignored in runs.
 * Source: RFC 3629 4; Unicode 15, table 3-7; UAX 9 for the bidi marks. */
#include "base/codec.h"

#include <string.h>

#define ILL_FORMED 0xffffffffu

/* The second byte's range of each kind of first byte; third and fourth are always 80..BF. */
struct shape {
	unsigned char first_min, first_max, second_min, second_max;
	unsigned char length;
};

static const struct shape SHAPES[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 }, /* no surrogates */
	{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 }, /* up to U+10FFFF */
};

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The code point at s.p[0] and its length; ILL_FORMED and 1 when there is none. s is not empty. */
static uint32_t read_point(struct str s, size_t *length)
{
	unsigned char first = (unsigned char)s.p[0];
	*length = 1;
	if (first < 0x80)
		return first;
	const struct shape *shape = SHAPES, *end = SHAPES + COUNT_OF(SHAPES);
	while (shape < end && (first < shape->first_min || first > shape->first_max))
		shape++;
	if (shape == end || s.n < shape->length)
		return ILL_FORMED;
	unsigned char second = (unsigned char)s.p[1];
	if (second < shape->second_min || second > shape->second_max)
		return ILL_FORMED;
	uint32_t point = first & (0x7fu >> shape->length);
	for (size_t i = 1; i < shape->length; i++) {
		if (!is_continuation(s.p[i]))
			return ILL_FORMED;
		point = point << 6 | ((unsigned char)s.p[i] & 0x3f);
	}
	*length = shape->length;
	return point;
}

bool utf8_valid(struct str s)
{
	size_t length = 1;
	for (size_t at = 0; at < s.n; at += length) {
		length = 1;
		if ((unsigned char)s.p[at] >= 0x80 && read_point(str_slice(s, at, s.n), &length) == ILL_FORMED)
			return false;
	}
	return true;
}

bool utf8_to_latin1(struct arena *a, struct str s, struct str *out)
{
	assert(a != NULL);
	assert(out != NULL);
	struct buf b;
	size_t length, ascii = 0;

	while (ascii < s.n && (unsigned char)s.p[ascii] < 0x80)
		ascii++;
	*out = s;
	if (ascii == s.n)
		return true;
	buf_init_arena(&b, a, s.n + 1);
	for (size_t at = 0; at < s.n; at += length) {
		uint32_t point = read_point(str_slice(s, at, s.n), &length);
		if (point > 0xff)
			return false;
		buf_put_char(&b, (char)point);
	}
	*out = buf_str(&b);
	return buf_ok(&b);
}

size_t utf8_prefix(struct str s, size_t max)
{
	if (s.n <= max)
		return s.n;
	size_t length;
	for (size_t back = 1; back <= 3 && back <= max; back++) {
		size_t start = max - back;
		if (is_continuation(s.p[start]))
			continue;
		read_point(str_slice(s, start, s.n), &length);
		return start + length > max ? start : max;
	}
	return max;
}

/* What acts rather than shows: controls, bidi marks, embeddings and isolates, separators. */
static bool is_active(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c || point == 0x200e || point == 0x200f ||
		(point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

typedef bool (*acts_fn)(uint32_t point);
typedef void (*escape_fn)(struct buf *b, uint32_t point, unsigned char byte);

/* Nearly all bytes of URLs, log lines and lists of images: none of them needs escaping. */
static const bool PLAIN[256] = { [' '] = true, ['!'] = true, ['#' ... '['] = true, [']' ... '~'] = true };

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The index of the first byte from `at` on that is not plain, or s.n. Eight bytes are checked at a time: the terms have the highest
 * bit of some byte set where one is not ASCII, is below ' ', '"', '\\' or DEL, and else of none. */
static size_t skip_plain(struct str s, size_t at)
{
	for (uint64_t x; s.n - at >= sizeof x; at += sizeof x) {
		memcpy(&x, s.p + at, sizeof x);
		uint64_t quote = x ^ EACH_BYTE('"'), backslash = x ^ EACH_BYTE('\\'), one = EACH_BYTE(1);
		if (((x | (x - EACH_BYTE(' ')) | (quote - one) | (backslash - one) | (x + one)) & EACH_BYTE(0x80)) != 0)
			break;
	}
	while (at < s.n && PLAIN[(unsigned char)s.p[at]])
		at++;
	return at;
}

/* Append s, with what `acts` or is ill-formed handed to `escape`. */
static void escape_points(struct buf *b, struct str s, acts_fn acts, escape_fn escape)
{
	size_t plain = 0, length;
	for (size_t at = skip_plain(s, 0); at < s.n; at = skip_plain(s, at + length)) {
		uint32_t point = read_point(str_slice(s, at, s.n), &length);
		if (point != ILL_FORMED && !acts(point))
			continue;
		buf_put(b, str_slice(s, plain, at));
		escape(b, point, (unsigned char)s.p[at]);
		plain = at + length;
	}
	buf_put(b, str_slice(s, plain, s.n));
}

static void escape_for_terminal(struct buf *b, uint32_t point, unsigned char byte)
{
	if (point == ILL_FORMED || point < 0x80)
		buf_printf(b, "\\x%02x", byte);
	else
		buf_printf(b, "\\u{%04x}", point);
}

void terminal_escape(struct buf *b, struct str s)
{
	escape_points(b, s, is_active, escape_for_terminal);
}

static bool acts_in_json(uint32_t point)
{
	return point == '"' || point == '\\' || is_active(point);
}

static void escape_for_json(struct buf *b, uint32_t point, unsigned char byte)
{
	if (point == ILL_FORMED)
		buf_put(b, STR("\xef\xbf\xbd")); /* U+FFFD */
	else if (point == '"' || point == '\\') {
		buf_put_char(b, '\\');
		buf_put_char(b, (char)byte);
	} else
		buf_printf(b, "\\u%04x", point);
}

void json_escape(struct buf *b, struct str s)
{
	escape_points(b, s, acts_in_json, escape_for_json);
}
