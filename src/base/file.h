/* Whole files: reading all of one, writing a whole piece, noticing that one has changed, and refusing one that other
 * users have access to. Errors of reading and writing are errno values, because the caller decides what a client may see
 * of them. Any thread. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/fault.h"

#include <sys/stat.h>

/* Append the text up to the end of fd, over short reads and EINTR, without the byte order mark that some editors write at the
 * start of UTF-8: it would be a part of the first name. The function's own buffer is wiped.
 * b       empty
 * Errors  0, or an errno value: EFBIG where the buffer's maximum was passed, ENOMEM
 * Source  The Unicode Standard 23.8, "Byte Order Mark (BOM)" */
int file_read_text(int fd, struct buf *b) MUST_CHECK;
/* The same of the file at `path`. A FIFO or a device does not block the opening. */
int file_read(const char *path, struct buf *b) MUST_CHECK;
/* Write all of s, over short writes and EINTR. 0, or an errno value. */
int file_write_all(int fd, struct str s) MUST_CHECK;
/* Replace DIR/NAME by a file of this text that only the directory's owner can read, whole or not at all: under another name first.
 * 0, or an errno value. */
int file_replace(const char *dir, const char *name, struct str text) MUST_CHECK;
/* Whether two fstats may be of files that differ, in content or otherwise. */
bool file_changed(const struct stat *a, const struct stat *b);

/* What other users may do with a file or directory: they must not own it, nor write to it, for they would decide what is
 * in it; nor read it, where it holds a secret. */
struct file_rule {
	uid_t owner;         /* whose it must be */
	bool or_root;        /* root's will do as well; of root's secrets the group may read one */
	bool is_secret;      /* no other user may read it */
	const char *what;    /* for the sentence: "data directory" */
	const char *path;    /* where it is; NULL: the caller says so */
	const char *instead; /* what else helps: "choose another with --data"; NULL: nothing */
};
/* Check the open file `fd` against the rule. The rule for TLS keys is PostgreSQL's.
 * Errors  STORAGE_FAILED with a sentence for the terminal that says what to do
 * Source  PostgreSQL documentation, "Secure TCP/IP Connections with SSL" */
enum status file_check_private(int fd, const struct file_rule *rule, struct fault *why) MUST_CHECK;

#endif
