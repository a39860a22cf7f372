/* The certificate and key of the API's and the storage's listener, looked at again while they are in use:
 * at a handshake, once a second at most, both files' stamps are compared, and a pair that has changed and
 * fits together takes the place of the old one. One that does not is logged once, and the old one stays. */
#ifndef HTTP_SERVER_TLS_H
#define HTTP_SERVER_TLS_H

#include "base/fault.h"

#include <microhttpd.h>
#include <stdbool.h>

/* What libmicrohttpd is to offer: TLS 1.2 and 1.3, key exchange with forward secrecy, authenticated ciphers. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:" \
	"-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:%SERVER_PRECEDENCE"

/* Read the pair. Once in a process: libmicrohttpd's callback is told nothing that would tell two apart.
 * cert, key  paths, borrowed until tls_close; both "": no TLS
 * Errors     BAD_SETTING with a sentence: one without the other, cannot be read, readable by others, no PEM,
 *            not of one another */
enum status tls_open(const char *cert, const char *key, struct fault *why) MUST_CHECK;
/* Whether a pair is open. */
bool tls_is_on(void);
/* The option that gives libmicrohttpd the pair in force. */
struct MHD_OptionItem tls_option(void);
/* After the daemons have ended. Safe when nothing is open. */
void tls_close(void);

#endif
