/* Signals by handlers that write to an eventfd, rather than by a signalfd: other modules have threads
 * of their own from before the server runs, and a signal that only one thread has blocked would end
 * the process on another. The handler does what is async-signal-safe, no more. */
#include "http/server/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

static const int caught[] = { SIGTERM, SIGINT, SIGPIPE };
static struct sigaction before[COUNT_OF(caught)];
static _Atomic int wake_fd = -1;
static _Atomic int seen;

static void on_signal(int signal)
{
	int error = errno;
	if (atomic_fetch_add(&seen, 1) > 0)
		_exit(128 + signal);
	uint64_t one = 1;
	if (write(wake_fd, &one, sizeof one) < 0)
		_exit(128 + signal);
	errno = error;
}

enum status signals_catch(int fd, struct fault *why)
{
	assert(fd >= 0);
	wake_fd = fd;
	atomic_store(&seen, 0);
	for (size_t i = 0; i < COUNT_OF(caught); i++) {
		struct sigaction action = { .sa_flags = SA_RESTART, .sa_handler = caught[i] == SIGPIPE ? SIG_IGN : on_signal };
		sigemptyset(&action.sa_mask);
		if (sigaction(caught[i], &action, &before[i]) != 0)
			return fault_set(why, INTERNAL, "The signal handlers could not be set");
	}
	return OK;
}

void signals_release(void)
{
	for (size_t i = 0; i < COUNT_OF(caught); i++)
		sigaction(caught[i], &before[i], NULL);
}
