/* The small rules of HTTP's grammar about single texts, for requests that come in and for headers that go out. Pure.
 * Source: RFC 9110 5.5 and 5.6.2. */
#ifndef HTTP_TEXT_H
#define HTTP_TEXT_H

#include "base/str.h"

/* RFC 9110 5.6.2: a token, as a method and a header's name must be; not empty. */
bool http_is_token(struct str s);
/* RFC 9110 5.5: no control character but the tab; bytes beyond ASCII are allowed. May be empty. */
bool http_is_field_value(struct str s);
/* Visible ASCII and nothing else, as in a request target; not empty. */
bool http_is_visible(struct str s);
/* Visible ASCII and blanks. May be empty. */
bool http_is_printable(struct str s);

#endif
