/* What a certificate says, for `tintype doctor`: until when it is valid, for which names, and whether browsers will trust it. */
#ifndef HTTP_SERVER_TLS_FACTS_H
#define HTTP_SERVER_TLS_FACTS_H

#include "base/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct tls_facts {
	int64_t from_ms, until_ms; /* when it is valid */
	bool is_trusted;           /* it leads to an authority that this system trusts, with the certificates that are in the file */
	char flaw[128];            /* why it is not, in OpenSSL's words */
};

/* Read the first certificate of a file in PEM, and verify it with those after it. Times do not count: see from_ms and until_ms.
 * Errors  BAD_SETTING it cannot be read; OUT_OF_MEMORY */
enum status tls_facts_read(const char *path, struct tls_facts *out, struct fault *why) MUST_CHECK;
/* Whether the first certificate of a file is for this host name or address. false too where it cannot be read. */
bool tls_facts_has_host(const char *path, const char *host);

#endif
