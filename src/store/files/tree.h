/* The files of the store: where a body lies and how it gets from one place to the next.
 *
 * A body has a number that is never given twice. It is written as incoming/<number>; once its row is
 * committed it is linked into objects/<number / 4096>/, that directory is synced, and only then the
 * name in incoming/ goes: at every moment, also after a crash, the file has a name. Numbers rise, so
 * a batch of moves touches one or two directories. Knows nothing of rows. */
#ifndef STORE_FILES_TREE_H
#define STORE_FILES_TREE_H

#include "base/fault.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define TREE_FILES_PER_DIR 4096
#define TREE_NAME_CHARS 16

struct tree {
	int incoming_fd, objects_fd;
	_Atomic uint64_t next_file; /* saved with each commit that names a file */
	uint64_t known_dir;         /* one more than the directory of objects/ last seen on the disk; the publisher's own */
};

/* Make (0700) and open both directories in dir_fd.  Errors: DISK_FULL; STORAGE_FAILED with a sentence for the terminal */
enum status tree_open(struct tree *t, int dir_fd, struct fault *why) MUST_CHECK;
/* Open both, which are there.  Errors: STORAGE_FAILED with a sentence for the terminal */
enum status tree_open_to_read(struct tree *t, int dir_fd, struct fault *why) MUST_CHECK;
void tree_close(struct tree *t);
/* Let the next number lie above all that objects/ has, which may be above what was saved where a backup of
 * the database is older than that of the files.  Errors: STORAGE_FAILED */
enum status tree_skip_used(struct tree *t, struct fault *why) MUST_CHECK;
/* Make an empty file in incoming/ under a new number. A descriptor for writing, or -1 with errno. */
int tree_create(struct tree *t, uint64_t *file);
/* Open for reading, wherever the file is. -1 with errno. */
int tree_read(const struct tree *t, uint64_t file);
/* Open a file in its final place for writing, and make it if it is not there, for a data directory that no server uses.
 * -1 with errno. Any thread. */
int tree_open_placed(const struct tree *t, uint64_t file);
/* Remove from incoming/. */
void tree_drop(const struct tree *t, uint64_t file);
/* Move files to their final place; those that are gone are ignored. Sorts the array. On a failure the
 * files stay readable where they are.  Errors: DISK_FULL; STORAGE_FAILED
 * Threads  one at a time */
enum status tree_publish(struct tree *t, uint64_t *files, size_t n, struct fault *why) MUST_CHECK;
/* Remove files wherever they are, for good when OK is given. Sorts the array.  Errors: STORAGE_FAILED */
enum status tree_erase(const struct tree *t, uint64_t *files, size_t n, struct fault *why) MUST_CHECK;
/* The number in a name of incoming/; false when it is not one that the store makes. */
bool tree_parse_name(const char *name, uint64_t *file) MUST_CHECK;
/* The number in the name of a directory of objects/, whose files are dir * TREE_FILES_PER_DIR and on; false as above. */
bool tree_parse_dir(const char *name, uint64_t *dir) MUST_CHECK;

#endif
