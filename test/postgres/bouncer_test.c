/* The table behind PgBouncer in transaction mode, with fewer connections to the server than the table has: each transaction may use
 * another connection, where statements that were prepared before are not found. */
#include "fake/contract_table.h"
#include "postgres/fixture.h"

#include <arpa/inet.h>
#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned bouncer_port;

static struct sockaddr_in at_port(unsigned port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static unsigned free_port(void)
{
	struct sockaddr_in at = at_port(0);
	socklen_t n = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = bind(fd, (struct sockaddr *)&at, sizeof at) || getsockname(fd, (struct sockaddr *)&at, &n);
	assert(!failed);
	close(fd);
	return ntohs(at.sin_port);
}

static bool accepts(unsigned port)
{
	struct sockaddr_in at = at_port(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool there = connect(fd, (struct sockaddr *)&at, sizeof at) == 0;
	close(fd);
	return there;
}

static void write_settings(const char *path)
{
	FILE *f = fopen(path, "w");
	assert(f != NULL);
	fprintf(f,
		"[databases]\n* = host=%s port=%u user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = %u\nunix_socket_dir =\n"
		"auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\nlog_connections = 0\nlog_disconnections = 0\n",
		pg_server.dir, pg_server.port, bouncer_port);
	fclose(f);
}

/* Like PostgreSQL, PgBouncer refuses to run as root. */
static pid_t start_bouncer(void)
{
	char path[sizeof pg_server.dir + 16];
	const char *argv[] = { "setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "pgbouncer", "-q", path, NULL };
	const char **from = geteuid() == 0 ? argv : argv + 6;
	snprintf(path, sizeof path, "%s/bouncer.ini", pg_server.dir);
	bouncer_port = free_port();
	write_settings(path);
	pid_t pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(from[0], (char **)from);
		_exit(127);
	}
	while (!accepts(bouncer_port)) {
		if (waitpid(pid, NULL, WNOHANG) != 0) {
			fputs("PgBouncer cannot be started; tools/deps test installs it\n", stderr);
			abort();
		}
		(void)usleep(10000);
	}
	return pid;
}

static void make(struct contract_fixture *w, uint64_t max_pending)
{
	pg_fixture_databases = true;
	pg_fixture_make(w, max_pending);
	struct pg_fixture *p = w->own;
	snprintf(p->url, sizeof p->url, "postgres://postgres@127.0.0.1:%u/test%u", bouncer_port, pg_server.databases);
	p->options.url = str_of(p->url);
	pg_fixture_reopen(w);
}

int main(void)
{
	static const struct contract_maker maker = { "postgres behind pgbouncer", make, pg_fixture_reopen, pg_fixture_unmake };

	postgres_server_start(&pg_server, NULL);
	pid_t bouncer = start_bouncer();
	int failed = contract_table_pages(&maker);
	kill(bouncer, SIGKILL);
	waitpid(bouncer, NULL, 0);
	postgres_server_stop(&pg_server);
	return failed;
}
