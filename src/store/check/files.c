/* Files that nothing names: in objects/, in incoming/ and among the thumbnails.
 *
 * A directory is read first and the database after that. What was there and has no row then is looked for once more: a file whose
 * row was removed meanwhile is in the trash, or gone. */
#include "store/check/check.h"

#include "base/hash.h"
#include "base/clock.h"
#include "store/tables/images.h"
#include "store/files/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIR_FILES_MAX ((size_t)1 << 20)
/* While a server runs, a file that nothing was written to for so long is of no upload any more: it would have been cut off. */
#define WRITTEN_S (24 * 3600)
#define TEMPORARY "new-" /* of thumbnails, see store/thumbs.c */

/* The names in a directory, without hidden ones; n is 0 where it is gone. */
struct names {
	struct str *all;
	size_t n;
};

static int by_name(const void *x, const void *y)
{
	return str_compare(*(const struct str *)x, *(const struct str *)y);
}

static enum status add_name(struct arena *a, struct names *out, size_t *cap, const char *name, struct fault *why)
{
	if (out->n == *cap) {
		size_t more = *cap == 0 ? 256 : 2 * *cap;
		struct str *all = more > DIR_FILES_MAX ? NULL : arena_array(a, more, sizeof *all);
		if (all == NULL)
			return fault_too_much(why);
		if (out->n > 0)
			memcpy(all, out->all, out->n * sizeof *all);
		out->all = all;
		*cap = more;
	}
	out->all[out->n++] = str_of(str_cstr(a, str_of(name)));
	return fault_check_arena(a, why);
}

static enum status read_names(int parent, const char *name, struct arena *a, struct names *out, struct fault *why)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	enum status status = OK;
	size_t cap = 0;
	*out = (struct names){ 0 };
	if (dir == NULL) {
		int error = errno;
		io_close(fd);
		return error == ENOENT ? OK : io_fault(why, error, "read a directory");
	}
	errno = 0;
	for (const struct dirent *e = readdir(dir); e != NULL && status == OK; errno = 0, e = readdir(dir))
		if (e->d_name[0] != '.')
			status = add_name(a, out, &cap, e->d_name, why);
	if (status == OK && errno != 0)
		status = io_fault(why, errno, "read a directory");
	(void)closedir(dir);
	if (out->n > 0)
		qsort(out->all, out->n, sizeof *out->all, by_name);
	return status;
}

static const char *path_of(const struct check *c, const char *dir, struct str name)
{
	return str_cstr(c->arena, str_printf(c->arena, "%s/%.*s", dir, STRF(name)));
}

static bool is_there(const struct check *c, const char *path, struct stat *st)
{
	return path != NULL && fstatat(c->engine->dir_fd, path, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* objects/ */

/* Whether a row, or the trash, names a file. */
static enum status is_named(const struct check *c, uint64_t file, bool *named, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	TRY(read_pool_acquire(&c->engine->read_pool, &d, why));
	return db_step(d, DB_BIND(d, Q_CHECK_FILES, db_int((int64_t)file), db_int((int64_t)file)), named, why);
}

/* Those of one directory that are named, by their place in it. */
static enum status read_named(const struct check *c, uint64_t first, bool named[TREE_FILES_PER_DIR], struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;
	TRY(read_pool_acquire(&c->engine->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_CHECK_FILES, db_int((int64_t)first), db_int((int64_t)(first + TREE_FILES_PER_DIR - 1)));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			return OK;
		named[(uint64_t)sqlite3_column_int64(s, 0) - first] = true;
	}
}

/* Rename without replacing. Returns 0, or -1 with errno: EEXIST if the name is taken. */
static int rename_new(int dir, const char *from, const char *to)
{
	if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL) /* else a file system without that flag: a hard link does not replace either */
		return -1;
	return linkat(dir, from, dir, to, 0) == 0 ? unlinkat(dir, from, 0) : -1;
}

/* Move a file to quarantine/ under its name, or with .1 and so on if a file of another folder or of an earlier repair has that name. */
static enum status move_aside(const struct check *c, const char *path, struct str name, struct fault *why)
{
	int dir = c->engine->dir_fd;
	if (mkdirat(dir, "quarantine", 0700) != 0 && errno != EEXIST)
		return io_fault(why, errno, "make quarantine/");
	for (unsigned n = 0;; n++) {
		struct str free_name = n == 0 ? name : str_printf(c->arena, "%.*s.%u", STRF(name), n);
		const char *to = path_of(c, "quarantine", free_name);
		TRY(fault_check_arena(c->arena, why));
		if (rename_new(dir, path, to) == 0 || errno == ENOENT)
			return OK;
		if (errno != EEXIST)
			return io_fault(why, errno, "move a file to quarantine/");
	}
}

/* Both names of what was moved: a file system without a journal may lose the file otherwise. */
static enum status sync_moved(const struct check *c, const char *from, struct fault *why)
{
	const char *const dirs[] = { "quarantine", from, "." };
	for (size_t i = 0; i < COUNT_OF(dirs); i++) {
		int fd = openat(c->engine->dir_fd, dirs[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || local_io.fsync(fd) != 0) {
			enum status status = io_fault(why, errno, "sync quarantine/");
			io_close(fd);
			return status;
		}
		io_close(fd);
	}
	return OK;
}

static enum status report_unnamed(const struct check *c, const char *dir, struct str name, bool *moved, struct fault *why)
{
	const char *path = path_of(c, dir, name);
	struct stat st;
	TRY(fault_check_arena(c->arena, why));
	if (!is_there(c, path, &st))
		return OK;
	if (c->repair)
		TRY(move_aside(c, path, name, why));
	*moved = *moved || c->repair;
	check_report(c, FINDING_FILE_UNNAMED, str_of(path), str_printf(c->arena, "%llu bytes", (unsigned long long)st.st_size), c->repair);
	return fault_check_arena(c->arena, why);
}

static enum status examine_dir(const struct check *c, struct str name, const char *dir, bool *moved, struct fault *why)
{
	bool *named = arena_array(c->arena, TREE_FILES_PER_DIR, sizeof *named);
	const char *plain = str_cstr(c->arena, name);
	struct names files;
	uint64_t number = 0, file = 0;
	TRY(fault_check_arena(c->arena, why));
	bool ours = tree_parse_dir(plain, &number);
	TRY(read_names(c->engine->dir_fd, dir, c->arena, &files, why));
	if (ours)
		TRY(read_named(c, number * TREE_FILES_PER_DIR, named, why));
	for (size_t i = 0; i < files.n; i++) {
		bool numbered = ours && tree_parse_name(files.all[i].p, &file) && file / TREE_FILES_PER_DIR == number;
		bool known = numbered && named[file % TREE_FILES_PER_DIR];
		if (numbered && !known)
			TRY(is_named(c, file, &known, why));
		if (!known)
			TRY(report_unnamed(c, dir, files.all[i], moved, why));
	}
	return OK;
}

enum status check_objects_dir(const struct check *c, struct str name, struct fault *why)
{
	const char *dir = path_of(c, "objects", name);
	struct stat st;
	bool moved = false;
	TRY(fault_check_arena(c->arena, why));
	if (!is_there(c, dir, &st))
		return OK;
	bool is_dir = S_ISDIR(st.st_mode);
	TRY(is_dir ? examine_dir(c, name, dir, &moved, why) : report_unnamed(c, "objects", name, &moved, why));
	return moved ? sync_moved(c, is_dir ? dir : "objects", why) : OK;
}

enum status check_list_dirs(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why)
{
	struct names dirs;
	TRY(read_names(e->dir_fd, "objects", a, &dirs, why));
	struct str last = *after;
	*after = STR("");
	for (size_t i = 0; i < dirs.n; i++) {
		if (last.n > 0 && str_compare(dirs.all[i], last) <= 0)
			continue;
		if (page->n == CHECK_PAGE) {
			*after = dirs.all[i - 1];
			break;
		}
		page->names[page->n++] = STR_CONCAT(a, STR("objects/"), dirs.all[i]);
	}
	return fault_check_arena(a, why);
}

/* incoming/ */

static bool is_old(const struct stat *st)
{
	return st->st_mtim.tv_sec < clock_now_ms() / 1000 - WRITTEN_S;
}

/* Whether it can be of an upload that goes on. Without a server none does. */
static bool may_be_written(const struct check *c, const struct stat *st)
{
	return !is_old(st) && (!c->engine->beside || engine_in_use(c->engine->dir));
}

enum status check_incoming(const struct check *c, struct str name, struct fault *why)
{
	struct names files;
	struct stat st;
	(void)name;
	TRY(read_names(c->engine->tree.incoming_fd, ".", c->arena, &files, why));
	for (size_t i = 0; i < files.n; i++) {
		const char *path = path_of(c, "incoming", files.all[i]);
		uint64_t file = 0;
		bool named = false;
		TRY(fault_check_arena(c->arena, why));
		if (tree_parse_name(files.all[i].p, &file))
			TRY(is_named(c, file, &named, why));
		if (named || !is_there(c, path, &st) || may_be_written(c, &st))
			continue;
		if (c->repair && local_io.unlink(c->engine->dir_fd, path) != 0 && errno != ENOENT)
			return io_fault(why, errno, "remove a file left over in incoming/");
		check_report(c, FINDING_UPLOAD_LEFTOVER, str_of(path), STR(""), c->repair);
	}
	return OK;
}

/* thumbs/ */

static enum status has_image(const struct check *c, struct str id, bool *there, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	unsigned char packed[UUID_BYTES];
	*there = false;
	if (!uuid_to_bytes(id, packed))
		return OK;
	TRY(read_pool_acquire(&c->engine->read_pool, &d, why));
	return db_step(d, DB_BIND(d, Q_IMAGE_HEAD, db_uuid(packed)), there, why);
}

/* The size at the end of a thumbnail's file name. false: it is another file, which is left alone. */
static bool thumb_size(struct str name, uint64_t *size)
{
	size_t at = str_find_char(name, '@');
	return name.n > UUID_CHARS && uuid_valid(str_slice(name, 0, UUID_CHARS)) && name.p[UUID_CHARS] == '-' && at < name.n &&
		str_to_u64(str_slice(name, at + 1, name.n), size);
}

static enum status check_thumb(const struct check *c, const char *dir, struct str name, struct fault *why)
{
	const char *path = path_of(c, dir, name);
	enum finding_kind kind = FINDING_NONE;
	struct stat st;
	uint64_t size = 0;
	bool there = false;
	TRY(fault_check_arena(c->arena, why));
	if (!thumb_size(name, &size))
		return OK;
	TRY(has_image(c, str_slice(name, 0, UUID_CHARS), &there, why));
	if (!is_there(c, path, &st))
		return OK;
	if (!there)
		kind = FINDING_THUMBNAIL_ORPHAN;
	else if ((uint64_t)st.st_size != size)
		kind = FINDING_THUMBNAIL_CUT;
	if (kind == FINDING_NONE)
		return OK;
	if (c->repair && local_io.unlink(c->engine->dir_fd, path) != 0 && errno != ENOENT)
		return io_fault(why, errno, "remove a thumbnail");
	check_report(c, kind, str_of(path), STR(""), c->repair);
	return OK;
}

/* A file under a temporary name is renamed within moments. */
static enum status check_temporary(const struct check *c, struct str name, struct fault *why)
{
	const char *path = path_of(c, "thumbs", name);
	struct stat st;
	TRY(fault_check_arena(c->arena, why));
	if (!str_starts_with(name, STR(TEMPORARY)) || !is_there(c, path, &st) || !is_old(&st))
		return OK;
	if (c->repair && local_io.unlink(c->engine->dir_fd, path) != 0 && errno != ENOENT)
		return io_fault(why, errno, "remove a thumbnail");
	check_report(c, FINDING_THUMBNAIL_CUT, str_of(path), STR(""), c->repair);
	return OK;
}

enum status check_thumbs(const struct check *c, struct str name, struct fault *why)
{
	const char *dir = name.n > 0 ? path_of(c, "thumbs", name) : "thumbs";
	struct names files;
	TRY(fault_check_arena(c->arena, why));
	TRY(read_names(c->engine->dir_fd, dir, c->arena, &files, why));
	for (size_t i = 0; i < files.n; i++)
		TRY(name.n > 0 ? check_thumb(c, dir, files.all[i], why) : check_temporary(c, files.all[i], why));
	return OK;
}

enum status check_list_thumbs(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why)
{
	struct names dirs;
	TRY(read_names(e->dir_fd, "thumbs", a, &dirs, why));
	*after = STR("");
	page->names[page->n++] = STR("thumbs");
	for (size_t i = 0; i < dirs.n && page->n < CHECK_PAGE; i++)
		if (dirs.all[i].n == 2)
			page->names[page->n++] = STR_CONCAT(a, STR("thumbs/"), dirs.all[i]);
	return fault_check_arena(a, why);
}
