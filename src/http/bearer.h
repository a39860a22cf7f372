/* Bearer secrets, which are the API key, the delete tokens and the operator's token: where they come from, and how a
 * wrong one is refused.
 *
 * Ten wrong secrets of one client address within a minute are answered as wrong, further ones with 429. A right one always
 * works, since it is compared before anything is counted: others behind the same address cannot lock its
 * holder out. So the limit does not make up for a secret that can be guessed; it keeps the log readable and
 * makes guessing visible there. */
#ifndef HTTP_BEARER_H
#define HTTP_BEARER_H

#include "base/rate_limit.h"
#include "http/message.h"

#define BEARER_WRONG_MAX 10
#define BEARER_WINDOW_MS 60000

/* The secret of `Authorization: Bearer …`; "": there is none.
 * Source  RFC 6750 2.1; RFC 9110 11.1 (the scheme's case does not matter) */
struct str bearer_secret(const struct request *r);
/* Count a wrong secret that was refused with this status and fault: they stay, or become TOO_MANY_TRIES.
 * wrong    see bearer_refuse */
enum status bearer_count(struct rate_limit *wrong, const struct request *r, enum status refused, struct fault *why) MUST_CHECK;
/* Refuse a wrong secret, and count it.
 * wrong    of BEARER_WRONG_MAX in BEARER_WINDOW_MS, by client; IPv6 clients count by their /64. NULL: no limit
 * text     static; what KEY_WRONG says
 * Errors   KEY_WRONG; TOO_MANY_TRIES
 * Threads  any */
enum status bearer_refuse(struct rate_limit *wrong, const struct request *r, const char *text, struct fault *why) MUST_CHECK;

#endif
