/* See batch_answer.h. */
#include "lambda/batch_answer.h"

#include "base/writer.h"

void batch_answer_open(struct batch_answer *b, struct buf *out)
{
	assert(b != NULL && out != NULL);
	*b = (struct batch_answer){ .out = out, .last_failed = STR("") };
	buf_put(out, STR("{\"batchItemFailures\":["));
}

void batch_answer_fail(struct batch_answer *b, struct str message_id, const struct fault *failed)
{
	if (b->first.code == F_NONE)
		b->first = *failed;
	if (message_id.n == 0 || str_equal(message_id, b->last_failed))
		return;
	writer_open(b->out, STR(""), '{');
	writer_text(b->out, STR("itemIdentifier"), message_id);
	writer_close(b->out, '}');
	b->last_failed = message_id;
}

enum status batch_answer_close(struct batch_answer *b, bool from_queue, struct fault *why)
{
	buf_put(b->out, STR("]}"));
	if (from_queue || b->first.code == F_NONE)
		return OK;
	*why = b->first;
	return fault_status(b->first.code);
}
