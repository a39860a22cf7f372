/* See event.h. */
#include "api/event.h"

#include "api/record.h"
#include "base/writer.h"

#define DATA_MAX (OUTBOX_BODY_MAX - 128)

enum status event_write(struct product *p, const struct event *e, struct buf *b, struct fault *why)
{
	assert(e->row != NULL && e->row->image_id.n > 0);
	struct buf data CLEANUP(buf_deinit);
	unsigned form = RECORD_IN_EVENT | RECORD_OWNER | (e->kind == OUTBOX_UPLOADED ? 0 : RECORD_NO_LINKS);
	buf_init(&data, DATA_MAX);
	TRY(record_write(p, e->row, form, &data, why));
	/* What a client chooses fits; many links, each with a long address, may not beside it. An event that cannot be written would keep
	 * the image from being accepted. */
	if (!buf_ok(&data) && !data.starved) {
		buf_deinit(&data);
		buf_init(&data, DATA_MAX);
		TRY(record_write(p, e->row, form | RECORD_NO_LINKS, &data, why));
	}
	TRY(fault_check_buf(&data, why));
	writer_open(b, STR(""), '{');
	writer_text(b, STR("type"), outbox_kind_name(e->kind));
	writer_time(b, STR("timestamp"), e->at_ms);
	writer_raw(b, STR("data"), buf_str(&data));
	writer_close(b, '}');
	return fault_check_buf(b, why);
}
