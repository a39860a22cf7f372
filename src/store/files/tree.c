/* Places and moves of the store's files. See tree.h. */
#include "store/files/tree.h"

#include "base/codec.h"
#include "base/file.h"
#include "store/files/io.h"

#include <assert.h>
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACE_CHARS (16 + 1 + TREE_NAME_CHARS)

struct name {
	char s[PLACE_CHARS + 1];
};

static struct name incoming_name(uint64_t file)
{
	struct name name;

	(void)snprintf(name.s, sizeof name.s, "%016" PRIx64, file);
	return name;
}

static struct name dir_name(uint64_t file)
{
	struct name name;

	(void)snprintf(name.s, sizeof name.s, "%06" PRIx64, file / TREE_FILES_PER_DIR);
	return name;
}

/* Relative to objects/. */
static struct name place_name(uint64_t file)
{
	struct name name;

	(void)snprintf(name.s, sizeof name.s, "%06" PRIx64 "/%016" PRIx64, file / TREE_FILES_PER_DIR, file);
	return name;
}

bool tree_parse_name(const char *name, uint64_t *file)
{
	uint64_t n;

	if (!hex_decode(str_of(name), (unsigned char *)&n, sizeof n))
		return false;
	*file = be64toh(n);
	return strcmp(incoming_name(*file).s, name) == 0;
}

static enum status open_dir(int parent, const char *name, int *fd, struct fault *why)
{
	if (mkdirat(parent, name, 0700) != 0 && errno != EEXIST)
		return io_fault_start(why, errno, "make the directory", name);
	*fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0)
		return io_fault_start(why, errno, "open the directory", name);
	const struct file_rule rule = { .owner = geteuid(), .what = "directory", .path = name, .instead = "choose another with --data" };
	return file_check_private(*fd, &rule, why);
}

enum status tree_open(struct tree *t, int dir_fd, struct fault *why)
{
	assert(dir_fd >= 0);
	t->incoming_fd = t->objects_fd = -1;
	t->known_dir = 0;
	TRY(open_dir(dir_fd, "incoming", &t->incoming_fd, why));
	return open_dir(dir_fd, "objects", &t->objects_fd, why);
}

enum status tree_open_to_read(struct tree *t, int dir_fd, struct fault *why)
{
	assert(dir_fd >= 0);
	t->incoming_fd = openat(dir_fd, "incoming", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t->incoming_fd < 0)
		return io_fault_start(why, errno, "open the directory", "incoming");
	t->objects_fd = openat(dir_fd, "objects", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return t->objects_fd < 0 ? io_fault_start(why, errno, "open the directory", "objects") : OK;
}

void tree_close(struct tree *t)
{
	io_close(t->incoming_fd);
	io_close(t->objects_fd);
	t->incoming_fd = t->objects_fd = -1;
}

bool tree_parse_dir(const char *name, uint64_t *dir)
{
	char padded[TREE_NAME_CHARS + 1];
	size_t n = strlen(name);

	if (n > TREE_NAME_CHARS - 4) /* so that the files in it have numbers too */
		return false;
	(void)snprintf(padded, sizeof padded, "%0*d%s", (int)(TREE_NAME_CHARS - n), 0, name);
	return tree_parse_name(padded, dir) && strcmp(dir_name(*dir * TREE_FILES_PER_DIR).s, name) == 0;
}

/* The highest number among the names of a directory, as `parse` reads them; `highest` stays where there is none. */
static enum status find_highest(int parent, const char *name, bool (*parse)(const char *, uint64_t *), uint64_t *highest, struct fault *why)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	uint64_t found = 0;

	if (dir == NULL) {
		enum status status = io_fault(why, errno, "open a directory of objects/");
		io_close(fd);
		return status;
	}
	for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
		if (parse(entry->d_name, &found) && found > *highest)
			*highest = found;
	int error = errno;
	(void)closedir(dir);
	return error == 0 ? OK : io_fault(why, error, "read a directory of objects/");
}

/* Numbers rise, so the highest is in the highest directory: two directories are read, however many there are. */
enum status tree_skip_used(struct tree *t, struct fault *why)
{
	uint64_t dir = 0, file = 0;

	TRY(find_highest(t->objects_fd, ".", tree_parse_dir, &dir, why));
	file = dir * TREE_FILES_PER_DIR;
	if (faccessat(t->objects_fd, dir_name(file).s, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return OK;
	TRY(find_highest(t->objects_fd, dir_name(file).s, tree_parse_name, &file, why));
	if (file >= atomic_load(&t->next_file) && file < INT64_MAX)
		atomic_store(&t->next_file, file + 1);
	return OK;
}

int tree_create(struct tree *t, uint64_t *file)
{
	*file = atomic_fetch_add(&t->next_file, 1);
	assert(*file > 0 && t->incoming_fd >= 0);
	return local_io.open(t->incoming_fd, incoming_name(*file).s, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
}

/* The final place first: most reads find the file there. It may be moved between two attempts, so the
 * final place is asked again. */
int tree_read(const struct tree *t, uint64_t file)
{
	struct name place = place_name(file);

	assert(t->objects_fd >= 0 && t->incoming_fd >= 0);
	int fd = local_io.open(t->objects_fd, place.s, O_RDONLY | O_NOFOLLOW, 0);

	if (fd < 0 && errno == ENOENT)
		fd = local_io.open(t->incoming_fd, incoming_name(file).s, O_RDONLY | O_NOFOLLOW, 0);
	if (fd < 0 && errno == ENOENT)
		fd = local_io.open(t->objects_fd, place.s, O_RDONLY | O_NOFOLLOW, 0);
	return fd;
}

int tree_open_placed(const struct tree *t, uint64_t file)
{
	const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW;
	int fd = local_io.open(t->objects_fd, place_name(file).s, flags, 0600);

	if (fd < 0 && errno == ENOENT && (mkdirat(t->objects_fd, dir_name(file).s, 0700) == 0 || errno == EEXIST))
		fd = local_io.open(t->objects_fd, place_name(file).s, flags, 0600);
	return fd;
}

void tree_drop(const struct tree *t, uint64_t file)
{
	(void)local_io.unlink(t->incoming_fd, incoming_name(file).s);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Sync each directory that sorted files are in, once. */
static enum status sync_dirs(const struct tree *t, const uint64_t *files, size_t n, struct fault *why)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && files[i] / TREE_FILES_PER_DIR == files[i - 1] / TREE_FILES_PER_DIR)
			continue;
		int fd = openat(t->objects_fd, dir_name(files[i]).s, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return io_fault(why, errno, "open a directory of objects/");
		int rc = local_io.fsync(fd), err = errno;
		io_close(fd);
		if (rc != 0)
			return io_fault(why, err, "sync a directory of objects/");
	}
	return OK;
}

/* An existing one may not have been synced before a crash, so it is synced again: once for
 * many files, since numbers rise. */
static enum status make_dir(struct tree *t, uint64_t file, struct fault *why)
{
	uint64_t dir = file / TREE_FILES_PER_DIR + 1;

	if (t->known_dir == dir)
		return OK;
	if (mkdirat(t->objects_fd, dir_name(file).s, 0700) != 0 && errno != EEXIST)
		return io_fault(why, errno, "make a directory of objects/");
	if (local_io.fsync(t->objects_fd) != 0)
		return io_fault(why, errno, "sync objects/");
	t->known_dir = dir;
	return OK;
}

/* EEXIST: linked before a crash that kept the name in incoming/. ENOENT: deleted in the meantime, or moved. */
static enum status place_file(const struct tree *t, uint64_t file, struct fault *why)
{
	struct name from = incoming_name(file), to = place_name(file);

	if (local_io.link(t->incoming_fd, from.s, t->objects_fd, to.s) == 0 || errno == EEXIST || errno == ENOENT)
		return OK;
	/* A file system without hard links: a rename is then the best there is. */
	if ((errno == EPERM || errno == EOPNOTSUPP) && renameat(t->incoming_fd, from.s, t->objects_fd, to.s) == 0)
		return OK;
	return errno == ENOENT ? OK : io_fault(why, errno, "link into objects/");
}

static enum status unlink_one(int dir, const char *name, bool *done, struct fault *why)
{
	*done = local_io.unlink(dir, name) == 0;
	if (!*done && errno != ENOENT)
		return io_fault(why, errno, "remove a file");
	return OK;
}

enum status tree_publish(struct tree *t, uint64_t *files, size_t n, struct fault *why)
{
	assert(files != NULL);
	qsort(files, n, sizeof *files, by_number);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || files[i] / TREE_FILES_PER_DIR != files[i - 1] / TREE_FILES_PER_DIR)
			TRY(make_dir(t, files[i], why));
		TRY(place_file(t, files[i], why));
	}
	TRY(sync_dirs(t, files, n, why));
	for (size_t i = 0; i < n; i++) {
		bool done = false;
		TRY(unlink_one(t->incoming_fd, incoming_name(files[i]).s, &done, why));
	}
	return OK;
}

enum status tree_erase(const struct tree *t, uint64_t *files, size_t n, struct fault *why)
{
	bool early = false; /* some had not been moved yet */

	assert(files != NULL);
	qsort(files, n, sizeof *files, by_number);
	for (size_t i = 0; i < n; i++) {
		bool done = false;
		TRY(unlink_one(t->objects_fd, place_name(files[i]).s, &done, why));
		TRY(unlink_one(t->incoming_fd, incoming_name(files[i]).s, &done, why));
		early = early || done;
	}
	if (early && local_io.fsync(t->incoming_fd) != 0)
		return io_fault(why, errno, "sync incoming/");
	return sync_dirs(t, files, n, why);
}
