/* Hex, base64, percent-encoding and UTF-8: pure, any thread.
 * Source: RFC 4648; RFC 3986 2.1; the UriEncode rule of Signature Version 4; RFC 3629. */
#ifndef BASE_CODEC_H
#define BASE_CODEC_H

#include "base/buf.h"

/* Lower-case hex of n bytes and a NUL: out has 2n + 1 bytes. */
void hex_encode(const unsigned char *p, size_t n, char *out);
/* 0..15, in both cases; -1: no hex digit. */
int hex_digit(char c);
/* Both cases; false unless s is exactly 2n hex digits. */
bool hex_decode(struct str s, unsigned char *out, size_t n) MUST_CHECK;

void base64_encode(struct buf *b, struct str s);
/* RFC 4648 4 with padding, nothing else allowed; {NULL,0} and false when it is not. */
bool base64_decode(struct arena *a, struct str s, struct str *out) MUST_CHECK;
/* RFC 4648 5 without padding. */
void base64url_encode(struct buf *b, struct str s);
bool base64url_decode(struct arena *a, struct str s, struct str *out) MUST_CHECK;
/* Whether s has characters of that alphabet alone: A-Za-z0-9-_ */
bool base64url_chars(struct str s);

/* Unreserved bytes A-Za-z0-9-._~ stay, all others become %XX in upper case; '/' stays if keep_slash. */
void uri_encode(struct buf *b, struct str s, bool keep_slash);
/* How many bytes at the start of s uri_encode leaves as they are. */
size_t uri_plain(struct str s, bool keep_slash);
/* Undo %XX. A '%' without two hex digits: false. plus_is_blank: '+' becomes a blank too (forms). *out borrows s where
 * nothing is to be undone, and is else in the arena; its p is not NULL. */
bool uri_decode(struct arena *a, struct str s, bool plus_is_blank, struct str *out) MUST_CHECK;

/* Well-formed by RFC 3629: no surrogates, no overlong forms, at most U+10FFFF. U+0000 is well-formed. */
bool utf8_valid(struct str s);
/* UTF-8 as ISO-8859-1; ASCII is given back itself. false: it holds another character, or is not well-formed. */
bool utf8_to_latin1(struct arena *a, struct str s, struct str *out) MUST_CHECK;
/* The length of the longest prefix of at most max bytes that does not cut a code point. */
size_t utf8_prefix(struct str s, size_t max);
/* Append s with everything escaped that could act on a terminal: control characters (C0, C1, DEL),
 * bidi marks and overrides, line and paragraph separators, ill-formed bytes; as \xNN or \u{NNNN}. */
void terminal_escape(struct buf *b, struct str s);
/* Append s as the inside of a JSON string: quotes, backslash, controls, DEL, C1, bidi and separators
 * escaped as \uNNNN; ill-formed bytes become U+FFFD. */
void json_escape(struct buf *b, struct str s);

#endif
