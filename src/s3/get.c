/* GET and HEAD of an object, all on the reactor: an indexed local read finds it, and the body goes out
 * by descriptor, or from memory where the store has it at hand. This is the path that is measured against a
 * static file server: nothing on it allocates but the arena, and nothing is copied.
 * An image that is pending or rejected has no object, so it is NoSuchKey like any other missing one.
 * Source: Amazon S3 API, GetObject, HeadObject; RFC 9110 13, 14. */
#include "s3/call.h"
#include "s3/conditions.h"
#include "s3/parameters.h"
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

/* The headers that were kept go out as they lie; where one of them is overridden, all but that. */
static enum status add_kept(struct call *c, const struct object_meta *meta, const bool *overridden, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	struct header *rest = arena_array(&c->x->arena, meta->n_headers, sizeof(*rest));
	if (rest == NULL)
		return fault_set(why, TOO_MUCH, "the answer's head is too large");
	for (size_t i = 0; i < meta->n_headers; i++) {
		bool leave = false;
		for (size_t j = 0; j < COUNT_OF(overrides) && !leave; j++)
			leave = overridden[j] && str_equal_nocase(meta->headers[i].name, str_of(overrides[j].header));
		if (!leave)
			rest[ans->n_more++] = meta->headers[i];
	}
	ans->more = rest;
	return OK;
}

static enum status add_headers(struct call *c, const struct object_file *f, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	bool overridden[COUNT_OF(overrides)] = { false }, any = false;
	for (size_t i = 0; i < COUNT_OF(overrides); i++) {
		struct str value = i == 0 ? f->info.content_type : (struct str){ 0 };
		TRY(override_value(&c->x->request.query, str_of(overrides[i].parameter), &value, why));
		if (value.n > 0)
			answer_header(ans, str_of(overrides[i].header), value);
		overridden[i] = i > 0 && value.n > 0;
		any |= overridden[i];
	}
	if (any)
		return add_kept(c, &f->meta, overridden, why);
	ans->more = f->meta.headers;
	ans->n_more = f->meta.n_headers;
	return OK;
}

/* Of the whole object, so not with a part of it. */
static void add_checksum(struct call *c, const struct object_checksum *sum)
{
	struct str mode = request_header(&c->x->request, STR("x-amz-checksum-mode"));
	if (sum->kind == CHECKSUM_NONE || !str_equal_nocase(str_trim(mode), STR("ENABLED")))
		return;
	answer_header(&c->x->answer, str_of(checksum_info(sum->kind)->header), sum->value);
	answer_header(&c->x->answer, STR("x-amz-checksum-type"), sum->composite ? STR("COMPOSITE") : STR("FULL_OBJECT"));
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

static enum status out_of_range(struct call *c, const struct object_info *info, struct str value, struct fault *why)
{
	call_detail(c, "RangeRequested", value);
	call_detail(c, "ActualObjectSize", str_printf(&c->x->arena, "%llu", (unsigned long long)info->size));
	return fault_set(why, RANGE_INVALID, "The requested range is not satisfiable");
}

/* One part of what was uploaded in parts; an object in one piece has part 1, all of it. */
static enum status find_part(struct call *c, const struct object_file *f, struct range *out, struct fault *why)
{
	uint32_t number;
	TRY(parameter_part_number(c, &number, why));
	*out = (struct range){ .length = f->info.size };
	if (f->meta.n_parts == 0 && number == 1)
		return OK;
	for (size_t i = 0; i < f->meta.n_parts; i++) {
		out->length = f->meta.parts[i].size;
		if (f->meta.parts[i].number == number) {
			answer_header(&c->x->answer, STR("x-amz-mp-parts-count"), str_printf(&c->x->arena, "%zu", f->meta.n_parts));
			return OK;
		}
		out->first += out->length;
	}
	call_detail(c, "PartNumberRequested", str_printf(&c->x->arena, "%u", number));
	call_detail(c, "ActualPartCount", str_printf(&c->x->arena, "%zu", f->meta.n_parts > 0 ? f->meta.n_parts : 1));
	return fault_set(why, PART_OUT_OF_RANGE, "The requested partnumber is not satisfiable");
}

static enum status find_range(struct call *c, const struct object_file *f, struct range *part, bool *is_part, struct fault *why)
{
	struct str value = request_header(&c->x->request, STR("range"));
	if (query_find(&c->x->request.query, STR("partNumber")) != NULL) {
		*is_part = f->info.size > 0;
		if (value.p != NULL)
			return fault_set(why, REQUEST_INVALID, "Cannot specify both Range header and partNumber query parameter");
		return find_part(c, f, part, why);
	}
	if (value.p == NULL || !if_range_holds(request_header(&c->x->request, STR("if-range")), f->info.etag, f->info.modified_ms))
		return OK;
	enum range_kind kind = range_parse(value, f->info.size, part);
	*is_part = kind == RANGE_PART;
	return kind == RANGE_UNSATISFIABLE ? out_of_range(c, &f->info, value, why) : OK;
}

static enum status choose_range(struct call *c, const struct object_file *f, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	struct range part = { 0, f->info.size };
	bool is_part = false;
	TRY(find_range(c, f, &part, &is_part, why));
	ans->status = is_part ? 206 : 200;
	ans->fd_offset = part.first;
	ans->fd_length = part.length;
	if (is_part)
		answer_header(ans, STR("Content-Range"), str_printf(&c->x->arena, "bytes %llu-%llu/%llu", (unsigned long long)part.first,
		              (unsigned long long)(part.first + part.length - 1), (unsigned long long)f->info.size));
	else
		add_checksum(c, &f->meta.checksum);
	return OK;
}

static enum status answer_object(struct call *c, const struct object_file *f, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	add_validators(c, &f->info);
	answer_header(ans, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(ans, STR("Content-Security-Policy"), STR("sandbox; default-src 'none'"));
	answer_header(ans, STR("Accept-Ranges"), STR("bytes"));
	switch (check_conditions(&c->x->request, &f->info)) {
	case CONDITION_FAILS:
		return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold");
	case CONDITION_NOT_MODIFIED:
		answer_drop_body(ans);
		answer_header(ans, STR("Content-Length"), str_printf(&c->x->arena, "%llu", (unsigned long long)f->info.size));
		ans->status = 304;
		return OK;
	case CONDITION_HOLDS:
		break;
	}
	TRY(add_headers(c, f, why));
	TRY(choose_range(c, f, why));
	if (ans->fd < 0)
		ans->body = str_slice(ans->body, (size_t)ans->fd_offset, (size_t)(ans->fd_offset + ans->fd_length));
	return OK;
}

enum status get_begin(struct call *c, enum door_step *step, struct fault *why)
{
	struct object_file file = { .fd = -1 };
	TRY(parameter_version(c, why));
	TRY(bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, why));
	/* from here the answer owns the object: whatever comes, its reset closes it */
	c->x->answer.fd = file.fd;
	c->x->answer.body = file.bytes;
	c->x->answer.hold = file.hold;
	*step = DOOR_ANSWER;
	return answer_object(c, &file, why);
}

enum status get_need_object(struct call *c, struct fault *why)
{
	struct object_file file = { .fd = -1 };
	TRY(parameter_version(c, why));
	TRY(bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, why));
	object_file_close(&file);
	return OK;
}
