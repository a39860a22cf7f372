/* A child process that emulates DynamoDB. The kernel chooses the port, which is closed just before the
 * child opens it; if another program takes it first, the child ends and another port is tried. */
#include "aws/emulator.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define STARTS_WITHIN_MS 60000
#define PORTS_TRIED 5

static int listen_anywhere(struct sockaddr_in *at)
{
	socklen_t n = sizeof *at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int error = fd < 0 || bind(fd, (struct sockaddr *)at, n) || getsockname(fd, (struct sockaddr *)at, &n);
	assert(!error);
	return fd;
}

static void become(const char *port)
{
	int nowhere = open("/dev/null", O_RDWR);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(nowhere, 0), dup2(nowhere, 1), dup2(nowhere, 2);
	execlp("node", "node", "test/npm/node_modules/dynalite/cli.js", "--host", "127.0.0.1", "--port", port, "--createTableMs", "5",
		"--deleteTableMs", "5", (char *)NULL);
	_exit(127);
}

static bool accepts(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof *at) == 0;
	close(fd);
	return there;
}

/* false: the child ended. */
static bool wait_for(struct emulator *e, const struct sockaddr_in *at)
{
	int64_t ends_ms = clock_mono_ms() + STARTS_WITHIN_MS;
	while (!accepts(at)) {
		int how;
		if (waitpid(e->pid, &how, WNOHANG) == e->pid)
			return false;
		assert(clock_mono_ms() < ends_ms);
		poll(NULL, 0, 20);
	}
	return true;
}

static bool try_start(struct emulator *e)
{
	struct sockaddr_in at;
	char port[8];
	int fd = listen_anywhere(&at);
	e->port = ntohs(at.sin_port);
	snprintf(port, sizeof port, "%u", e->port);
	snprintf(e->url, sizeof e->url, "http://127.0.0.1:%u", e->port);
	close(fd);
	e->pid = fork();
	assert(e->pid >= 0);
	if (e->pid == 0)
		become(port);
	return wait_for(e, &at);
}

void emulator_start(struct emulator *e)
{
	for (unsigned i = 0; i < PORTS_TRIED; i++)
		if (try_start(e))
			return;
	fprintf(stderr, "dynalite cannot be started; tools/deps test installs it\n");
	abort();
}

void emulator_stop(struct emulator *e)
{
	int how;
	kill(e->pid, SIGKILL);
	waitpid(e->pid, &how, 0);
	e->pid = 0;
}
