/* The verifier of tokens, from the settings; used by every main program that serves the API. */
#ifndef APP_IDENTITY_SETUP_H
#define APP_IDENTITY_SETUP_H

#include "config/settings.h"
#include "identity/identity.h"

/* Where the keys of the issuer are fetched from. */
struct identity_place {
	bool has_thread;        /* see identity.h */
	struct str authorities; /* Amazon's certificates, for issuers there; "": the system's for all */
};

/* Check the settings and start. Those that need an issuer are refused without one.
 * out     NULL where TINTYPE_OIDC_ISSUER is not set: there are no users
 * Errors  BAD_SETTING with a sentence for the terminal; OUT_OF_MEMORY */
enum status identity_setup(const struct settings *s, const struct identity_place *at, struct identity **out, struct fault *why) MUST_CHECK;

#endif
