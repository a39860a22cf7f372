/* A DynamoDB on loopback for tests: dynalite, started as a child on a free port and
 * ended with the test program. What cannot be started fails the test. Single-threaded. */
#ifndef TEST_AWS_EMULATOR_H
#define TEST_AWS_EMULATOR_H

#include <sys/types.h>

struct emulator {
	pid_t pid;
	unsigned port;
	char url[64]; /* http://127.0.0.1:PORT */
};

/* Start and wait until it accepts connections. */
void emulator_start(struct emulator *e);
void emulator_stop(struct emulator *e);

#endif
