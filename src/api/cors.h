/* Cross-origin resource sharing: which origins' pages may read the responses.
 * Source: WHATWG Fetch, "CORS protocol". */
#ifndef API_CORS_H
#define API_CORS_H

#include "http/handler.h"

/* Whether the list, with commas, has this origin (or "*") as one of its members; case does not matter. */
bool cors_lists_origin(struct str allowed, struct str origin);
/* What Access-Control-Allow-Origin says: "*" when all are allowed, the origin itself when it is one
 * of the list (compared without case), else "" (the header is left out). */
struct str cors_origin(struct str allowed, struct str origin);
/* Scheme, host and port of a URL, as Origin has them; "" when it is not a URL. */
struct str cors_url_origin(struct str url);
/* Whether a page of another origin than the server's own sends this, that the list does not have by name: for a request that browsers
 * send for every page without asking first, of which reading the answer is not the harm. Requests that are not a page's have no
 * Origin.  Source: WHATWG Fetch, "CORS-safelisted request-header" and "Origin header" */
bool cors_is_foreign(const struct request *r, struct str listed);
/* Add the CORS headers, which every response has, errors too. */
void cors_headers(struct request_context *x, struct str allowed);

/* The origin of a URL as a source of a Content-Security-Policy: without the path, since a source with a path allows only that path. "" where
 * the origin has characters that mean something else in a policy. */
struct str cors_policy_source(struct str url);

#endif
