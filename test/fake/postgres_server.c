/* See postgres_server.h. */
#include "fake/postgres_server.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 8
#define LINE_MAX_CHARS 300

/* words  after the script; ends in NULL */
static void start_script(struct postgres_server *s, const char *const words[])
{
	int in[2], out[2];
	*s = (struct postgres_server){ .pid = 0 };
	int error = pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || (s->pid = fork()) < 0;
	assert(!error);
	if (s->pid == 0) {
		const char *argv[WORDS_MAX + 1] = { "bash", "test/cloud/postgres.sh" };
		for (size_t i = 0; words[i] != NULL && i + 2 < WORDS_MAX; i++)
			argv[i + 2] = words[i];
		dup2(in[0], 0), dup2(out[1], 1);
		execvp("bash", (char **)argv);
		_exit(127);
	}
	close(in[0]), close(out[1]);
	s->input = fdopen(in[1], "w");
	s->output = fdopen(out[0], "r");
	char line[LINE_MAX_CHARS];
	if (s->input == NULL || s->output == NULL || fgets(line, sizeof line, s->output) == NULL ||
		sscanf(line, "%255s %u", s->dir, &s->port) != 2) {
		fputs("PostgreSQL cannot be started; tools/deps test installs it\n", stderr);
		abort();
	}
}

void postgres_server_start(struct postgres_server *s, const char *option)
{
	start_script(s, (const char *const[]){ option != NULL ? "-c" : NULL, option, NULL });
}

void postgres_server_start_standby(struct postgres_server *s, const struct postgres_server *primary)
{
	char port[16];
	snprintf(port, sizeof port, "%u", primary->port);
	start_script(s, (const char *const[]){ "--standby-of", primary->dir, port, NULL });
}

void postgres_server_stop(struct postgres_server *s)
{
	fclose(s->input);
	waitpid(s->pid, NULL, 0);
	fclose(s->output);
}

static void command(struct postgres_server *s, const char *line)
{
	char answer[8] = "";
	fprintf(s->input, "%s\n", line);
	fflush(s->input);
	if (fgets(answer, sizeof answer, s->output) == NULL || strcmp(answer, "ok\n") != 0) {
		fprintf(stderr, "PostgreSQL's script failed at: %s\n", line);
		abort();
	}
}

void postgres_server_database(struct postgres_server *s, char url[POSTGRES_URL_MAX])
{
	char line[64];
	snprintf(line, sizeof line, "database test%u", ++s->databases);
	command(s, line);
	snprintf(url, POSTGRES_URL_MAX, "postgres://postgres@/test%u?host=%s&port=%u", s->databases, s->dir, s->port);
}

void postgres_server_kill(struct postgres_server *s)
{
	command(s, "kill");
}

void postgres_server_restart(struct postgres_server *s)
{
	command(s, "start");
}

void postgres_server_promote(struct postgres_server *s)
{
	command(s, "promote");
}
