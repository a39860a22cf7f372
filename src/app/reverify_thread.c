#include "app/reverify_thread.h"

#include "app/reverify_files.h"
#include "base/clock.h"
#include "base/log/log.h"
#include "base/mem.h"
#include "base/thread.h"

#include <stdio.h>
#include <string.h>

#define LOOK_EVERY_MS 1000
#define STATE_EVERY_MS 500

struct reverify_thread {
	struct reverify_thread_options o;
	struct timed_thread thread;
	/* of the thread */
	struct reverify_request request; /* that runs */
	struct reverify_state state;
	int64_t written_ms, looked_ms;
};

/* Whether the request that runs is there still, and no other. */
static bool is_asked_for(const struct reverify_thread *t)
{
	struct reverify_request now;
	return reverify_request_read(t->o.dir, &now) && strcmp(now.id, t->request.id) == 0;
}

static bool wait_next(void *arg, int64_t until_ms)
{
	struct reverify_thread *t = arg;
	if (!timed_thread_sleep(&t->thread, until_ms))
		return false;
	if (clock_mono_ms() < t->looked_ms + LOOK_EVERY_MS)
		return true;
	t->looked_ms = clock_mono_ms();
	return is_asked_for(t);
}

static void write_state(struct reverify_thread *t)
{
	struct fault why = { 0 };
	t->written_ms = clock_mono_ms();
	if (reverify_state_write(t->o.dir, &t->state, &why) != OK)
		LOG(REVERIFY_FAILED, STR(""), LOG_C("text", why.text), LOG_C("cause", why.cause));
}

static void note_progress(void *arg, const struct reverify_result *so_far, const struct image_row *row, const struct fault *why)
{
	struct reverify_thread *t = arg;
	t->state.result = *so_far;
	if (row != NULL && why != NULL)
		LOG(REVERIFY_FAILED, STR(""), LOG_S("imageId", row->image_id), LOG_C("text", why->text), LOG_C("cause", why->cause));
	else if (row != NULL)
		LOG(IMAGE_DAMAGED, STR(""), LOG_S("imageId", row->image_id), LOG_S("damage", row->damage));
	if (clock_mono_ms() >= t->written_ms + STATE_EVERY_MS)
		write_state(t);
}

static void end_request(struct reverify_thread *t, enum status st, bool stopped, const struct fault *why)
{
	const struct reverify_result *r = &t->state.result;
	t->state.ended = true;
	t->state.complete = st == OK && !stopped;
	if (st != OK)
		(void)snprintf(t->state.error, sizeof t->state.error, "%s", why->text);
	LOG(REVERIFY, STR(""), LOG_I("seen", r->seen), LOG_I("ok", r->ok), LOG_I("recoverable", r->recoverable), LOG_I("corrupt", r->corrupt),
		LOG_I("overLimit", r->over_limit), LOG_I("failed", r->failed), LOG_I("stripped", r->stripped),
		LOG_C("end",
			st != OK      ? "failed"
				: stopped ? "stopped"
						  : "complete"),
		LOG_C("text", t->state.error));
	write_state(t);
	if (is_asked_for(t))
		reverify_request_remove(t->o.dir);
}

static void run_request(struct reverify_thread *t)
{
	struct fault why = { 0 };
	bool stopped = false;
	struct reverify_options o = { .product = t->o.product,
		.buckets = t->o.buckets,
		.bucket = t->o.bucket,
		.strip = t->request.strip,
		.per_second = t->request.per_second,
		.wait = wait_next,
		.progress = note_progress,
		.arg = t };
	t->state = (struct reverify_state){ 0 };
	memcpy(t->state.id, t->request.id, sizeof t->state.id);
	write_state(t);
	enum status st = o.product->renderer != NULL
		? reverify_run(&o, &t->state.result, &stopped, &why)
		: fault_set(&why, BAD_SETTING, "This server decodes no images (--verify header): start it with --verify decode.");
	if (stopped && timed_thread_stopping(&t->thread)) { /* the server is stopping; it continues after the next start */
		write_state(t);
		return;
	}
	end_request(t, st, stopped, &why);
}

static void *run_thread(void *arg)
{
	struct reverify_thread *t = arg;
	while (timed_thread_sleep(&t->thread, clock_mono_ms() + LOOK_EVERY_MS))
		if (reverify_request_read(t->o.dir, &t->request))
			run_request(t);
	return NULL;
}

struct reverify_thread *reverify_thread_start(const struct reverify_thread_options *o)
{
	assert(o != NULL && o->product != NULL && o->buckets != NULL && o->bucket.n > 0 && o->dir != NULL);
	struct reverify_thread *t = mem_new(1, sizeof *t);
	if (t == NULL)
		return NULL;
	t->o = *o;
	if (timed_thread_start(&t->thread, run_thread, t))
		return t;
	mem_free(t);
	return NULL;
}

void reverify_thread_free(struct reverify_thread **at)
{
	assert(at != NULL);
	struct reverify_thread *t = *at;
	if (t == NULL)
		return;
	timed_thread_end(&t->thread);
	mem_free(t);
	*at = NULL;
}
