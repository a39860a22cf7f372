/* Which names a listener answers to: the Host check against DNS rebinding. */
#ifndef HTTP_SERVER_HOST_H
#define HTTP_SERVER_HOST_H

#include "base/fault.h"
#include "base/str.h"

#define HOST_NAMES_MAX 64

/* The names of one listener; all borrowed. */
struct host_names {
	struct str names[HOST_NAMES_MAX];
	size_t n;
	bool any_address; /* bound to a wildcard: every IP literal is accepted */
};

/* Start with localhost, 127.0.0.1 and [::1]. */
void host_names_init(struct host_names *h);
/* Add one name, with or without a port, which does not count.  Errors: BAD_SETTING not a host, or too many */
enum status host_names_add(struct host_names *h, struct str name, struct fault *why) MUST_CHECK;
/* Add each of a list with commas; blanks and empty pieces are ignored. */
enum status host_names_add_list(struct host_names *h, struct str list, struct fault *why) MUST_CHECK;
/* Whether a Host header's value names this server. */
bool host_is_ours(const struct host_names *h, struct str host);
/* The name of "name", "name:port", "[v6]" or "[v6]:port"; false when it is none of them, so that a Host of it is invalid.
 * Source  RFC 9112 3.2; RFC 3986 3.2.2 */
bool host_cut_name(struct str host, struct str *name) MUST_CHECK;
/* The host and port of an http or https URL, "" when it is none. */
struct str host_of_url(struct str url);

#endif
