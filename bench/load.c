/* The load generator: one thread, epoll, N keep-alive connections, each sending its next request as
 * soon as the response to the last one is whole. Targets come from a file made before the run, one a
 * line, followed by its own headers, each after a tab; each is used once (or repeatedly with
 * --repeat), so that nothing is signed while measuring.
 * Bodies of responses are read and discarded. Prints one JSON line.
 *
 *   load --port P --connections N --seconds S --targets FILE [--repeat] [--method M]
 *        [--header "Name: value"] ... [--body FILE] [--host H] [--max-seconds S] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HEAD_MAX 16384
#define CONNECTIONS_MAX 4096
#define SAMPLES_MAX (1 << 22)
#define SINK_BYTES ((size_t)256 * 1024)

struct connection {
	int fd;
	char *out; /* head of the request, then the body is sent from the shared buffer */
	size_t out_len, sent;
	char head[HEAD_MAX];
	size_t head_len;
	bool in_body, close;
	uint64_t body_left;
	int status;
	double begun;
};

static struct {
	int port, connections;
	double seconds;
	const char *method, *host, *headers;
	bool repeat;
	char *targets, *next_target;
	char *body;
	size_t body_len;
	int epoll;
	uint64_t done, errors, bytes, by_status[600];
	float *samples;
	char sink[SINK_BYTES]; /* bodies of answers are read, as any client would, and forgotten */
	struct connection *all;
} load = { .connections = 64, .seconds = 5, .method = "GET", .host = "127.0.0.1", .headers = "" };

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static char *read_file(const char *path, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	char *p = malloc((size_t)st.st_size + 1);
	for (*n = 0; *n < (size_t)st.st_size;) {
		ssize_t got = read(fd, p + *n, (size_t)st.st_size - *n);
		if (got <= 0)
			die(path);
		*n += (size_t)got;
	}
	p[*n] = '\0';
	close(fd);
	return p;
}

/* The next target, or NULL when all are used. */
static char *next_target(size_t *n)
{
	if (*load.next_target == '\0') {
		if (!load.repeat)
			return NULL;
		load.next_target = load.targets;
	}
	char *line = load.next_target;
	*n = strcspn(line, "\n");
	load.next_target = line + *n + (line[*n] == '\n');
	return line;
}

static void watch(struct connection *c, uint32_t events, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = c };
	if (epoll_ctl(load.epoll, op, c->fd, &e) != 0)
		die("epoll_ctl");
}

static void open_connection(struct connection *c)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)load.port) };
	inet_pton(AF_INET, load.host, &at.sin_addr);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&at, sizeof(at)) != 0)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

/* Send as much of head and body as the socket accepts; wait until it is writable when there is more. */
static void send_more(struct connection *c)
{
	size_t whole = c->out_len + load.body_len;
	while (c->sent < whole) {
		bool head = c->sent < c->out_len;
		const char *from = head ? c->out + c->sent : load.body + (c->sent - c->out_len);
		size_t left = head ? c->out_len - c->sent : whole - c->sent;
		ssize_t n = send(c->fd, from, left, MSG_NOSIGNAL | (head && load.body_len > 0 ? MSG_MORE : 0));
		if (n < 0 && errno == EAGAIN) {
			watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
			return;
		}
		if (n < 0)
			return; /* the answer, or the end, is read next */
		c->sent += (size_t)n;
	}
	watch(c, EPOLLIN, EPOLL_CTL_MOD);
}

/* The headers of one target: what follows it in its line, a tab before each. */
static void write_own_headers(struct connection *c, const char *p, const char *end)
{
	while (p < end) {
		size_t n = strcspn(p + 1, "\t\n");
		c->out_len += (size_t)snprintf(c->out + c->out_len, HEAD_MAX - c->out_len, "%.*s\r\n", (int)n, p + 1);
		p += 1 + n;
	}
}

/* Begin the next request; false when no target is left. */
static bool begin(struct connection *c)
{
	size_t whole;
	char *line = next_target(&whole);
	if (line == NULL)
		return false;
	size_t n = strcspn(line, "\t\n");
	c->out_len = (size_t)snprintf(
		c->out, HEAD_MAX, "%s %.*s HTTP/1.1\r\nHost: %s:%d\r\n%s", load.method, (int)n, line, load.host, load.port, load.headers);
	write_own_headers(c, line + n, line + whole);
	if (load.body != NULL)
		c->out_len += (size_t)snprintf(c->out + c->out_len, HEAD_MAX - c->out_len, "Content-Length: %zu\r\n", load.body_len);
	c->out_len += (size_t)snprintf(c->out + c->out_len, HEAD_MAX - c->out_len, "\r\n");
	c->sent = c->head_len = 0;
	c->in_body = false;
	c->begun = now();
	send_more(c);
	return true;
}

static const char *header_value(const char *head, const char *name)
{
	for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, strlen(name)) == 0)
			return line + 2 + strlen(name);
	}
	return NULL;
}

/* Read the head of a response; true once it is whole. */
static bool read_head(struct connection *c)
{
	ssize_t n = recv(c->fd, c->head + c->head_len, HEAD_MAX - 1 - c->head_len, 0);
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			c->status = -1;
		return false;
	}
	c->head_len += (size_t)n;
	c->head[c->head_len] = '\0';
	char *end = strstr(c->head, "\r\n\r\n");
	if (end == NULL)
		return false;
	size_t behind = c->head_len - (size_t)(end + 4 - c->head);
	c->status = (int)strtol(c->head + 9, NULL, 10);
	end[2] = '\0';
	const char *length = header_value(c->head, "content-length:"), *connection = header_value(c->head, "connection:");
	uint64_t body = length != NULL ? strtoull(length, NULL, 10) : 0;
	c->close = connection != NULL && strncasecmp(connection + strspn(connection, " "), "close", 5) == 0;
	c->body_left = body > behind ? body - behind : 0;
	load.bytes += body;
	c->in_body = true;
	return true;
}

static void finish(struct connection *c)
{
	if (load.done < SAMPLES_MAX)
		load.samples[load.done] = (float)(now() - c->begun);
	load.done++;
	load.by_status[c->status >= 0 && c->status < 600 ? c->status : 0]++;
	if (c->status < 200 || c->status > 299)
		load.errors++;
}

static void reopen(struct connection *c)
{
	close(c->fd);
	open_connection(c);
}

/* Read what was received; true when the response is whole (or the connection is closed). */
static bool read_answer(struct connection *c)
{
	c->status = c->in_body ? c->status : 0;
	if (!c->in_body && !read_head(c))
		return c->status == -1;
	while (c->body_left > 0) {
		size_t want = (size_t)c->body_left;
		ssize_t n = recv(c->fd, load.sink, want < SINK_BYTES ? want : SINK_BYTES, 0);
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0) {
			c->status = -1;
			return true;
		}
		c->body_left -= (uint64_t)n;
	}
	return true;
}

/* One event of one connection; false when it has nothing more to do. */
static bool step(struct connection *c, uint32_t events, bool over)
{
	if ((events & EPOLLOUT) != 0)
		send_more(c);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0 || !read_answer(c))
		return true;
	finish(c);
	if (c->status == -1 || c->close || c->sent < c->out_len + load.body_len)
		reopen(c);
	return !over && begin(c);
}

static double run(void)
{
	struct epoll_event events[256];
	double begun = now(), until = begun + load.seconds, last = begun;
	int active = 0;
	for (int i = 0; i < load.connections; i++)
		active += begin(&load.all[i]);
	while (active > 0 && now() < until + 30) {
		int n = epoll_wait(load.epoll, events, 256, 1000);
		last = now();
		for (int i = 0; i < n; i++) {
			if (!step(events[i].data.ptr, events[i].events, last >= until))
				active--;
		}
	}
	return last - begun;
}

static int by_value(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

static void print_result(double seconds)
{
	size_t n = load.done < SAMPLES_MAX ? (size_t)load.done : SAMPLES_MAX;
	qsort(load.samples, n, sizeof(float), by_value);
	printf("{\"requests\":%llu,\"errors\":%llu,\"seconds\":%.3f,\"rate\":%.1f,\"bytes\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"status\":{",
		(unsigned long long)load.done, (unsigned long long)load.errors, seconds, (double)load.done / seconds,
		(unsigned long long)load.bytes, n > 0 ? (double)load.samples[n / 2] * 1e3 : 0,
		n > 0 ? (double)load.samples[n * 99 / 100] * 1e3 : 0);
	const char *between = "";
	for (int i = 0; i < 600; i++) {
		if (load.by_status[i] > 0) {
			printf("%s\"%d\":%llu", between, i, (unsigned long long)load.by_status[i]);
			between = ",";
		}
	}
	printf("}}\n");
}

static void add_header(const char *line)
{
	char *more;
	if (asprintf(&more, "%s%s\r\n", load.headers, line) < 0)
		die("memory");
	load.headers = more;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = { { "port", 1, NULL, 'p' }, { "connections", 1, NULL, 'c' }, { "seconds", 1, NULL, 's' },
		{ "targets", 1, NULL, 't' }, { "repeat", 0, NULL, 'r' }, { "method", 1, NULL, 'm' }, { "header", 1, NULL, 'h' },
		{ "body", 1, NULL, 'b' }, { "host", 1, NULL, 'H' }, { NULL, 0, NULL, 0 } };
	size_t n;
	for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (o) {
		case 'p':
			load.port = (int)strtol(optarg, NULL, 10);
			break;
		case 'c':
			load.connections = (int)strtol(optarg, NULL, 10);
			break;
		case 's':
			load.seconds = strtod(optarg, NULL);
			break;
		case 't':
			load.targets = read_file(optarg, &n);
			break;
		case 'r':
			load.repeat = true;
			break;
		case 'm':
			load.method = optarg;
			break;
		case 'h':
			add_header(optarg);
			break;
		case 'b':
			load.body = read_file(optarg, &load.body_len);
			break;
		case 'H':
			load.host = optarg;
			break;
		default:
			exit(2);
		}
	}
	if (load.port == 0 || load.targets == NULL || load.connections < 1 || load.connections > CONNECTIONS_MAX) {
		fprintf(stderr, "load: --port and --targets are needed, --connections is 1..%d\n", CONNECTIONS_MAX);
		exit(2);
	}
	load.next_target = load.targets;
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.samples = malloc(SAMPLES_MAX * sizeof(float));
	load.all = calloc((size_t)load.connections, sizeof(struct connection));
	for (int i = 0; i < load.connections; i++) {
		load.all[i].out = malloc(HEAD_MAX);
		open_connection(&load.all[i]);
	}
	print_result(run());
	return 0;
}
