/* tintype upload: the files are found first, then N workers take them one after the other, each with
 * connections of its own; one that fails does not stop the others. With --watch more files are found as they are written, until a signal.
 *
 * Workers block all signals. The main thread waits for SIGINT, SIGTERM, new files or the last worker and draws
 * the bar in the meantime; after a signal it says what was done and exits, since nothing on this
 * machine is half done. All output goes through one lock. */
#include "base/clock.h"
#include "base/thread.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/upload_file.h"
#include "cli/upload_watch.h"
#include "cli/file_names.h"
#include "cli/verbs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REDRAW_MS 100
#define JOBS_MAX 64
#define LOST_MAX_MS INT64_C(60000) /* that one request waits for a server that is restarted */
#define FOR_EVER_MS INT64_C(315360000000)

struct upload_run {
	const struct options *o;
	struct upload_shared shared;
	struct remote_patience patience;
	pthread_mutex_t out;  /* everything below, and the output */
	pthread_cond_t found; /* more files, or that there will be none */
	struct file_walk walk;
	bool is_complete; /* no more files will be found */
	size_t next;
	struct progress progress;
	size_t sent, there, failed;
	uint64_t sent_bytes;
	bool warned; /* that the server cannot be asked which files it has */
	unsigned running;
	int ended; /* an eventfd: a worker has ended */
	struct upload_watch watch;
};

/* The bytes of one file that are in the progress already: a body that is sent again counts once. */
struct counted {
	struct upload_run *run;
	uint64_t bytes;
};

static void count_sent(void *arg, uint64_t sent)
{
	struct counted *c = arg;
	if (sent <= c->bytes)
		return;
	atomic_fetch_add(&c->run->progress.sent_bytes, sent - c->bytes);
	c->bytes = sent;
}

/* The slot's delete token is shown to programs alone: it is a secret, and here is the only place that has it. */
static json_t *outcome_json(const struct upload_job *p, enum upload_outcome outcome, const struct fault *failed)
{
	bool ok = failed == NULL;
	struct str id = remote_text(p->record, "imageId"), link = upload_file_link(p);
	if (id.n == 0)
		id = remote_text(p->slot, "imageId");
	return json_pack("{s:o, s:b, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:o*, s:O*, s:O*}", "file", show_json_text(p->path), "ok", ok, "error",
		ok ? NULL : show_json_text(str_of(failed->text)), "skipped", ok && outcome == UPLOAD_THERE ? json_true() : NULL, "imageId",
		id.n > 0 ? show_json_text(id) : NULL, "fileName", ok ? show_json_text(p->name) : NULL, "fileSize",
		ok ? json_integer((json_int_t)p->size_bytes) : NULL, "fileType", ok ? show_json_text(p->type) : NULL, "link",
		ok && link.n > 0 ? show_json_text(link) : NULL, "deleteToken", ok ? json_object_get(p->slot, "deleteToken") : NULL, "record",
		p->record);
}

/* For people: the id, which is what other commands take, and the link last, so that it can be cut off by a program too. */
static void show_image(const struct upload_job *p, enum upload_outcome outcome)
{
	char size[SHOW_SIZE_CHARS];
	struct str id = remote_text(p->record != NULL ? p->record : p->slot, "imageId"), link = upload_file_link(p);
	show_size(p->size_bytes, size);
	show_line(stdout, "%.*s  %9s  %.*s%s%s%.*s", STRF(id), size, STRF(p->name), outcome == UPLOAD_THERE ? "  (already there)" : "",
		link.n > 0 ? "  " : "", STRF(link));
}

static void show_outcome(struct upload_run *u, const struct upload_job *p, enum upload_outcome outcome, const struct fault *failed)
{
	if (p->is_renamed)
		show_line(stderr, "%.*s: the name is not UTF-8 of at most %d bytes; sent as %.*s", STRF(p->path), NAME_MAX_BYTES, STRF(p->name));
	if (atomic_load(&u->shared.cannot_ask) && !u->warned) {
		u->warned = true;
		show_styled(stderr, SHOW_YELLOW, "This server cannot tell which files it has already: all are uploaded.");
	}
	if (failed != NULL)
		show_styled(stderr, SHOW_RED, "%.*s: %s", STRF(p->path), failed->text);
	if (u->o->json) {
		json_t *line = outcome_json(p, outcome, failed);
		show_json(stdout, line);
		json_decref(line);
	} else if (failed == NULL)
		show_image(p, outcome);
	(void)show_flush();
}

static void upload_one(struct upload_run *u, struct remote *remote, const struct walk_file *f)
{
	struct fault why = { 0 };
	struct upload_job p;
	struct counted counted = { .run = u };
	enum upload_outcome outcome = UPLOAD_SENT;
	upload_file_init(&p, &u->shared, remote, f);
	p.progress = count_sent;
	p.progress_arg = &counted;
	pthread_mutex_lock(&u->out);
	(void)snprintf(u->progress.current, sizeof u->progress.current, "%.*s", STRF(name_base(p.path)));
	pthread_mutex_unlock(&u->out);

	bool ok = upload_file_send(&p, f, &outcome, &why) == OK;
	count_sent(&counted, f->size_bytes);
	pthread_mutex_lock(&u->out);
	progress_clear(&u->progress);
	if (!ok || outcome != UPLOAD_IGNORED)
		show_outcome(u, &p, outcome, ok ? NULL : &why);
	u->failed += !ok;
	u->sent += ok && outcome == UPLOAD_SENT;
	u->there += ok && outcome == UPLOAD_THERE;
	u->sent_bytes += ok && outcome == UPLOAD_SENT ? p.size_bytes : 0;
	u->progress.done++;
	progress_draw(&u->progress);
	pthread_mutex_unlock(&u->out);
	upload_file_deinit(&p);
}

/* The next file; waits for one while more may be found. false: there is none. */
static bool take_file(struct upload_run *u, struct walk_file *f)
{
	pthread_mutex_lock(&u->out);
	while (u->next == u->walk.n && !u->is_complete)
		pthread_cond_wait(&u->found, &u->out);
	bool taken = u->next < u->walk.n;
	if (taken)
		*f = u->walk.files[u->next++];
	pthread_mutex_unlock(&u->out);
	return taken;
}

static void *run_worker(void *arg)
{
	struct upload_run *u = arg;
	struct fault why = { 0 };
	struct remote remote;
	struct walk_file f;
	const uint64_t one = 1;
	bool ready = remote_init(&remote, u->o->endpoint, &why) == OK;
	remote.patience = &u->patience;
	while (ready && take_file(u, &f))
		upload_one(u, &remote, &f);
	remote_deinit(&remote);
	pthread_mutex_lock(&u->out);
	u->running--;
	pthread_mutex_unlock(&u->out);
	(void)!write(u->ended, &one, sizeof one);
	return NULL;
}

static void note_lost(void *arg, const struct fault *lost)
{
	struct upload_run *u = arg;
	pthread_mutex_lock(&u->out);
	progress_clear(&u->progress);
	if (lost != NULL)
		show_styled(stderr, SHOW_YELLOW, "Waiting for the server: %s", lost->text);
	else
		show_line(stderr, "The server is back.");
	pthread_mutex_unlock(&u->out);
}

/* "26 uploaded (5.2 MiB in 3.1 s), 3 already there, 6 failed". */
static void show_summary(const struct upload_run *u, bool is_interrupted)
{
	char size[SHOW_SIZE_CHARS], memory[256];
	struct buf b;
	size_t failed = u->failed + u->walk.failed, left = u->walk.n - u->progress.done;
	buf_init_fixed(&b, memory, sizeof memory);
	show_size(u->sent_bytes, size);
	buf_printf(&b, "%s%zu uploaded", is_interrupted && !u->o->watch ? "Interrupted: " : "", u->sent);
	if (u->sent > 0 && u->o->watch)
		buf_printf(&b, " (%s)", size);
	else if (u->sent > 0)
		buf_printf(&b, " (%s in %.1f s)", size, (double)(clock_mono_ms() - u->progress.start_ms) / 1000);
	if (u->there > 0)
		buf_printf(&b, ", %zu already there", u->there);
	if (failed > 0)
		buf_printf(&b, ", %zu failed", failed);
	if (left > 0)
		buf_printf(&b, ", %zu not sent", left);
	show_styled(stderr, failed > 0 ? SHOW_RED : left > 0 ? SHOW_YELLOW : SHOW_GREEN, "%.*s", STRF(buf_str(&b)));
}

static void end_by_signal(struct upload_run *u, int signal_number)
{
	struct timespec soon;
	clock_gettime(CLOCK_MONOTONIC, &soon);
	soon.tv_sec++;
	/* A worker that writes to a pipe that is not read keeps the lock. */
	if (pthread_mutex_clocklock(&u->out, CLOCK_MONOTONIC, &soon) == 0) {
		progress_clear(&u->progress);
		show_summary(u, true);
		(void)show_flush();
	}
	_exit(128 + signal_number);
}

/* Take what has come into the watched directories. Under the lock. */
static void find_more(struct upload_run *u)
{
	size_t before = u->walk.n;
	progress_clear(&u->progress);
	upload_watch_read(&u->watch, &u->walk);
	u->is_complete = upload_watch_roots(&u->watch) == 0;
	u->progress.total_bytes = u->walk.size_bytes;
	u->progress.files = u->walk.n;
	if (u->walk.n > before || u->is_complete)
		pthread_cond_broadcast(&u->found);
}

/* Draw and wait until no worker runs. */
static void wait_for_workers(struct upload_run *u, int signals)
{
	for (bool over = false; !over;) {
		struct pollfd fds[] = { { .fd = signals, .events = POLLIN }, { .fd = u->ended, .events = POLLIN },
			{ .fd = u->watch.fd, .events = POLLIN } };
		struct signalfd_siginfo got;
		uint64_t ended;
		pthread_mutex_lock(&u->out);
		bool draws = u->progress.shown && u->progress.done < u->progress.files;
		pthread_mutex_unlock(&u->out);
		(void)poll(fds, COUNT_OF(fds), draws ? REDRAW_MS : -1);
		if (read(signals, &got, sizeof got) == sizeof got)
			end_by_signal(u, (int)got.ssi_signo);
		(void)!read(u->ended, &ended, sizeof ended);
		pthread_mutex_lock(&u->out);
		if ((fds[2].revents & POLLIN) != 0)
			find_more(u);
		over = u->running == 0;
		if (!over)
			progress_draw(&u->progress);
		pthread_mutex_unlock(&u->out);
	}
}

/* Find the files, and watch for more if that is wanted. */
static enum status find_files(struct upload_run *u, struct fault *why)
{
	const struct options *o = u->o;
	for (size_t i = 0; i < o->n_operands; i++) {
		struct stat st;
		if (strcmp(o->operands[i], "-") == 0)
			continue;
		if (o->watch && stat(o->operands[i], &st) == 0 && !S_ISDIR(st.st_mode))
			return fault_set(why, BAD_SETTING, "--watch takes directories, and %s is not one", o->operands[i]);
	}
	if (o->watch)
		TRY(upload_watch_init(&u->watch, &u->walk, why));
	for (size_t i = 0; i < o->n_operands; i++) {
		if (strcmp(o->operands[i], "-") == 0)
			TRY(walk_add_stdin(&u->walk, &u->shared.stdin_fd, why));
		else
			walk_add(&u->walk, o->operands[i]);
	}
	if (o->watch && upload_watch_roots(&u->watch) == 0)
		return fault_set(why, INVALID_INPUT, "there is nothing to watch");
	return u->walk.n > 0 || o->watch ? OK : fault_set(why, INVALID_INPUT, "no files to upload");
}

static enum status check_use(const struct options *o, struct fault *why)
{
	size_t n = 0;
	for (size_t i = 0; i < o->n_operands; i++)
		n += strcmp(o->operands[i], "-") == 0;
	if (n > 1)
		return fault_set(why, BAD_SETTING, "standard input can be read once: give one -");
	if (n > 0 && o->watch)
		return fault_set(why, BAD_SETTING, "--watch takes directories, not -");
	if (n > 0 && isatty(STDIN_FILENO) == 1)
		return fault_set(why, BAD_SETTING, "standard input is a terminal: pipe a file to it, or redirect one");
	if (n == 0 && o->name != NULL)
		return fault_set(why, BAD_SETTING, "--name is for standard input: give - as the file");
	return OK;
}

static void say_what_is_watched(const struct upload_run *u)
{
	for (size_t i = 0; i < u->watch.n; i++)
		if (u->watch.dirs[i].id >= 0 && u->watch.dirs[i].below[0] == '\0')
			show_line(stderr, "Watching %s", u->watch.dirs[i].root);
	show_styled(stderr, SHOW_FAINT, "Files are uploaded once they are written or moved there. Ctrl-C ends.");
}

static enum status run_workers(struct upload_run *u, struct fault *why)
{
	pthread_t threads[JOBS_MAX];
	sigset_t waited, before;
	sigemptyset(&waited);
	sigaddset(&waited, SIGINT);
	sigaddset(&waited, SIGTERM);
	/* Of the leases that tell whether a file is being written. */
	signal(SIGIO, SIG_IGN);
	pthread_sigmask(SIG_BLOCK, &waited, &before);
	int signals = signalfd(-1, &waited, SFD_NONBLOCK | SFD_CLOEXEC);
	u->ended = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	size_t most = u->o->watch || u->o->jobs < u->walk.n ? (size_t)u->o->jobs : u->walk.n, n = 0;
	pthread_mutex_lock(&u->out);
	while (signals >= 0 && u->ended >= 0 && n < most && thread_start(&threads[n], run_worker, u))
		n++;
	u->running = (unsigned)n;
	pthread_mutex_unlock(&u->out);
	if (n > 0)
		wait_for_workers(u, signals);
	for (size_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	progress_clear(&u->progress);
	if (signals >= 0)
		close(signals);
	if (u->ended >= 0)
		close(u->ended);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return n > 0 ? OK : fault_set(why, STORAGE_FAILED, "the system has no threads or no descriptors left");
}

static enum status upload_all(struct upload_run *u, struct fault *why)
{
	TRY(check_use(u->o, why));
	TRY(find_files(u, why));
	u->is_complete = !u->o->watch;
	u->progress.shown = isatty(STDERR_FILENO) == 1;
	u->progress.total_bytes = u->walk.size_bytes;
	u->progress.files = u->walk.n;
	u->progress.start_ms = clock_mono_ms();
	if (u->o->watch)
		say_what_is_watched(u);
	TRY(run_workers(u, why));
	show_summary(u, false);
	return u->walk.failed == 0 && u->failed == 0 && u->progress.done == u->walk.n ? OK : UPSTREAM;
}

enum status verb_upload(const struct options *o, struct remote *unused, struct fault *why)
{
	assert(o != NULL);
	struct upload_run u = { .o = o,
		.shared = { .options = o, .stdin_fd = -1 },
		.patience = { .most_ms = o->watch ? FOR_EVER_MS : LOST_MAX_MS, .before_answer = o->watch, .changed = note_lost, .arg = &u },
		.watch = { .fd = -1 } };
	pthread_mutex_init(&u.out, NULL);
	pthread_cond_init(&u.found, NULL);
	sent_set_init(&u.shared.sent);
	walk_init(&u.walk);
	u.walk.json = o->json;
	enum status st = upload_all(&u, why);
	if (u.shared.stdin_fd >= 0)
		close(u.shared.stdin_fd);
	upload_watch_deinit(&u.watch);
	walk_deinit(&u.walk);
	sent_set_deinit(&u.shared.sent);
	pthread_cond_destroy(&u.found);
	pthread_mutex_destroy(&u.out);
	return st;
}
