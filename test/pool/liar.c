/* In place of tintype-render: it says READY, and answers as the first byte of the picture says, or the argument of one byte. */
#include "pool/liar.h"
#include "render/protocol.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char receive_job(struct render_job *job)
{
	unsigned char packet[RENDER_JOB_BYTES];
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec piece = { packet, sizeof packet };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	char how = 0;
	int fd;
	ssize_t n = recvmsg(RENDER_SOCKET_FD, &message, 0);
	if (n <= 0 || CMSG_FIRSTHDR(&message) == NULL || !render_decode_job((struct str){ (const char *)packet, (size_t)n }, job))
		_exit(0);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
	if (pread(fd, &how, 1, 0) != 1 || (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		how = 'd'; /* the picture must not be writable */
	(void)close(fd);
	return how;
}

/* As one of several programs that share a processor: four times as long as it takes. */
static void work_slowly(void)
{
	struct timespec used;
	long begun_ms, used_ms;
	do {
		(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
		begun_ms = used.tv_sec * 1000 + used.tv_nsec / 1000000;
		do {
			(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
			used_ms = used.tv_sec * 1000 + used.tv_nsec / 1000000;
		} while (used_ms - begun_ms < 5);
		(void)nanosleep(&(struct timespec){ .tv_nsec = 15000000 }, NULL);
	} while (used_ms < LIAR_WORK_MS);
}

static void answer_job(const struct render_job *job, char how)
{
	unsigned char reply[4 * RENDER_ANSWER_BYTES] = { 0 };
	size_t n = RENDER_ANSWER_BYTES;
	struct render_answer answer = { .number = job->number + (how == 'n'), .width = 1, .height = 1, .frames = 1 };
	if (how == 't') { /* a thumbnail behind the window */
		answer.presets = 1;
		answer.thumb[0] = (struct render_thumb){ .offset = job->max_output - 10, .length = 20, .width = 1, .height = 1 };
	}
	render_encode_answer(&answer, reply);
	if (how == 'g')
		memset(reply, 0xa5, sizeof reply);
	if (how == 's')
		n = 3;
	if (how == 'l')
		n = sizeof reply;
	if (how == 'd')
		_exit(3);
	if (how == 'h')
		pause();
	if (how == 'w')
		work_slowly();
	if (send(RENDER_SOCKET_FD, reply, n, 0) < 0 || (how == '2' && send(RENDER_SOCKET_FD, reply, n, 0) < 0))
		_exit(1);
}

int main(int argc, char **argv)
{
	struct stat st;
	unsigned char packet[RENDER_READY_BYTES];
	if (fstat(RENDER_WINDOW_FD, &st) != 0 || ftruncate(RENDER_WINDOW_FD, 1) == 0)
		return 1; /* the window must not shrink */
	render_encode_ready(&(struct render_ready){ .layers = RENDER_FILTERED, .window_bytes = (uint64_t)st.st_size }, packet);
	if (send(RENDER_SOCKET_FD, packet, sizeof packet, 0) < 0)
		return 1;
	for (;;) {
		struct render_job job;
		char how = receive_job(&job);
		answer_job(&job, argc > 1 && strlen(argv[1]) == 1 ? argv[1][0] : how);
	}
}
