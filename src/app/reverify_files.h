/* How `tintype reverify` asks the server that uses the data directory, and how that says how far it is: two small files, each replaced
 * whole. DIR/reverify is what is asked for; it stays until all is done, so that a server that was killed goes on with it, and
 * removing it cancels the request. DIR/reverify.state is its progress. Any thread; blocks on the disk. */
#ifndef APP_REVERIFY_FILES_H
#define APP_REVERIFY_FILES_H

#include "base/buf.h"
#include "base/fault.h"
#include "base/hash.h"
#include "image/maintenance/reverify.h"

struct reverify_request {
	char id[UUID_CHARS + 1];
	bool strip;
	uint32_t per_second;
};

struct reverify_state {
	char id[UUID_CHARS + 1]; /* of the request */
	bool ended;
	bool complete; /* with ended: all images were looked at */
	struct reverify_result result;
	char error[256]; /* with ended and not complete: why; "": it was stopped */
};

/* "seen 10, nothing to do 2, ok 7, ...", for people. */
void reverify_write_counts(struct buf *b, const struct reverify_result *r);

/* Replace the file, which becomes that of the directory's owner.  Errors: STORAGE_FAILED; DISK_FULL, for the terminal */
enum status reverify_request_write(const char *dir, const struct reverify_request *r, struct fault *why) MUST_CHECK;
enum status reverify_state_write(const char *dir, const struct reverify_state *s, struct fault *why) MUST_CHECK;
/* false: there is none, or none that can be read. */
bool reverify_request_read(const char *dir, struct reverify_request *out) MUST_CHECK;
bool reverify_state_read(const char *dir, struct reverify_state *out) MUST_CHECK;
/* Nothing happens if it is not there. */
void reverify_request_remove(const char *dir);

#endif
