/* Whom the API admits, by the settings; used by every main program. */
#ifndef APP_ACCESS_H
#define APP_ACCESS_H

#include "api/api.h"
#include "config/settings.h"

/* Where the API is reached. */
struct access_place {
	const char *address; /* where it listens; NULL: behind a gateway, which is as open as it was made */
	bool is_loopback;    /* only this machine reaches it */
};

/* Read the settings about access into `out`, whose other members stay.
 * Errors  BAD_SETTING they are not safe at this place, or need what is not set */
enum status access_options(const struct settings *s, const struct access_place *at, struct api_options *out, struct fault *why) MUST_CHECK;
/* Check that the operator's key has the form of no other credential: each is recognised by its form.
 * Errors  BAD_SETTING with a sentence that does not quote it */
enum status access_check_key(struct str key, struct fault *why) MUST_CHECK;
/* For people: who is admitted. */
const char *access_word(enum api_access who);

#endif
