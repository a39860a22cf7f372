/* A process in the renderer's sandbox that tries one thing, for sandbox_test.c: sandbox_probe NAME. It reports over
 * descriptor 3 what it could do: its layers, whether the root is empty, then nothing more if the filter ends it. Built
 * without sanitizers, as the renderer is. */
#include "render/sandbox/sandbox.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void try_open(void)
{
	(void)!open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static void try_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	(void)connect(RENDER_SOCKET_FD, (struct sockaddr *)&address, sizeof address);
}

static void try_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void try_fork(void)
{
	(void)syscall(SYS_clone, 0, 0, 0, 0, 0);
}

static void try_exec(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
}

static void try_write(void)
{
	(void)!write(RENDER_SOCKET_FD, "x", 1);
}

static void try_mmap(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void try_mprotect(void)
{
	(void)mprotect((void *)0x10000, 4096, PROT_EXEC);
}

static void try_kill(void)
{
	(void)syscall(SYS_kill, 1, 0);
}

static void try_ptrace(void)
{
	(void)syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void try_io_uring(void)
{
	(void)syscall(425, 1, NULL);
}

static void try_send_elsewhere(void)
{
	(void)send(RENDER_WINDOW_FD, "x", 1, 0);
}

#if defined __x86_64__
/* The same kernel, by the two doors that a filter can forget: calls of x32 and of 32-bit programs. */
static void try_x32(void)
{
	(void)syscall(0x40000000 + SYS_getpid);
}

static void try_32_bit(void)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
}
#endif

static void try_nothing(void)
{
}

static const struct {
	const char *name;
	void (*attempt)(void);
} ATTEMPTS[] = {
	{ "open", try_open },
	{ "connect", try_connect },
	{ "socket", try_socket },
	{ "fork", try_fork },
	{ "exec", try_exec },
	{ "write", try_write },
	{ "mmap", try_mmap },
	{ "mprotect", try_mprotect },
	{ "kill", try_kill },
	{ "ptrace", try_ptrace },
	{ "io_uring", try_io_uring },
	{ "send_elsewhere", try_send_elsewhere },
#if defined __x86_64__
	{ "x32", try_x32 },
	{ "32_bit", try_32_bit },
#endif
	{ "nothing", try_nothing },
};

int main(int argc, char **argv)
{
	unsigned char packet[RENDER_READY_BYTES];
	if (argc != 2 || !sandbox_limit(false))
		return 1;
	struct render_ready ready = { .layers = sandbox_isolate() };
	bool empty = access("/etc/passwd", F_OK) != 0 && access("/proc/self", F_OK) != 0;
	ready.window_bytes = empty;
	render_encode_ready(&ready, packet);
	if (!sandbox_filter() || send(RENDER_SOCKET_FD, packet, sizeof packet, 0) != (ssize_t)sizeof packet)
		return 2;
	for (size_t i = 0; i < COUNT_OF(ATTEMPTS); i++)
		if (strcmp(ATTEMPTS[i].name, argv[1]) == 0) {
			ATTEMPTS[i].attempt();
			_exit(0);
		}
	return 3;
}
