/* See backup_place.h. S3's endpoint, region and credentials are those of --store s3. */
#include "app/commands/backup_place.h"

#include "config/settings_check.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For a piece of 16 MiB on a slow line. */
#define TIMEOUT_MS (5 * 60 * (int64_t)1000)
#define SCHEME STR("s3://")

static enum status open_bucket(
	struct backup_place *p, const struct settings *s, struct str address, enum target_mode mode, struct fault *why)
{
	struct str prefix = address, bucket = str_cut(&prefix, '/');
	while (str_ends_with(prefix, STR("/")))
		prefix.n--;
	if (settings_check_bucket(bucket, NULL) != OK)
		return fault_set(why, BAD_SETTING, "s3:// must be followed by the name of a bucket, and a prefix: s3://BUCKET/PREFIX");
	TRY(aws_adapters_open_bucket(&p->aws, s, bucket, TIMEOUT_MS, why));
	return s3_target_open(p->aws.store, prefix, mode, &p->target, why);
}

/* Whether a path is a directory or in it. If the path does not exist, its parent directory is checked. */
static bool is_in(const char *path, const char *dir)
{
	char above[PATH_MAX], place[PATH_MAX], outer[PATH_MAX];
	if (realpath(dir, outer) == NULL)
		return false;
	if (realpath(path, place) == NULL &&
		(snprintf(above, sizeof above, "%s", path) >= (int)sizeof above || realpath(dirname(above), place) == NULL))
		return false;
	size_t n = strlen(outer);
	return strncmp(place, outer, n) == 0 && (place[n] == '\0' || place[n] == '/');
}

/* A backup inside the data directory would be lost with it, and a server does not expect other files there. */
static enum status refuse_data_directory(const char *word, const char *data_dir, struct fault *why)
{
	if (!is_in(word, data_dir))
		return OK;
	return fault_set(why, BAD_SETTING,
		"%s is in the data directory, and would be lost with it: name a directory outside of it, on another disk if you can.", word);
}

enum status backup_place_open(struct backup_place *p, const struct settings *s, const char *word, enum target_mode mode, struct fault *why)
{
	struct str text = str_of(word);
	assert(p != NULL && s != NULL && word != NULL);
	*p = (struct backup_place){ 0 };
	if (str_starts_with(text, SCHEME))
		return open_bucket(p, s, str_slice(text, SCHEME.n, text.n), mode, why);
	if (mode == TARGET_WRITE)
		TRY(refuse_data_directory(word, s->data_dir, why));
	return dir_target_open(word, mode, &p->target, why);
}

enum status backup_place_check_restore(const char *word, const char *data_dir, struct fault *why)
{
	if (str_starts_with(str_of(word), SCHEME) || !is_in(data_dir, word))
		return OK;
	return fault_set(why, BAD_SETTING, "%s is in the backup: name a new directory outside of it with --data.", data_dir);
}

void backup_place_close(struct backup_place *p)
{
	assert(p != NULL);
	target_free(&p->target);
	aws_adapters_free(&p->aws);
}

bool backup_place_scratch(const struct backup_place *p, const char *word, const char *dir, char *out, size_t size)
{
	bool remote = p->aws.store != NULL;
	int n = snprintf(out, size, remote ? "%s/backup.database" : "%s/incomplete/database", remote ? dir : word);
	return n > 0 && (size_t)n < size;
}
