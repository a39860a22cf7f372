/* The owner of an image: a short name of fixed size for an issuer's subject. It is in keys of the database, in lists and in the
 * log in place of a subject, which may be a mail address; and subjects of two issuers never share one. Pure; any thread. */
#ifndef IDENTITY_OWNER_H
#define IDENTITY_OWNER_H

#include "base/str.h"

#define OWNER_CHARS 32
/* The issuer of the subjects that an application names itself, with onBehalfOf. */
#define OWNER_APP_ISSUER "app"
#define SUBJECT_MAX_BYTES 255

/* The first OWNER_CHARS hex digits of SHA-256(issuer, a line feed, subject), and a NUL.
 * issuer  not empty, without a line feed
 * out     written only on true
 * false   subject_valid(subject) is false */
bool owner_of(struct str issuer, struct str subject, char out[OWNER_CHARS + 1]) MUST_CHECK;
/* Whether this may be a subject: 1 to SUBJECT_MAX_BYTES bytes of UTF-8 without control characters. */
bool subject_valid(struct str subject);
/* Whether `s` has the form that owner_of gives. */
bool owner_valid(struct str s);

#endif
