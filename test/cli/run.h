/* Run a verb in this process and read what it showed. */
#ifndef TEST_CLI_RUN_H
#define TEST_CLI_RUN_H

#include "cli/cli.h"

#include "base/mem.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct run {
	int code;
	char out[1 << 20], err[1 << 16];
};

static inline void read_back(int fd, char *to, size_t size)
{
	ssize_t n = pread(fd, to, size - 1, 0);
	assert(n >= 0);
	to[n] = '\0';
	close(fd);
}

/* args end with NULL. The result is on the heap: mem_free. */
static inline struct run *run_verb(const char *const *args)
{
	char *argv[64];
	int argc = 0, out = memfd_create("out", 0), err = memfd_create("err", 0);
	int old_out = dup(STDOUT_FILENO), old_err = dup(STDERR_FILENO);
	struct run *r = mem_new(1, sizeof *r);
	assert(r != NULL && out >= 0 && err >= 0);
	for (; args[argc] != NULL; argc++)
		argv[argc] = mem_dup_cstr(str_of(args[argc]));
	char *mine[64];
	memcpy(mine, argv, sizeof mine);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	r->code = cli_run(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(old_out, STDOUT_FILENO);
	dup2(old_err, STDERR_FILENO);
	close(old_out);
	close(old_err);
	for (int i = 0; i < argc; i++)
		mem_free(mine[i]);
	read_back(out, r->out, sizeof r->out);
	read_back(err, r->err, sizeof r->err);
	return r;
}

#define RUN(...) run_verb((const char *const[]){ __VA_ARGS__, NULL })

static inline size_t count_lines(const char *text)
{
	size_t n = 0;
	for (; *text != '\0'; text++)
		n += *text == '\n';
	return n;
}

/* A fresh directory to work in; the former one is left. */
static inline void enter_scratch(char path[64])
{
	const char *base = getenv("TMPDIR");
	(void)snprintf(path, 64, "%.40s/cli-test-XXXXXX", base == NULL ? "/tmp" : base);
	char *made = mkdtemp(path);
	assert(made != NULL);
	int failed = chdir(path);
	assert(failed == 0);
}

static inline void write_file(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");
	assert(f != NULL);
	size_t put = fwrite(bytes, 1, n, f);
	assert(put == n);
	fclose(f);
}

static inline void leave_scratch(const char *path)
{
	char command[128];
	int failed = chdir("/tmp");
	(void)snprintf(command, sizeof command, "rm -rf '%s'", path);
	failed = failed != 0 || system(command) != 0;
	assert(failed == 0);
}

#endif
