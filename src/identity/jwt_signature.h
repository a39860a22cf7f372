/* The signatures of tokens, by algorithm. Pure; any thread.
 * Source: RFC 7518 3.2 to 3.5; RFC 8037 3.1 */
#ifndef IDENTITY_JWT_SIGNATURE_H
#define IDENTITY_JWT_SIGNATURE_H

#include "identity/jwt.h"

/* Whether keys of this type are for the algorithm; no key is for HS256. */
bool jwt_signature_fits(enum jwt_algorithm algorithm, enum jwk_type type);
/* Verify with a key that fits.
 * Result  JWT_VALID, JWT_SIGNATURE_FORM, JWT_SIGNATURE or JWT_NO_MEMORY */
enum jwt_cause jwt_signature_check(enum jwt_algorithm algorithm, const struct jwk *key, struct str text, struct str signature) MUST_CHECK;
/* Verify HS256. */
enum jwt_cause jwt_signature_check_secret(struct str secret, struct str text, struct str signature) MUST_CHECK;

#endif
