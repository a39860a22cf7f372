/* The text of a credentials file: read to profiles, and the form of their grants. Pure.
 *
 *   [alice]
 *   aws_access_key_id = AKIA...
 *   aws_secret_access_key = ...
 *   tintype_user = alice                            whose buckets; without it the profile's own name
 *   tintype_allow = list,read:photos write:photos/in/   what it may; without it everything
 *
 * A grant is ACTIONS, ACTIONS:BUCKET or ACTIONS:BUCKET/PREFIX, a bucket of * being every one; blanks separate
 * grants, and what a prefix has other than A-Za-z0-9-._~/ is %XX. SDKs skip settings that they do not know. */
#ifndef STORE_KEYS_KEY_PROFILES_H
#define STORE_KEYS_KEY_PROFILES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "port/key_ring.h"

#define PROFILES_MAX 500
#define GRANTS_MAX 16                          /* of one profile */
#define PROFILES_MAX_BYTES (256 * 1024)        /* of a file */
#define PROFILES_ARENA_BYTES (2 * 1024 * 1024) /* holds the grants of any file */

struct key_profile {
	char name[KEY_USER_MAX + 1];
	struct access_key key; /* grants are in the arena */
	size_t line;           /* where it begins, for errors */
};

struct profiles {
	struct key_profile all[PROFILES_MAX];
	size_t n;
};

/* Read a credentials file: [profile] lines and the settings above under them; other settings, comments (# ;)
 * and blank lines are ignored. Each profile must have id and secret, none an id that another has.
 * [tintype] and [slots] become KEY_OWNER and KEY_SLOTS, for the user tintype, and may have no grants.
 * Errors  INVALID_INPUT, the text names the line; TOO_MUCH */
enum status profiles_parse(struct str text, struct arena *a, struct profiles *out, struct fault *why) MUST_CHECK;
const struct key_profile *profiles_find(const struct profiles *all, const char *name);
/* 1 to KEY_USER_MAX of A-Za-z0-9._-, a letter or digit first. */
bool profile_name_valid(struct str name);

/* Read "list,read" or "all".  false: another word, or none */
bool actions_parse(struct str text, unsigned *out) MUST_CHECK;
/* Append grants in the file's form. */
void grants_write(struct buf *b, const struct key_grant *grants, size_t n);

#endif
