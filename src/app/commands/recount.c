/* See recount.h. */
#include "app/commands/recount.h"

#include "app/backends.h"
#include "app/commands/maintenance.h"
#include "image/maintenance/recount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY_NS 100000000
#define PATH_MAX_BYTES 4096

static bool request_path(const char *dir, char out[PATH_MAX_BYTES])
{
	return snprintf(out, PATH_MAX_BYTES, "%s/recount", dir) < PATH_MAX_BYTES;
}

bool recount_is_requested(const char *dir)
{
	char path[PATH_MAX_BYTES];
	return request_path(dir, path) && access(path, F_OK) == 0;
}

void recount_request_remove(const char *dir)
{
	char path[PATH_MAX_BYTES];
	if (request_path(dir, path))
		(void)unlink(path);
}

static void print_repair(void *arg, const struct user_repair *one, const char *change)
{
	printf("owner %.*s: %s\n", STRF(one->owner), change);
}

static enum status recount_here(const struct backends *e, struct fault *why)
{
	struct product p = { .store = e->store, .table = e->table, .users = e->users };
	struct recount_result done;
	if (e->users == NULL)
		return fault_set(why, BAD_SETTING, "This backend records no users.");
	TRY(recount_run(&p, &(struct recount_options){ .stop = maintain_stopping, .repaired = print_repair }, &done, why));
	printf("users %llu, repaired %llu\n", (unsigned long long)done.owners, (unsigned long long)done.repaired);
	return maintain_stopping(NULL) ? fault_set(why, DEADLINE, "It was stopped; run it again to count all.") : OK;
}

static enum status recount_by_server(const struct settings *s, struct fault *why)
{
	char path[PATH_MAX_BYTES];
	if (!request_path(s->data_dir, path))
		return fault_set(why, BAD_SETTING, "The name of the data directory is too long.");
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fault_set(why, STORAGE_FAILED, "Cannot write %s: %s.", path, strerror(errno));
	(void)close(fd);
	while (recount_is_requested(s->data_dir) && !maintain_stopping(NULL))
		(void)nanosleep(&(struct timespec){ .tv_nsec = LOOK_EVERY_NS }, NULL);
	if (recount_is_requested(s->data_dir)) {
		recount_request_remove(s->data_dir);
		return fault_set(why, DEADLINE, "It was stopped; the server may still count.");
	}
	printf("The server has counted; its log has the result: tintype logs --grep recount\n");
	return OK;
}

static enum status run_command(struct backends *e, int argc, char **argv, struct fault *why)
{
	struct settings s;
	TRY(settings_load(&s, argc - 1, argv + 1, why));
	TRY(maintain_need_database(&s, why));
	enum status status = backends_open(&s, "", e, why);
	if (status != OK && why->code == F_DIR_LOCKED)
		return recount_by_server(&s, why);
	TRY(status);
	return recount_here(e, why);
}

int recount_main(int argc, char **argv)
{
	assert(argc >= 1 && argv != NULL);
	struct fault why = { 0 };
	struct backends e = { 0 };
	maintain_catch_signals();
	enum status status = run_command(&e, argc, argv, &why);
	backends_close(&e);
	return maintain_end("recount", status, &why);
}
