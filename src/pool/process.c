/* See process.h. The child gets a socket as descriptor 3 and the output window as 4, no environment, and a process group of
 * its own, so that a Ctrl-C in the terminal reaches the server alone, which lets requests finish. It is not reaped before it is
 * ended, so that its pid cannot be another's. */
#include "pool/process.h"

#include "base/clock.h"
#include "base/op_deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FD_LEAST 10                            /* above the child's, so that dup2 overwrites none of them */
#define PICTURE_KEPT_BYTES ((uint64_t)8 << 20) /* pages of the memfd that stay for the next job */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

/* Move a descriptor out of the way. -1: it fails, or was -1. */
static int lift_fd(int fd)
{
	if (fd < 0)
		return -1;
	int lifted = fcntl(fd, F_DUPFD_CLOEXEC, FD_LEAST);
	(void)close(fd);
	return lifted;
}

static int make_window(unsigned char **mapped)
{
	int fd = lift_fd(memfd_create("tintype-window", MFD_CLOEXEC | MFD_ALLOW_SEALING));
	if (fd >= 0 && ftruncate(fd, (off_t)PROCESS_WINDOW_BYTES) == 0 &&
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		void *bytes = mmap(NULL, PROCESS_WINDOW_BYTES, PROT_READ, MAP_SHARED, fd, 0);
		*mapped = bytes == MAP_FAILED ? NULL : bytes;
	}
	return fd;
}

static bool make_picture(struct process *p)
{
	char path[32];
	p->picture = lift_fd(memfd_create("tintype-picture", MFD_CLOEXEC));
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", p->picture);
	p->picture_read_only = p->picture < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	return p->picture_read_only >= 0;
}

static int spawn_child(pid_t *pid, const struct process_options *o, int socket, int window)
{
	char memory[32], *const environment[] = { NULL };
	char *const argv[] = { "tintype-render", o->sandbox ? "filter=required" : "filter=off", memory, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	(void)snprintf(memory, sizeof memory, "memory=%" PRIu64, o->memory_bytes);
	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawn_file_actions_init(&files) != 0 || posix_spawnattr_init(&attr) != 0)
		return ENOMEM;
	int error = posix_spawn_file_actions_adddup2(&files, socket, RENDER_SOCKET_FD);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, window, RENDER_WINDOW_FD);
	(void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&attr, 0);
	(void)posix_spawnattr_setsigmask(&attr, &none);
	(void)posix_spawnattr_setsigdefault(&attr, &all);
	if (error == 0)
		error = posix_spawn(pid, o->program, &files, &attr, argv, environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	return error;
}

/* The next packet within the time: its length, 0 when the other end is closed, -1 when the time is over. */
static ssize_t receive_packet(int socket, unsigned char *out, size_t max, int64_t until_ms)
{
	for (;;) {
		int64_t left = until_ms - clock_mono_ms();
		struct pollfd ready = { .fd = socket, .events = POLLIN };
		int n = poll(&ready, 1, left > 0 ? (int)left : 0);
		if (n == 0)
			return -1;
		if (n < 0 && errno != EINTR)
			return 0;
		ssize_t got = n < 0 ? -1 : recv(socket, out, max, MSG_DONTWAIT | MSG_TRUNC);
		if (got >= 0)
			return got;
		if (errno != EINTR && errno != EAGAIN)
			return 0;
	}
}

static enum status start_failed(struct process *p, const struct process_options *o, const char *what, struct fault *why)
{
	int status = process_end(p);
	if (WIFEXITED(status) && WEXITSTATUS(status) == RENDER_EXIT_FILTER)
		return fault_set(why, BAD_SETTING,
			"This system does not let tintype-render install its system-call filter, which confines what decodes pictures: "
			"start with --verify header, which decodes none, or with --render-sandbox off, which decodes them unconfined.");
	enum status end = fault_set(why, STORAGE_FAILED, "tintype-render, which decodes images, cannot be started.");
	fault_cause(why, "%s: %s, status %x", o->program, what, (unsigned)status);
	return end;
}

enum status process_start(struct process *p, const struct process_options *o, struct fault *why)
{
	assert(p != NULL && p->pid == 0);
	assert(o != NULL && o->program != NULL && o->job_ms > 0 && o->late_ms >= o->job_ms && o->ready_ms > 0);
	unsigned char packet[RENDER_READY_BYTES];
	int pair[2] = { -1, -1 };
	*p = (struct process){ .pidfd = -1, .socket = -1, .picture = -1, .picture_read_only = -1 };
	int window = make_window(&p->window);
	bool made = p->window != NULL && make_picture(p) && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0;
	p->socket = pair[0];
	int other = lift_fd(pair[1]);
	int error = made && other >= 0 ? spawn_child(&p->pid, o, other, window) : errno;
	close_fd(&other);
	close_fd(&window);
	if (error != 0 || !made) {
		p->pid = 0;
		return start_failed(p, o, strerror(error), why);
	}
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	ssize_t n = receive_packet(p->socket, packet, sizeof packet, clock_mono_ms() + o->ready_ms);
	if (n == sizeof packet && render_decode_ready((struct str){ (const char *)packet, sizeof packet }, &p->ready) &&
		p->ready.window_bytes == PROCESS_WINDOW_BYTES)
		return OK;
	return start_failed(p, o, n < 0 ? "it was not ready in time" : "it ended before it was ready", why);
}

static bool write_picture(const struct process *p, struct str bytes)
{
	for (size_t at = 0; at < bytes.n;) {
		ssize_t n = pwrite(p->picture, bytes.p + at, bytes.n - at, (off_t)at);
		if (n < 0 && errno != EINTR)
			return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

static bool send_job(const struct process *p, const struct render_job *packet, int fd)
{
	unsigned char bytes[RENDER_JOB_BYTES];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof fd)];
	} control = { 0 };
	render_encode_job(packet, bytes);
	struct iovec piece = { bytes, sizeof bytes };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	ssize_t sent;
	do
		sent = sendmsg(p->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)sizeof bytes;
}

int64_t process_used_ms(const struct process *p)
{
	clockid_t clock;
	struct timespec t;
	if (clock_getcpuclockid(p->pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_stopped(const struct process *p)
{
	siginfo_t found = { 0 };
	return waitid(P_PID, (id_t)p->pid, &found, WSTOPPED | WNOHANG | WNOWAIT) == 0 && found.si_pid == p->pid;
}

/* The length of the answer, 0 when the other end is closed, -1 when the time is over: of the processor (*slow), in all, or of the
 * thread (see op_deadline.h). */
static ssize_t receive_answer(const struct process *p, const struct process_options *o, unsigned char *out, size_t max, bool *slow)
{
	int64_t late_ms = op_deadline_clamp(clock_mono_ms() + o->late_ms), before_ms = process_used_ms(p), left_ms = o->job_ms;
	ssize_t n;
	do {
		n = receive_packet(p->socket, out, max, op_deadline_clamp(clock_mono_ms() + left_ms));
		left_ms = n >= 0 ? 0 : o->job_ms - (process_used_ms(p) - before_ms);
		*slow = left_ms <= 0;
	} while (left_ms > 0 && clock_mono_ms() < late_ms && !is_stopped(p));
	return n;
}

enum process_outcome process_run(struct process *p, const struct process_options *o, const struct renderer_job *job,
	struct render_job *packet, struct render_answer *out)
{
	assert(p != NULL && p->pid > 0);
	unsigned char bytes[RENDER_ANSWER_BYTES];
	bool own = job->fd < 0;
	packet->number = ++p->jobs;
	packet->size_bytes = own ? job->bytes.n : job->size_bytes;
	bool slow = false;
	if ((own && !write_picture(p, job->bytes)) || !send_job(p, packet, own ? p->picture_read_only : job->fd))
		return PROCESS_GONE;
	ssize_t n = receive_answer(p, o, bytes, sizeof bytes, &slow);
	if (own && job->bytes.n > PICTURE_KEPT_BYTES && ftruncate(p->picture, (off_t)PICTURE_KEPT_BYTES) != 0)
		return PROCESS_DIED;
	if (n <= 0)
		return n == 0 ? PROCESS_DIED : slow ? PROCESS_SLOW : PROCESS_LATE;
	bool valid = n == (ssize_t)sizeof bytes && render_decode_answer((struct str){ (const char *)bytes, sizeof bytes }, packet, out);
	return valid ? PROCESS_ANSWERED : PROCESS_INVALID;
}

int process_end(struct process *p)
{
	int status = 0;
	if (p->pid > 0) {
		if (p->pidfd < 0 || syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0) != 0)
			(void)kill(p->pid, SIGKILL);
		while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
			continue;
		close_fd(&p->pidfd);
	}
	if (p->window != NULL) {
		(void)munmap(p->window, PROCESS_WINDOW_BYTES);
		close_fd(&p->socket);
		close_fd(&p->picture);
		close_fd(&p->picture_read_only);
	}
	*p = (struct process){ .pidfd = -1, .socket = -1, .picture = -1, .picture_read_only = -1 };
	return status;
}
