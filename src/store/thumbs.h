/* The thumbnails of a data directory: one file each, with a limit on the bytes of all, beyond which those go that were not used for
 * the longest time. */
#ifndef STORE_THUMBS_H
#define STORE_THUMBS_H

#include "port/thumb_store.h"

/* Open DIR/thumbs (made with mode 0700), and read which files there are.
 * dir         of the engine, which is open
 * most_bytes  of all files; the newest is kept in any case
 * reserve_bytes  free space below which none is written
 * Errors      STORAGE_FAILED; OUT_OF_MEMORY */
enum status thumbs_open(
	const char *dir, uint64_t most_bytes, uint64_t reserve_bytes, struct thumb_store **out, struct fault *why) MUST_CHECK;
/* Accepts NULL inside. */
void thumbs_close(struct thumb_store **s);

#endif
