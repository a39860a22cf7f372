/* See admin_file.h. */
#include "config/admin_file.h"

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "admin.json"
#define TEXT_MAX_BYTES 4096
#define PATH_MAX_BYTES 4096

enum status admin_file_write(const char *dir, const struct admin_file *f, struct fault *why)
{
	assert(dir != NULL && f != NULL);
	struct buf text CLEANUP(buf_deinit);
	buf_init(&text, TEXT_MAX_BYTES);
	writer_open(&text, STR(""), '{');
	writer_text(&text, STR("url"), str_of(f->url));
	writer_text(&text, STR("token"), str_of(f->token));
	writer_close(&text, '}');
	TRY(fault_check_buf(&text, why));
	int error = file_replace(dir, NAME, buf_str(&text));
	secret_wipe(text.p, text.n);
	return error == 0 ? OK : fault_set(why, STORAGE_FAILED, "Cannot write " NAME " in %s: %s.", dir, strerrordesc_np(error));
}

static bool copy_text(const json_t *all, const char *name, char *out, size_t size)
{
	struct str text = json_text(json_object_get(all, name));
	int n = snprintf(out, size, "%.*s", STRF(text));
	return text.n > 0 && n > 0 && (size_t)n < size;
}

enum status admin_file_read(const char *dir, struct admin_file *out, struct fault *why)
{
	assert(dir != NULL && out != NULL);
	char path[PATH_MAX_BYTES];
	bool starved = false;
	struct admin_file f;
	struct buf text CLEANUP(buf_deinit);
	buf_init(&text, TEXT_MAX_BYTES);
	int n = snprintf(path, sizeof path, "%s/" NAME, dir);
	int error = n > 0 && (size_t)n < sizeof path ? file_read(path, &text) : ENAMETOOLONG;
	if (error != 0)
		return fault_set(why, STORAGE_FAILED, "No server seems to use %s (" NAME ": %s). Start it, or name its data directory with --data.",
			dir, strerrordesc_np(error));
	json_auto_t *all = json_read(buf_str(&text), JSON_REJECT_DUPLICATES, NULL, &starved);
	if (!copy_text(all, "url", f.url, sizeof f.url) || !copy_text(all, "token", f.token, sizeof f.token))
		return fault_set(why, STORAGE_FAILED, "%s is not what a server writes there; restart the server.", path);
	*out = f;
	return OK;
}

void admin_file_remove(const char *dir)
{
	char path[PATH_MAX_BYTES];
	int n = snprintf(path, sizeof path, "%s/" NAME, dir);
	if (n > 0 && (size_t)n < sizeof path)
		(void)unlink(path);
}
