/* The log's file. current.jsonl grows to max_bytes and is then renamed to
 * log-<UTC time>-<number>.jsonl, as in log-20261122T073722Z-000.jsonl, so that names sort by time;
 * of these the newest `keep` stay. A file that was moved away is recreated.
 *
 * A full disk stops nothing: what was written of a line is cut off again, the lines are counted,
 * and the next append tries again. Only the log's writer thread is here. */
#include "base/log/file.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log/line.h"
#include "base/mem.h"
#include "base/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROTATED_NAME_MAX 48
#define NUMBERS 1000 /* rotations within one second that get names of their own */

static enum status make_dir(const char *path, struct fault *why)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return OK;
	int error = errno;
	enum status status = fault_set(why, STORAGE_FAILED, "The log directory cannot be created");
	fault_cause(why, "mkdir %s: %s", path, strerror(error));
	return status;
}

/* errno on failure. */
static bool open_current(struct log_file *f)
{
	struct stat st;
	char last;
	int fd = openat(f->dir_fd, LOG_FILE_CURRENT, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		errno = EINVAL;
		return false;
	}
	f->size_bytes = (uint64_t)st.st_size;
	/* Where the last writer died within a line, end it, so that ours begins on a line of its own. On a full disk the append
	 * will report it. */
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n' && write(fd, "\n", 1) == 1)
		f->size_bytes++;
	f->fd = fd;
	return true;
}

enum status log_file_open(struct log_file *f, const char *dir, uint64_t max_bytes, unsigned keep, struct fault *why)
{
	assert(f != NULL);
	assert(dir != NULL);
	char path[PATH_MAX];
	*f = (struct log_file){ .dir_fd = -1, .fd = -1, .max_bytes = max_bytes, .keep = keep };
	if ((size_t)snprintf(path, sizeof path, "%s/logs", dir) >= sizeof path)
		return fault_set(why, STORAGE_FAILED, "The name of the data directory is too long");
	TRY(make_dir(dir, why));
	TRY(make_dir(path, why));
	f->dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct file_rule rule = { .owner = geteuid(), .what = "log directory", .path = path };
	if (f->dir_fd >= 0 && file_check_private(f->dir_fd, &rule, why) != OK) {
		log_file_close(f);
		return IO;
	}
	if (f->dir_fd >= 0 && open_current(f))
		return OK;
	int error = errno;
	log_file_close(f);
	fault_set(why, STORAGE_FAILED, "The log file cannot be opened");
	fault_cause(why, "open %s/" LOG_FILE_CURRENT ": %s", path, strerror(error));
	return fault_status(F_STORAGE_FAILED);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void log_file_close(struct log_file *f)
{
	close_fd(&f->fd);
	close_fd(&f->dir_fd);
}

int log_file_is_rotated(const struct dirent *entry)
{
	struct str s = str_of(entry->d_name);
	return str_starts_with(s, STR("log-")) && str_ends_with(s, STR(".jsonl"));
}

/* Remove the oldest until `keep` are left. */
static void remove_oldest(const struct log_file *f)
{
	struct dirent **names = NULL;
	int n = scandirat(f->dir_fd, ".", &names, log_file_is_rotated, alphasort);
	for (int i = 0; i < n; i++) {
		if (n - i > (int)f->keep)
			(void)unlinkat(f->dir_fd, names[i]->d_name, 0);
		mem_free(names[i]);
	}
	mem_free(names);
}

static void rotate_file(struct log_file *f)
{
	char name[ROTATED_NAME_MAX], time[AMZ_DATE_CHARS + 1];
	clock_amz_date(clock_now_ms(), time);
	/* A name that is not taken; after NUMBERS in one second the last is taken again. */
	for (unsigned number = 0; number < NUMBERS; number++) {
		snprintf(name, sizeof name, "log-%s-%03u.jsonl", time, number);
		if (faccessat(f->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
			break;
	}
	if (renameat(f->dir_fd, LOG_FILE_CURRENT, f->dir_fd, name) != 0)
		return; /* continue in the same file; the next line tries again */
	close_fd(&f->fd);
	remove_oldest(f);
	open_current(f);
}

/* The longest run of whole lines within max bytes, but one line at least. */
static struct str lines_within(struct str lines, uint64_t max)
{
	size_t end = str_find_char(lines, '\n') + 1;
	while (end < lines.n) {
		size_t next = end + str_find_char(str_slice(lines, end, lines.n), '\n') + 1;
		if (next > max)
			break;
		end = next;
	}
	return str_slice(lines, 0, end);
}

static void count_lost(struct log_file *f, struct str lines)
{
	size_t n = log_lines(lines);
	f->missed += n;
	metric_add(M_LOG_LINES_DROPPED, (int64_t)n);
}

/* How many bytes of whole lines got there; after them the file is cut. */
static size_t write_whole_lines(struct log_file *f, struct str lines)
{
	size_t done = 0;
	while (done < lines.n) {
		ssize_t n = write(f->fd, lines.p + done, lines.n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	size_t whole = done;
	while (whole > 0 && lines.p[whole - 1] != '\n')
		whole--;
	f->size_bytes += whole;
	if (whole < done && ftruncate(f->fd, (off_t)f->size_bytes) != 0)
		close_fd(&f->fd); /* opened again, the torn line is ended */
	return whole;
}

void log_file_append(struct log_file *f, struct str lines)
{
	assert(f != NULL);
	struct stat st;
	if (f->fd >= 0 && (fstat(f->fd, &st) != 0 || st.st_nlink == 0))
		close_fd(&f->fd); /* the name is that of another file now, or of none */
	if (f->fd < 0 && (f->dir_fd < 0 || !open_current(f))) {
		count_lost(f, lines);
		return;
	}
	if (f->missed > 0) {
		/* Report what is missing, once there is room for it. */
		char memory[256];
		struct buf line;
		buf_init_fixed(&line, memory, sizeof memory);
		log_line_write_dropped(&line, "file", f->missed);
		if (f->fd >= 0 && write_whole_lines(f, buf_str(&line)) == line.n)
			f->missed = 0;
	}
	while (lines.n > 0) {
		uint64_t room = f->max_bytes > f->size_bytes ? f->max_bytes - f->size_bytes : 0;
		struct str piece = lines_within(lines, room);
		if (piece.n > room && f->size_bytes > 0) {
			rotate_file(f);
			piece = lines_within(lines, f->max_bytes);
		}
		size_t whole = f->fd >= 0 ? write_whole_lines(f, piece) : 0;
		if (whole < piece.n)
			count_lost(f, str_slice(piece, whole, piece.n));
		lines = str_slice(lines, piece.n, lines.n);
	}
}
