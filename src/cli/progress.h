/* The progress bar of an upload, on a terminal only: one line on stderr that is redrawn. Workers add
 * bytes from any thread; drawing and clearing require the output's lock. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "base/buf.h"
#include <stdatomic.h>

struct progress {
	bool shown; /* stderr is a terminal */
	atomic_ullong sent_bytes;
	uint64_t total_bytes;
	size_t done, files;
	int64_t start_ms;
	char current[256]; /* the file that was started last, unescaped */
};

/* Append the line as it is at now_ms, at most `columns` wide, its text escaped. Pure. */
void progress_format(const struct progress *p, int64_t now_ms, unsigned columns, struct buf *b);
void progress_draw(const struct progress *p);
/* Clear the line, before another one is shown. */
void progress_clear(const struct progress *p);

#endif
