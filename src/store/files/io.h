/* The system calls that the engine's guarantees depend on, in one table, so that a test can fail the
 * n-th of them. Everything that writes, syncs, links or removes a file of the store goes through
 * it; SQLite has its own. Only tests change it. */
#ifndef STORE_FILES_IO_H
#define STORE_FILES_IO_H

#include "base/fault.h"
#include <stdint.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

struct local_io {
	int (*open)(int dir, const char *name, int flags, mode_t mode);
	ssize_t (*write)(int fd, const void *p, size_t n);
	int (*fdatasync)(int fd);
	int (*fsync)(int fd);
	int (*link)(int from_dir, const char *from, int to_dir, const char *to);
	int (*unlink)(int dir, const char *name);
	int (*statvfs)(int fd, struct statvfs *out);
	int (*fallocate)(int fd, int mode, off_t from, off_t n);
};

extern struct local_io local_io;
/* What the table holds by default. */
extern const struct local_io local_io_system;

/* Write all n bytes, over short writes and EINTR. 0, or -1 with errno. */
int io_write_all(int fd, const void *p, size_t n);
/* Read all n bytes at an offset. Errors  STORAGE_FAILED, also where the file ends before */
enum status io_read_at(int fd, char *p, size_t n, uint64_t offset, struct fault *why) MUST_CHECK;
/* Close, keeping errno. Nothing when fd < 0. */
void io_close(int fd);
/* Whether an errno says that the disk is full, or what a user may have of it. */
bool io_is_full(int err);
/* DISK_FULL for ENOSPC and EDQUOT, else STORAGE_FAILED; `what` and the error's name go to the cause. */
enum status io_fault(struct fault *why, int err, const char *what);
/* The same for the operator's terminal at startup: with path and error in the message. */
enum status io_fault_start(struct fault *why, int err, const char *what, const char *path);

#endif
