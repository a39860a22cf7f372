/* The file has no name from the start where the file system allows that (O_TMPFILE), else its name is removed at once.
 * See spool.h. */
#include "base/spool.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

static enum status refuse_full(struct fault *why)
{
	return fault_set(why, DISK_FULL, "Not enough free space for temporary files; try again later.");
}

static enum status blame_errno(int error, const char *what, struct fault *why)
{
	enum status st =
		error == ENOSPC || error == EDQUOT ? refuse_full(why) : fault_set(why, STORAGE_FAILED, "A temporary file cannot be used.");
	fault_cause(why, "%s: %s", what, strerrordesc_np(error));
	return st;
}

/* What others write counts at once, so that nothing has to be reserved: two that are checked at the same time pass by as much as one
 * of them writes. */
static enum status check_room(const struct spool *s, uint64_t bytes, struct fault *why)
{
	struct statvfs fs;
	if (fstatvfs(s->fd, &fs) != 0)
		return blame_errno(errno, "statvfs", why);
	uint64_t free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (fs.f_blocks == 0 || (free_bytes >= s->reserve_bytes && free_bytes - s->reserve_bytes >= bytes)) /* 0: a tmpfs without a limit */
		return OK;
	enum status st = refuse_full(why);
	fault_cause(why, "%llu bytes free for temporary files, of which %llu are reserved", (unsigned long long)free_bytes,
		(unsigned long long)s->reserve_bytes);
	return st;
}

/* -1: errno says why. */
static int open_unnamed(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	int n = snprintf(path, sizeof path, "%s/tintype-XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

enum status spool_open(struct spool *out, uint64_t reserve_bytes, uint64_t expected_bytes, struct fault *why)
{
	assert(out != NULL);
	const char *dir = getenv("TMPDIR");
	*out = (struct spool){ .fd = open_unnamed(dir != NULL && dir[0] != '\0' ? dir : "/tmp"), .reserve_bytes = reserve_bytes };
	out->is_open = out->fd >= 0;
	enum status st = out->is_open ? check_room(out, expected_bytes, why) : blame_errno(errno, "make a temporary file", why);
	if (st != OK)
		spool_close(out);
	return st;
}

enum status spool_write(struct spool *s, struct str bytes, struct fault *why)
{
	assert(s != NULL && s->is_open && s->view.p == NULL);
	TRY(check_room(s, bytes.n, why));
	int error = file_write_all(s->fd, bytes);
	if (error != 0)
		return blame_errno(error, "write a temporary file", why);
	s->size += bytes.n;
	return OK;
}

enum status spool_view(struct spool *s, struct str *bytes, struct fault *why)
{
	assert(s != NULL && s->is_open && bytes != NULL);
	if (s->view.p == NULL && s->size > 0) {
		void *at = mmap(NULL, (size_t)s->size, PROT_READ, MAP_PRIVATE, s->fd, 0);
		if (at == MAP_FAILED)
			return fault_no_memory(why);
		s->view = (struct str){ at, (size_t)s->size };
	}
	*bytes = s->size > 0 ? s->view : STR("");
	return OK;
}

void spool_close(struct spool *s)
{
	assert(s != NULL);
	if (s->view.p != NULL)
		munmap((void *)(uintptr_t)s->view.p, s->view.n);
	if (s->is_open)
		close(s->fd);
	*s = (struct spool){ 0 };
}
