/* Writing the log to stderr without ever waiting for its reader. For log.c only. */
#ifndef BASE_LOG_STDERR_H
#define BASE_LOG_STDERR_H

#include "base/buf.h"

/* How a write is kept from blocking. */
enum log_stderr_kind {
	STDERR_FILE,     /* a regular file: it does not wait */
	STDERR_REOPENED, /* a pipe or terminal, opened a second time with O_NONBLOCK */
	STDERR_SOCKET,   /* MSG_DONTWAIT */
	STDERR_SHARED,   /* could not be reopened: polled, then at most PIPE_BUF bytes */
};

struct log_stderr {
	int fd; /* written to */
	enum log_stderr_kind kind;
	struct buf pending; /* whole lines, but the first may be written in part */
	size_t written;     /* bytes of pending that are out */
	uint64_t missed;    /* lines lost since the last log.dropped line */
	uint64_t given;     /* what the log.dropped line at the head of pending says ... */
	size_t given_bytes; /* ... and its length; 0: there is none */
};

/* Over the descriptor `fd` (2, but for tests), which stays the caller's and unchanged. */
void log_stderr_open(struct log_stderr *e, int fd);
/* Pending lines are dropped and counted. */
void log_stderr_close(struct log_stderr *e);
/* Accept whole lines and write what can be written now. Lines beyond a megabyte of pending ones are
 * counted and dropped; so are those that follow, until all pending ones are written: then a log.dropped
 * line takes their place. */
void log_stderr_append(struct log_stderr *e, struct str lines);
/* Try to write the pending lines. true: none is pending any more. */
bool log_stderr_push(struct log_stderr *e);
/* The same for at most `wait_ms`. */
bool log_stderr_drain(struct log_stderr *e, int64_t wait_ms);

#endif
