/* Who is told which images have changed: calls that wait for one. The commit thread notes the keys of the rows that a batch resolves
 * or removes, and tells them once the batch is durable. Memory is fixed: of a batch with more of them it is only told that there
 * were some. */
#ifndef STORE_DB_ROW_WATCH_H
#define STORE_DB_ROW_WATCH_H

#include "base/str.h"

#include <pthread.h>

#define ROW_WATCH_MAX 128
#define ROW_WATCH_KEY_BYTES 64 /* of a key: images/, a UUID and an extension */

struct row_watch {
	pthread_mutex_t lock; /* of the two that follow */
	void (*changed)(void *arg, struct str key);
	void *arg;
	/* the commit thread's */
	struct {
		char bytes[ROW_WATCH_KEY_BYTES];
		size_t n;
	} keys[ROW_WATCH_MAX];
	size_t n;
	bool too_many;
};

void row_watch_init(struct row_watch *w);
void row_watch_deinit(struct row_watch *w);
/* From when this returns nobody else is told. changed NULL: nobody is.
 * changed  on the commit thread, after the commit; must not block. key: of the image's object, "": any image may have changed */
void row_watch_set(struct row_watch *w, void (*changed)(void *arg, struct str key), void *arg);

/* On the commit thread: a batch begins, has changed a row, is durable. */
void row_watch_begin(struct row_watch *w);
void row_watch_note(struct row_watch *w, struct str key);
void row_watch_tell(struct row_watch *w);

#endif
