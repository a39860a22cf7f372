/* The shared credentials and config files: INI text in, one profile's settings out. Pure.
 * Source: AWS SDKs and Tools reference, "Shared config and credentials files". */
#ifndef AWS_PROFILE_H
#define AWS_PROFILE_H

#include "base/fault.h"
#include "base/str.h"

#define PROFILE_FILE_MAX (1u << 20)

enum profile_file {
	PROFILE_CREDENTIALS, /* [name] */
	PROFILE_CONFIG,      /* [profile name], [default] */
};

struct aws_profile {
	bool found;                                           /* there is such a section */
	struct str access_key, secret, session_token, region; /* borrow from the text; "": not said */
};

/* Read the profile `name`; other sections and settings are ignored. A section that comes twice is one, a
 * setting that comes twice holds as it is last. No such section is OK, with found false.
 * Errors  UPSTREAM_FAILED malformed, with the line's number */
enum status profile_read(struct str text, enum profile_file kind, struct str name, struct aws_profile *out, struct fault *why) MUST_CHECK;

#endif
