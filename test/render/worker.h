/* A tintype-render for tests, and the server's end of its protocol. One thread. */
#ifndef TEST_RENDER_WORKER_H
#define TEST_RENDER_WORKER_H

#include "render/protocol.h"

#include <sys/types.h>

#define WORKER_WINDOW_BYTES ((size_t)4 << 20)

struct worker {
	pid_t pid;
	int socket;
	unsigned char *window; /* shared with the worker */
	struct render_ready ready;
};

/* argv: the program and its options, NULL last. false: it ended before it was ready; worker_end gives its status. */
bool worker_start(struct worker *w, const char *const argv[]);
/* The same under a system-call filter of the test's. */
struct sock_fprog;
bool worker_start_filtered(struct worker *w, const char *const argv[], const struct sock_fprog *filter);
/* One job on an open file; size_bytes and number are set here. false: the worker is dead, or its answer is not valid. */
bool worker_run(struct worker *w, struct render_job *job, int fd, struct render_answer *out);
/* Only the sending, for tests that do something in between. */
bool worker_send(struct worker *w, const struct render_job *job, int fd);
bool worker_receive(struct worker *w, const struct render_job *job, struct render_answer *out);
/* Close the socket and wait: the status of waitpid. */
int worker_end(struct worker *w);
/* The limits that the server sets by default. */
struct render_job worker_job(enum render_kind kind, unsigned ops);

#endif
