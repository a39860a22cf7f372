/* tintype-render: decodes untrusted pictures for the server, one job after another, and can do nothing else.
 *
 *   tintype-render [filter=required|off] [memory=BYTES]
 *
 * It is started with an empty environment, a SOCK_SEQPACKET socket as descriptor 3 and the output window, a memfd with
 * sealed size, as descriptor 4. It maps its memory, lets the libraries do all that they do once, gives up its rights
 * (sandbox.h), says READY, and takes jobs (protocol.h) until the server closes its end. One thread; no clock: the server
 * keeps the time and ends a worker that takes too long. */
#include "render/job.h"
#include "render/sandbox/memory.h"
#include "render/sandbox/sandbox.h"
#include "render/warm_up.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_DEFAULT ((uint64_t)384 << 20)
#define MEMORY_MIN ((uint64_t)16 << 20)

struct render_options {
	bool filter;
	uint64_t memory_bytes;
};

static bool read_options(int argc, char **argv, struct render_options *out)
{
	*out = (struct render_options){ .filter = true, .memory_bytes = MEMORY_DEFAULT };
	for (int i = 1; i < argc; i++) {
		struct str value = str_of(argv[i]), name = str_cut(&value, '=');
		if (str_equal(name, STR("memory"))) {
			if (!str_to_u64(value, &out->memory_bytes) || out->memory_bytes < MEMORY_MIN)
				return false;
			continue;
		}
		out->filter = str_equal(value, STR("required"));
		if (!str_equal(name, STR("filter")) || (!out->filter && !str_equal(value, STR("off"))))
			return false;
	}
	return true;
}

/* The window as the server sealed it: else it could shrink under us, which is a bus error. */
static bool map_window(struct window *out)
{
	struct stat st;
	int seals = fcntl(RENDER_WINDOW_FD, F_GET_SEALS);
	if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || fstat(RENDER_WINDOW_FD, &st) != 0 || st.st_size <= 0)
		return false;
	void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, RENDER_WINDOW_FD, 0);
	*out = (struct window){ .bytes = bytes, .max = (size_t)st.st_size };
	return bytes != MAP_FAILED;
}

static bool send_packet(const unsigned char *bytes, size_t n)
{
	ssize_t sent;
	do
		sent = send(RENDER_SOCKET_FD, bytes, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n;
}

/* The next packet, and the descriptor that came with it; -1: none. 0: the server closed its end. */
static ssize_t receive_packet(unsigned char bytes[RENDER_JOB_BYTES], int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec piece = { bytes, RENDER_JOB_BYTES };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n;
	do
		n = recvmsg(RENDER_SOCKET_FD, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	const struct cmsghdr *head = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	*fd = -1;
	if (head != NULL && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof *fd))
		memcpy(fd, CMSG_DATA(head), sizeof *fd);
	return n;
}

/* A library that gets no memory may call the picture damaged. */
static void judge_memory(struct render_answer *answer)
{
	if (!memory_ran_out() || answer->verdict == RENDER_INTACT)
		return;
	answer->code = RENDER_TOO_MUCH_MEMORY;
	answer->verdict = RENDER_LIMIT;
	answer->presets = answer->hash_bytes = 0;
}

static enum render_exit serve_jobs(const struct window *whole, uint64_t memory_bytes)
{
	static struct input input;
	assert(whole->max > 0 && whole->used == 0);
	for (;;) {
		unsigned char packet[RENDER_JOB_BYTES], reply[RENDER_ANSWER_BYTES];
		struct render_job job;
		struct render_answer answer;
		int fd;
		ssize_t n = receive_packet(packet, &fd);
		if (n <= 0)
			return n == 0 ? RENDER_EXIT_OK : RENDER_EXIT_SOCKET;
		if (!render_decode_job((struct str){ (const char *)packet, (size_t)n }, &job) || fd < 0 || job.max_output > whole->max)
			return RENDER_EXIT_JOB;
		if (job.max_memory > memory_bytes)
			job.max_memory = memory_bytes;
		struct window window = { .bytes = whole->bytes, .max = job.max_output };
		input_init_fd(&input, fd, job.size_bytes);
		job_run(&job, &input, &window, &answer);
		judge_memory(&answer);
		(void)close(fd);
		render_encode_answer(&answer, reply);
		memory_reset();
		if (!send_packet(reply, sizeof reply))
			return RENDER_EXIT_SOCKET;
	}
}

int main(int argc, char **argv)
{
	struct render_options options;
	struct window window;
	unsigned char packet[RENDER_READY_BYTES];
	(void)clearenv(); /* libjpeg reads some variables */
	if (!read_options(argc, argv, &options))
		return RENDER_EXIT_USAGE;
	if (!sandbox_limit(!options.filter) || !map_window(&window) || !memory_map(options.memory_bytes))
		return RENDER_EXIT_SETUP;
	warm_up(&window);
	memory_mark();
	struct render_ready ready = { .layers = sandbox_isolate(), .window_bytes = window.max };
	if (options.filter && !sandbox_filter())
		return RENDER_EXIT_FILTER;
	ready.layers |= options.filter ? RENDER_FILTERED : 0U;
	render_encode_ready(&ready, packet);
	return (int)(send_packet(packet, sizeof packet) ? serve_jobs(&window, options.memory_bytes) : RENDER_EXIT_SOCKET);
}
