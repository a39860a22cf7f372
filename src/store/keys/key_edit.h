/* Editing DIR/credentials for the operator, also while a server runs on it: a user's key is added or removed,
 * comments and other profiles stay as they are. One edit waits for another. Blocks on the disk. */
#ifndef STORE_KEYS_KEY_EDIT_H
#define STORE_KEYS_KEY_EDIT_H

#include "base/fault.h"
#include "store/keys/key_file.h"

struct key_addition {
	struct str name; /* of the profile */
	struct str user; /* whose buckets; "": the name */
	const struct key_grant *grants;
	size_t n_grants; /* 0: everything */
	const struct new_key *key;
};

/* Add a profile at the end; makes the file when there is none.
 * dir     the data directory, which must be there
 * Errors  INVALID_INPUT a name or id that is there already, a name that cannot be; STORAGE_FAILED, DISK_FULL; with
 *         a sentence for the terminal, here and below */
enum status key_edit_add(const char *dir, const struct key_addition *k, struct fault *why) MUST_CHECK;
/* Remove a profile.  Errors  INVALID_INPUT none of this name, tintype, slots */
enum status key_edit_remove(const char *dir, struct str name, struct fault *why) MUST_CHECK;
/* Call `each` with every profile, in the order of the file; what it gets is good until it returns.  Errors  STORAGE_FAILED */
enum status key_edit_each(const char *dir, void (*each)(void *arg, const struct key_profile *), void *arg, struct fault *why) MUST_CHECK;
/* Append what a key may do, for people: "everything", "upload slots", or its grants in the file's form. */
void key_rights_write(struct buf *b, const struct access_key *k);
/* Append a table of all keys, without their secrets. */
enum status key_edit_list(const char *dir, struct buf *out, struct fault *why) MUST_CHECK;

#endif
