/* What loopback can carry: every request, whatever it asks, is answered with one file by sendfile, a thread a
 * connection, and nothing else is done. Prints its port, then serves until it is killed.   loopback_limit FILE */
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
static size_t file_size;
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
	for (off_t at = 0; (size_t)at < file_size;) {
		if (sendfile(fd, file, &at, file_size - (size_t)at) <= 0)
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
	if (argc != 2 || (file = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0 || fstat(file, &st) != 0)
		die("loopback_limit FILE");
	file_size = (size_t)st.st_size;
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", file_size);
	if (bind(listener, (struct sockaddr *)&at, size) != 0 || listen(listener, 128) != 0 || getsockname(listener, (struct sockaddr *)&at, &size) != 0)
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
