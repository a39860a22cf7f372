/* The limit of loopback: the response to every request is the next SIZE bytes of one file by sendfile, starting again
 * at its end, with one thread for each connection, and nothing else is done. So as many bytes are in use as
 * a store's objects have, and no cache holds them all. Prints its port, then serves until it is killed.
 *   loopback_limit FILE SIZE */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int file;
static size_t size_bytes;
static unsigned long slices;
static _Atomic unsigned long next_slice;
static char head[128];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int answer(int fd)
{
	if (send(fd, head, strlen(head), MSG_MORE | MSG_NOSIGNAL) < 0)
		return -1;
	off_t at = (off_t)(next_slice++ % slices * size_bytes);
	for (off_t end = at + (off_t)size_bytes; at < end;) {
		if (sendfile(fd, file, &at, (size_t)(end - at)) <= 0)
			return -1;
	}
	return 0;
}

/* Requests have no bodies, so a request ends with the first empty line. */
static void *serve(void *arg)
{
	int fd = (int)(long)arg;
	char in[16384];
	size_t n = 0;
	for (ssize_t got; (got = recv(fd, in + n, sizeof(in) - 1 - n, 0)) > 0;) {
		n += (size_t)got;
		in[n] = '\0';
		if (strstr(in, "\r\n\r\n") == NULL)
			continue;
		n = 0;
		if (answer(fd) != 0)
			break;
	}
	close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(at);
	struct stat st;
	int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (argc != 3 || (file = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0 || fstat(file, &st) != 0)
		die("loopback_limit FILE SIZE");
	size_bytes = strtoul(argv[2], NULL, 10);
	slices = size_bytes > 0 ? (size_t)st.st_size / size_bytes : 0;
	if (slices == 0)
		die("the file is smaller than SIZE");
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size_bytes);
	if (bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 128) != 0 ||
		getsockname(listener, (struct sockaddr *)&at, &size) != 0)
		die("listen");
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		pthread_t thread;
		if (fd < 0)
			continue;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (pthread_create(&thread, NULL, serve, (void *)(long)fd) == 0)
			pthread_detach(thread);
		else
			close(fd);
	}
}
