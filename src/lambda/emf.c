/* A fixed set of few counters, of each function on its own: its name is their only dimension, so that stacks are not summed up. Bytes are not
 * among them: API Gateway and S3 count those. */
#include "lambda/emf.h"

#include "base/writer.h"

#include <inttypes.h>

static const struct {
	enum metric metric;
	const char *name;
} rows[EMF_NAMES] = {
	{ M_SLOTS, "Slots" },
	{ M_UPLOADS_ACCEPTED, "UploadsAccepted" },
	{ M_UPLOADS_REJECTED, "UploadsRejected" },
	{ M_UPLOADS_FAILED, "UploadsFailed" },
	{ M_DELETES, "Deletes" },
	{ M_LOG_LINES_DROPPED, "LogLinesDropped" },
};

void emf_write(struct emf *e, struct buf *b, int64_t now_ms, struct str function, struct str invocation)
{
	assert(e != NULL && b != NULL);
	int64_t change[EMF_NAMES];
	size_t changed = 0;
	for (size_t i = 0; i < EMF_NAMES; i++) {
		int64_t now = metric_get(rows[i].metric);
		change[i] = now - e->seen[i];
		changed += change[i] != 0;
		e->seen[i] = now;
	}
	if (changed == 0)
		return;
	buf_printf(b,
		"{\"_aws\":{\"Timestamp\":%" PRId64
		",\"CloudWatchMetrics\":[{\"Namespace\":\"tintype\",\"Dimensions\":[[\"FunctionName\"]],\"Metrics\":[",
		now_ms);
	for (size_t i = 0, given = 0; i < EMF_NAMES; i++)
		if (change[i] != 0)
			buf_printf(b, "%s{\"Name\":\"%s\",\"Unit\":\"Count\"}", given++ > 0 ? "," : "", rows[i].name);
	buf_put(b, STR("]}]}"));
	writer_text(b, STR("FunctionName"), function);
	writer_text(b, STR("requestId"), invocation);
	for (size_t i = 0; i < EMF_NAMES; i++)
		if (change[i] != 0)
			buf_printf(b, ",\"%s\":%" PRId64, rows[i].name, change[i]);
	writer_close(b, '}');
	buf_put_char(b, '\n');
}
