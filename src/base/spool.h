/* Bytes that come in and are kept in a file without a name, until they are closed: whatever happens, nothing is left of them. Some room
 * on the file system stays free, so that all of them together cannot fill it. One thread at a time. */
#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H

#include "base/fault.h"
#include "base/str.h"

struct spool {
	bool is_open;
	int fd;
	uint64_t size;
	uint64_t reserve_bytes; /* that stay free on the file system */
	struct str view;        /* mapped; NULL: not yet */
};

/* Make an empty file in the directory for temporary files: TMPDIR, else /tmp.
 * expected_bytes  what is going to be written, 0: not known; nothing is reserved for it
 * out             written in any case; closed unless OK
 * Errors          STORAGE_FAILED; DISK_FULL, also where the expected bytes would take some of the reserve */
enum status spool_open(struct spool *out, uint64_t reserve_bytes, uint64_t expected_bytes, struct fault *why) MUST_CHECK;
/* Append. Waits for no sync.  Errors: DISK_FULL, also where it would take some of the reserve; STORAGE_FAILED */
enum status spool_write(struct spool *s, struct str bytes, struct fault *why) MUST_CHECK;
/* All bytes, mapped read-only until spool_close. Nothing may be written after it.  Errors: OUT_OF_MEMORY */
enum status spool_view(struct spool *s, struct str *bytes, struct fault *why) MUST_CHECK;
/* Give the file's room back to the disk. Safe on a zeroed one; any number of times. */
void spool_close(struct spool *s);

#endif
