/* One line of the server's log: whether it matches, and how it is shown. Pure. */
#ifndef CLI_LOG_FILTER_H
#define CLI_LOG_FILTER_H

#include "base/buf.h"
#include "base/log/log.h"

struct line_filter {
	bool has_level;
	enum log_level level;
	int64_t from_ms; /* lines before are not wanted; 0: all */
	struct str grep; /* in the line as written or as shown; "": all */
};

/* Append the line as it is shown: "TIME LEVEL EVENT name=value ...", not escaped yet; what is not a JSON object stays as
 * it is. Gives whether the filter requires it. A line without a time or level of its own passes those two. */
bool line_show(struct buf *b, struct str line, const struct line_filter *f);

#endif
