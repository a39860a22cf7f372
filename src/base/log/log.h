/* The log: one JSON object a line, on stderr and in DIR/logs/, by a bounded queue and one writer.
 *
 * log_write formats the line on the caller's thread and queues it; it never waits for a disk or a
 * pipe: when the queue is full the line is dropped and counted (the metric tintype_log_dropped_total). The writer thread
 * appends to the file and to stderr. A stderr that is a full pipe blocks neither the callers nor the
 * file; a full disk stops nothing either. Lines lost at a sink are counted, and a log.dropped line
 * of that sink ("sink": "file" or "stderr", "count") reports them once it can. Before log_start
 * and after log_stop lines go straight to stderr. Signatures, secrets and whole URLs with
 * signatures are never fields.
 *
 * The files: DIR/logs/current.jsonl is written to (mode 0600). Beyond file_max_bytes it is renamed
 * to log-<UTC time>-<number>.jsonl, as in log-20261122T073722Z-000.jsonl, so that the names of
 * rotated files sort by time and before "current"; of them the newest `files` are kept. */
#ifndef BASE_LOG_LOG_H
#define BASE_LOG_LOG_H

#include "base/log/ring.h"

struct log_options {
	const char *dir;         /* the data directory; NULL: stderr alone; DIR, DIR/logs made (0700) when missing */
	enum log_level level;    /* what is below is not written */
	uint64_t file_max_bytes; /* rotate beyond this */
	unsigned files;          /* rotated ones kept next to the current */
	size_t queue_lines;      /* most lines that wait for the writer; 0: 8192 (4 MiB in any case) */
	size_t ring_bytes;       /* how much of the newest lines is kept in memory for log_recent; 0: nothing */
	int direct_fd;           /* not 0: each line is written there by its caller, who waits for it; no queue, no file, no thread */
};

/* Must not be called twice without a log_stop. Errors  STORAGE_FAILED the directory or the file; INTERNAL no thread */
enum status log_start(const struct log_options *o, struct fault *why) MUST_CHECK;
/* Write out what is queued, waiting a second at most for stderr, and end the writer. */
void log_stop(void);
/* Return once every line written before is in the file and was offered to stderr. */
void log_flush(void);
/* Write one line: time, level and event from the table, "requestId" unless id is empty, then the
 * fields in order. String fields with an empty value are left out; longer than 1024 bytes they are
 * cut and end in "...". Field names are constants and need no escaping. */
void log_write(enum log_event event, struct str request_id, const struct log_field *fields, size_t n);
#define LOG(event, id, ...) \
	log_write(EV_##event, (id), (struct log_field[]){ __VA_ARGS__ }, sizeof((struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))
/* Write a line that is not in the log's format, its newline included, to direct_fd, which must be set. */
void log_write_raw(struct str line);

/* Find lines among those in memory.
 * out     lives in `a`, which needs ring_bytes and a little
 * Errors  TOO_MUCH the arena is full */
enum status log_recent(const struct log_query *q, struct arena *a, struct log_found *out, struct fault *why) MUST_CHECK;

#endif
