/* Access to the admin listener: no page of another site, and only with the token.
 *
 * The token is sent in `Authorization: Bearer` and never in a cookie. A cookie belongs to a host and not to a
 * port: the browser would send it to every other server of this machine, and would add it to requests
 * that pages of those servers make. The header is added by the console's page only.
 *
 * Ten wrong tokens a minute are answered as wrong, further ones with 429. The right token always works:
 * it has 128 bits, which cannot be guessed anyway, and the operator must not be locked
 * out. The limit keeps the log readable and shows there that someone is guessing. */
#ifndef ADMIN_ADMIN_AUTH_H
#define ADMIN_ADMIN_AUTH_H

#include "base/fault.h"
#include "http/message.h"

#include <pthread.h>

#define ADMIN_AUTH_WRONG_MAX 10
#define ADMIN_AUTH_WINDOW_MS 60000

struct admin_auth {
	struct str token; /* borrowed; "": every token is refused */
	pthread_mutex_t lock;
	int64_t wrong_ms[ADMIN_AUTH_WRONG_MAX]; /* when the last wrong ones came: a ring */
	size_t next;
};

void admin_auth_init(struct admin_auth *g, struct str token);
/* Safe on a zeroed one. */
void admin_auth_deinit(struct admin_auth *g);
/* Where a browser says the request comes from: Sec-Fetch-Site same-origin or none, and an Origin, where there
 * is one, of the request's own Host. Its scheme is not compared, for a proxy may have terminated the TLS. A client
 * that sends neither is not a browser. The Host itself is checked by the listener.
 * Errors  CROSS_SITE */
enum status admin_auth_check_site(const struct request *r, struct fault *why) MUST_CHECK;
/* Compared in constant time.
 * g        NULL refuses every token
 * now_ms   of the monotonic clock
 * Errors   KEY_NEEDED none was sent; KEY_WRONG; TOO_MANY_TRIES a wrong one after ten others within a minute
 * Threads  any */
enum status admin_auth_check_token(struct admin_auth *g, const struct request *r, int64_t now_ms, struct fault *why) MUST_CHECK;

#endif
