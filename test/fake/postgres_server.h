/* A PostgreSQL server on loopback for tests, as a child process (test/cloud/postgres.sh). If it cannot be started, the test program ends.
 * Single-threaded. */
#ifndef FAKE_POSTGRES_SERVER_H
#define FAKE_POSTGRES_SERVER_H

#include <stdio.h>
#include <sys/types.h>

struct postgres_server {
	pid_t pid;
	FILE *input, *output;
	char dir[256];      /* with the socket, and ca.pem, which verifies its certificate for localhost */
	unsigned port;      /* the socket's number too */
	unsigned databases; /* made so far */
};

#define POSTGRES_URL_MAX 512

/* Start, and wait until it accepts connections.
 * option  of postgres, such as "max_connections=20"; NULL: none */
void postgres_server_start(struct postgres_server *s, const char *option);
/* Start a standby of this one. */
void postgres_server_start_standby(struct postgres_server *s, const struct postgres_server *primary);
void postgres_server_stop(struct postgres_server *s);
/* Make an empty database and write the URL of it for the superuser, by the socket. */
void postgres_server_database(struct postgres_server *s, char url[POSTGRES_URL_MAX]);
/* Kill it at once; start it again with what it had written; make a standby the primary server. */
void postgres_server_kill(struct postgres_server *s);
void postgres_server_restart(struct postgres_server *s);
void postgres_server_promote(struct postgres_server *s);

#endif
