/* What may be done after the response: bodies move from incoming/ to their final place, and files whose
 * rows are gone and parts whose upload is gone are removed. One thread, in batches, so that a directory is synced once
 * for many and no commit takes long.
 *
 * While a backup reads the directory (hold.h), the files in the trash stay.
 *
 * A crash loses nothing: the start moves what still is in incoming/, and empties the trash. */
#ifndef STORE_FILES_PUBLISHER_H
#define STORE_FILES_PUBLISHER_H

#include "base/fault.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct engine;

#define PUBLISHER_BATCH 512

struct publisher {
	struct engine *engine;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	uint64_t *files; /* to be moved; grows */
	size_t n, cap;
	bool rescan; /* some were not noted for lack of memory: scan incoming/ for them */
	bool trash;  /* there are rows in trash */
	bool stopping, started;
};

/* Before the commit thread runs, in an engine that was zeroed. */
void publisher_init(struct publisher *m, struct engine *e);
/* At the start, before any request: move the files of incoming/ that have a row to their place, remove the others, and
 * empty the trash. What cannot be moved or removed from the trash (a full disk) is left for the thread, so that
 * the server starts and reads.  Errors: STORAGE_FAILED incoming/ cannot be read or cleared of what has no row */
enum status publisher_recover(struct engine *e, struct fault *why) MUST_CHECK;
/* In an engine that was recovered. */
enum status publisher_start(struct publisher *m, struct fault *why) MUST_CHECK;
/* Do what is noted and end the thread; the commit thread must still run. */
void publisher_stop(struct publisher *m);
/* Add a file whose row is committed. */
void publisher_add_file(struct publisher *m, uint64_t file);
/* Note that there is something in the trash. */
void publisher_note_trash(struct publisher *m);

#endif
