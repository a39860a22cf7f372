/* How a call reports failure: a status that callers branch on, and a fault with a code and
 * a sentence for people.
 *
 * The codes are one table, fault.def: code, status, meaning. Each handler (api, s3) maps the code to
 * its protocol's own error in one table of its own. The text is for the client: it says what to do
 * and never contains a path, SQL or a secret; details for the operator go to `cause` and
 * from there to the log. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/attr.h"

#include <stdint.h>

struct arena;
struct buf;

enum status {
	OK = 0,
	INVALID, /* the caller's input is wrong */
	DENIED,  /* not allowed, or not any more */
	NOT_FOUND,
	EXISTS,
	CONFLICT, /* the state is not what the call requires */
	LIMIT,    /* larger than what is allowed */
	BUSY,     /* not now; try again */
	TIMEOUT,
	IO,       /* the server's disk, database or memory failed */
	UPSTREAM, /* a remote service failed */
	CORRUPT,  /* bytes do not match their declaration or checksum */
};

enum fault_code {
#define FAULT(code, status, http, meaning) F_##code,
#include "base/fault.def"
#undef FAULT
	FAULT_CODES
};

struct fault {
	enum fault_code code;
	char text[256];         /* one sentence for the client, truncated at a UTF-8 boundary when too long */
	char cause[256];        /* for the log only: errno, SQL, paths */
	unsigned retry_after_s; /* when to try again, if that is known; 0: not */
};

/* Write code and text (cause is cleared) and give the code's status: the whole error exit is
 * `return fault_set(why, NO_SUCH_IMAGE, "image %.*s", STRF(id));`. why may be NULL. */
#define fault_set(why, CODE, ...) fault_write((why), F_##CODE, __VA_ARGS__)
enum status fault_write(struct fault *why, enum fault_code code, const char *fmt, ...) PRINTF(3, 4);
/* So many whole seconds, at least one. */
unsigned fault_wait_s(int64_t wait_ms);
/* Set when to try again, rounded up to seconds; at least one. why may be NULL. */
void fault_retry_after(struct fault *why, int64_t wait_ms);
/* Add the cause for the log; the code and the text stay. why may be NULL. */
void fault_cause(struct fault *why, const char *fmt, ...) PRINTF(2, 3);
enum status fault_status(enum fault_code code);
/* The status of the HTTP response that reports it. A protocol that has its own for some codes overrides them (S3). */
int fault_http_status(enum fault_code code);
/* The code's name as it is in fault.def, lower case: "no_such_image". */
const char *fault_name(enum fault_code code);

/* The two ways to run out of memory: the heap is exhausted (OUT_OF_MEMORY), or the request needs more than one may use
 * (TOO_MUCH). `return fault_no_memory(why);` is the whole error exit. */
enum status fault_no_memory(struct fault *why);
enum status fault_too_much(struct fault *why);
/* A signal has ended a command that continues where it was when it is run again. */
enum status fault_stopped(struct fault *why);
/* OK, or which of the two has happened to the arena, or to the buffer. */
enum status fault_check_arena(const struct arena *a, struct fault *why) MUST_CHECK;
enum status fault_check_buf(const struct buf *b, struct fault *why) MUST_CHECK;
/* The status of a call that worked in `a`: TOO_MUCH becomes OUT_OF_MEMORY where the heap and not the cap was the
 * reason. For arenas other than the request's own, which the handler checks itself. */
enum status fault_blame_arena(const struct arena *a, enum status status, struct fault *why);

/* Return early with the status of `expr` unless it is OK. For functions that have nothing to release by hand. */
#define TRY(expr) \
	do { \
		enum status try_status_ = (expr); \
		if (try_status_ != OK) \
			return try_status_; \
	} while (0)

#endif
