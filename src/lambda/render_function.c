/* Message by message, each with memory of its own. What is left when the time is nearly over is returned rather than started. */
#include "lambda/render_function.h"

#include "base/log/log.h"
#include "base/op_deadline.h"
#include "image/thumb_set.h"
#include "lambda/batch_answer.h"
#include "lambda/fields.h"
#include "port/thumb_message.h"

#define SCRATCH_BYTES ((size_t)16 << 10)

static enum status handle_message(const struct render_function *f, const struct invocation *in, const json_t *message, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct thumb_message m;
	enum thumb_set_outcome outcome;
	arena_init(&a, SCRATCH_BYTES);
	TRY(thumb_message_read(field_text(message, "body"), &a, &m, why));
	if (op_deadline_passed())
		return fault_set(why, DEADLINE, "no time left");
	TRY(thumb_set_make(f->product->thumbnails, m.image_id, m.etag, &outcome, why));
	LOG(THUMBS, in->id, LOG_C("outcome", thumb_set_outcome_name(outcome)), LOG_S("imageId", m.image_id), LOG_S("etag", m.etag),
		LOG_S("message", field_text(message, "messageId")));
	return OK;
}

enum status render_function_run(void *arg, const struct invocation *in, struct arena *a, struct buf *answer, struct fault *why)
{
	assert(arg != NULL && in != NULL && a != NULL && answer != NULL && why != NULL);
	json_auto_t *root = NULL;
	struct batch_answer failures;
	json_t *message;
	size_t i;
	TRY(fields_parse(in->event, &root, why));
	const json_t *records = json_object_get(root, "Records");
	if (!json_is_array(records))
		return fault_set(why, INVALID_INPUT, "not a batch of messages of SQS");
	batch_answer_open(&failures, answer);
	json_array_foreach((json_t *)records, i, message)
	{
		struct fault failed = { 0 };
		struct str id = field_text(message, "messageId");
		if (id.n == 0)
			return fault_set(why, INVALID_INPUT, "a message of the batch has no messageId");
		if (handle_message(arg, in, message, &failed) == OK)
			continue;
		LOG(THUMBS_FAILED, in->id, LOG_S("message", id), LOG_C("code", fault_name(failed.code)), LOG_C("text", failed.text),
			LOG_C("cause", failed.cause));
		batch_answer_fail(&failures, id, &failed);
	}
	return batch_answer_close(&failures, true, why);
}
