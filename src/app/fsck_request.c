/* See fsck_request.h. */
#include "app/fsck_request.h"

#include "base/file.h"
#include "base/json.h"
#include "base/log/log.h"
#include "base/writer.h"
#include "store/files/io.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define REQUEST_NAME "fsck"
#define REQUEST_BYTES ((size_t)16 << 20)
#define PATH_MAX_BYTES 4096

static bool request_path(const char *dir, char out[PATH_MAX_BYTES])
{
	return snprintf(out, PATH_MAX_BYTES, "%s/" REQUEST_NAME, dir) < PATH_MAX_BYTES;
}

bool fsck_request_is_there(const char *dir)
{
	char path[PATH_MAX_BYTES];
	return request_path(dir, path) && access(path, F_OK) == 0;
}

void fsck_request_remove(const char *dir)
{
	char path[PATH_MAX_BYTES];
	if (request_path(dir, path))
		(void)unlink(path);
}

enum status fsck_request_write(const char *dir, const struct str *items, size_t n, struct fault *why)
{
	struct buf b CLEANUP(buf_deinit);
	assert(dir != NULL && items != NULL && n <= FSCK_REQUEST_MAX);
	buf_init(&b, REQUEST_BYTES);
	writer_open(&b, STR(""), '[');
	for (size_t i = 0; i < n; i++)
		writer_text(&b, STR(""), items[i]);
	writer_close(&b, ']');
	TRY(fault_check_buf(&b, why));
	int error = file_replace(dir, REQUEST_NAME, buf_str(&b));
	return error == 0 ? OK : io_fault_start(why, error, "write what is to be repaired in", dir);
}

static json_t *read_request(const char *dir)
{
	char path[PATH_MAX_BYTES];
	bool starved;
	struct buf text CLEANUP(buf_deinit);
	buf_init(&text, REQUEST_BYTES);
	return request_path(dir, path) && file_read(path, &text) == 0 ? json_read(buf_str(&text), 0, NULL, &starved) : NULL;
}

static void log_finding(struct finding_sink *sink, const struct finding *f)
{
	const struct finding_words *words = finding_words(f->kind);
	(void)sink;
	if (f->repaired)
		LOG(FSCK_REPAIRED, STR(""), LOG_C("kind", words->name), LOG_S("subject", f->subject), LOG_S("detail", f->detail),
			LOG_C("repair", words->repair));
	else
		LOG(FSCK_FAILED, STR(""), LOG_C("kind", words->name), LOG_S("subject", f->subject), LOG_S("detail", f->detail),
			LOG_C("text", words->meaning));
}

void fsck_request_answer(const char *dir, const struct fsck_options *o)
{
	assert(dir != NULL && o != NULL);
	if (!fsck_request_is_there(dir))
		return;
	json_auto_t *items = read_request(dir);
	for (size_t i = 0; i < json_array_size(items); i++) {
		struct finding_sink sink = { .found = log_finding };
		struct fault why = { 0 };
		if (o->stop != NULL && o->stop(o->arg))
			return;
		struct str item = json_text(json_array_get(items, i));
		if (fsck_examine(o, item, true, &sink, &why) != OK)
			LOG(FSCK_FAILED, STR(""), LOG_S("item", item), LOG_C("text", why.text), LOG_C("cause", why.cause));
	}
	fsck_request_remove(dir);
}
