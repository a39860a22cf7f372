/* Inside sigv4/: the Host that clients will send for a base URL. */
#ifndef SIGV4_BASE_URL_H
#define SIGV4_BASE_URL_H

#include "base/fault.h"
#include "base/str.h"

/* Without the port when it is the scheme's own.  Errors: INVALID_INPUT more or less than scheme, host and port */
enum status base_url_host(struct str base_url, struct str *host, struct fault *why) MUST_CHECK;

#endif
