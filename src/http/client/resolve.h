/* Host names to addresses with a deadline. getaddrinfo cannot be cancelled, so it runs on a helper
 * thread that frees its own result when the caller no longer waits. Numeric addresses and `localhost`
 * need no name service and are resolved at once. */
#ifndef HTTP_CLIENT_RESOLVE_H
#define HTTP_CLIENT_RESOLVE_H

#include "base/fault.h"
#include <stdint.h>

struct addrinfo;

/* out     freeaddrinfo it; written only on OK
 * Errors  UPSTREAM_FAILED no such name; DEADLINE */
enum status resolve_host(const char *host, const char *port, int64_t deadline_ms, struct addrinfo **out, struct fault *why) MUST_CHECK;

#endif
