/* The certificate and key of the API's and the storage's listener, checked again while they are in use:
 * at a handshake, once a second at most, both files' stamps are compared, and a pair that has changed and
 * matches replaces the old one. One that does not match is logged once, and the old one stays in use. */
#ifndef HTTP_SERVER_TLS_H
#define HTTP_SERVER_TLS_H

#include "base/fault.h"

#include "http/server/transport.h"

#include <stdbool.h>

/* Read the pair. Once in a process.
 * cert, key  paths, borrowed until tls_close; both "": no TLS
 * Errors     BAD_SETTING with a sentence: one without the other, cannot be read, readable by others, not PEM,
 *            key and certificate do not match */
enum status tls_open(const char *cert, const char *key, struct fault *why) MUST_CHECK;
/* Whether a pair is open. */
bool tls_is_on(void);
/* Start a session with the pair in force.  false: no memory */
bool tls_begin(struct transport *l) MUST_CHECK;
/* After the reactors have ended. Safe when nothing is open. */
void tls_close(void);

#endif
