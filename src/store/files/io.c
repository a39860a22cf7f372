/* The table of system calls and what an errno means to a client. See io.h. */
#include "store/files/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_file(int dir, const char *name, int flags, mode_t mode)
{
	return openat(dir, name, flags | O_CLOEXEC, mode);
}

static int link_file(int from_dir, const char *from, int to_dir, const char *to)
{
	return linkat(from_dir, from, to_dir, to, 0);
}

static int unlink_file(int dir, const char *name)
{
	return unlinkat(dir, name, 0);
}

#define SYSTEM_CALLS \
	{ \
		.open = open_file, .write = write, .fdatasync = fdatasync, .fsync = fsync, .link = link_file, .unlink = unlink_file, \
		.statvfs = fstatvfs, .fallocate = fallocate, \
	}

const struct local_io local_io_system = SYSTEM_CALLS;
struct local_io local_io = SYSTEM_CALLS;

int io_write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	assert(fd >= 0);
	while (n > 0) {
		ssize_t done = local_io.write(fd, at, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

void io_close(int fd)
{
	int err = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = err;
}

bool io_is_full(int err)
{
	return err == ENOSPC || err == EDQUOT;
}

enum status io_fault(struct fault *why, int err, const char *what)
{
	char text[128];
	enum status status = io_is_full(err) ? fault_set(why, DISK_FULL, "Not enough free space; try again later.")
										 : fault_set(why, STORAGE_FAILED, "Storage error. Try again later.");

	fault_cause(why, "%s: %s", what, strerror_r(err, text, sizeof text));
	return status;
}

enum status io_read_at(int fd, char *p, size_t n, uint64_t offset, struct fault *why)
{
	assert(fd >= 0);
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(fd, p + done, n - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return io_fault(why, got < 0 ? errno : EIO, got < 0 ? "read a stored file" : "a file is shorter than its row says");
		done += (size_t)got;
	}
	return OK;
}

enum status io_fault_start(struct fault *why, int err, const char *what, const char *path)
{
	char text[128];
	const char *name = strerror_r(err, text, sizeof text);

	if (io_is_full(err))
		return fault_set(why, DISK_FULL, "Cannot %s %s: %s.", what, path, name);
	return fault_set(why, STORAGE_FAILED, "Cannot %s %s: %s.", what, path, name);
}
