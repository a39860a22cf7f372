/* See restoration.h. The database gets its name after all else is on the disk, and the mark of an incomplete one goes after that. */
#include "store/restoration.h"

#include "base/mem.h"
#include "store/engine.h"
#include "store/files/io.h"
#include "store/keys/key_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATABASE_NEW "tintype.db.restored"

struct restoration {
	char dir[PATH_MAX];
	int dir_fd, lock_fd;
	struct tree tree;
};

/* Call `visit` with each entry of a directory; a directory that is not there has none. 0, or an errno value. */
static int walk_folder(int parent, const char *name, int (*visit)(int dir, const char *entry, void *arg), void *arg)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), error = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		error = errno == ENOENT ? 0 : errno;
		io_close(fd);
		return error;
	}
	for (errno = 0; error == 0 && (entry = readdir(dir)) != NULL; errno = 0)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = visit(fd, entry->d_name, arg);
	error = error != 0 ? error : errno;
	(void)closedir(dir);
	return error;
}

static int remove_entry(int dir, const char *name, void *arg)
{
	(void)arg;
	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return errno;
	int error = walk_folder(dir, name, remove_entry, NULL);
	return error != 0 ? error : unlinkat(dir, name, AT_REMOVEDIR) == 0 ? 0 : errno;
}

/* The lock, and lost+found of a disk of its own, do not count as files. */
static int note_other(int dir, const char *name, void *arg)
{
	(void)dir;
	if (strcmp(name, "lost+found") != 0 && strcmp(name, "lock") != 0)
		*(bool *)arg = true;
	return 0;
}

static int remove_made(int dir, const char *name, void *arg)
{
	bool kept = strcmp(name, "lost+found") == 0 || strcmp(name, "lock") == 0 || strcmp(name, RESTORATION_NAME) == 0;

	return kept ? 0 : remove_entry(dir, name, arg);
}

/* Empty, or what an earlier restoration has left: then it is made empty. */
static enum status clear_dir(struct restoration *r, struct fault *why)
{
	bool others = false, ours = faccessat(r->dir_fd, RESTORATION_NAME, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	int error = ours ? walk_folder(r->dir_fd, ".", remove_made, NULL) : walk_folder(r->dir_fd, ".", note_other, &others);

	if (error != 0)
		return io_fault_start(why, error, ours ? "remove what is left in" : "read", r->dir);
	return others ? fault_set(why, BAD_SETTING, "%s is not empty; restore into a new directory, named with --data.", r->dir) : OK;
}

static enum status open_all(struct restoration *r, struct fault *why)
{
	if (mkdir(r->dir, 0700) != 0 && errno != EEXIST)
		return io_fault_start(why, errno, "make the directory", r->dir);
	r->dir_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir_fd < 0)
		return io_fault_start(why, errno, "open", r->dir);
	if (engine_in_use(r->dir))
		return fault_set(why, DIR_LOCKED, "A server uses %s; restore into a new directory, named with --data.", r->dir);
	TRY(clear_dir(r, why));
	TRY(engine_lock_dir(r->dir_fd, r->dir, &r->lock_fd, why));
	int mark = openat(r->dir_fd, RESTORATION_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (mark < 0 || fsync(r->dir_fd) != 0)
		return io_fault_start(why, errno, "write to", r->dir);
	io_close(mark);
	return tree_open(&r->tree, r->dir_fd, why);
}

enum status restoration_begin(const char *dir, int schema, struct restoration **out, struct fault *why)
{
	assert(dir != NULL);
	if (schema > SCHEMA_VERSION)
		return fault_set(why, SCHEMA_UNKNOWN,
			"The backup was made by a newer tintype (version %d of the database, this one knows %d); run that one.", schema,
			SCHEMA_VERSION);
	struct restoration *r = mem_new(1, sizeof *r);
	if (r == NULL)
		return fault_no_memory(why);
	r->dir_fd = r->lock_fd = r->tree.incoming_fd = r->tree.objects_fd = -1;
	bool fits = snprintf(r->dir, sizeof r->dir, "%s", dir) < (int)sizeof r->dir;
	enum status status = fits ? open_all(r, why) : fault_set(why, BAD_SETTING, "The name of the data directory is too long.");
	if (status == OK)
		*out = r;
	else
		restoration_free(&r);
	return status;
}

int restoration_open_file(struct restoration *r, uint64_t file)
{
	return tree_open_placed(&r->tree, file);
}

int restoration_open_database(struct restoration *r)
{
	return openat(r->dir_fd, DATABASE_NEW, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

enum status restoration_finish(struct restoration *r, struct str credentials, struct fault *why)
{
	if (credentials.n > 0)
		TRY(key_file_write(r->dir_fd, credentials, r->dir, why));
	if (syncfs(r->dir_fd) != 0 || renameat(r->dir_fd, DATABASE_NEW, r->dir_fd, "tintype.db") != 0 || fsync(r->dir_fd) != 0 ||
		unlinkat(r->dir_fd, RESTORATION_NAME, 0) != 0 || fsync(r->dir_fd) != 0)
		return io_fault_start(why, errno, "finish the files in", r->dir);
	return OK;
}

void restoration_free(struct restoration **at)
{
	struct restoration *r = *at;

	*at = NULL;
	if (r == NULL)
		return;
	tree_close(&r->tree);
	io_close(r->lock_fd);
	io_close(r->dir_fd);
	mem_free(r);
}
