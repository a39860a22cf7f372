/* Access to the admin listener: no page of another site, and only with the token.
 *
 * The token is sent in `Authorization: Bearer` and never in a cookie. A cookie belongs to a host and not to a
 * port: the browser would send it to every other server of this machine, and would add it to requests
 * that pages of those servers make. The header is added by the console's page only.
 *
 * Wrong tokens are limited by client address, see http/bearer.h; the right one always works. */
#ifndef ADMIN_ADMIN_AUTH_H
#define ADMIN_ADMIN_AUTH_H

#include "http/bearer.h"

/* Borrowed by the listener. */
struct admin_auth {
	struct str token;         /* "": every token is refused */
	struct rate_limit *wrong; /* wrong tokens; NULL: no limit */
};

/* Where a browser says the request comes from: Sec-Fetch-Site same-origin or none, and an Origin, where there
 * is one, of the request's own Host. Its scheme is not compared, for a proxy may have terminated the TLS. A client
 * that sends neither is not a browser. The Host itself is checked by the listener.
 * Errors  CROSS_SITE */
enum status admin_auth_check_site(const struct request *r, struct fault *why) MUST_CHECK;
/* Compared in constant time.
 * Errors   KEY_NEEDED none was sent; KEY_WRONG; TOO_MANY_TRIES
 * Threads  any */
enum status admin_auth_check_token(const struct admin_auth *g, const struct request *r, struct fault *why) MUST_CHECK;

#endif
