/* tintype upload: the files are found first, then N workers take them one after the other, each with
 * connections of its own. For each file: slot, PUT, and a read of the record; a failed one does
 * not stop the others.
 *
 * Workers block all signals. The main thread waits for SIGINT, SIGTERM or the last worker and draws
 * the bar in the meantime; after a signal it reports progress and exits, since nothing on this
 * machine is half done. All output goes through one lock. */
#include "base/clock.h"
#include "base/codec.h"
#include "base/thread.h"
#include "cli/file_names.h"
#include "cli/progress.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "cli/file_walk.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_MEMORY_BYTES (16u << 20)
#define HEADERS_MAX 32
#define REDRAW_MS 100

struct upload_run {
	const struct options *o;
	struct file_walk walk;
	atomic_size_t next;
	pthread_mutex_t out; /* everything below, and the output */
	struct progress progress;
	size_t failed;
	unsigned running;
	pthread_t main;
};

/* One file on its way. */
struct upload_job {
	struct upload_run *u;
	struct remote *remote;
	struct arena arena;
	struct str path, name, type;
	int fd;
	uint64_t size_bytes;
	uint64_t counted; /* of it, in the progress */
	json_t *slot, *record;
};

static void count_sent(void *arg, uint64_t sent)
{
	struct upload_job *p = arg;
	/* A body that is sent again counts once. */
	if (sent <= p->counted)
		return;
	atomic_fetch_add(&p->u->progress.sent_bytes, sent - p->counted);
	p->counted = sent;
}

static enum status open_file(struct upload_job *p, const struct walk_file *f, struct fault *why)
{
	char start[16];
	struct buf name;
	TRY(walk_open(f, &p->fd, &p->size_bytes, why));
	ssize_t n = pread(p->fd, start, sizeof start, 0);
	if (n < 0)
		return fault_set(why, STORAGE_FAILED, "cannot be read");
	if (n == 0)
		return fault_set(why, IMAGE_EMPTY, "is empty");
	struct str base = name_base(p->path);
	p->type = name_guess_type((struct str){ start, (size_t)n }, base);
	buf_init_arena(&name, &p->arena, NAME_MAX_BYTES);
	if (name_repair(&name, base)) {
		pthread_mutex_lock(&p->u->out);
		progress_clear(&p->u->progress);
		show_line(
			stderr, "%.*s: the name is not UTF-8 of at most %d bytes; sent as %.*s", STRF(p->path), NAME_MAX_BYTES, STRF(buf_str(&name)));
		pthread_mutex_unlock(&p->u->out);
	}
	p->name = buf_str(&name);
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
		.progress = count_sent,
		.progress_arg = p };
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

/* The slot's delete token is shown to programs alone: it is a secret, and here is the only place that has it. */
static json_t *outcome_json(const struct upload_job *p, const struct fault *why, bool ok)
{
	return json_pack("{s:o, s:b, s:o*, s:o*, s:o*, s:o*, s:o*, s:O*, s:O*}", "file", show_json_text(p->path), "ok", ok, "error",
		ok ? NULL : show_json_text(str_of(why->text)), "imageId", p->slot != NULL ? show_json_text(remote_text(p->slot, "imageId")) : NULL,
		"fileName", ok ? show_json_text(p->name) : NULL, "fileSize", ok ? json_integer((json_int_t)p->size_bytes) : NULL, "fileType",
		ok ? show_json_text(p->type) : NULL, "deleteToken", ok ? json_object_get(p->slot, "deleteToken") : NULL, "record", p->record);
}

static enum status send_file(struct upload_job *p, const struct walk_file *f, struct fault *why)
{
	TRY(open_file(p, f, why));
	struct buf json;
	buf_init_arena(&json, &p->arena, 8192);
	buf_put(&json, STR("{\"fileName\":\""));
	json_escape(&json, p->name);
	buf_printf(&json, "\",\"fileType\":\"%.*s\",\"fileSize\":%llu}", STRF(p->type), (unsigned long long)p->size_bytes);
	struct remote_call call = { .method = "POST", .path = STR("/upload"), .json = buf_str(&json) };
	TRY(remote_json(p->remote, &call, &p->arena, &p->slot, why));
	if (remote_text(p->slot, "imageId").n == 0 || remote_text(p->slot, "uploadUrl").n == 0)
		return fault_set(why, UPSTREAM_FAILED, "the response is not an upload slot: is the endpoint right?");
	TRY(put_bytes(p, why));
	/* Read the record; where the bytes have not been checked yet, ask for it. Without a key for reading, the 200 to the
	 * PUT must do. */
	struct str id = remote_text(p->slot, "imageId");
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

static void upload_file(struct upload_run *u, struct remote *remote, const struct walk_file *f)
{
	struct fault why = { 0 };
	struct upload_job p = { .u = u, .remote = remote, .fd = -1 };
	arena_init(&p.arena, FILE_MEMORY_BYTES);
	p.path = walk_path(&p.arena, f);
	pthread_mutex_lock(&u->out);
	(void)snprintf(u->progress.current, sizeof u->progress.current, "%.*s", STRF(name_base(p.path)));
	pthread_mutex_unlock(&u->out);

	bool ok = send_file(&p, f, &why) == OK;
	count_sent(&p, f->size_bytes);
	pthread_mutex_lock(&u->out);
	progress_clear(&u->progress);
	char size[SHOW_SIZE_CHARS];
	show_size(p.size_bytes, size);
	if (!ok)
		show_line(stderr, "%.*s: %s", STRF(p.path), why.text);
	if (ok && !p.u->o->json)
		show_line(stdout, "%.*s  %9s  %.*s", STRF(remote_text(p.slot, "imageId")), size, STRF(p.name));
	if (p.u->o->json) {
		json_t *line = outcome_json(&p, &why, ok);
		show_json(stdout, line);
		json_decref(line);
	}
	fflush(stdout);
	u->failed += !ok;
	u->progress.done++;
	progress_draw(&u->progress);
	pthread_mutex_unlock(&u->out);
	json_decref(p.slot);
	json_decref(p.record);
	if (p.fd >= 0)
		close(p.fd);
	arena_deinit(&p.arena);
}

static void *run_worker(void *arg)
{
	struct upload_run *u = arg;
	struct fault why = { 0 };
	struct remote remote;
	bool ready = remote_init(&remote, u->o->endpoint, &why) == OK;
	for (size_t i = atomic_fetch_add(&u->next, 1); ready && i < u->walk.n; i = atomic_fetch_add(&u->next, 1))
		upload_file(u, &remote, &u->walk.files[i]);
	remote_deinit(&remote);
	pthread_mutex_lock(&u->out);
	u->running--;
	pthread_mutex_unlock(&u->out);
	pthread_kill(u->main, SIGUSR1);
	return NULL;
}

static void end_by_signal(struct upload_run *u, int signal_number)
{
	struct timespec soon;
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_sec++;
	/* A worker that writes to a pipe that is not read keeps the lock. */
	if (pthread_mutex_clocklock(&u->out, CLOCK_MONOTONIC, &soon) == 0) {
		progress_clear(&u->progress);
		show_line(stderr, "interrupted: %zu of %zu files done, %zu of them failed", u->progress.done, u->progress.files, u->failed);
		fflush(stdout);
	}
	_exit(128 + signal_number);
}

/* Draw and wait until no worker runs. SIGUSR1 says that one has ended. */
static void watch_progress(struct upload_run *u, const sigset_t *waited)
{
	for (;;) {
		struct timespec tick = { .tv_nsec = REDRAW_MS * 1000000 };
		int got = sigtimedwait(waited, NULL, &tick);
		if (got == SIGINT || got == SIGTERM)
			end_by_signal(u, got);
		pthread_mutex_lock(&u->out);
		bool over = u->running == 0;
		if (!over)
			progress_draw(&u->progress);
		pthread_mutex_unlock(&u->out);
		if (over)
			return;
	}
}

enum status verb_upload(const struct options *o, struct remote *unused, struct fault *why)
{
	assert(o != NULL);
	struct upload_run u = { .o = o, .main = pthread_self() };
	pthread_mutex_init(&u.out, NULL);
	walk_init(&u.walk);
	for (size_t i = 0; i < o->n_operands; i++)
		walk_add(&u.walk, o->operands[i]);
	u.progress.shown = isatty(STDERR_FILENO) == 1;
	u.progress.total_bytes = u.walk.size_bytes;
	u.progress.files = u.walk.n;
	u.progress.start_ms = clock_mono_ms();
	pthread_t threads[64];
	sigset_t waited, before;
	sigemptyset(&waited);
	sigaddset(&waited, SIGINT);
	sigaddset(&waited, SIGTERM);
	sigaddset(&waited, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &waited, &before);
	size_t most = o->jobs < u.walk.n ? (size_t)o->jobs : u.walk.n, n = 0;
	pthread_mutex_lock(&u.out);
	while (n < most && thread_start(&threads[n], run_worker, &u))
		n++;
	u.running = (unsigned)n;
	pthread_mutex_unlock(&u.out);
	if (n > 0)
		watch_progress(&u, &waited);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	progress_clear(&u.progress);
	/* What is still pending of SIGUSR1 would end the program once it is let in. */
	struct timespec now = { 0 };
	sigdelset(&waited, SIGINT);
	sigdelset(&waited, SIGTERM);
	while (sigtimedwait(&waited, NULL, &now) > 0)
		continue;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	size_t found = u.walk.n;
	bool all = u.walk.failed == 0 && u.failed == 0 && u.progress.done == u.walk.n;
	walk_deinit(&u.walk);
	pthread_mutex_destroy(&u.out);
	if (found == 0)
		return fault_set(why, INVALID_INPUT, "no files to upload");
	return all ? OK : UPSTREAM;
}
