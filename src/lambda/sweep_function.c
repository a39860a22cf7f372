/* See sweep_function.h. */
#include "lambda/sweep_function.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/writer.h"
#include "image/erasure.h"
#include "image/maintenance/gc.h"

/* When to begin nothing more, of the monotonic clock. */
static int64_t half_time(const struct invocation *in)
{
	int64_t left_ms = in->deadline_ms - clock_now_ms();
	return in->deadline_ms == 0 ? INT64_MAX : clock_mono_ms() + (left_ms > 0 ? left_ms / 2 : 0);
}

static bool is_time_up(void *arg)
{
	const int64_t *until_ms = arg;
	return clock_mono_ms() >= *until_ms;
}

static void note_failure(const struct fault *failed, struct fault *first)
{
	LOG(SWEEP_FAILED, STR(""), LOG_C("code", fault_name(failed->code)), LOG_C("text", failed->text), LOG_C("cause", failed->cause));
	if (first->code == F_NONE)
		*first = *failed;
}

static enum status erase_users(struct product *p, const struct gc_limits *limits, struct fault *why)
{
	struct erasure_result done = { 0 };
	if (p->users == NULL)
		return OK;
	enum status end = erasure_resume(p, limits->stop, limits->stop_arg, &done, why);
	if (done.owners + done.images > 0)
		LOG(USER_ERASED, STR(""), LOG_I("owners", done.owners), LOG_I("images", done.images));
	return end;
}

void sweep_limit(struct gc_limits *limits, int64_t now_ms, unsigned slices, struct arena *a)
{
	assert(limits != NULL && (slices == SWEEP_SLICES || slices == SWEEP_COPY_SLICES));
	uint64_t turn = (uint64_t)(now_ms / SWEEP_EVERY_MS), round = turn / slices;
	limits->prefix = str_printf(a, "%0*x", slices == SWEEP_SLICES ? 3 : 2, (unsigned)(turn % slices));
	limits->start = str_printf(a, "%02x", (unsigned)(round * 157 % 256)); /* 0.61 of 256: far from those of the last rounds */
}

/* Each walk gets an equal share of the time that is left when it begins. */
static void walk_slices(
	struct product *p, int64_t now_ms, int64_t until_ms, struct gc_result *done, struct arena *a, struct str *slice, struct fault *first)
{
	static const struct {
		enum status (*walk)(struct product *, int64_t, const struct gc_limits *, struct gc_result *, struct fault *);
		unsigned slices;
	} walks[] = { { gc_copies, SWEEP_COPY_SLICES }, { gc_thumbs, SWEEP_SLICES }, { gc_orphans, SWEEP_SLICES } };
	for (size_t i = 0; i < COUNT_OF(walks); i++) {
		int64_t begins_ms = clock_mono_ms(), ends_ms = begins_ms + (until_ms - begins_ms) / (int64_t)(COUNT_OF(walks) - i);
		struct gc_limits limits = { .stop = is_time_up, .stop_arg = &ends_ms };
		struct fault failed = { 0 };
		sweep_limit(&limits, now_ms, walks[i].slices, a);
		enum status end = fault_check_arena(a, &failed);
		if (end == OK)
			end = walks[i].walk(p, now_ms, &limits, done, &failed);
		if (end != OK)
			note_failure(&failed, first);
		*slice = limits.prefix;
	}
}

enum status sweep_function_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why)
{
	assert(arg != NULL && in != NULL && a != NULL && answer != NULL && why != NULL);
	const struct sweep_function *to = arg;
	struct product *p = to->product;
	int64_t now_ms = clock_now_ms(), until_ms = half_time(in);
	struct gc_limits limits = { .stop = is_time_up, .stop_arg = &until_ms };
	struct gc_result done = { 0 };
	struct fault first = { 0 }, failed = { 0 };
	uint64_t events = 0;
	struct str slice = STR("");
	if (to->events->bus != NULL && event_sender_resume(to->events, is_time_up, &until_ms, &events, &failed) != OK)
		note_failure(&failed, &first);
	if (gc_run(p, now_ms, &limits, &done, &failed) != OK)
		note_failure(&failed, &first);
	if (erase_users(p, &limits, &failed) != OK)
		note_failure(&failed, &first);
	walk_slices(p, now_ms, until_ms, &done, a, &slice, &first);
	gc_report(&done);
	writer_open(answer, STR(""), '{');
	writer_number(answer, STR("ended"), done.ended);
	writer_number(answer, STR("forgotten"), done.forgotten);
	writer_number(answer, STR("confirmed"), done.reconciled);
	writer_number(answer, STR("rejected"), done.rejected);
	writer_number(answer, STR("orphans"), done.orphans);
	writer_number(answer, STR("copies"), done.copies);
	writer_number(answer, STR("events"), events);
	writer_text(answer, STR("slice"), slice);
	writer_close(answer, '}');
	if (first.code == F_NONE)
		return OK;
	*why = first;
	return fault_status(first.code);
}
