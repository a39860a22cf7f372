/* See upload_file.h. Whether the server has a file already is asked by the SHA-256 of its bytes, which the server keeps of what it has
 * received, among the caller's own images. For a caller that may not list them, only the uploads of this run are known. */
#include "cli/upload_file.h"

#include "base/codec.h"
#include "base/hash.h"
#include "cli/file_names.h"
#include "cli/file_type.h"
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FILE_MEMORY_BYTES (16u << 20)
#define HEADERS_MAX 32
#define SLOTS_MAX 3 /* that one file may take when they expire while a lost server is waited for */

void upload_file_init(struct upload_job *p, struct upload_shared *shared, struct remote *remote, const struct walk_file *f)
{
	assert(p != NULL && shared != NULL && remote != NULL && f != NULL);
	*p = (struct upload_job){ .shared = shared, .remote = remote, .fd = -1 };
	arena_init(&p->arena, FILE_MEMORY_BYTES);
	p->path = walk_path(&p->arena, f);
}

void upload_file_deinit(struct upload_job *p)
{
	json_decref(p->slot);
	json_decref(p->record);
	if (p->fd >= 0)
		close(p->fd);
	arena_deinit(&p->arena);
	*p = (struct upload_job){ .fd = -1 };
}

/* Whether another program has the file open for writing; false if that cannot be determined. */
static bool is_being_written(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	return errno == EAGAIN;
}

static enum status open_operand(struct upload_job *p, const struct walk_file *f, struct fault *why)
{
	bool is_stdin = strcmp(f->root, "-") == 0 && p->shared->stdin_fd >= 0;
	if (!is_stdin)
		return walk_open(f, &p->fd, &p->size_bytes, why);
	p->fd = fcntl(p->shared->stdin_fd, F_DUPFD_CLOEXEC, 3);
	p->size_bytes = f->size_bytes;
	return p->fd >= 0 ? OK : fault_set(why, STORAGE_FAILED, "cannot be read: %s", strerrordesc_np(errno));
}

static struct str choose_name(const struct upload_job *p, const struct walk_file *f)
{
	if (p->shared->options->name != NULL && strcmp(f->root, "-") == 0)
		return str_of(p->shared->options->name);
	return strcmp(f->root, "-") == 0 ? STR("image") : name_base(p->path);
}

static enum status open_file(struct upload_job *p, const struct walk_file *f, bool *ignored, struct fault *why)
{
	char start[FILE_TYPE_BYTES];
	struct buf name;
	bool watches = p->shared->options->watch;
	enum status st = open_operand(p, f, why);
	*ignored = watches && (st != OK ? st == NOT_FOUND : p->size_bytes == 0 || is_being_written(p->fd));
	if (st != OK || *ignored)
		return *ignored ? OK : st;
	ssize_t n = pread(p->fd, start, sizeof start, 0);
	if (n < 0)
		return fault_set(why, STORAGE_FAILED, "cannot be read");
	if (n == 0)
		return fault_set(why, IMAGE_EMPTY, "is empty");
	struct str base = choose_name(p, f);
	p->type = file_type((struct str){ start, (size_t)n }, base);
	buf_init_arena(&name, &p->arena, NAME_MAX_BYTES);
	p->is_renamed = name_repair(&name, base);
	p->name = buf_str(&name);
	return OK;
}

static enum status hash_file(const struct upload_job *p, unsigned char digest[SHA256_BYTES], struct fault *why)
{
	char piece[65536];
	struct hash h;
	ssize_t n;
	off_t at = 0;
	hash_init(&h, HASH_SHA256);
	while ((n = pread(p->fd, piece, sizeof piece, at)) > 0) {
		hash_update(&h, piece, (size_t)n);
		at += n;
	}
	hash_final(&h, digest);
	return n == 0 ? OK : fault_set(why, STORAGE_FAILED, "cannot be read");
}

/* The first of a page's images that was received with the file's size: a server that does not know the parameter lists all. */
static json_t *find_of_size(const json_t *page, uint64_t size_bytes)
{
	size_t i;
	json_t *record;
	json_array_foreach(json_object_get(page, "images"), i, record)
	{
		if (remote_number(record, "receivedSize") == size_bytes)
			return json_incref(record);
	}
	return NULL;
}

/* Ask the server for the image that was received as this file. A page may be empty and have another after it.
 * record   out: NULL where there is none, or the caller may not list */
static enum status ask_server(struct upload_job *p, const char *sha256, json_t **record, struct fault *why)
{
	char query[100];
	struct remote_list list CLEANUP(remote_list_deinit);
	(void)snprintf(query, sizeof query, "urls=false&sha256=%s", sha256);
	remote_list_init(&list, p->remote, query);
	*record = NULL;
	if (atomic_load(&p->shared->cannot_ask) || atomic_load(&p->shared->may_not_ask))
		return OK;
	do {
		struct arena a CLEANUP(arena_deinit) = { 0 };
		json_auto_t *page = NULL;
		arena_init(&a, REMOTE_PAGE_BYTES);
		enum status st = remote_list_next(&list, &a, &page, why);
		if (st == INVALID || st == DENIED) {
			atomic_store(st == INVALID ? &p->shared->cannot_ask : &p->shared->may_not_ask, true);
			return OK;
		}
		TRY(st);
		*record = find_of_size(page, p->size_bytes);
	} while (*record == NULL && list.cursor.n > 0);
	return OK;
}

static enum status put_bytes(struct upload_job *p, struct fault *why)
{
	struct header headers[HEADERS_MAX];
	struct http_response answer;
	struct http_request q = { .method = STR("PUT"),
		.url = remote_text(p->slot, "uploadUrl"),
		.headers = headers,
		.body_file = true,
		.body_fd = p->fd,
		.body_length = p->size_bytes,
		.progress = p->progress,
		.progress_arg = p->progress_arg };
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(p->slot, "headers"), name, value)
	{
		/* The client sets these two itself, to just these values. */
		if (str_equal_nocase(str_of(name), STR("host")) || str_equal_nocase(str_of(name), STR("content-length")))
			continue;
		if (q.n_headers == HEADERS_MAX || !json_is_string(value))
			return fault_set(why, UPSTREAM_FAILED, "the upload slot's headers cannot be sent");
		headers[q.n_headers++] = (struct header){ str_of(name), json_text(value) };
	}
	return remote_store(p->remote, &q, &p->arena, &answer, why);
}

static enum status open_slot(struct upload_job *p, struct fault *why)
{
	struct buf json;
	buf_init_arena(&json, &p->arena, 8192);
	buf_put(&json, STR("{\"fileName\":\""));
	json_escape(&json, p->name);
	buf_printf(&json, "\",\"fileType\":\"%.*s\",\"fileSize\":%llu}", STRF(p->type), (unsigned long long)p->size_bytes);
	struct remote_call call = { .method = "POST", .path = STR("/upload"), .json = buf_str(&json) };
	json_decref(p->slot);
	p->slot = NULL;
	TRY(remote_json(p->remote, &call, &p->arena, &p->slot, why));
	if (remote_text(p->slot, "imageId").n == 0 || remote_text(p->slot, "uploadUrl").n == 0)
		return fault_set(why, UPSTREAM_FAILED, "the response is not an upload slot: is the endpoint right?");
	return OK;
}

/* A slot that has expired while a lost server was waited for is replaced by another. */
static enum status send_bytes(struct upload_job *p, struct fault *why)
{
	enum status st = OK;
	for (unsigned slots = 0; slots < SLOTS_MAX; slots++) {
		TRY(open_slot(p, why));
		st = put_bytes(p, why);
		if (st != DENIED || !p->remote->waited)
			break;
	}
	return st;
}

/* Read the record; where the bytes have not been checked yet, ask for it. Without a key for reading, the 200 to the PUT must do. */
static enum status read_record(struct upload_job *p, struct str id, struct fault *why)
{
	struct remote_call look = { .method = "GET", .path = remote_image_path(&p->arena, id, "") };
	struct remote_call complete = { .method = "POST", .path = remote_image_path(&p->arena, id, "/complete") };
	enum status st = remote_json(p->remote, &look, &p->arena, &p->record, why);
	if (st == OK && str_equal(remote_text(p->record, "status"), STR("pending"))) {
		json_decref(p->record);
		p->record = NULL;
		st = remote_json(p->remote, &complete, &p->arena, &p->record, why);
	}
	if (st == DENIED)
		return OK;
	if (st != OK)
		return st;
	if (str_equal(remote_text(p->record, "status"), STR("uploaded")))
		return OK;
	struct str reason = remote_text(p->record, "reason");
	return fault_set(why, IMAGE_REJECTED, "was not accepted%s%.*s", reason.n > 0 ? ": " : "", STRF(reason));
}

static enum status send_whole(struct upload_job *p, struct fault *why)
{
	TRY(send_bytes(p, why));
	return read_record(p, remote_text(p->slot, "imageId"), why);
}

/* The same bytes again in this run: their image's record, as far as the caller may read it. */
static enum status use_earlier(struct upload_job *p, const char *image_id, struct fault *why)
{
	TRY(read_record(p, str_of(image_id), why));
	if (p->record == NULL)
		p->record = json_pack("{s:s}", "imageId", image_id);
	return OK;
}

static enum status send_once(struct upload_job *p, enum upload_outcome *out, struct fault *why)
{
	unsigned char digest[SHA256_BYTES];
	char sha256[2 * SHA256_BYTES + 1], image_id[UUID_CHARS + 1];
	TRY(hash_file(p, digest, why));
	hex_encode(digest, sizeof digest, sha256);
	while (!sent_set_begin(&p->shared->sent, digest, image_id)) {
		enum status earlier = use_earlier(p, image_id, why);
		*out = UPLOAD_THERE;
		if (earlier != NOT_FOUND)
			return earlier;
		/* It was deleted in the meantime. */
		sent_set_forget(&p->shared->sent, digest);
	}
	enum status st = p->shared->options->again ? OK : ask_server(p, sha256, &p->record, why);
	*out = p->record != NULL ? UPLOAD_THERE : UPLOAD_SENT;
	if (st == OK && p->record == NULL)
		st = send_whole(p, why);
	struct str id = remote_text(p->record != NULL ? p->record : p->slot, "imageId");
	(void)snprintf(image_id, sizeof image_id, "%.*s", STRF(id));
	sent_set_end(&p->shared->sent, digest, st == OK ? image_id : NULL);
	return st;
}

enum status upload_file_send(struct upload_job *p, const struct walk_file *f, enum upload_outcome *out, struct fault *why)
{
	assert(p != NULL && f != NULL && out != NULL);
	bool ignored = false;
	TRY(open_file(p, f, &ignored, why));
	*out = ignored ? UPLOAD_IGNORED : UPLOAD_SENT;
	if (ignored)
		return OK;
	const struct options *o = p->shared->options;
	/* The server refuses a file that is not an image before its bytes are sent; it may be large. A watched file may be found twice. */
	if ((o->again && !o->watch) || !str_starts_with(p->type, STR("image/")))
		return send_whole(p, why);
	return send_once(p, out, why);
}

struct str upload_file_link(const struct upload_job *p)
{
	assert(p != NULL);
	return remote_text(json_object_get(p->record, "links"), "original");
}
