#include "app/reverify_files.h"

#include "base/file.h"
#include "base/json.h"
#include "base/writer.h"
#include "store/files/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_NAME "reverify"
#define STATE_NAME "reverify.state"
#define TEXT_MAX_BYTES 4096

static const struct count {
	const char *name, *text; /* in the file, and for people */
	size_t at;
} COUNTS[] = {
	{ "total", NULL, offsetof(struct reverify_result, total) },
	{ "seen", "seen", offsetof(struct reverify_result, seen) },
	{ "before", "nothing to do", offsetof(struct reverify_result, before) },
	{ "ok", "ok", offsetof(struct reverify_result, ok) },
	{ "recoverable", "recoverable", offsetof(struct reverify_result, recoverable) },
	{ "corrupt", "corrupt", offsetof(struct reverify_result, corrupt) },
	{ "overLimit", "over the limits", offsetof(struct reverify_result, over_limit) },
	{ "changed", "changed meanwhile", offsetof(struct reverify_result, changed) },
	{ "failed", "failed", offsetof(struct reverify_result, failed) },
	{ "stripped", "stripped", offsetof(struct reverify_result, stripped) },
};

static uint64_t *count_of(struct reverify_result *r, const struct count *c)
{
	return (uint64_t *)((char *)r + c->at);
}

void reverify_write_counts(struct buf *b, const struct reverify_result *r)
{
	struct reverify_result copy = *r;
	const char *before = "";
	for (size_t i = 0; i < COUNT_OF(COUNTS); i++) {
		if (COUNTS[i].text == NULL)
			continue;
		buf_printf(b, "%s%s %llu", before, COUNTS[i].text, (unsigned long long)*count_of(&copy, &COUNTS[i]));
		before = ", ";
	}
}

static enum status replace_file(const char *dir, const char *name, struct str text, struct fault *why)
{
	int error = file_replace(dir, name, text);
	return error == 0 ? OK : io_fault_start(why, error, "write what is to be verified again in", dir);
}

static bool make_path(const char *dir, const char *name, char out[4096])
{
	int n = snprintf(out, 4096, "%s/%s", dir, name);
	return n > 0 && n < 4096;
}

/* NULL: there is none, or no JSON object. */
static json_t *read_object(const char *dir, const char *name)
{
	char path[4096];
	bool starved;
	json_t *all = NULL;
	struct buf text CLEANUP(buf_deinit);
	buf_init(&text, TEXT_MAX_BYTES);
	if (make_path(dir, name, path) && file_read(path, &text) == 0)
		all = json_read(buf_str(&text), 0, NULL, &starved);
	if (json_is_object(all))
		return all;
	json_decref(all);
	return NULL;
}

static uint64_t read_number(const json_t *all, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(all, name));
	return n > 0 ? (uint64_t)n : 0;
}

static void read_text(const json_t *all, const char *name, char *out, size_t size)
{
	struct str text = json_text(json_object_get(all, name));
	(void)snprintf(out, size, "%.*s", STRF(text));
}

static void write_request(struct buf *b, const struct reverify_request *r)
{
	writer_open(b, (struct str){ 0 }, '{');
	writer_text(b, STR("id"), str_of(r->id));
	writer_bool(b, STR("strip"), r->strip);
	writer_number(b, STR("rate"), r->per_second);
	writer_close(b, '}');
}

static void write_state(struct buf *b, const struct reverify_state *s)
{
	struct reverify_result copy = s->result;
	writer_open(b, (struct str){ 0 }, '{');
	writer_text(b, STR("id"), str_of(s->id));
	writer_bool(b, STR("ended"), s->ended);
	writer_bool(b, STR("complete"), s->complete);
	for (size_t i = 0; i < COUNT_OF(COUNTS); i++)
		writer_number(b, str_of(COUNTS[i].name), *count_of(&copy, &COUNTS[i]));
	writer_text(b, STR("error"), str_of(s->error));
	writer_close(b, '}');
}

enum status reverify_request_write(const char *dir, const struct reverify_request *r, struct fault *why)
{
	assert(dir != NULL && r->per_second >= 1 && r->per_second <= REVERIFY_RATE_MAX);
	struct buf b CLEANUP(buf_deinit);
	buf_init(&b, TEXT_MAX_BYTES);
	write_request(&b, r);
	TRY(fault_check_buf(&b, why));
	return replace_file(dir, REQUEST_NAME, buf_str(&b), why);
}

bool reverify_request_read(const char *dir, struct reverify_request *out)
{
	json_t *all = read_object(dir, REQUEST_NAME);
	uint64_t rate = read_number(all, "rate");
	if (all == NULL)
		return false;
	*out = (struct reverify_request){ .strip = json_is_true(json_object_get(all, "strip")),
		.per_second = rate >= 1 && rate <= REVERIFY_RATE_MAX ? (uint32_t)rate : REVERIFY_RATE_DEFAULT };
	read_text(all, "id", out->id, sizeof out->id);
	json_decref(all);
	return true;
}

void reverify_request_remove(const char *dir)
{
	char path[4096];
	if (make_path(dir, REQUEST_NAME, path))
		(void)unlink(path);
}

enum status reverify_state_write(const char *dir, const struct reverify_state *s, struct fault *why)
{
	struct buf b CLEANUP(buf_deinit);
	assert(dir != NULL && s != NULL);
	buf_init(&b, TEXT_MAX_BYTES);
	write_state(&b, s);
	TRY(fault_check_buf(&b, why));
	return replace_file(dir, STATE_NAME, buf_str(&b), why);
}

bool reverify_state_read(const char *dir, struct reverify_state *out)
{
	json_t *all = read_object(dir, STATE_NAME);
	if (all == NULL)
		return false;
	*out = (struct reverify_state){ .ended = json_is_true(json_object_get(all, "ended")),
		.complete = json_is_true(json_object_get(all, "complete")) };
	read_text(all, "id", out->id, sizeof out->id);
	read_text(all, "error", out->error, sizeof out->error);
	for (size_t i = 0; i < COUNT_OF(COUNTS); i++)
		*count_of(&out->result, &COUNTS[i]) = read_number(all, COUNTS[i].name);
	json_decref(all);
	return true;
}
