/* A DynamoDB that does nothing: answers every request of every connection with 200 and {} at once.
 * One thread, epoll. The Node reference's table in `make bench`; it costs the reference less than
 * any real table would.   null_dynamodb PORT (0 takes a free one; the port is printed) */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REQUEST_MAX 65536

struct connection {
	int fd;
	size_t n;
	char bytes[REQUEST_MAX + 1];
};

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amzn-RequestId: NULL\r\n"
			     "x-amz-crc32: 2745614147\r\nContent-Length: 2\r\n\r\n{}";

/* The length of the first whole request in the buffer, or 0. */
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

/* Answer what is whole; -1 when the peer is gone. */
static int serve(struct connection *c)
{
	ssize_t got = recv(c->fd, c->bytes + c->n, REQUEST_MAX - c->n, 0);
	if (got < 0 && errno == EAGAIN)
		return 0;
	if (got <= 0)
		return -1;
	c->n += (size_t)got;
	for (size_t whole; (whole = whole_request(c)) > 0;) {
		if (send(c->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
			return -1;
		memmove(c->bytes, c->bytes + whole, c->n - whole);
		c->n -= whole;
	}
	return 0;
}

static void accept_one(int listener, int epoll)
{
	struct connection *c = calloc(1, sizeof(*c));
	if (c == NULL || (c->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) < 0) {
		free(c);
		return;
	}
	int on = 1;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c });
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0)) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(EPOLL_CLOEXEC);
	if (bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 1024) != 0) {
		perror("null_dynamodb");
		return 1;
	}
	getsockname(listener, (struct sockaddr *)&at, &size);
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
	for (struct epoll_event events[64];;) {
		int n = epoll_wait(epoll, events, 64, -1);
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			if (c == NULL)
				accept_one(listener, epoll);
			else if (serve(c) != 0) {
				close(c->fd);
				free(c);
			}
		}
	}
}
