/* stderr may be a pipe that is not read, and its open file description is shared with the parent
 * process: O_NONBLOCK would be set there too. So a pipe or a terminal is opened a
 * second time through /proc, as a separate description; a socket is written with MSG_DONTWAIT.
 * Where neither works a write follows a poll and is at most PIPE_BUF bytes, which is what a
 * pipe takes whole when poll says it is writable.
 *
 * What cannot be written waits in a bounded buffer. Only the log's writer thread is here. */
#include "base/log/stderr.h"
#include "base/clock.h"
#include "base/log/line.h"
#include "base/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PENDING_MAX ((size_t)1 << 20)
#define KEEP_MEMORY ((size_t)64 << 10)
#define DROPPED_LINE_MAX 256

void log_stderr_open(struct log_stderr *e, int fd)
{
	assert(e != NULL);
	struct stat st;
	char path[64];
	*e = (struct log_stderr){ .fd = fd, .kind = STDERR_SHARED };
	buf_init(&e->pending, PENDING_MAX);
	if (fstat(fd, &st) != 0)
		return;
	if (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode)) {
		e->kind = S_ISREG(st.st_mode) ? STDERR_FILE : STDERR_SOCKET;
		return;
	}
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0)
		return;
	e->fd = own;
	e->kind = STDERR_REOPENED;
}

static bool wait_writable(int fd, int64_t ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	return poll(&p, 1, (int)ms) == 1;
}

/* write(), or -1 with EAGAIN where it would wait. */
static ssize_t write_some(const struct log_stderr *e, struct str s)
{
	switch (e->kind) {
	case STDERR_FILE:
	case STDERR_REOPENED:
		return write(e->fd, s.p, s.n);
	case STDERR_SOCKET:
		return send(e->fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case STDERR_SHARED:
		errno = EAGAIN;
		return wait_writable(e->fd, 0) ? write(e->fd, s.p, s.n < PIPE_BUF ? s.n : PIPE_BUF) : -1;
	}
	return -1;
}

static void count_lost(struct log_stderr *e, size_t lines)
{
	e->missed += lines;
	metric_add(M_LOG_LINES_DROPPED, (int64_t)lines);
}

/* What is queued will never be read. A log.dropped line among it is not counted as a line: what it reported
 * is unreported again. */
static void drop_pending(struct log_stderr *e)
{
	bool not_given = e->written < e->given_bytes;
	size_t from = not_given ? e->given_bytes : e->written;
	count_lost(e, log_lines(str_slice(buf_str(&e->pending), from, e->pending.n)));
	e->missed += not_given ? e->given : 0;
}

void log_stderr_close(struct log_stderr *e)
{
	drop_pending(e);
	if (e->kind == STDERR_REOPENED)
		close(e->fd);
	buf_deinit(&e->pending);
	*e = (struct log_stderr){ .fd = -1 };
}

bool log_stderr_push(struct log_stderr *e)
{
	assert(e != NULL);
	while (e->written < e->pending.n) {
		ssize_t n = write_some(e, str_slice(buf_str(&e->pending), e->written, e->pending.n));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0) {
			drop_pending(e);
			break;
		}
		e->written += (size_t)n;
	}
	e->written = e->given_bytes = 0;
	buf_reset(&e->pending, KEEP_MEMORY);
	return true;
}

/* Append what fits as a whole. false: nothing was appended. */
static bool add_pending(struct log_stderr *e, struct str s)
{
	if (s.n > PENDING_MAX - e->pending.n)
		return false;
	size_t before = e->pending.n;
	buf_put(&e->pending, s);
	if (buf_ok(&e->pending))
		return true;
	e->pending.bad = false; /* memory failed; what was in it is whole */
	e->pending.n = before;
	return false;
}

void log_stderr_append(struct log_stderr *e, struct str lines)
{
	assert(e != NULL);
	char memory[DROPPED_LINE_MAX];
	struct buf line;
	log_stderr_push(e);
	if (e->missed > 0 && e->pending.n == 0) {
		/* Report what is missing. While something waits no line may follow yet. */
		buf_init_fixed(&line, memory, sizeof memory);
		log_line_write_dropped(&line, "stderr", e->missed);
		if (add_pending(e, buf_str(&line))) {
			e->given = e->missed;
			e->given_bytes = line.n;
			e->missed = 0;
		}
	}
	if (e->missed > 0 || !add_pending(e, lines))
		count_lost(e, log_lines(lines));
	log_stderr_push(e);
}

bool log_stderr_drain(struct log_stderr *e, int64_t wait_ms)
{
	assert(e != NULL);
	int64_t deadline = clock_mono_ms() + wait_ms;
	while (!log_stderr_push(e)) {
		int64_t left = deadline - clock_mono_ms();
		if (left <= 0 || !wait_writable(e->fd, left))
			return false;
	}
	return true;
}
