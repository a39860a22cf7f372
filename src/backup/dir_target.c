/* Backups in a directory, 0700, files 0600. A file is written in incomplete/ under a number, and gets its name after it was synced: many
 * at a time, with one sync of the file system. So a name always means the whole file, also after the machine has lost power.
 * The lock is one of flock(2) on the file `lock`. */
#include "backup/target.h"

#include "backup/format.h"
#include "base/file.h"
#include "base/mem.h"
#include "store/files/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define INCOMPLETE "incomplete"
#define LOCK "lock"
/* As many files get their names together; or fewer, of so many bytes. */
#define BATCH 128
#define BATCH_BYTES ((uint64_t)256 << 20)
#define DEPTH_MAX 3

struct dir_target {
	struct target base;
	char path[PATH_MAX];
	int fd, incomplete_fd, lock_fd;
	pthread_mutex_t lock;
	/* under the lock: what has no name yet; a name's size is its number in incomplete/ */
	struct names waiting;
	uint64_t next_number, waiting_bytes;
};

static enum status fault_io(const struct dir_target *d, int error, const char *what, struct fault *why)
{
	if (io_is_full(error))
		return fault_set(why, DISK_FULL, "The disk of %s is full: free some space there and run it again.", d->path);
	return fault_set(why, STORAGE_FAILED, "Cannot %s %s: %s.", what, d->path, strerrordesc_np(error));
}

static void make_number(uint64_t number, char out[24])
{
	(void)snprintf(out, 24, "%" PRIu64, number);
}

static bool make_name(struct str name, char out[BACKUP_NAME_MAX])
{
	return snprintf(out, BACKUP_NAME_MAX, "%.*s", STRF(name)) < BACKUP_NAME_MAX;
}

/* writing */

/* Rename, and make the folders where they are missing. 0, or an errno value. */
static int rename_file(struct dir_target *d, const char *from, const char *to)
{
	char folder[BACKUP_NAME_MAX];
	if (renameat(d->incomplete_fd, from, d->fd, to) == 0)
		return 0;
	if (errno != ENOENT)
		return errno;
	for (const char *slash = strchr(to, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - to), to);
		if (mkdirat(d->fd, folder, 0700) != 0 && errno != EEXIST)
			return errno;
	}
	return renameat(d->incomplete_fd, from, d->fd, to) == 0 ? 0 : errno;
}

/* Under the lock. */
static enum status name_waiting(struct dir_target *d, struct fault *why)
{
	char number[24];
	if (d->waiting.n == 0)
		return OK;
	if (syncfs(d->fd) != 0)
		return fault_io(d, errno, "sync", why);
	for (size_t i = 0; i < d->waiting.n; i++) {
		make_number(d->waiting.all[i]->size, number);
		int error = rename_file(d, number, d->waiting.all[i]->text);
		if (error != 0)
			return fault_io(d, error, "write to", why);
	}
	names_deinit(&d->waiting);
	d->waiting_bytes = 0;
	return OK;
}

static enum status write_file(struct dir_target *d, const char *number, struct str bytes, struct fault *why)
{
	int fd = openat(d->incomplete_fd, number, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error = fd < 0 ? errno : file_write_all(fd, bytes);
	io_close(fd);
	return error == 0 ? OK : fault_io(d, error, "write to", why);
}

static enum status put_file(struct target *t, struct str name, struct str bytes, struct fault *why)
{
	struct dir_target *d = (struct dir_target *)t;
	char number[24];
	pthread_mutex_lock(&d->lock);
	uint64_t n = d->next_number++;
	pthread_mutex_unlock(&d->lock);
	make_number(n, number);
	TRY(write_file(d, number, bytes, why));
	pthread_mutex_lock(&d->lock);
	enum status status = names_add(&d->waiting, name, n, why);
	d->waiting_bytes += bytes.n;
	if (status == OK && (d->waiting.n >= BATCH || d->waiting_bytes >= BATCH_BYTES))
		status = name_waiting(d, why);
	pthread_mutex_unlock(&d->lock);
	return status;
}

static enum status flush_files(struct target *t, struct fault *why)
{
	struct dir_target *d = (struct dir_target *)t;
	pthread_mutex_lock(&d->lock);
	enum status status = name_waiting(d, why);
	pthread_mutex_unlock(&d->lock);
	TRY(status);
	return syncfs(d->fd) == 0 ? OK : fault_io(d, errno, "sync", why);
}

static enum status remove_file(struct target *t, struct str name, struct fault *why)
{
	struct dir_target *d = (struct dir_target *)t;
	char path[BACKUP_NAME_MAX];
	if (!make_name(name, path) || unlinkat(d->fd, path, 0) == 0 || errno == ENOENT)
		return OK;
	return fault_io(d, errno, "remove a file in", why);
}

/* reading */

static enum status read_file(
	const struct dir_target *d, int fd, struct str name, uint64_t max_bytes, struct arena *a, struct str *out, struct fault *why)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return fault_io(d, errno, "read", why);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max_bytes)
		return fault_set(why, DATA_DAMAGED, "%.*s is damaged: it has %lld bytes, which is too many", STRF(name), (long long)st.st_size);
	size_t n = (size_t)st.st_size, done = 0;
	char *p = arena_alloc(a, n);
	if (p == NULL)
		return fault_check_arena(a, why);
	while (done < n) {
		ssize_t got = read(fd, p + done, n - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_set(why, STORAGE_FAILED, "Cannot read %s/%.*s: %s.", d->path, STRF(name), strerrordesc_np(errno));
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*out = (struct str){ p, done };
	return OK;
}

static enum status get_file(struct target *t, struct str name, uint64_t max_bytes, struct arena *a, struct str *out, struct fault *why)
{
	struct dir_target *d = (struct dir_target *)t;
	char path[BACKUP_NAME_MAX];
	int fd = make_name(name, path) ? openat(d->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	if (fd < 0 && errno == ENOENT)
		return fault_set(why, NO_SUCH_KEY, "%.*s is missing", STRF(name));
	if (fd < 0)
		return fault_io(d, errno, "read a file in", why);
	enum status status = read_file(d, fd, name, max_bytes, a, out, why);
	io_close(fd);
	return status;
}

static enum status walk_folder(const struct dir_target *d, struct str folder, unsigned depth, struct names *out, struct fault *why);

static enum status visit_entry(const struct dir_target *d, int dir, struct str name, unsigned depth, struct names *out, struct fault *why)
{
	struct stat st;
	size_t slash = name.n;
	while (slash > 0 && name.p[slash - 1] != '/')
		slash--;
	if (fstatat(dir, name.p + slash, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? OK : fault_io(d, errno, "read", why);
	if (S_ISDIR(st.st_mode))
		return depth < DEPTH_MAX ? walk_folder(d, name, depth + 1, out, why) : OK;
	return names_add(out, name, (uint64_t)st.st_size, why);
}

static enum status walk_folder(const struct dir_target *d, struct str folder, unsigned depth, struct names *out, struct fault *why)
{
	char path[BACKUP_NAME_MAX], name[2 * BACKUP_NAME_MAX];
	const struct dirent *entry;
	enum status status = OK;
	int fd = make_name(folder, path) ? openat(d->fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		int error = errno;
		io_close(fd);
		return error == ENOENT ? OK : fault_io(d, error, "read", why);
	}
	for (errno = 0; status == OK && (entry = readdir(dir)) != NULL; errno = 0) {
		if (entry->d_name[0] == '.')
			continue;
		int n = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		if (n > 0 && n < BACKUP_NAME_MAX)
			status = visit_entry(d, fd, (struct str){ name, (size_t)n }, depth, out, why);
	}
	if (status == OK && errno != 0)
		status = fault_io(d, errno, "read", why);
	(void)closedir(dir);
	return status;
}

static enum status list_files(struct target *t, struct str folder, struct names *out, struct fault *why)
{
	return walk_folder((struct dir_target *)t, folder, 0, out, why);
}

static enum status find_folder(struct target *t, const char *after, char out[BACKUP_NAME_MAX], struct fault *why)
{
	struct dir_target *d = (struct dir_target *)t;
	char name[BACKUP_NAME_MAX], best[BACKUP_NAME_MAX] = "";
	const struct dirent *entry;
	int fd = openat(d->fd, "objects", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL && errno != ENOENT) {
		int error = errno;
		io_close(fd);
		return fault_io(d, error, "read", why);
	}
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int n = snprintf(name, sizeof name, "objects/%s", entry->d_name);
		if (n < BACKUP_NAME_MAX && entry->d_name[0] != '.' && strcmp(name, after) > 0 && (best[0] == '\0' || strcmp(name, best) < 0))
			memcpy(best, name, sizeof best);
	}
	if (dir != NULL)
		(void)closedir(dir);
	memcpy(out, best, sizeof best);
	return OK;
}

/* opening */

static enum status keep_lock(struct target *t, bool now, struct fault *why)
{
	(void)t;
	(void)now;
	(void)why;
	return OK;
}

static void clear_incomplete(struct dir_target *d)
{
	int fd = openat(d->incomplete_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	for (const struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir))
		if (e->d_name[0] != '.')
			(void)unlinkat(d->incomplete_fd, e->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	else
		io_close(fd);
}

static void close_dir(struct target *t)
{
	struct dir_target *d = (struct dir_target *)t;
	if (d->incomplete_fd >= 0) {
		clear_incomplete(d);
		(void)unlinkat(d->fd, INCOMPLETE, AT_REMOVEDIR);
	}
	io_close(d->incomplete_fd);
	io_close(d->lock_fd);
	io_close(d->fd);
	names_deinit(&d->waiting);
	pthread_mutex_destroy(&d->lock);
	mem_free(d);
}

static const struct target_ops ops = { put_file, flush_files, get_file, list_files, find_folder, remove_file, keep_lock, close_dir };

/* Whether there is nothing but what a backup that was cut off at its start may have left. */
static bool is_unused(const struct dir_target *d)
{
	int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool unused = dir != NULL;
	for (const struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir))
		unused = unused && str_is_one_of(str_of(e->d_name), STR(".|..|lost+found|" LOCK "|" INCOMPLETE), '|');
	if (dir != NULL)
		(void)closedir(dir);
	else
		io_close(fd);
	return unused;
}

static enum status lock_dir(struct dir_target *d, enum target_mode mode, struct fault *why)
{
	d->lock_fd =
		openat(d->fd, LOCK, mode == TARGET_WRITE ? O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC : O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (d->lock_fd < 0)
		return mode == TARGET_READ && errno == ENOENT ? OK : fault_io(d, errno, "lock", why);
	if (flock(d->lock_fd, (mode == TARGET_WRITE ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0)
		return OK;
	if (errno != EWOULDBLOCK)
		return fault_io(d, errno, "lock", why);
	return fault_set(why, DIR_LOCKED, "%s is in use by another backup or restore; wait for it to end.", d->path);
}

static enum status open_incomplete(struct dir_target *d, struct fault *why)
{
	if (mkdirat(d->fd, INCOMPLETE, 0700) != 0 && errno != EEXIST)
		return fault_io(d, errno, "write to", why);
	d->incomplete_fd = openat(d->fd, INCOMPLETE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->incomplete_fd < 0)
		return fault_io(d, errno, "write to", why);
	clear_incomplete(d);
	return OK;
}

static enum status open_all(struct dir_target *d, enum target_mode mode, struct fault *why)
{
	if (mode == TARGET_WRITE && mkdir(d->path, 0700) != 0 && errno != EEXIST)
		return fault_io(d, errno, "make the directory", why);
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return fault_io(d, errno, "open", why);
	bool marked = faccessat(d->fd, BACKUP_MARK, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	if (mode == TARGET_READ && !marked)
		return fault_set(why, BAD_SETTING, "There is no backup in %s.", d->path);
	if (!marked && !is_unused(d))
		return fault_set(why, BAD_SETTING, "%s has files that are not part of a backup; name a new directory.", d->path);
	TRY(lock_dir(d, mode, why));
	if (mode == TARGET_READ)
		return OK;
	TRY(open_incomplete(d, why));
	return marked ? OK : put_file(&d->base, STR(BACKUP_MARK), STR(BACKUP_MARK_TEXT), why);
}

enum status dir_target_open(const char *path, enum target_mode mode, struct target **out, struct fault *why)
{
	assert(path != NULL && out != NULL);
	struct dir_target *d = mem_new(1, sizeof *d);
	if (d == NULL)
		return fault_no_memory(why);
	d->base.ops = &ops;
	d->fd = d->incomplete_fd = d->lock_fd = -1;
	pthread_mutex_init(&d->lock, NULL);
	struct target *t = &d->base;
	bool fits = snprintf(d->path, sizeof d->path, "%s", path) < (int)sizeof d->path;
	enum status status = fits ? open_all(d, mode, why) : fault_set(why, BAD_SETTING, "The name of the destination is too long.");
	if (status == OK)
		*out = t;
	else
		target_free(&t);
	return status;
}
