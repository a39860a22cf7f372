/* Each object event is processed by itself, in an arena of its own; the first failure of a message
 * puts it on the response's list. Of several events for one key only those with the highest sequencer
 * are processed, since verifying reads what is there now. What is left when the time is nearly over is returned
 * rather than started. */
#include "lambda/event_function.h"

#include "base/clock.h"
#include "base/op_deadline.h"
#include "base/log/log.h"
#include "image/reconcile.h"
#include "lambda/batch_answer.h"
#include "lambda/object_events.h"

#define SCRATCH_BYTES ((size_t)256 << 10) /* rows and names; the object has memory of its own */
#define KEY_LOGGED_MAX 256

struct batch {
	const struct event_function *to;
	const struct invocation *in;
	struct batch_answer answer;
};

static bool is_superseded(const struct object_event *e, const struct object_event *others)
{
	for (const struct object_event *o = others; o != NULL; o = o->next) {
		bool same = o->kind == EVENT_CREATED && str_equal(o->key, e->key) && str_equal(o->bucket, e->bucket);
		if (same && o->sequencer.n > 0 && e->sequencer.n > 0 && sequencer_compare(o->sequencer, e->sequencer) > 0)
			return true;
	}
	return false;
}

static void note_failure(struct batch *b, const struct object_event *e, const struct fault *why)
{
	LOG(OBJECT_FAILED, b->in->id, LOG_S("message", e->message_id), LOG_S("key", str_slice(e->key, 0, KEY_LOGGED_MAX)),
		LOG_C("code", fault_name(why->code)), LOG_C("text", why->text), LOG_C("cause", why->cause));
	batch_answer_fail(&b->answer, e->message_id, why);
}

static enum status handle_event(const struct batch *b, const struct object_event *e, const struct object_event *all, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct reconciled done;
	const struct written_object written_object = { .key = e->key, .etag = e->etag, .now_ms = clock_now_ms() };
	arena_init(&a, SCRATCH_BYTES);
	if (e->kind == EVENT_UNREADABLE)
		return fault_set(why, INVALID_INPUT, "%s", e->problem);
	if (e->kind == EVENT_IGNORED || is_superseded(e, all))
		return OK;
	if (op_deadline_passed())
		return fault_set(why, DEADLINE, "no time left");
	if (!str_equal(e->bucket, b->to->bucket))
		return fault_set(why, INVALID_INPUT, "event for a bucket that this function does not serve");
	TRY(reconcile_object(b->to->product, &written_object, &a, &done, why));
	const char *outcome = reconcile_outcome_name(done.outcome);
	struct str key = str_slice(e->key, 0, KEY_LOGGED_MAX);
	if (done.outcome == RECONCILE_ORPHAN)
		LOG(OBJECT_UNEXPLAINED, b->in->id, LOG_S("key", key), LOG_S("etag", e->etag), LOG_S("message", e->message_id));
	else
		LOG(OBJECT, b->in->id, LOG_C("outcome", outcome), LOG_S("imageId", done.image_id), LOG_S("reason", done.reason),
			LOG_S("etag", e->etag), LOG_S("message", e->message_id));
	return OK;
}

enum status event_function_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why)
{
	assert(arg != NULL && in != NULL && a != NULL && answer != NULL && why != NULL);
	struct object_events events;
	struct batch b = { .to = arg, .in = in };
	TRY(object_events_read(a, in->event, &events, why));
	batch_answer_open(&b.answer, answer);
	for (const struct object_event *e = events.first; e != NULL; e = e->next) {
		struct fault failed = { 0 };
		if (handle_event(&b, e, events.first, &failed) != OK)
			note_failure(&b, e, &failed);
	}
	return batch_answer_close(&b.answer, events.from_queue, why);
}
