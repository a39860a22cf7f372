/* See pool.h. There is no thread here: a job runs on its caller's, which takes a process, waits for the answer and gives it back.
 *
 * Memory: each process may use its share for one picture. What is left of --render-memory is one reserve; a picture that needs
 * more than a share says so after its header, and is given the difference from the reserve when that is free. */
#include "pool/pool.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/op_deadline.h"
#include "base/thread.h"
#include "pool/process.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARE_MAX ((uint64_t)64 << 20)    /* 12 megapixels of any kind */
#define CEILING_MAX ((uint64_t)384 << 20) /* of one picture */
#define FRAMES_MAX 10000
#define AREA_MAX ((uint64_t)200000000) /* pixels of all frames */
#define JOB_MS 10000                   /* processor time of one picture */
#define LATE_MS 60000                  /* in all, including the time that it waits for the processor */
#define READY_MS 5000
#define WAIT_MS 30000 /* the longest that a job waits for a process or for memory */
#define JOBS_MAX 200  /* of one process */
#define BUSY_MAX_MS (RENDER_WORKER_CPU_S * 1000 / 2)
/* A process is replaced between two jobs, so that its limit never comes in the middle of one. A job is given to a process twice where it needs
 * more memory than its share. */
_Static_assert(BUSY_MAX_MS + 2 * JOB_MS < RENDER_WORKER_CPU_S * 1000, "a process is replaced before its limit of processor time");
#define MORE_NAME "tintype-render-more"
#define TRIES 2 /* for one picture that kills its process */
#define STARTS 3
#define BACK_OFF_MS 100
#define BACK_OFF_MAX_MS 10000

struct slot {
	struct process process; /* pid 0: none */
	bool taken;
	struct client_addr caller; /* while taken */
};

/* A job that waits or runs, on its caller's stack. */
struct turn {
	struct turn *next; /* in the queue */
	const struct renderer_job *job;
	struct client_addr caller;
	uint64_t extra_bytes; /* taken from the reserve */
	struct slot *slot;
};

struct pool {
	struct renderer port;
	struct pool *more; /* for HEIC and AVIF; NULL: they are not decoded */
	struct process_options process;
	char program[4096];
	unsigned workers, waiting_most, waiting;
	uint64_t share_bytes, max_pixels;
	int64_t used_most_ms;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a process or memory was given back, or the first of the queue has left it */
	/* under the lock */
	struct turn *queue;
	uint64_t reserve_bytes;
	unsigned failed_starts; /* in a row */
	int64_t start_after_ms;
	uint32_t layers;
	struct slot slots[POOL_WORKERS_MAX];
};

/* Taking turns */

static bool is_same(const struct client_addr *a, const struct client_addr *b)
{
	return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* No one in particular: the server itself, and clients on this machine, which may be a proxy for all. */
static struct client_addr caller_of(const struct renderer_job *job)
{
	return client_addr_is_loopback(&job->caller) ? (struct client_addr){ 0 } : client_addr_key(&job->caller);
}

static bool may_take(const struct pool *p, const struct turn *t)
{
	unsigned has = 0, most = p->workers / 2 > 0 ? p->workers / 2 : 1;
	if (is_same(&t->caller, &(struct client_addr){ 0 }))
		return true;
	for (unsigned i = 0; i < p->workers; i++)
		has += p->slots[i].taken && is_same(&p->slots[i].caller, &t->caller);
	return has < most;
}

/* A running process if one is free, else an empty place for one; NULL: all are taken. */
static struct slot *find_slot(struct pool *p)
{
	struct slot *found = NULL;
	for (unsigned i = 0; i < p->workers; i++)
		if (!p->slots[i].taken && (found == NULL || (found->process.pid == 0 && p->slots[i].process.pid > 0)))
			found = &p->slots[i];
	return found;
}

/* Whether it is this one's turn: none before it may take a process. */
static bool is_next(const struct pool *p, const struct turn *t)
{
	const struct turn *first = p->queue;
	while (first != NULL && !may_take(p, first))
		first = first->next;
	return first == t;
}

static void join_queue(struct pool *p, struct turn *t)
{
	struct turn **at = &p->queue;
	while (*at != NULL && ((*at)->job->is_upload || !t->job->is_upload))
		at = &(*at)->next;
	t->next = *at;
	*at = t;
	p->waiting++;
	metric_add(M_RENDER_WAITING, 1);
}

static void leave_queue(struct pool *p, struct turn *t)
{
	struct turn **at = &p->queue;
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	p->waiting--;
	metric_add(M_RENDER_WAITING, -1);
	pthread_cond_broadcast(&p->changed);
}

static enum status refuse(struct fault *why)
{
	metric_add(M_RENDER_REFUSED, 1);
	return fault_set(why, OVERLOADED, "Too many images are waiting to be decoded. Try again in a moment.");
}

static enum status take_slot(struct pool *p, struct turn *t, struct fault *why)
{
	int64_t until_ms = op_deadline_clamp(clock_mono_ms() + WAIT_MS);
	bool in_time = true;
	pthread_mutex_lock(&p->lock);
	bool full = p->waiting >= p->waiting_most && (find_slot(p) == NULL || !may_take(p, t));
	if (!full) {
		join_queue(p, t);
		while (in_time && (find_slot(p) == NULL || !is_next(p, t)))
			in_time = thread_wait_until(&p->changed, &p->lock, until_ms);
		t->slot = in_time ? find_slot(p) : NULL;
		if (t->slot != NULL) {
			t->slot->taken = true;
			t->slot->caller = t->caller;
		}
		leave_queue(p, t);
	}
	pthread_mutex_unlock(&p->lock);
	return t->slot != NULL ? OK : refuse(why);
}

static void give_back(struct pool *p, struct turn *t)
{
	pthread_mutex_lock(&p->lock);
	t->slot->taken = false;
	p->reserve_bytes += t->extra_bytes;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

/* Memory beyond the share. false: it is not free in time. */
static bool take_memory(struct pool *p, struct turn *t, uint64_t bytes)
{
	int64_t until_ms = op_deadline_clamp(clock_mono_ms() + WAIT_MS);
	bool in_time = true;
	pthread_mutex_lock(&p->lock);
	while (in_time && p->reserve_bytes < bytes)
		in_time = thread_wait_until(&p->changed, &p->lock, until_ms);
	bool taken = p->reserve_bytes >= bytes;
	if (taken) {
		p->reserve_bytes -= bytes;
		t->extra_bytes = bytes;
	}
	pthread_mutex_unlock(&p->lock);
	return taken;
}

/* Processes */

/* Only processes that end before they are ready are counted here, never those that a picture ends. */
static enum status note_start(struct pool *p, const struct slot *s, enum status st, struct fault *why)
{
	pthread_mutex_lock(&p->lock);
	if (st == OK) {
		p->failed_starts = 0;
		p->layers = s->process.ready.layers;
	} else {
		int64_t pause_ms = (int64_t)BACK_OFF_MS << (p->failed_starts < 8 ? p->failed_starts : 8);
		p->start_after_ms = clock_mono_ms() + (pause_ms < BACK_OFF_MAX_MS ? pause_ms : BACK_OFF_MAX_MS);
		p->failed_starts++;
	}
	pthread_mutex_unlock(&p->lock);
	metric_add(st == OK ? M_RENDER_STARTS : M_RENDER_STARTS_FAILED, 1);
	if (st != OK)
		LOG(RENDER_FAILED, STR(""), LOG_C("text", why->text), LOG_C("cause", why->cause));
	return st;
}

static enum status start_process(struct pool *p, struct slot *s, struct fault *why)
{
	struct fault failed = { 0 };
	pthread_mutex_lock(&p->lock);
	bool paused = p->failed_starts > 0 && clock_mono_ms() < p->start_after_ms;
	pthread_mutex_unlock(&p->lock);
	if (!paused && note_start(p, s, process_start(&s->process, &p->process, &failed), &failed) == OK)
		return OK;
	metric_add(M_RENDER_REFUSED, 1);
	return fault_set(why, OVERLOADED, "Images cannot be decoded at the moment. Try again later.");
}

static void note_death(const struct renderer_job *job, enum process_outcome outcome, pid_t pid, int status)
{
	static const struct {
		const char *reason;
		enum metric metric;
	} ENDS[PROCESS_OUTCOMES] = { [PROCESS_GONE] = { "gone", M_RENDER_GONE },
		[PROCESS_DIED] = { "died", M_RENDER_DIED },
		[PROCESS_SLOW] = { "slow", M_RENDER_SLOW },
		[PROCESS_LATE] = { "late", M_RENDER_LATE },
		[PROCESS_INVALID] = { "invalid", M_RENDER_INVALID } };
	assert(outcome != PROCESS_ANSWERED);
	metric_add(ENDS[outcome].metric, 1);
	LOG(RENDER_DIED, job->request_id, LOG_C("reason", ENDS[outcome].reason), LOG_I("pid", pid),
		LOG_I("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0), LOG_I("exit", WIFEXITED(status) ? WEXITSTATUS(status) : 0),
		LOG_I("bytes", job->fd < 0 ? job->bytes.n : job->size_bytes));
}

static struct render_job packet_of(const struct pool *p, const struct renderer_job *job)
{
	struct render_job packet = { .ops = (uint8_t)job->ops,
		.kind = (uint8_t)job->kind,
		.presets = (uint8_t)job->presets,
		.max_frames = FRAMES_MAX,
		.max_pixels = p->max_pixels,
		.max_area = p->max_pixels > AREA_MAX ? p->max_pixels : AREA_MAX,
		.max_memory = p->share_bytes,
		.max_output = PROCESS_WINDOW_BYTES };
	for (size_t i = 0; i < job->presets; i++)
		packet.preset[i] = job->preset[i];
	return packet;
}

/* One answer, from a second process if the first one dies. */
static enum status run_packet(struct pool *p, struct turn *t, struct render_job *packet, struct render_answer *out, struct fault *why)
{
	struct process *process = &t->slot->process;
	unsigned deaths = 0, starts = 0;
	bool late = false;
	while (deaths < TRIES && starts <= STARTS) {
		if (process->pid == 0) {
			TRY(start_process(p, t->slot, why));
			starts++;
		}
		enum process_outcome outcome = process_run(process, &p->process, t->job, packet, out);
		if (outcome == PROCESS_ANSWERED)
			return OK;
		pid_t pid = process->pid;
		int status = process_end(process);
		note_death(t->job, outcome, pid, status);
		if (outcome == PROCESS_LATE && op_deadline_passed()) /* that says nothing about the picture */
			return fault_set(why, DEADLINE, "There was no time left to decode the image. Try again.");
		if (outcome == PROCESS_SLOW) {
			*out = (struct render_answer){ .code = RENDER_TOO_MUCH_TIME, .verdict = RENDER_LIMIT };
			return OK;
		}
		deaths += outcome != PROCESS_GONE;
		late = late || outcome == PROCESS_LATE;
	}
	if (deaths < TRIES || late) /* one that did not get to the processor, or was stopped, says nothing about the picture */
		return refuse(why);
	*out = (struct render_answer){ .code = RENDER_UNREADABLE, .verdict = RENDER_BROKEN };
	return OK;
}

static enum status copy_thumbs(const struct turn *t, struct arena *a, struct renderer_result *out, struct fault *why)
{
	for (size_t i = 0; i < out->answer.presets; i++) {
		const struct render_thumb *thumb = &out->answer.thumb[i];
		out->thumb[i] = str_dup(a, (struct str){ (const char *)t->slot->process.window + thumb->offset, thumb->length });
	}
	return fault_check_arena(a, why);
}

static enum status run_turn(struct pool *p, struct turn *t, struct arena *a, struct renderer_result *out, struct fault *why)
{
	struct render_job packet = packet_of(p, t->job);
	*out = (struct renderer_result){ 0 };
	TRY(run_packet(p, t, &packet, &out->answer, why));
	if (out->answer.code == RENDER_TOO_MUCH_MEMORY && out->answer.memory > p->share_bytes && out->answer.memory <= p->port.memory_most) {
		packet.max_memory = out->answer.memory;
		if (!take_memory(p, t, packet.max_memory - p->share_bytes))
			return refuse(why);
		TRY(run_packet(p, t, &packet, &out->answer, why));
	}
	metric_add(M_RENDER_DONE, 1);
	enum status st = copy_thumbs(t, a, out, why);
	struct process *process = &t->slot->process;
	if (process->pid > 0 &&
		(out->answer.verdict >= RENDER_BROKEN || process->jobs >= JOBS_MAX || process_used_ms(process) >= p->used_most_ms)) {
		(void)process_end(process);
		metric_add(M_RENDER_REPLACED, 1);
	}
	return st;
}

static enum status run_job(
	struct renderer *r, const struct renderer_job *job, struct arena *a, struct renderer_result *out, struct fault *why)
{
	struct pool *p = (struct pool *)r;
	if (job->kind == RENDER_HEIF)
		p = p->more;
	if (p == NULL) /* accepted under another setting */
		return fault_set(why, OVERLOADED, "This server no longer decodes HEIC and AVIF. Ask its operator to allow them again.");
	struct turn t = { .job = job, .caller = caller_of(job) };
	TRY(take_slot(p, &t, why));
	enum status st = run_turn(p, &t, a, out, why);
	give_back(p, &t);
	return st;
}

static const struct renderer_ops ops = { run_job };

/* Start and end */

/* Next to this executable, or where make install puts it; a build keeps it a folder deeper. */
static enum status find_program(struct pool *p, const char *name, const char *given, struct fault *why)
{
	static const char *const PLACES[] = { "", "../libexec/tintype/", "render/" };
	char self[sizeof p->program - 32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self);
	struct str folder = { self, n > 0 ? (size_t)n : 0 };
	while (folder.n > 0 && folder.p[folder.n - 1] != '/')
		folder.n--;
	if (given != NULL)
		(void)snprintf(p->program, sizeof p->program, "%s", given);
	for (size_t i = 0; given == NULL && i < COUNT_OF(PLACES); i++) {
		(void)snprintf(p->program, sizeof p->program, "%.*s%s%s", STRF(folder), PLACES[i], name);
		if (access(p->program, X_OK) == 0)
			break;
	}
	if (access(p->program, X_OK) == 0)
		return OK;
	if (str_equal(str_of(name), STR(MORE_NAME)))
		return fault_set(why, BAD_SETTING,
			"--allowed-types names HEIC or AVIF, and " MORE_NAME
			", which decodes them, is neither in %.*s nor in ../libexec/tintype/ from there: build it with make build HEIF=true, "
			"or name the type in --unverified-types too.",
			STRF(folder));
	return fault_set(why, BAD_SETTING,
		"tintype-render, which decodes images, is neither in %.*s nor in ../libexec/tintype/ from there: put it there, or start with --verify "
		"header, which decodes none.",
		STRF(folder));
}

static enum status start_first(struct pool *p, struct fault *why)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return fault_set(why, INTERNAL, "This process could not be made non-dumpable (prctl PR_SET_DUMPABLE).");
	TRY(process_start(&p->slots[0].process, &p->process, why));
	p->layers = p->slots[0].process.ready.layers;
	metric_add(M_RENDER_STARTS, 1);
	return OK;
}

/* One kind of process. */
static enum status start_pool(const struct pool_options *o, const char *name, struct pool **out, struct fault *why)
{
	struct pool *p = mem_new(1, sizeof *p);
	if (p == NULL)
		return fault_no_memory(why);
	uint64_t half = o->memory_bytes / 2 / o->workers;
	p->share_bytes = half < SHARE_MAX ? half : SHARE_MAX;
	p->reserve_bytes = o->memory_bytes - p->share_bytes * o->workers;
	p->port = (struct renderer){ &ops, p->share_bytes + p->reserve_bytes };
	if (p->port.memory_most > CEILING_MAX)
		p->port.memory_most = CEILING_MAX;
	p->workers = o->workers;
	p->used_most_ms = o->used_ms > 0 ? o->used_ms : BUSY_MAX_MS;
	p->waiting_most = o->waiting_most;
	p->max_pixels = o->max_pixels < RENDER_PIXELS_MAX ? o->max_pixels : RENDER_PIXELS_MAX;
	p->process = (struct process_options){ .program = p->program,
		.memory_bytes = p->port.memory_most,
		.sandbox = o->sandbox,
		.ready_ms = READY_MS,
		.job_ms = o->job_ms > 0 ? o->job_ms : JOB_MS,
		.late_ms = o->late_ms > 0 ? o->late_ms : LATE_MS };
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	*out = p;
	enum status st = find_program(p, name, o->program, why);
	if (st == OK)
		st = start_first(p, why);
	if (st != OK)
		pool_free(out);
	return st;
}

enum status pool_start(const struct pool_options *o, struct pool **out, struct fault *why)
{
	assert(o != NULL && out != NULL);
	assert(o->max_pixels > 0 && o->job_ms >= 0 && o->job_ms <= JOB_MS && o->late_ms >= 0 && o->used_ms >= 0 && o->used_ms <= BUSY_MAX_MS);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct pool_options plain = *o;
	plain.workers = o->workers > 0 ? o->workers : cores > 1 ? (unsigned)cores : 1;
	plain.workers = plain.workers < POOL_WORKERS_MAX ? plain.workers : POOL_WORKERS_MAX;
	plain.memory_bytes = o->heif ? o->memory_bytes / 2 : o->memory_bytes;
	if (plain.memory_bytes / plain.workers < POOL_MEMORY_MIN)
		return fault_set(why, BAD_SETTING, "--render-memory (TINTYPE_RENDER_MEMORY) must be at least %u MiB for each of the %u renderers%s",
			o->heif ? 64 : 32, plain.workers, o->heif ? ", half of it for HEIC and AVIF" : "");
	TRY(start_pool(&plain, "tintype-render", out, why));
	if (!o->heif)
		return OK;
	struct pool_options more = plain;
	more.workers = plain.workers > 1 ? plain.workers / 2 : 1;
	more.program = o->more;
	enum status st = start_pool(&more, MORE_NAME, &(*out)->more, why);
	if (st != OK)
		pool_free(out);
	return st;
}

void pool_free(struct pool **at)
{
	assert(at != NULL);
	struct pool *p = *at;
	if (p == NULL)
		return;
	pool_free(&p->more);
	for (unsigned i = 0; i < p->workers; i++) {
		assert(!p->slots[i].taken);
		(void)process_end(&p->slots[i].process);
	}
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
	mem_free(p);
	*at = NULL;
}

struct renderer *pool_renderer(struct pool *p)
{
	assert(p != NULL);
	return &p->port;
}

unsigned pool_workers(const struct pool *p)
{
	return p->workers;
}

uint32_t pool_layers(struct pool *p)
{
	pthread_mutex_lock(&p->lock);
	uint32_t layers = p->layers;
	pthread_mutex_unlock(&p->lock);
	return layers;
}

struct str pool_layers_text(uint32_t layers)
{
	static const char *const TEXTS[8] = { "none", "filter", "no network", "filter, no network", "no files", "filter, no files",
		"no network, no files", "filter, no network, no files" };
	assert(layers < COUNT_OF(TEXTS));
	return str_of(TEXTS[layers]);
}

enum status pool_ready(struct pool *p, struct fault *why)
{
	pthread_mutex_lock(&p->lock);
	bool failed = p->failed_starts > 0 && clock_mono_ms() < p->start_after_ms; /* else the next job tries */
	pthread_mutex_unlock(&p->lock);
	if (failed)
		return fault_set(why, OVERLOADED, "tintype-render, which decodes images, cannot be started; the log says why.");
	return p->more == NULL ? OK : pool_ready(p->more, why);
}
