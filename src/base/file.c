/* Whole files. See file.h. */
#include "base/file.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int file_read_all(int fd, struct buf *b)
{
	assert(b != NULL);
	char piece[4096];
	ssize_t got;
	assert(fd >= 0);
	do {
		got = read(fd, piece, sizeof piece);
		if (got > 0)
			buf_put(b, (struct str){ piece, (size_t)got });
	} while ((got > 0 && buf_ok(b)) || (got < 0 && errno == EINTR));
	int error = got < 0 ? errno : 0;
	secret_wipe(piece, sizeof piece);
	if (!buf_ok(b))
		return b->starved ? ENOMEM : EFBIG;
	return error;
}

int file_read(const char *path, struct buf *b)
{
	assert(path != NULL);
	assert(b != NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno;
	int error = file_read_all(fd, b);
	close(fd);
	return error;
}

int file_write_all(int fd, struct str s)
{
	assert(fd >= 0);
	while (s.n > 0) {
		ssize_t n = write(fd, s.p, s.n);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n == 0)
			return EIO;
		s = str_slice(s, n > 0 ? (size_t)n : 0, s.n);
	}
	return 0;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool file_changed(const struct stat *a, const struct stat *b)
{
	assert(a != NULL);
	assert(b != NULL);
	return a->st_dev != b->st_dev || a->st_ino != b->st_ino || a->st_size != b->st_size || a->st_mode != b->st_mode ||
		!same_time(a->st_mtim, b->st_mtim) || !same_time(a->st_ctim, b->st_ctim);
}
