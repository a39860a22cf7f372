/* The access keys: DIR/credentials, an AWS shared credentials file, and key_ring on it.
 *
 * Made at the first start with two random keys, [tintype] the owner and [slots] which signs upload
 * slots; only read afterwards. Other profiles are read and kept, but open nothing. */
#ifndef LOCAL_CREDENTIALS_H
#define LOCAL_CREDENTIALS_H

#include "base/fault.h"
#include "port/key_ring.h"

#define PROFILES_MAX 64
#define PROFILE_NAME_CHARS 63

struct profile {
	char name[PROFILE_NAME_CHARS + 1];
	struct access_key key;
	size_t line;               /* where it begins, for errors */
};

struct profiles {
	struct profile all[PROFILES_MAX];
	size_t n;
};

struct credentials {
	struct key_ring ring;
	struct profiles *profiles;
	const struct access_key *owner, *slots;
};

/* Read a credentials file: [profile] lines, and `aws_access_key_id = ...` and `aws_secret_access_key = ...`
 * under them; other settings, comments (# ;) and blank lines are passed over. Each profile must have both.
 * Pure.  Errors: INVALID_INPUT, the text names the line */
enum status credentials_parse(struct str text, struct profiles *out, struct fault *why) MUST_CHECK;
/* Read the file, or make it.
 * path    of the directory, for sentences
 * Errors  STORAGE_FAILED, with a sentence for the terminal: malformed, a profile lacking, readable by others */
enum status credentials_open(struct credentials *c, int dir_fd, const char *path, struct fault *why) MUST_CHECK;
/* Wipe and free. Safe on a zeroed one. */
void credentials_close(struct credentials *c);

#endif
