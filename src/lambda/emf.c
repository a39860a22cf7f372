/* A fixed set of few counters without dimensions: sums over all functions. */
#include "lambda/emf.h"

#include "base/writer.h"

#include <inttypes.h>

static const struct {
	enum metric metric;
	const char *name, *unit;
} rows[EMF_NAMES] = {
	{ M_SLOTS, "Slots", "Count" },
	{ M_UPLOADS_ACCEPTED, "UploadsAccepted", "Count" },
	{ M_UPLOADS_REJECTED, "UploadsRejected", "Count" },
	{ M_UPLOADS_FAILED, "UploadsFailed", "Count" },
	{ M_DELETES, "Deletes", "Count" },
	{ M_BYTES_IN, "BytesIn", "Bytes" },
	{ M_BYTES_OUT, "BytesOut", "Bytes" },
	{ M_LOG_LINES_DROPPED, "LogLinesDropped", "Count" },
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
		"{\"_aws\":{\"Timestamp\":%" PRId64 ",\"CloudWatchMetrics\":[{\"Namespace\":\"tintype\",\"Dimensions\":[[]],\"Metrics\":[", now_ms);
	for (size_t i = 0, given = 0; i < EMF_NAMES; i++)
		if (change[i] != 0)
			buf_printf(b, "%s{\"Name\":\"%s\",\"Unit\":\"%s\"}", given++ > 0 ? "," : "", rows[i].name, rows[i].unit);
	buf_put(b, STR("]}]}"));
	writer_text(b, STR("function"), function);
	writer_text(b, STR("requestId"), invocation);
	for (size_t i = 0; i < EMF_NAMES; i++)
		if (change[i] != 0)
			buf_printf(b, ",\"%s\":%" PRId64, rows[i].name, change[i]);
	writer_close(b, '}');
	buf_put_char(b, '\n');
}
