/* The log's file: DIR/logs/current.jsonl and its rotated predecessors. For log.c, and for `tintype logs`, which reads them. */
#ifndef BASE_LOG_FILE_H
#define BASE_LOG_FILE_H

#include "base/fault.h"
#include "base/str.h"

#include <dirent.h>

#define LOG_FILE_CURRENT "current.jsonl"

struct log_file {
	int dir_fd; /* of DIR/logs; -1: no file is written */
	int fd;     /* of current.jsonl; -1: it could not be opened, try again */
	uint64_t size_bytes;
	uint64_t max_bytes;
	unsigned keep;
	uint64_t missed; /* lines lost since the last log.dropped line */
};

/* Make DIR and DIR/logs (0700) where missing and open current.jsonl (0600) after its last line.
 * Errors  STORAGE_FAILED, also where DIR/logs belongs to another user or others may write to it */
enum status log_file_open(struct log_file *f, const char *dir, uint64_t max_bytes, unsigned keep, struct fault *why) MUST_CHECK;
void log_file_close(struct log_file *f);
/* Append whole lines, rotating between two of them. Lines that cannot be written are counted and
 * dropped; a partial line is never left. */
void log_file_append(struct log_file *f, struct str lines);
/* Whether a name is that of a rotated file; they sort by age. For scandir. */
int log_file_is_rotated(const struct dirent *entry);

#endif
