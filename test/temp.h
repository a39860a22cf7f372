/* A temporary directory for a test, and small files in it. */
#ifndef TEST_TEMP_H
#define TEST_TEMP_H

#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMP_PATH_MAX 512

/* Make an empty directory; path is written. */
static inline void temp_make(char path[TEMP_PATH_MAX])
{
	const char *base = getenv("TMPDIR");
	snprintf(path, TEMP_PATH_MAX, "%s/tintype-test-XXXXXX", base == NULL ? "/tmp" : base);
	assert_non_null(mkdtemp(path));
}

static inline int temp_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static inline void temp_remove(const char *path)
{
	assert_int_equal(nftw(path, temp_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* DIR/NAME; each of the last four results stays valid. */
static inline const char *temp_path(const char *dir, const char *name)
{
	static char paths[4][2 * TEMP_PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", dir, name);
	return path;
}

/* The whole file, or the first `size` - 1 bytes of it; {NULL, 0} when it is not there. */
static inline struct str temp_read(const char *path, char *memory, size_t size)
{
	FILE *f = fopen(path, "re");
	if (f == NULL)
		return (struct str){ NULL, 0 };
	size_t n = fread(memory, 1, size - 1, f);
	memory[n] = '\0';
	fclose(f);
	return (struct str){ memory, n };
}

static inline void temp_write(const char *path, struct str content)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(content.p, 1, content.n, f), content.n);
	assert_int_equal(fclose(f), 0);
}

#endif
