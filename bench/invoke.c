/* Start a Lambda program as Lambda does, send it events, the lines of a file in turn, and time it.
 *
 *   invoke --event FILE --invocations N -- PROGRAM ARGUMENT ...
 *
 * One thread: it is the Runtime API on a port of its own, on as many connections as the program opens.
 * What is timed: from the start of the program to its first GET /next whole; from an event sent to its
 * response whole, for each, which must have statusCode 200, or no failures of a batch. After the last one the program's peak memory
 * is read and it is killed. Prints one JSON line; cpu_ms is the program's processor time, start and all,
 * over the number of invocations, init_cpu_ms that of the start, warm_cpu_ms that of an invocation in the second half. What the program has started counts too. The program's stdout is dropped, its stderr shown. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 65536
#define CONNECTIONS_MAX 8
#define FAMILY_MAX 8
#define SILENT_MS 30000
#define VERSION_PATH "/2018-06-01/runtime"

extern char **environ;

struct connection {
	int fd;
	size_t n;
	char bytes[REQUEST_MAX + 1];
};

static struct {
	char **events; /* each the whole answer to a GET /next; sent in turn */
	size_t n_events;
	size_t invocations, done;
	double *ms; /* of each invocation */
	double init_ms, begun, sent;
	double init_cpu_ms, half_cpu_ms; /* processor time until then, and until the first half was over */
	pid_t program;
	bool over;
	struct connection all[CONNECTIONS_MAX];
	size_t n;
} run = { .invocations = 1 };

static double now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void fail(const char *format, ...)
{
	va_list more;
	va_start(more, format);
	fputs("invoke: ", stderr);
	vfprintf(stderr, format, more);
	fputc('\n', stderr);
	va_end(more);
	if (run.program > 0)
		kill(run.program, SIGKILL);
	exit(1);
}

static char *answer_with(const char *event, size_t n)
{
	struct timespec t;
	char *answer;
	clock_gettime(CLOCK_REALTIME, &t);
	int length = asprintf(&answer,
		"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n"
		"Lambda-Runtime-Deadline-Ms: %lld\r\nLambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:Upload\r\n"
		"Content-Length: %zu\r\n\r\n%.*s",
		(long long)(t.tv_sec + 3600) * 1000, n, (int)n, event);
	if (length < 0)
		fail("out of memory");
	return answer;
}

/* An event is a line. */
static void read_events(const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	if (f == NULL)
		fail("cannot read %s", path);
	for (ssize_t n; (n = getline(&line, &size, f)) > 0;) {
		n -= line[n - 1] == '\n';
		run.events = reallocarray(run.events, run.n_events + 1, sizeof(*run.events));
		if (run.events == NULL)
			fail("out of memory");
		run.events[run.n_events++] = answer_with(line, (size_t)n);
	}
	free(line);
	fclose(f);
}

static int listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&at, size) != 0 || listen(fd, 16) != 0 || getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		fail("cannot listen on loopback");
	*port = ntohs(at.sin_port);
	return fd;
}

static void start(char **argv, uint16_t port)
{
	char address[32];
	posix_spawn_file_actions_t actions;
	snprintf(address, sizeof(address), "127.0.0.1:%d", port);
	setenv("AWS_LAMBDA_RUNTIME_API", address, 1);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	run.begun = now_ms();
	if (posix_spawnp(&run.program, argv[0], &actions, NULL, argv, environ) != 0)
		fail("cannot start %s", argv[0]);
	posix_spawn_file_actions_destroy(&actions);
}

static void put(struct connection *c, const char *bytes, size_t n)
{
	if (send(c->fd, bytes, n, MSG_NOSIGNAL) != (ssize_t)n)
		fail("the program does not read");
}

static double cpu_ms(pid_t process)
{
	clockid_t clock;
	struct timespec t;
	if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &t) != 0)
		return 0;
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The program, and its children that are there.  Returns how many. */
static size_t family(pid_t *of, size_t max)
{
	char path[64];
	size_t n = 1;
	of[0] = run.program;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)run.program, (int)run.program);
	FILE *f = fopen(path, "re");
	while (f != NULL && n < max && fscanf(f, "%d", &of[n]) == 1)
		n++;
	if (f != NULL)
		fclose(f);
	return n;
}

static double family_cpu_ms(void)
{
	pid_t of[FAMILY_MAX];
	double ms = 0;
	for (size_t i = family(of, FAMILY_MAX); i-- > 0;)
		ms += cpu_ms(of[i]);
	return ms;
}

/* The program asks for work: the first time it has started. */
static void next(struct connection *c)
{
	if (run.init_ms == 0) {
		run.init_ms = now_ms() - run.begun;
		run.init_cpu_ms = family_cpu_ms();
	}
	run.over = run.done == run.invocations;
	if (run.over)
		return;
	run.sent = now_ms();
	const char *event = run.events[run.done % run.n_events];
	put(c, event, strlen(event));
}

static void take_answer(struct connection *c, double at, const char *path)
{
	static const char accepted[] =
		"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"OK\"}";
	if (strncmp(path, "/invocation/", 12) != 0 || strstr(path, "/response") == NULL)
		fail("the program reports a failure: %s", c->bytes);
	if (strstr(path, "\"statusCode\":200") == NULL && strstr(path, "\"batchItemFailures\":[]") == NULL)
		fail("an answer is no success: %s", path);
	run.ms[run.done++] = at - run.sent;
	if (run.done == run.invocations / 2)
		run.half_cpu_ms = family_cpu_ms();
	put(c, accepted, sizeof(accepted) - 1);
}

/* The length of the request in the buffer, or 0 while it is not whole. */
static size_t whole_request(struct connection *c)
{
	c->bytes[c->n] = '\0';
	char *end = strstr(c->bytes, "\r\n\r\n");
	if (end == NULL)
		return 0;
	char *length = strcasestr(c->bytes, "\r\ncontent-length:");
	size_t body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
	size_t whole = (size_t)(end + 4 - c->bytes) + body;
	return whole <= c->n ? whole : 0;
}

/* One request at a time, as the Runtime API has it; false when the program closed this connection. */
static bool serve(struct connection *c)
{
	ssize_t got = recv(c->fd, c->bytes + c->n, REQUEST_MAX - c->n, 0);
	if (got <= 0)
		return false;
	c->n += (size_t)got;
	if (whole_request(c) == 0)
		return true;
	double at = now_ms();
	c->n = 0;
	if (strncmp(c->bytes, "GET " VERSION_PATH "/invocation/next ", strlen("GET " VERSION_PATH "/invocation/next ")) == 0)
		next(c);
	else if (strncmp(c->bytes, "POST " VERSION_PATH, strlen("POST " VERSION_PATH)) == 0)
		take_answer(c, at, c->bytes + strlen("POST " VERSION_PATH));
	else
		fail("the program asks for what there is not: %s", c->bytes);
	return true;
}

static void accept_one(int listener)
{
	int on = 1;
	if (run.n == CONNECTIONS_MAX)
		fail("the program opens too many connections");
	struct connection *c = &run.all[run.n++];
	*c = (struct connection){ .fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC) };
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void turn(int listener)
{
	struct pollfd watched[CONNECTIONS_MAX + 1] = { { .fd = listener, .events = POLLIN } };
	size_t n = run.n;
	for (size_t i = 0; i < n; i++)
		watched[i + 1] = (struct pollfd){ .fd = run.all[i].fd, .events = POLLIN };
	if (poll(watched, n + 1, SILENT_MS) <= 0)
		fail("nothing came from the program in %d s", SILENT_MS / 1000);
	for (size_t i = n; i-- > 0;) {
		if (watched[i + 1].revents == 0 || serve(&run.all[i]))
			continue;
		close(run.all[i].fd);
		run.all[i] = run.all[--run.n];
	}
	if (watched[0].revents != 0)
		accept_one(listener);
}

static long peak_kib(pid_t process)
{
	char path[64], line[256];
	long kib = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)process);
	FILE *f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
	return kib;
}

static long family_peak_kib(void)
{
	pid_t of[FAMILY_MAX];
	long kib = 0;
	for (size_t i = family(of, FAMILY_MAX); i-- > 0;)
		kib += peak_kib(of[i]);
	return kib;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The first half of the invocations warms the program up; the median is of the other. */
static void print_result(long kib, double used_ms)
{
	double first = run.ms[0];
	size_t from = run.invocations / 2, n = run.invocations - from;
	qsort(run.ms + from, n, sizeof(double), by_value);
	printf(
		"{\"init_ms\":%.3f,\"init_cpu_ms\":%.3f,\"first_ms\":%.3f,\"warm_ms\":%.4f,\"cpu_ms\":%.4f,\"warm_cpu_ms\":%.4f,\"peak_kib\":%ld}\n",
		run.init_ms, run.init_cpu_ms, first, run.ms[from + n / 2], used_ms / (double)run.invocations,
		(used_ms - run.half_cpu_ms) / (double)n, kib);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "event", 1, NULL, 'e' }, { "invocations", 1, NULL, 'n' }, { NULL, 0, NULL, 0 } };
	uint16_t port;
	for (int o; (o = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
		switch (o) {
		case 'e':
			read_events(optarg);
			break;
		case 'n':
			run.invocations = strtoul(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
	if (optind == argc || run.n_events == 0 || run.invocations == 0)
		fail("usage: invoke --event FILE --invocations N -- PROGRAM ARGUMENT ...");
	run.ms = calloc(run.invocations, sizeof(double));
	if (run.ms == NULL)
		fail("out of memory");
	int listener = listen_on_loopback(&port);
	start(argv + optind, port);
	while (!run.over)
		turn(listener);
	print_result(family_peak_kib(), family_cpu_ms());
	kill(run.program, SIGKILL);
	waitpid(run.program, NULL, 0);
	return 0;
}
