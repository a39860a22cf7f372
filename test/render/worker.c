/* See worker.h. */
#include "render/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors 3 and 4 of the child; both may lie there already. */
static void exec_worker(int socket, int window, const char *const argv[], const struct sock_fprog *filter)
{
	char *const environment[] = { NULL };
	int socket_copy = fcntl(socket, F_DUPFD, 10), window_copy = fcntl(window, F_DUPFD, 10);
	if (dup2(socket_copy, RENDER_SOCKET_FD) < 0 || dup2(window_copy, RENDER_WINDOW_FD) < 0)
		_exit(126);
	(void)close_range(RENDER_WINDOW_FD + 1, ~0U, 0);
	if (filter != NULL && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter) != 0))
		_exit(125);
	(void)execve(argv[0], (char *const *)argv, environment);
	_exit(127);
}

bool worker_start_filtered(struct worker *w, const char *const argv[], const struct sock_fprog *filter)
{
	int pair[2], window = memfd_create("window", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	unsigned char packet[RENDER_READY_BYTES];
	if (window < 0 || ftruncate(window, (off_t)WORKER_WINDOW_BYTES) != 0 ||
		fcntl(window, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		abort();
	w->window = mmap(NULL, WORKER_WINDOW_BYTES, PROT_READ, MAP_SHARED, window, 0);
	w->pid = fork();
	if (w->pid == 0)
		exec_worker(pair[1], window, argv, filter);
	if (w->pid < 0 || w->window == MAP_FAILED)
		abort();
	(void)close(pair[1]);
	(void)close(window);
	w->socket = pair[0];
	ssize_t n = recv(w->socket, packet, sizeof packet, 0);
	return n > 0 && render_decode_ready((struct str){ (const char *)packet, (size_t)n }, &w->ready);
}

bool worker_start(struct worker *w, const char *const argv[])
{
	return worker_start_filtered(w, argv, NULL);
}

bool worker_send(struct worker *w, const struct render_job *job, int fd)
{
	unsigned char packet[RENDER_JOB_BYTES];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof fd)];
	} control = { 0 };
	render_encode_job(job, packet);
	struct iovec piece = { packet, sizeof packet };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	*head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
	memcpy(CMSG_DATA(head), &fd, sizeof fd);
	return sendmsg(w->socket, &message, MSG_NOSIGNAL) == sizeof packet;
}

bool worker_receive(struct worker *w, const struct render_job *job, struct render_answer *out)
{
	unsigned char packet[RENDER_ANSWER_BYTES];
	ssize_t n = recv(w->socket, packet, sizeof packet, 0);
	return n > 0 && render_decode_answer((struct str){ (const char *)packet, (size_t)n }, job, out);
}

bool worker_run(struct worker *w, struct render_job *job, int fd, struct render_answer *out)
{
	static uint64_t number;
	struct stat st;
	if (fstat(fd, &st) != 0)
		abort();
	job->number = ++number;
	job->size_bytes = (uint64_t)st.st_size;
	return worker_send(w, job, fd) && worker_receive(w, job, out);
}

int worker_end(struct worker *w)
{
	int status;
	(void)close(w->socket);
	(void)munmap(w->window, WORKER_WINDOW_BYTES);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

struct render_job worker_job(enum render_kind kind, unsigned ops)
{
	struct render_job job = { .ops = (uint8_t)ops,
		.kind = (uint8_t)kind,
		.max_frames = 10000,
		.max_pixels = 1 << 26,
		.max_area = 200000000,
		.max_memory = (uint64_t)384 << 20,
		.max_output = WORKER_WINDOW_BYTES };
	if (ops & RENDER_THUMB) {
		job.presets = 1;
		job.preset[0] =
			(struct render_preset){ .width = 512, .height = 512, .fit = RENDER_FIT, .format = RENDER_TO_WEBP, .quality = 80, .effort = 2 };
	}
	return job;
}
