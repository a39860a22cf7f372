/* DIR/credentials as a file: made, read, and replaced whole. Whoever writes it holds the lock from before
 * reading it to after writing. Blocks on the disk. */
#ifndef STORE_KEYS_KEY_FILE_H
#define STORE_KEYS_KEY_FILE_H

#include "base/fault.h"
#include "store/keys/key_profiles.h"

#include <sys/stat.h>

/* A key's id and secret, made at random, or given. */
struct new_key {
	char id[KEY_ID_MAX + 1];
	char secret[KEY_SECRET_MAX + 1];
};

void new_key_make(struct new_key *k);
/* Append a profile's name, id and secret in the file's form, which an SDK's file has too. */
void new_key_write(struct buf *b, const char *name, const struct new_key *k);

/* Take the lock, on the directory's descriptor, waiting for others that write; closing it unlocks too. */
enum status key_file_lock(int dir_fd, const char *path, struct fault *why) MUST_CHECK;
void key_file_unlock(int dir_fd);
/* Make the file with two random keys, [tintype] and [slots], if there is none. Under the lock.
 * path    of the directory, for sentences, here and below
 * Errors  STORAGE_FAILED, DISK_FULL, with a sentence for the terminal; so for all */
enum status key_file_make(int dir_fd, const char *path, struct fault *why) MUST_CHECK;
/* Read the whole file.
 * out     initialised by the caller; holds secrets: to be wiped by key_text_deinit
 * st      of what was read
 * Errors  missing; readable by others; longer than PROFILES_MAX_BYTES */
enum status key_file_read(int dir_fd, const char *path, struct buf *out, struct stat *st, struct fault *why) MUST_CHECK;
/* Replace the file by `text` at once: mode 0600, the owner of the file that was there; durable. Under the lock. */
enum status key_file_write(int dir_fd, struct str text, const char *path, struct fault *why) MUST_CHECK;
/* Wipe and free. */
void key_text_deinit(struct buf *b);

#endif
