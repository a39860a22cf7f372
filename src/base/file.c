/* Whole files. See file.h. */
#include "base/file.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int file_read_text(int fd, struct buf *b)
{
	assert(fd >= 0);
	assert(b != NULL && b->n == 0);
	const struct str mark = STR("\xEF\xBB\xBF");
	char piece[4096];
	ssize_t got;
	do {
		got = read(fd, piece, sizeof piece);
		if (got > 0)
			buf_put(b, (struct str){ piece, (size_t)got });
	} while ((got > 0 && buf_ok(b)) || (got < 0 && errno == EINTR));
	int error = got < 0 ? errno : 0;
	secret_wipe(piece, sizeof piece);
	if (!buf_ok(b))
		return b->starved ? ENOMEM : EFBIG;
	if (str_starts_with(buf_str(b), mark)) {
		b->n -= mark.n;
		memmove(b->p, b->p + mark.n, b->n + 1);
	}
	return error;
}

int file_read(const char *path, struct buf *b)
{
	assert(path != NULL);
	assert(b != NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno;
	int error = file_read_text(fd, b);
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

int file_replace(const char *dir, const char *name, struct str text)
{
	char new[64];
	struct stat owner, made;
	int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return errno;
	int n = snprintf(new, sizeof new, "%s.new", name);
	assert(n > 0 && (size_t)n < sizeof new);
	(void)unlinkat(at, new, 0);
	int fd = openat(at, new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool good = fd >= 0 && fstat(at, &owner) == 0 && fstat(fd, &made) == 0 &&
		(owner.st_uid == made.st_uid || fchown(fd, owner.st_uid, owner.st_gid) == 0);
	int error = good ? file_write_all(fd, text) : errno;
	if (fd >= 0)
		close(fd);
	if (error == 0 && renameat(at, new, at, name) != 0)
		error = errno;
	if (error != 0)
		(void)unlinkat(at, new, 0);
	close(at);
	return error;
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

/* "The data directory /x" and the like, then the problem; `remedy` is a command. */
static enum status refuse_file(const struct file_rule *r, const char *problem, const char *remedy, struct fault *why)
{
	bool named = r->path != NULL;
	return fault_set(why, STORAGE_FAILED, "The %s%s%s %s; run %s on it%s%s.", r->what, named ? " " : "", named ? r->path : "", problem,
		remedy, r->instead != NULL ? ", or " : "", r->instead != NULL ? r->instead : "");
}

enum status file_check_private(int fd, const struct file_rule *r, struct fault *why)
{
	assert(fd >= 0);
	assert(r != NULL && r->what != NULL);
	char problem[80];
	struct stat st;
	if (fstat(fd, &st) != 0)
		return fault_set(why, STORAGE_FAILED, "The %s cannot be used: %s.", r->what, strerrordesc_np(errno));
	bool of_root = r->or_root && st.st_uid == 0;
	(void)snprintf(problem, sizeof problem, "belongs to another user (uid %u, not %u)", (unsigned)st.st_uid, (unsigned)r->owner);
	if (st.st_uid != r->owner && !of_root)
		return refuse_file(r, problem, "chown", why);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse_file(r, "can be written by others", r->is_secret ? "chmod 600" : "chmod go-w", why);
	if (r->is_secret && (st.st_mode & (of_root ? S_IRWXO : S_IRWXG | S_IRWXO)) != 0)
		return refuse_file(r, "can be read by others", "chmod 600", why);
	return OK;
}
