/* GET and HEAD of an object, all on the reactor: an indexed local read finds it, and the body goes out
 * by descriptor, or from memory where the store has it at hand. This is the path that is measured against a static file server: nothing on it
 * allocates but the arena, and nothing is copied.
 * An image that is pending or rejected has no object, so it is NoSuchKey like any other missing one.
 * Source: Amazon S3 API, GetObject, HeadObject; RFC 9110 13, 14. */
#include "s3/call.h"
#include "s3/conditions.h"
#include "s3/range.h"
#include "s3/text.h"

/* Query parameters that set a header of the answer. They are in the signed query, so who signed the URL
 * chose them, and not who follows it. */
static const struct {
	const char *parameter, *header;
} overrides[] = {
	{ "response-content-type", "Content-Type" },
	{ "response-content-disposition", "Content-Disposition" },
	{ "response-cache-control", "Cache-Control" },
	{ "response-content-language", "Content-Language" },
	{ "response-content-encoding", "Content-Encoding" },
	{ "response-expires", "Expires" },
};

static enum status override_value(const struct query *q, struct str name, struct str *out, struct fault *why)
{
	size_t seen = 0;
	for (size_t i = 0; i < q->n; i++) {
		if (!str_equal(q->pairs[i].name, name))
			continue;
		*out = q->pairs[i].value;
		seen++;
	}
	if (seen > 1)
		return fault_set(why, ARGUMENT_INVALID, "%.*s is there more than once.", STRF(name));
	if (!header_value_ok(*out))
		return fault_set(why, ARGUMENT_INVALID, "%.*s must be at most 1024 printable ASCII characters.", STRF(name));
	return OK;
}

static enum status add_overrides(struct call *c, struct str content_type, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	for (size_t i = 0; i < COUNT_OF(overrides); i++) {
		struct str value = i == 0 ? content_type : (struct str){ 0 };
		TRY(override_value(&c->x->request.query, str_of(overrides[i].parameter), &value, why));
		if (value.n > 0)
			answer_header(ans, str_of(overrides[i].header), value);
	}
	return OK;
}

static void add_validators(struct call *c, const struct object_info *info)
{
	char date[HTTP_DATE_CHARS + 1];
	struct arena *a = &c->x->arena;
	clock_http_date(info->modified_ms, date);
	answer_header(&c->x->answer, STR("ETag"), str_printf(a, "\"%.*s\"", STRF(info->etag)));
	answer_header(&c->x->answer, STR("Last-Modified"), str_dup(a, str_of(date)));
}

static enum condition_verdict check_conditions(const struct request *r, const struct object_info *info)
{
	struct conditions all = {
		.if_match = request_header(r, STR("if-match")),
		.if_none_match = request_header(r, STR("if-none-match")),
		.if_modified_since = request_header(r, STR("if-modified-since")),
		.if_unmodified_since = request_header(r, STR("if-unmodified-since")),
	};
	return conditions_check(&all, info->etag, info->modified_ms);
}

static enum status choose_range(struct call *c, const struct object_info *info, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	struct arena *a = &c->x->arena;
	struct str value = request_header(&c->x->request, STR("range"));
	struct range part = { 0, info->size };
	enum range_kind kind = RANGE_WHOLE;
	if (value.p != NULL && if_range_holds(request_header(&c->x->request, STR("if-range")), info->etag, info->modified_ms))
		kind = range_parse(value, info->size, &part);
	if (kind == RANGE_UNSATISFIABLE) {
		call_detail(c, "RangeRequested", value);
		call_detail(c, "ActualObjectSize", str_printf(a, "%llu", (unsigned long long)info->size));
		return fault_set(why, RANGE_INVALID, "The requested range is not satisfiable");
	}
	ans->status = kind == RANGE_PART ? 206 : 200;
	ans->fd_offset = part.first;
	ans->fd_length = part.length;
	if (kind == RANGE_PART)
		answer_header(ans, STR("Content-Range"), str_printf(a, "bytes %llu-%llu/%llu", (unsigned long long)part.first,
		              (unsigned long long)(part.first + part.length - 1), (unsigned long long)info->size));
	return OK;
}

static enum status answer_object(struct call *c, const struct object_info *info, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	add_validators(c, info);
	answer_header(ans, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(ans, STR("Content-Security-Policy"), STR("sandbox; default-src 'none'"));
	answer_header(ans, STR("Accept-Ranges"), STR("bytes"));
	switch (check_conditions(&c->x->request, info)) {
	case CONDITION_FAILS:
		return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold");
	case CONDITION_NOT_MODIFIED:
		answer_drop_body(ans);
		ans->status = 304;
		return OK;
	case CONDITION_HOLDS:
		break;
	}
	TRY(add_overrides(c, info->content_type, why));
	TRY(choose_range(c, info, why));
	if (ans->fd < 0)
		ans->body = str_slice(ans->body, (size_t)ans->fd_offset, (size_t)(ans->fd_offset + ans->fd_length));
	return OK;
}

enum status get_begin(struct call *c, enum door_step *step, struct fault *why)
{
	struct object_file file = { .fd = -1 };
	TRY(bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, why));
	/* from here the answer owns the object: whatever comes, its reset closes it */
	c->x->answer.fd = file.fd;
	c->x->answer.body = file.bytes;
	c->x->answer.hold = file.hold;
	*step = DOOR_ANSWER;
	return answer_object(c, &file.info, why);
}
