/* tintype logs: the rotated files, oldest first, then current.jsonl, as base/log.h names them.
 *
 * The current file is opened before the directory is listed, so that a rotation in between shows a
 * file twice at most, and that one is recognized by its inode. Following polls five times a second:
 * when the current name is another file, what was rotated after the one we had is read first,
 * so that no line is missed however often it rotated. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "cli/log_filter.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CURRENT "current.jsonl"
#define LINE_MAX_BYTES (1u << 20)
#define NAME_BYTES 64
#define FILES_MAX 4096
#define LOOK_MS 200

struct log_reader {
	struct line_filter filter;
	bool json;
	int dir;
	int fd;          /* of the current file; -1: there is none yet */
	struct buf line; /* incomplete */
	struct buf shown;
};

static void show_one(struct log_reader *r, struct str line)
{
	buf_clear(&r->shown);
	if (line.n == 0 || !line_show(&r->shown, line, &r->filter))
		return;
	if (r->json) {
		if (show_bytes(line))
			show_bytes(STR("\n"));
		return;
	}
	show_line(stdout, "%.*s", STRF(buf_str(&r->shown)));
}

/* Read on to the end of the file as it is now. */
static void read_lines(struct log_reader *r, int fd)
{
	char piece[65536];
	ssize_t n;
	while ((n = read(fd, piece, sizeof piece)) > 0) {
		struct str rest = { piece, (size_t)n };
		while (rest.n > 0) {
			size_t end = str_find_char(rest, '\n');
			buf_put(&r->line, str_slice(rest, 0, end));
			if (end == rest.n)
				break;
			/* A line that long is not one of ours. */
			if (buf_ok(&r->line))
				show_one(r, buf_str(&r->line));
			buf_clear(&r->line);
			rest = str_slice(rest, end + 1, rest.n);
		}
	}
}

/* The file has ended for good: its last line may lack a line feed. */
static void close_log(struct log_reader *r)
{
	if (buf_ok(&r->line))
		show_one(r, buf_str(&r->line));
	buf_clear(&r->line);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

static int open_log(const struct log_reader *r, const char *name)
{
	return openat(r->dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

struct names {
	char (*p)[NAME_BYTES];
	size_t n;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The rotated files, oldest first. mem_free(names->p). */
static void list_rotated(const struct log_reader *r, struct names *names)
{
	*names = (struct names){ .p = mem_new(FILES_MAX, NAME_BYTES) };
	int fd = openat(r->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 || names->p == NULL ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	for (struct dirent *e = readdir(dir); e != NULL && names->n < FILES_MAX; e = readdir(dir)) {
		struct str name = str_of(e->d_name);
		if (name.n < NAME_BYTES && str_starts_with(name, STR("log-")) && str_ends_with(name, STR(".jsonl")))
			(void)snprintf(names->p[names->n++], NAME_BYTES, "%.*s", STRF(name));
	}
	closedir(dir);
	if (names->n > 1)
		qsort(names->p, names->n, NAME_BYTES, by_name);
}

/* Where the names continue after the file `last`; 0 when it is not among them any more, for then all are newer. */
static size_t find_behind(const struct log_reader *r, const struct names *names, const struct stat *last)
{
	for (size_t i = 0; last != NULL && i < names->n; i++) {
		struct stat st;
		if (fstatat(r->dir, names->p[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&st, last))
			return i + 1;
	}
	return 0;
}

/* Read the rotated files after `last` (NULL: all), but not the one that is now open as the current. */
static void read_rotated(struct log_reader *r, const struct stat *last)
{
	struct names names;
	struct stat current = { 0 }, st;
	if (r->fd >= 0 && fstat(r->fd, &current) != 0)
		current = (struct stat){ 0 };
	list_rotated(r, &names);
	for (size_t i = find_behind(r, &names, last); i < names.n; i++) {
		int fd = open_log(r, names.p[i]);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(r->fd >= 0 && same_file(&st, &current)))
			read_lines(r, fd);
		close_log(r);
		close(fd);
	}
	mem_free(names.p);
}

/* Go over to a new current file, if there is one; whatever rotated in between comes first. */
static void follow_rotation(struct log_reader *r)
{
	struct stat ours, now;
	if (fstatat(r->dir, CURRENT, &now, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (r->fd < 0) {
		r->fd = open_log(r, CURRENT);
		return;
	}
	if (fstat(r->fd, &ours) != 0 || same_file(&ours, &now))
		return;
	read_lines(r, r->fd);
	close_log(r);
	int old = r->fd;
	r->fd = open_log(r, CURRENT);
	read_rotated(r, &ours);
	close(old);
}

static bool open_directory(struct log_reader *r, const struct options *o)
{
	struct buf path CLEANUP(buf_deinit) = { 0 };
	const char *data = o->data != NULL ? o->data : getenv("TINTYPE_DATA");
	buf_init(&path, 4096);
	buf_put(&path, data != NULL && *data != '\0' ? str_of(data) : STR("./data"));
	buf_put(&path, STR("/logs"));
	r->dir = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		show_line(stderr, "tintype logs: %s: %s; --data names the server's data directory", path.p, strerrordesc_np(errno));
	return r->dir >= 0;
}

int verb_logs(const struct options *o)
{
	assert(o != NULL);
	struct log_reader r = { .json = o->json, .fd = -1, .filter = { .grep = str_of(o->grep), .has_level = o->level != NULL } };
	if (o->level != NULL && !log_level_parse(str_of(o->level), &r.filter.level)) {
		show_line(stderr, "tintype logs: --level must be debug, info, warn or error, not '%s'", o->level);
		return 2;
	}
	r.filter.from_ms = o->since_ms > 0 ? clock_now_ms() - o->since_ms : 0;
	if (!open_directory(&r, o))
		return 1;
	buf_init(&r.line, LINE_MAX_BYTES);
	buf_init(&r.shown, 2 * LINE_MAX_BYTES);
	r.fd = open_log(&r, CURRENT);
	read_rotated(&r, NULL);
	if (r.fd >= 0)
		read_lines(&r, r.fd);
	while (o->follow && show_flush()) {
		struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
		nanosleep(&pause, NULL);
		follow_rotation(&r);
		if (r.fd >= 0)
			read_lines(&r, r.fd);
	}
	close_log(&r);
	if (r.fd >= 0)
		close(r.fd);
	close(r.dir);
	buf_deinit(&r.line);
	buf_deinit(&r.shown);
	return 0;
}
