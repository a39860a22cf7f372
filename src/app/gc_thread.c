/* Runs the sweep at its interval on a thread of its own: the due rows each time, and the listing of all
 * objects, whose cost grows with their number, once a day or once in the lifetime of an orphan,
 * whichever is less. Each time, expired multipart uploads are aborted too, and the deletion of users goes on. What users have is
 * counted once a day, and when `tintype recount` asks for it. What `tintype fsck` found is repaired when it asks for it. Changes in the
 * state of a migration, which another process runs, are logged.
 * A sweep that fails is logged and retried at the next interval. If the backend has a lease (`lead`), only the process that holds it sweeps; it
 * renews the lease also during a long sweep, and releases it when it stops. */
#include "app/gc_thread.h"

#include "app/fsck_request.h"
#include "app/commands/recount.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "image/erasure.h"
#include "image/maintenance/gc.h"
#include "image/maintenance/recount.h"

#define LOOK_EVERY_MS 1000
#define LEASE_MORE_MS 2000
#define STATE_BYTES ((size_t)64 << 10)
#define DAY_MS (24 * 3600 * (int64_t)1000)

struct gc_thread {
	struct product *product;
	struct part_store *parts;
	const char *dir;
	struct storage_check *check;
	struct transfer *transfer;
	enum transfer_phase phase; /* of a migration, as last logged */
	int64_t phase_since_ms;
	int64_t interval_ms, walk_interval_ms, multipart_ttl_ms;
	bool (*lead)(void *arg, int64_t lease_ms);
	void *lead_arg;
	int64_t renew_ms; /* when to renew the lease, by clock_mono_ms; 0: this process does not hold it. Used by the thread alone */
	struct timed_thread thread;
};

static bool has_lease(struct gc_thread *j)
{
	int64_t now_ms = clock_mono_ms(), lease_ms = 3 * j->interval_ms + LEASE_MORE_MS;
	if (j->lead == NULL || now_ms < j->renew_ms)
		return true;
	bool has = j->lead(j->lead_arg, lease_ms);
	j->renew_ms = has ? now_ms + lease_ms / 4 : 0;
	return has;
}

static bool is_stopping(void *arg)
{
	struct gc_thread *j = arg;
	return timed_thread_stopping(&j->thread) || !has_lease(j);
}

/* The sweep does nothing during a migration; that is not a failure. */
static void log_failure(const struct fault *why)
{
	if (why->code == F_READ_ONLY)
		return;
	LOG(SWEEP_FAILED, STR(""), LOG_C("code", fault_name(why->code)), LOG_C("text", why->text), LOG_C("cause", why->cause));
}

/* false: not all could be done. */
static bool run_gc(struct gc_thread *j, bool walk)
{
	struct gc_result result = { 0 };
	struct fault why = { 0 };
	const struct gc_limits limits = { .stop = is_stopping, .stop_arg = j };
	enum status status = gc_run(j->product, clock_now_ms(), &limits, &result, &why);
	if (status == OK && walk)
		status = gc_orphans(j->product, clock_now_ms(), &limits, &result, &why);
	if (status == OK && walk)
		status = gc_thumbs(j->product, clock_now_ms(), &limits, &result, &why);
	if (status == OK && walk)
		status = gc_copies(j->product, clock_now_ms(), &limits, &result, &why);
	gc_report(&result);
	if (status != OK)
		log_failure(&why);
	return status == OK;
}

static void abort_old_uploads(struct gc_thread *j)
{
	struct fault why = { 0 };
	uint32_t ended = 0;
	if (j->parts == NULL)
		return;
	enum status status = parts_end_older(j->parts, clock_now_ms() - j->multipart_ttl_ms, &ended, &why);
	if (ended > 0)
		LOG(SWEEP, STR(""), LOG_I("uploads", ended));
	if (status != OK)
		log_failure(&why);
}

/* What was begun before a restart too. */
static void erase_users(struct gc_thread *j)
{
	struct erasure_result result = { 0 };
	struct fault why = { 0 };
	enum status status = erasure_resume(j->product, is_stopping, j, &result, &why);
	if (result.owners + result.images > 0)
		LOG(USER_ERASED, STR(""), LOG_I("owners", result.owners), LOG_I("images", result.images));
	if (status != OK)
		log_failure(&why);
}

static void log_repair(void *arg, const struct user_repair *one, const char *change)
{
	LOG(RECOUNT_REPAIRED, STR(""), LOG_S("owner", one->owner), LOG_C("change", change));
}

static void recount_users(struct gc_thread *j)
{
	struct recount_result result = { 0 };
	struct fault why = { 0 };
	enum status status =
		recount_run(j->product, &(struct recount_options){ .stop = is_stopping, .repaired = log_repair, .arg = j }, &result, &why);
	LOG(RECOUNT, STR(""), LOG_I("owners", result.owners), LOG_I("repaired", result.repaired), LOG_I("derived", result.derived));
	if (status != OK)
		log_failure(&why);
}

/* Log the state of a migration if it has changed; the first call logs a change that was made while no server ran. */
static void log_phase(struct gc_thread *j)
{
	struct arena a CLEANUP(arena_deinit);
	struct transfer_state now;
	char since[ISO8601_CHARS + 1];
	arena_init(&a, STATE_BYTES);
	if (j->transfer == NULL || transfer_get_state(j->transfer, &a, &now, NULL) != OK)
		return; /* the sweep reports a table that cannot be read */
	if (now.phase == j->phase && now.since_ms == j->phase_since_ms)
		return;
	clock_iso8601(now.since_ms, since);
	LOG(MIGRATION_PHASE, STR(""), LOG_S("phase", transfer_phase_name(now.phase)), LOG_S("before", transfer_phase_name(j->phase)),
		LOG_S("migration", now.id), LOG_C("since", now.phase == TRANSFER_NONE ? "" : since));
	j->phase = now.phase;
	j->phase_since_ms = now.since_ms;
}

/* A recount that is asked for is done in the meantime, and repairs. */
static void answer_requests(struct gc_thread *j)
{
	const struct fsck_options fsck = { .product = j->product, .check = j->check, .stop = is_stopping, .arg = j };
	if (j->dir == NULL)
		return;
	log_phase(j);
	fsck_request_answer(j->dir, &fsck);
	if (j->product->users == NULL || !recount_is_requested(j->dir))
		return;
	recount_users(j);
	recount_request_remove(j->dir);
}

/* Wait for the interval; false when stopping. */
static bool wait_interval(struct gc_thread *j)
{
	int64_t until = clock_mono_ms() + j->interval_ms;
	for (int64_t now = clock_mono_ms(); now < until; now = clock_mono_ms()) {
		if (!timed_thread_sleep(&j->thread, now + LOOK_EVERY_MS < until ? now + LOOK_EVERY_MS : until))
			return false;
		answer_requests(j);
	}
	return true;
}

static void *run_thread(void *arg)
{
	struct gc_thread *j = arg;
	int64_t walk_at = clock_mono_ms() + j->walk_interval_ms, recount_at = clock_mono_ms() + DAY_MS;
	log_phase(j);
	while (wait_interval(j)) {
		if (j->dir == NULL) /* reading the state of a remote table is a request: only once per interval */
			log_phase(j);
		if (!has_lease(j))
			continue;
		bool walk = clock_mono_ms() >= walk_at;
		if (run_gc(j, walk) && walk)
			walk_at = clock_mono_ms() + j->walk_interval_ms;
		if (j->product->users != NULL)
			erase_users(j);
		if (j->product->users != NULL && clock_mono_ms() >= recount_at) {
			recount_users(j);
			recount_at = clock_mono_ms() + DAY_MS;
		}
		abort_old_uploads(j);
	}
	if (j->renew_ms > 0)
		(void)j->lead(j->lead_arg, 0);
	return NULL;
}

struct gc_thread *gc_thread_start(const struct gc_thread_options *o)
{
	assert(o != NULL && o->product != NULL);
	assert(o->interval_s > 0 && o->multipart_ttl_s > 0);
	struct gc_thread *j = mem_new(1, sizeof(*j));
	if (j == NULL)
		return NULL;
	int64_t orphan_ms = (int64_t)o->product->rules.orphan_ttl_s * 1000;
	*j = (struct gc_thread){ .product = o->product,
		.parts = o->parts,
		.dir = o->dir,
		.check = o->check,
		.lead = o->lead,
		.lead_arg = o->lead_arg,
		.transfer = o->transfer,
		.interval_ms = (int64_t)o->interval_s * 1000,
		.multipart_ttl_ms = (int64_t)o->multipart_ttl_s * 1000,
		.walk_interval_ms = orphan_ms < DAY_MS ? orphan_ms : DAY_MS };
	if (!timed_thread_start(&j->thread, run_thread, j)) {
		mem_free(j);
		return NULL;
	}
	return j;
}

void gc_thread_free(struct gc_thread **at)
{
	assert(at != NULL);
	struct gc_thread *j = *at;
	if (j == NULL)
		return;
	timed_thread_end(&j->thread);
	mem_free(j);
	*at = NULL;
}
