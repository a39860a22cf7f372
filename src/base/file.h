/* Whole files: reading all of one, writing a whole piece, and noticing that one has changed. Errors are errno
 * values, because the caller decides what a client may see of them. Any thread. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

#include <sys/stat.h>

/* Append everything up to the end of fd, over short reads and EINTR; the function's own buffer
 * is wiped. 0, or an errno value: EFBIG where the buffer's maximum was passed, ENOMEM. */
int file_read_all(int fd, struct buf *b) MUST_CHECK;
/* The same of the file at `path`. A FIFO or a device does not block the opening. */
int file_read(const char *path, struct buf *b) MUST_CHECK;
/* Write all of s, over short writes and EINTR. 0, or an errno value. */
int file_write_all(int fd, struct str s) MUST_CHECK;
/* Whether two fstats may be of files that differ, in content or otherwise. */
bool file_changed(const struct stat *a, const struct stat *b);

#endif
