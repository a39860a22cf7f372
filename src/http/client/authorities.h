/* The certificates that a TLS client trusts. Each is only decoded when a chain names its subject: OpenSSL takes 0.2 ms for one, and of a
 * whole bundle one is needed. */
#ifndef HTTP_CLIENT_AUTHORITIES_H
#define HTTP_CLIENT_AUTHORITIES_H

#include "base/str.h"
#include <openssl/ssl.h>

/* Let the context trust each certificate of a PEM file, or of a PEM text. What else is in it is passed over.
 * ctx   new: trusts nothing yet
 * file  NULL: the text counts
 * false: it cannot be read, has no certificate, or one that is malformed; or no memory */
bool authorities_trust(SSL_CTX *ctx, const char *file, struct str text) MUST_CHECK;

#endif
