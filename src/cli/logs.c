/* tintype logs: the rotated files, oldest first, then current.jsonl, as base/log/log.h names them.
 *
 * The current file is opened before the directory is listed, so that a rotation in between shows a
 * file twice at most, and that one is recognized by its inode. Following polls five times a second:
 * when the current name is another file, what was rotated after the one we had is read first,
 * so that no line is missed however often it rotated. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/log/file.h"
#include "base/mem.h"
#include "cli/log_filter.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES (1u << 20)
#define POLL_MS 200

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
	static const enum show_style styles[] = {
		[LOG_DEBUG] = SHOW_FAINT, [LOG_INFO] = SHOW_PLAIN, [LOG_WARN] = SHOW_YELLOW, [LOG_ERROR] = SHOW_RED
	};
	enum log_level level;
	buf_clear(&r->shown);
	if (line.n == 0 || !line_show(&r->shown, line, &r->filter))
		return;
	if (!log_line_level(line, &level))
		level = LOG_INFO;
	if (r->json) {
		if (show_bytes(line))
			show_bytes(STR("\n"));
		return;
	}
	show_styled(stdout, styles[level], "%.*s", STRF(buf_str(&r->shown)));
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
			/* The server writes no line of that length. */
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

/* Where the names continue after the file `last`; 0 when it is not among them any more, for then all are newer. */
static int find_after(const struct log_reader *r, struct dirent *const *names, int n, const struct stat *last)
{
	for (int i = 0; last != NULL && i < n; i++) {
		struct stat st;
		if (fstatat(r->dir, names[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && same_file(&st, last))
			return i + 1;
	}
	return 0;
}

/* Read the rotated files after `last` (NULL: all), but not the one that is now open as the current. */
static void read_rotated(struct log_reader *r, const struct stat *last)
{
	struct dirent **names = NULL;
	struct stat current = { 0 }, st;
	if (r->fd >= 0 && fstat(r->fd, &current) != 0)
		current = (struct stat){ 0 };
	int n = scandirat(r->dir, ".", &names, log_file_is_rotated, alphasort);
	for (int i = find_after(r, names, n, last); i < n; i++) {
		int fd = open_log(r, names[i]->d_name);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && !(r->fd >= 0 && same_file(&st, &current)))
			read_lines(r, fd);
		close_log(r);
		close(fd);
	}
	for (int i = 0; i < n; i++)
		mem_free(names[i]);
	mem_free(names);
}

/* Go over to a new current file, if there is one; whatever rotated in between comes first. */
static void follow_rotation(struct log_reader *r)
{
	struct stat ours, now;
	if (fstatat(r->dir, LOG_FILE_CURRENT, &now, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (r->fd < 0) {
		r->fd = open_log(r, LOG_FILE_CURRENT);
		return;
	}
	if (fstat(r->fd, &ours) != 0 || same_file(&ours, &now))
		return;
	read_lines(r, r->fd);
	close_log(r);
	int old = r->fd;
	r->fd = open_log(r, LOG_FILE_CURRENT);
	read_rotated(r, &ours);
	close(old);
}

static enum status open_directory(struct log_reader *r, const struct options *o, struct fault *why)
{
	struct buf path CLEANUP(buf_deinit) = { 0 };
	const char *data = o->data != NULL ? o->data : getenv("TINTYPE_DATA");
	buf_init(&path, 4096);
	buf_put(&path, data != NULL && *data != '\0' ? str_of(data) : STR("./data"));
	buf_put(&path, STR("/logs"));
	r->dir = open(path.p, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return fault_set(why, STORAGE_FAILED, "%s: %s; --data names the server's data directory", path.p, strerrordesc_np(errno));
	return OK;
}

enum status verb_logs(const struct options *o, struct remote *none, struct fault *why)
{
	assert(o != NULL);
	struct log_reader r = { .json = o->json, .fd = -1, .filter = { .grep = str_of(o->grep), .has_level = o->level != NULL } };
	if (o->level != NULL && !log_level_parse(str_of(o->level), &r.filter.level))
		return fault_set(why, BAD_SETTING, "--level must be debug, info, warn or error, not '%s'", o->level);
	r.filter.from_ms = o->since_ms > 0 ? clock_now_ms() - o->since_ms : 0;
	TRY(open_directory(&r, o, why));
	buf_init(&r.line, LINE_MAX_BYTES);
	buf_init(&r.shown, 2 * LINE_MAX_BYTES);
	r.fd = open_log(&r, LOG_FILE_CURRENT);
	read_rotated(&r, NULL);
	if (r.fd >= 0)
		read_lines(&r, r.fd);
	while (o->follow && show_flush()) {
		struct timespec pause = { .tv_nsec = POLL_MS * 1000000 };
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
	return OK;
}
