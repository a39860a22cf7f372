/* The small rules of HTTP's grammar about single texts, for requests that come in and for headers that go out. Pure.
 * Source: RFC 9110 5.5, 5.6.2, 10.2.3 and 12.5. */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include "base/str.h"

/* What a byte may be part of. */
enum {
	CHAR_VALUE = 1,     /* a header's value: no control character but the tab */
	CHAR_PRINTABLE = 2, /* visible ASCII and blanks */
	CHAR_VISIBLE = 4,   /* visible ASCII */
	CHAR_TOKEN = 8,     /* a method or a header's name */
	CHAR_HEX = 16,
	CHAR_BLANK = 32, /* blank and tab */
};
extern const unsigned char http_char_kinds[256];

static inline bool http_is_char(char c, unsigned kinds)
{
	return (http_char_kinds[(unsigned char)c] & kinds) != 0;
}

/* The longest start of *rest that is of these kinds; *rest moves after it. */
struct str http_take(struct str *rest, unsigned kinds);
/* RFC 9110 5.6.2: a token, as a method and a header's name must be; not empty. */
bool http_is_token(struct str s);
/* RFC 9110 5.5: no control character but the tab; bytes beyond ASCII are allowed. May be empty. */
bool http_is_field_value(struct str s);
/* Visible ASCII and nothing else, as in a request target; not empty. */
bool http_is_visible(struct str s);
/* Visible ASCII and blanks. May be empty. */
bool http_is_printable(struct str s);

/* What a list of Accept or Accept-Encoding says of one of its names: a weight of 0 refuses it. The first time that it is there counts;
 * names like "image/x" with a star are names of their own.
 * Source: RFC 9110 12.4.2, 12.5.1, 12.5.3 */
enum http_preference { HTTP_NOT_NAMED, HTTP_REFUSED, HTTP_ACCEPTED };
enum http_preference http_preference(struct str list, struct str name);

/* Whether an entity tag (quoted, with or without W/, or bare as S3 takes it) is etag, which is given without quotes.
 * weak    W/ is ignored; else a weak tag never matches
 * Source: RFC 9110 8.8.3.2 */
bool http_etag_equals(struct str tag, struct str etag, bool weak);
/* The same of a list of them, or "*"; etag has no comma.  Source: RFC 9110 13.1.1, 13.1.2 */
bool http_etag_listed(struct str list, struct str etag, bool weak);

/* How long Retry-After asks to wait: seconds, or a date, of which one that is past is 0. More than RETRY_AFTER_MAX_MS is that.
 * now_ms  of the wall clock
 * false   it is neither
 * Source: RFC 9110 10.2.3 */
#define RETRY_AFTER_MAX_MS (INT64_C(365) * 24 * 3600 * 1000)
bool http_retry_after(struct str value, int64_t now_ms, int64_t *wait_ms) MUST_CHECK;

#endif
