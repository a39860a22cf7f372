/* The files that a command line names: files themselves, and what is in directories, at every depth.
 * An operand may be a link, since it was named; links inside a directory are not followed, neither
 * when it is read nor when its files are opened later. Anything that is not a file is skipped with a message. */
#ifndef CLI_FILE_WALK_H
#define CLI_FILE_WALK_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct walk_file {
	const char *root;    /* the operand */
	const char *below;   /* its path below root; "": root itself */
	uint64_t size_bytes; /* when it was seen */
};

struct file_walk {
	struct arena arena;
	struct walk_file *files; /* of each operand, by name */
	size_t n, cap;
	uint64_t size_bytes; /* of all */
	unsigned failed;     /* what could not be read; each was reported on stderr */
	bool json;           /* set after walk_init: and as a line of JSON on stdout */
	/* Called with each directory before it is read. Not OK: it is reported, and not read. NULL: nothing is called. */
	enum status (*enter)(void *arg, const struct walk_file *at, int fd, struct fault *why);
	void *enter_arg;
	bool skips_unfinished; /* files whose name says that a program is still writing them, and hidden ones */
};

/* Nothing is read yet; deinit is safe on a zeroed one. */
void walk_init(struct file_walk *w);
void walk_deinit(struct file_walk *w);
/* Add what the operand names; failures are reported and counted. */
void walk_add(struct file_walk *w, const char *operand);
/* Add the file, or what is in the directory, of this name in a directory that was walked. One that is not there any more is left out. */
void walk_add_below(struct file_walk *w, const char *root, const char *below, const char *name);
/* Add what standard input holds, under the name "-".
 * fd      out: its bytes, in a file without a name; the caller's to close, also after a failure, if it is not -1
 * Errors  STORAGE_FAILED */
enum status walk_add_stdin(struct file_walk *w, int *fd, struct fault *why) MUST_CHECK;
/* Report a failure of this file or directory, and count it. */
void walk_report(struct file_walk *w, const char *root, const char *below, const char *reason);
/* The path as it is shown. */
struct str walk_path(struct arena *a, const struct walk_file *f);
/* Open for reading and give the current size.
 * Errors  INVALID_INPUT no file any more; NO_SUCH_KEY not there; STORAGE_FAILED a link, not allowed */
enum status walk_open(const struct walk_file *f, int *fd, uint64_t *size_bytes, struct fault *why) MUST_CHECK;

#endif
