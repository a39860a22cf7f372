/* Data directories for tests. See place.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "local/place.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void place_init(struct place *p)
{
	const char *tmp = getenv("TMPDIR");

	*p = (struct place){ 0 };
	(void)snprintf(p->dir, sizeof p->dir, "%.40s/local-XXXXXX", tmp != NULL ? tmp : "/tmp");
	assert_non_null(mkdtemp(p->dir));
	p->options = (struct engine_options){
		.dir = p->dir,
		.bucket = STR("image-uploads"),
		.region = STR("us-east-1"),
		.public_url = STR("http://127.0.0.1:9000"),
		.max_pending = 100000,
	};
}

void place_open(struct place *p)
{
	struct fault why = { 0 };

	if (engine_open(&p->options, &p->engine, &why) != OK)
		fail_msg("engine_open: %s (%s)", why.text, why.cause);
}

void place_close(struct place *p)
{
	engine_free(&p->engine);
	assert_null(p->engine);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void place_deinit(struct place *p)
{
	place_close(p);
	assert_int_equal(nftw(p->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static size_t n_files;

static int count_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)path;
	(void)st;
	(void)at;
	n_files += kind == FTW_F;
	return 0;
}

size_t place_files(const struct place *p, const char *folder)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, folder);
	n_files = 0;
	(void)nftw(path, count_one, 16, FTW_PHYS);
	return n_files;
}

static bool trash_is_empty(struct engine *e)
{
	struct fault why;
	struct db *d;
	bool row = true;

	assert_int_equal(readers_take(&e->readers, &d, &why), OK);
	sqlite3_stmt *s = db_query(d, Q_TRASH_LIST);
	bind_int(s, 1, 0);
	bind_int(s, 2, 1);
	assert_int_equal(db_step(d, s, &row, &why), OK);
	sqlite3_reset(s);
	readers_give(&e->readers, d);
	return !row;
}

void place_settles(struct place *p, size_t n)
{
	const struct timespec pause = { 0, 2000000 };

	for (int i = 0; i < 10000; i++) {
		if (place_files(p, "incoming") == 0 && place_files(p, "objects") == n && trash_is_empty(p->engine))
			return;
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("the mover never came to %zu objects: incoming %zu, objects %zu", n, place_files(p, "incoming"),
	         place_files(p, "objects"));
}

void place_write(const struct place *p, const char *name, const char *text, unsigned mode)
{
	char path[128];

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, name);
	(void)unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}
