/* Conditions on reads, in the order of the RFC: an entity tag has precedence over a date, "must match" over
 * "must not match", and a malformed date is ignored. */
#include "s3/wire/conditions.h"

#include "base/clock.h"
#include "http/text.h"

static bool read_date(struct str value, int64_t *seconds)
{
	int64_t ms;
	if (value.p == NULL || !clock_parse_http_date(str_trim(value), &ms))
		return false;
	*seconds = ms / 1000;
	return true;
}

enum condition_verdict conditions_check(const struct conditions *c, struct str etag, int64_t modified_ms)
{
	assert(c != NULL);
	int64_t since, modified = modified_ms / 1000;
	if (c->if_match.p != NULL) {
		if (!http_etag_listed(c->if_match, etag, false))
			return CONDITION_FAILS;
	} else if (read_date(c->if_unmodified_since, &since) && modified > since) {
		return CONDITION_FAILS;
	}
	if (c->if_none_match.p != NULL)
		return http_etag_listed(c->if_none_match, etag, true) ? CONDITION_NOT_MODIFIED : CONDITION_HOLDS;
	if (read_date(c->if_modified_since, &since) && modified <= since)
		return CONDITION_NOT_MODIFIED;
	return CONDITION_HOLDS;
}

enum condition_verdict conditions_check_request(const struct request *r, struct str etag, int64_t modified_ms)
{
	const struct conditions all = {
		.if_match = request_header(r, STR("if-match")),
		.if_none_match = request_header(r, STR("if-none-match")),
		.if_modified_since = request_header(r, STR("if-modified-since")),
		.if_unmodified_since = request_header(r, STR("if-unmodified-since")),
	};
	return conditions_check(&all, etag, modified_ms);
}

bool if_range_holds(struct str value, struct str etag, int64_t modified_ms)
{
	int64_t date;
	if (value.p == NULL)
		return true;
	if (read_date(value, &date))
		return date == modified_ms / 1000;
	return http_etag_equals(str_trim(value), etag, false);
}
