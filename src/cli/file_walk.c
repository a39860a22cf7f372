/* Directories are read through descriptors, each opened from the one above with O_NOFOLLOW, so that
 * a directory swapped for a link leads nowhere. */
#include "cli/file_walk.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/output.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 64
#define NAMES_MAX_BYTES ((size_t)1 << 30)

void walk_init(struct file_walk *w)
{
	assert(w != NULL);
	*w = (struct file_walk){ 0 };
	arena_init(&w->arena, NAMES_MAX_BYTES);
}

void walk_deinit(struct file_walk *w)
{
	mem_free(w->files);
	arena_deinit(&w->arena);
	*w = (struct file_walk){ 0 };
}

struct str walk_path(struct arena *a, const struct walk_file *f)
{
	assert(a != NULL);
	assert(f != NULL);
	size_t n = strlen(f->root);
	bool joined = f->below[0] == '\0' || (n > 0 && f->root[n - 1] == '/');
	return str_printf(a, "%s%s%s", f->root, joined ? "" : "/", f->below);
}

static void report_failure(struct file_walk *w, const struct walk_file *f, const char *reason)
{
	struct arena a CLEANUP(arena_deinit) = { 0 };
	arena_init(&a, 1u << 20);
	struct str path = walk_path(&a, f);
	show_styled(stderr, SHOW_RED, "%.*s: %s", STRF(path), reason);
	if (w->json) {
		json_t *line = json_pack("{s:o, s:b, s:s}", "file", show_json_text(path), "ok", 0, "error", reason);
		show_json(stdout, line);
		json_decref(line);
	}
	w->failed++;
}

void walk_report(struct file_walk *w, const char *root, const char *below, const char *reason)
{
	const struct walk_file f = { root, below, 0 };
	report_failure(w, &f, reason);
}

static void add_file(struct file_walk *w, const char *root, const char *below, off_t size)
{
	struct walk_file f = { root, below, (uint64_t)size };
	if (below == NULL) {
		show_line(stderr, "%s: too many files", root);
		w->failed++;
		return;
	}
	if (w->n == w->cap) {
		size_t cap = w->cap > 0 ? w->cap * 2 : 64;
		struct walk_file *files = mem_resize(w->files, cap, sizeof *files);
		if (files == NULL) {
			report_failure(w, &f, "no memory for more files");
			return;
		}
		w->files = files;
		w->cap = cap;
	}
	w->files[w->n++] = f;
	w->size_bytes += f.size_bytes;
}

static void add_directory(struct file_walk *w, const struct walk_file *at, int fd, unsigned depth);

/* Names that editors, browsers and programs which copy give to a file until it is whole. */
static bool is_unfinished(struct str name)
{
	static const char *const endings[] = { "~", ".part", ".crdownload", ".download", ".tmp", ".swp" };
	for (size_t i = 0; i < COUNT_OF(endings); i++)
		if (str_ends_with(name, str_of(endings[i])))
			return true;
	return str_starts_with(name, STR("."));
}

/* One entry of a directory: a file, a directory to go down, or what is ignored. */
static void add_entry(struct file_walk *w, const struct walk_file *at, int dir, const char *name, unsigned depth)
{
	struct str path = str_printf(&w->arena, "%s%s%s", at->below, at->below[0] != '\0' ? "/" : "", name);
	struct walk_file f = { at->root, path.p, 0 };
	struct stat st;
	if (w->skips_unfinished && is_unfinished(str_of(name)))
		return;
	if (path.p == NULL || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		report_failure(w, path.p == NULL ? at : &f, "cannot be read");
		return;
	}
	if (S_ISREG(st.st_mode)) {
		add_file(w, at->root, path.p, st.st_size);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		show_line(stderr, "%s/%s: skipped: it is %s", at->root, path.p, S_ISLNK(st.st_mode) ? "a link" : "not a regular file");
		return;
	}
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		report_failure(w, &f, strerrordesc_np(errno));
	else
		add_directory(w, &f, fd, depth + 1);
}

/* Takes fd. */
static void add_directory(struct file_walk *w, const struct walk_file *at, int fd, unsigned depth)
{
	struct fault why;
	if (w->enter != NULL && w->enter(w->enter_arg, at, fd, &why) != OK) {
		report_failure(w, at, why.text);
		close(fd);
		return;
	}
	DIR *dir = depth > DEPTH_MAX ? NULL : fdopendir(fd);
	if (dir == NULL) {
		report_failure(w, at, depth > DEPTH_MAX ? "directories are nested too deep" : strerrordesc_np(errno));
		close(fd);
		return;
	}
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			add_entry(w, at, fd, e->d_name, depth);
	closedir(dir);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct walk_file *)a)->below, ((const struct walk_file *)b)->below);
}

void walk_add(struct file_walk *w, const char *operand)
{
	assert(w != NULL);
	assert(operand != NULL);
	struct walk_file root = { operand, "", 0 };
	struct stat st;
	int fd = open(operand, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) != 0) {
		report_failure(w, &root, strerrordesc_np(errno));
		if (fd >= 0)
			close(fd);
		return;
	}
	size_t before = w->n;
	if (S_ISDIR(st.st_mode)) {
		add_directory(w, &root, fd, 0);
		if (w->n > before)
			qsort(w->files + before, w->n - before, sizeof *w->files, by_name);
		return;
	}
	close(fd);
	if (S_ISREG(st.st_mode))
		add_file(w, operand, "", st.st_size);
	else
		report_failure(w, &root, "is neither a file nor a directory");
}

/* Open `below`, a path of names under dir, without following a link anywhere. Closes dir. */
static int open_below(int dir, const char *below, int last_flags)
{
	for (struct str rest = str_of(below); rest.p != NULL && dir >= 0;) {
		char name[256];
		struct str part = str_cut(&rest, '/');
		int flags = rest.p != NULL ? O_DIRECTORY : last_flags;
		(void)snprintf(name, sizeof name, "%.*s", STRF(part));
		int next = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
		int error = errno;
		close(dir);
		errno = error;
		dir = next;
	}
	return dir;
}

enum status walk_add_stdin(struct file_walk *w, int *fd, struct fault *why)
{
	assert(w != NULL && fd != NULL);
	char piece[65536];
	FILE *copy = tmpfile();
	off_t size = 0;
	ssize_t n = 0;
	*fd = copy != NULL ? fcntl(fileno(copy), F_DUPFD_CLOEXEC, 3) : -1;
	if (copy != NULL)
		fclose(copy);
	while (*fd >= 0 && (n = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
		int error = file_write_all(*fd, (struct str){ piece, (size_t)n });
		if (error != 0)
			return fault_set(why, STORAGE_FAILED, "standard input cannot be copied to a temporary file: %s", strerrordesc_np(error));
		size += n;
	}
	if (*fd < 0 || n < 0)
		return fault_set(why, STORAGE_FAILED, "standard input cannot be read: %s", strerrordesc_np(errno));
	add_file(w, "-", "", size);
	return OK;
}

void walk_add_below(struct file_walk *w, const char *root, const char *below, const char *name)
{
	assert(w != NULL && root != NULL && below != NULL && name != NULL);
	const struct walk_file at = { root, below, 0 };
	struct stat st;
	size_t before = w->n;
	int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && below[0] != '\0')
		dir = open_below(dir, below, O_DIRECTORY);
	if (dir < 0)
		return;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		add_entry(w, &at, dir, name, 0);
	close(dir);
	if (w->n > before)
		qsort(w->files + before, w->n - before, sizeof *w->files, by_name);
}

enum status walk_open(const struct walk_file *f, int *fd, uint64_t *size_bytes, struct fault *why)
{
	assert(f != NULL);
	struct stat st;
	int opened = open(f->root, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (opened >= 0 && f->below[0] != '\0')
		opened = open_below(opened, f->below, O_NONBLOCK | O_NOCTTY);
	if (opened < 0)
		return fault_write(why, errno == ENOENT ? F_NO_SUCH_KEY : F_STORAGE_FAILED, "cannot be opened: %s", strerrordesc_np(errno));
	if (fstat(opened, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(opened);
		return fault_set(why, INVALID_INPUT, "is no longer a file");
	}
	*fd = opened;
	*size_bytes = (uint64_t)st.st_size;
	return OK;
}
