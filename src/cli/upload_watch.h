/* Directories that are watched for files, with everything below them: which file to upload next is known by inotify. A file counts once it
 * was closed after writing, or moved there. One thread. */
#ifndef CLI_UPLOAD_WATCH_H
#define CLI_UPLOAD_WATCH_H

#include "base/fault.h"
#include "cli/file_walk.h"

struct watched_dir {
	int id;           /* inotify's; -1: not watched any more */
	const char *root; /* as walk_file's */
	const char *below;
};

struct upload_watch {
	int fd; /* of inotify: readable when something has happened; -1: nothing is watched */
	struct watched_dir *dirs;
	size_t n, cap;
};

/* Prepare to watch what is walked from now on.
 * Errors  STORAGE_FAILED the system has no watch left */
enum status upload_watch_init(struct upload_watch *w, struct file_walk *walk, struct fault *why) MUST_CHECK;
void upload_watch_deinit(struct upload_watch *w);
/* Add to the walk what is new; failures are reported as the walk's are. */
void upload_watch_read(struct upload_watch *w, struct file_walk *walk);
/* How many of the operands are watched still. */
size_t upload_watch_roots(const struct upload_watch *w);

#endif
