/* GET and HEAD of an object, all on the reactor: an indexed local read finds it, and the body goes out
 * by descriptor, or from the store's cache. Benchmarks compare this path with a
 * static file server: it allocates in the arena only, and copies nothing.
 * An image that is pending or rejected has no object, so it is NoSuchKey like any other missing one.
 * Source: Amazon S3 API, GetObject, HeadObject; RFC 9110 13, 14. */
#include "base/codec.h"
#include "http/text.h"
#include "image/slot.h"
#include "s3/call.h"
#include "s3/checksums.h"
#include "s3/wire/conditions.h"
#include "s3/parameters.h"
#include "s3/wire/range.h"

/* Query parameters that set a header of the response. They are in the signed query, so they were chosen by the signer of
 * the URL, and not by its user. */
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

/* Proxies and clients refuse longer heads. */
#define OVERRIDE_BYTES_MAX 8192
/* Those that control caching are sent with 304 as well: RFC 9110 15.4.5. */
enum { OVERRIDE_TYPE, OVERRIDE_DISPOSITION, OVERRIDE_CACHE_CONTROL, OVERRIDE_LANGUAGE, OVERRIDE_ENCODING, OVERRIDE_EXPIRES, OVERRIDES };

static enum status refuse_override(struct s3_call *c, const struct query_pair *pair, const char *text, struct fault *why)
{
	call_detail(c, "ArgumentName", pair->name);
	call_detail(c, "ArgumentValue", str_slice(pair->value, 0, 1024));
	return fault_set(why, ARGUMENT_INVALID, "%s", text);
}

/* An empty value is ignored. */
static enum status read_override(struct s3_call *c, const struct query_pair *pair, struct str *out, struct fault *why)
{
	if (out->n > 0)
		return refuse_override(c, pair, "The parameter appears more than once.", why);
	if (pair->value.n > OVERRIDE_BYTES_MAX)
		return refuse_override(c, pair, "The value of a header can have at most 8192 bytes.", why);
	if (!utf8_to_latin1(&c->x->arena, pair->value, out))
		return refuse_override(c, pair, "Header value cannot be represented using ISO-8859-1.", why);
	if (!http_is_field_value(*out))
		return refuse_override(c, pair, "The value of a header cannot hold control characters.", why);
	return OK;
}

static bool is_overridden(struct str name, const struct str values[OVERRIDES])
{
	for (size_t i = 0; i < OVERRIDES; i++)
		if (values[i].n > 0 && str_equal_nocase(name, str_of(overrides[i].header)))
			return true;
	return false;
}

/* The stored headers, without copying them unless one of them is overridden. */
static enum status add_headers(struct s3_call *c, const struct object_file *f, struct str values[OVERRIDES], struct fault *why)
{
	struct answer *ans = &c->x->answer;
	bool any = false;

	for (size_t i = OVERRIDE_TYPE + 1; i < OVERRIDES; i++)
		any |= values[i].n > 0;
	if (values[OVERRIDE_TYPE].n == 0)
		values[OVERRIDE_TYPE] = f->info.content_type;
	for (size_t i = 0; i < OVERRIDES; i++)
		if (values[i].n > 0)
			answer_header(ans, str_of(overrides[i].header), values[i]);
	if (c->is_image && values[OVERRIDE_DISPOSITION].n == 0 && !media_type_displayable(f->info.content_type))
		answer_header(ans, STR("Content-Disposition"), STR("attachment"));
	ans->more = f->meta.headers;
	ans->n_more = f->meta.n_headers;
	if (!any)
		return OK;
	struct header *rest = arena_array(&c->x->arena, f->meta.n_headers, sizeof(*rest));
	if (rest == NULL)
		return fault_too_much(why);
	ans->more = rest;
	ans->n_more = 0;
	for (size_t i = 0; i < f->meta.n_headers; i++)
		if (!is_overridden(f->meta.headers[i].name, values))
			rest[ans->n_more++] = f->meta.headers[i];
	return OK;
}

/* RFC 9110 15.4.5. Without the Content-Length that it permits: the SDK for Ruby would wait for so many bytes. */
static void answer_not_modified(struct s3_call *c, const struct object_file *f, const struct str values[OVERRIDES])
{
	static const unsigned object_headers[] = { OVERRIDE_CACHE_CONTROL, OVERRIDE_EXPIRES };
	struct answer *ans = &c->x->answer;

	for (size_t i = 0; i < COUNT_OF(object_headers); i++) {
		struct str name = str_of(overrides[object_headers[i]].header), value = values[object_headers[i]];
		if (value.n == 0)
			value = str_dup(&c->x->arena, header_find(f->meta.headers, f->meta.n_headers, name)); /* the object is released */
		if (value.n > 0)
			answer_header(ans, name, value);
	}
	answer_drop_body(ans);
	ans->status = 304;
}

/* It is of the whole object, so it is not sent with a range. */
static void add_checksum(struct s3_call *c, const struct object_checksum *sum)
{
	struct str mode = request_header(&c->x->request, STR("x-amz-checksum-mode"));
	if (sum->kind == CHECKSUM_NONE || !str_equal_nocase(str_trim(mode), STR("ENABLED")))
		return;
	answer_header(&c->x->answer, str_of(checksum_info(sum->kind)->header), sum->value);
	answer_header(&c->x->answer, STR("x-amz-checksum-type"), sums_type(sum->composite));
}

/* One part of a multipart upload; any other object is its own part 1. */
static enum status find_part(struct s3_call *c, const struct object_file *f, struct range *out, struct fault *why)
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

static enum status find_range(struct s3_call *c, const struct object_file *f, struct range *part, bool *is_part, struct fault *why)
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
	if (kind != RANGE_UNSATISFIABLE)
		return OK;
	call_detail(c, "RangeRequested", value);
	call_detail(c, "ActualObjectSize", str_printf(&c->x->arena, "%llu", (unsigned long long)f->info.size));
	return fault_set(why, RANGE_INVALID, "The requested range is not satisfiable");
}

static enum status answer_object(struct s3_call *c, const struct object_file *f, struct fault *why)
{
	struct answer *ans = &c->x->answer;
	struct str values[OVERRIDES] = { 0 };

	const struct query *q = &c->x->request.query;

	for (size_t i = 0; i < q->n; i++) {
		if (!str_starts_with(q->pairs[i].name, STR("response-")))
			continue;
		for (size_t j = 0; j < OVERRIDES; j++) {
			if (str_equal(q->pairs[i].name, str_of(overrides[j].parameter)))
				TRY(read_override(c, &q->pairs[i], &values[j], why));
		}
	}
	char date[HTTP_DATE_CHARS + 1];
	struct arena *a = &c->x->arena;
	clock_http_date(f->info.modified_ms, date);
	answer_header(&c->x->answer, STR("ETag"), STR_CONCAT(a, STR("\""), f->info.etag, STR("\"")));
	answer_header(&c->x->answer, STR("Last-Modified"), str_dup(a, str_of(date)));
	answer_header(ans, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(ans, STR("Content-Security-Policy"), STR("sandbox; default-src 'none'"));
	answer_header(ans, STR("Accept-Ranges"), STR("bytes"));
	switch (conditions_check_request(&c->x->request, f->info.etag, f->info.modified_ms)) {
	case CONDITION_FAILS:
		return fault_set(why, PRECONDITION, "At least one of the pre-conditions you specified did not hold");
	case CONDITION_NOT_MODIFIED:
		answer_not_modified(c, f, values);
		return OK;
	case CONDITION_HOLDS:
		break;
	}
	TRY(add_headers(c, f, values, why));
	struct range part = { 0, f->info.size };
	bool is_part = false;
	TRY(find_range(c, f, &part, &is_part, why));
	ans->status = is_part ? 206 : 200;
	ans->fd_offset = part.first;
	ans->fd_length = part.length;
	if (is_part)
		answer_header(ans, STR("Content-Range"),
			str_printf(&c->x->arena, "bytes %llu-%llu/%llu", (unsigned long long)part.first,
				(unsigned long long)(part.first + part.length - 1), (unsigned long long)f->info.size));
	else
		add_checksum(c, &f->meta.checksum);
	if (ans->fd < 0)
		ans->body = str_slice(ans->body, (size_t)ans->fd_offset, (size_t)(ans->fd_offset + ans->fd_length));
	return OK;
}

enum status get_begin(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	assert(c->at.level == AT_OBJECT);
	assert(c->x->answer.fd < 0 && c->x->answer.hold == NULL);
	struct object_file file = { .fd = -1 };
	TRY(parameter_version(c, why));
	TRY(bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, why));
	/* from here the response owns the object: resetting it closes the object */
	c->x->answer.fd = file.fd;
	c->x->answer.body = file.bytes;
	c->x->answer.hold = file.hold;
	*step = HANDLER_ANSWER;
	return answer_object(c, &file, why);
}

enum status get_need_object(struct s3_call *c, struct fault *why)
{
	struct object_file file = { .fd = -1 };
	TRY(parameter_version(c, why));
	TRY(bucket_open(c->s3->buckets, c->at.bucket, c->at.key, &c->x->arena, &file, why));
	object_file_close(&file);
	return OK;
}
