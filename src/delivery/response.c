/* See response.h. */
#include "delivery/response.h"

#include "base/clock.h"
#include "http/problem.h"
#include "image/image_service.h"
#include "image/slot.h"
#include "s3/wire/conditions.h"
#include "s3/wire/range.h"

#define PUBLIC_MAX_AGE_S 3600

void response_common_headers(struct request_context *x)
{
	answer_header(&x->answer, STR("Access-Control-Allow-Origin"), STR("*"));
	answer_header(&x->answer, STR("Access-Control-Expose-Headers"), STR("ETag, Content-Length, Content-Range, Accept-Ranges"));
	answer_header(&x->answer, STR("Cross-Origin-Resource-Policy"), STR("cross-origin"));
	answer_header(&x->answer, STR("X-Content-Type-Options"), STR("nosniff"));
	answer_header(&x->answer, STR("Content-Security-Policy"), STR("sandbox; default-src 'none'"));
}

void response_problem(struct request_context *x, const struct fault *why)
{
	struct str unsatisfiable =
		why->code == F_RANGE_INVALID ? header_find(x->answer.headers, x->answer.n_headers, STR("Content-Range")) : (struct str){ 0 };
	problem_answer(x, why);
	if (unsatisfiable.n > 0)
		answer_header(&x->answer, STR("Content-Range"), unsatisfiable);
	if (why->code == F_BAD_METHOD)
		answer_header(&x->answer, STR("Allow"), STR("GET, HEAD, OPTIONS"));
	answer_header(&x->answer, STR("Cache-Control"), STR("no-store"));
	response_common_headers(x);
}

bool response_is_head(const struct request_context *x)
{
	return str_equal(x->request.method, STR("HEAD"));
}

/* Never past the expiry: caches keep nothing for longer than the link works. */
static struct str cache_control(const struct delivered *p, struct arena *a)
{
	if (!p->link.is_signed)
		return str_printf(a, "public, max-age=%d", PUBLIC_MAX_AGE_S);
	int64_t left_s = p->link.expires_s - clock_now_ms() / 1000;
	return str_printf(a, "public, max-age=%lld, immutable", (long long)(left_s > 0 ? left_s : 0));
}

/* Only GET has ranges: RFC 9110 14.2. */
static enum status find_range(
	struct request_context *x, const struct object_info *info, struct range *out, bool *is_part, struct fault *why)
{
	struct str value = request_header(&x->request, STR("range"));
	unsigned long long size = info->size;
	*out = (struct range){ 0, info->size };
	*is_part = false;
	if (value.p == NULL || response_is_head(x) ||
		!if_range_holds(request_header(&x->request, STR("if-range")), info->etag, info->modified_ms))
		return OK;
	switch (range_parse(value, info->size, out)) {
	case RANGE_WHOLE:
		return OK;
	case RANGE_PART:
		*is_part = true;
		answer_header(&x->answer, STR("Content-Range"),
			str_printf(&x->arena, "bytes %llu-%llu/%llu", (unsigned long long)out->first,
				(unsigned long long)(out->first + out->length - 1), size));
		return OK;
	case RANGE_UNSATISFIABLE:
		answer_header(&x->answer, STR("Content-Range"), str_printf(&x->arena, "bytes */%llu", size));
		return fault_set(why, RANGE_INVALID, "The range is beyond the end of the picture.");
	}
	return OK;
}

enum status response_conditions(struct request_context *x, const struct delivered *p, bool *complete, struct fault *why)
{
	struct answer *ans = &x->answer;
	struct arena *a = &x->arena;
	char date[HTTP_DATE_CHARS + 1];
	clock_http_date(p->info.modified_ms, date);
	answer_header(ans, STR("ETag"), str_printf(a, "\"%.*s\"", STRF(p->info.etag)));
	answer_header(ans, STR("Last-Modified"), str_dup(a, str_of(date)));
	answer_header(ans, STR("Cache-Control"), cache_control(p, a));
	*complete = false;
	switch (conditions_check_request(&x->request, p->info.etag, p->info.modified_ms)) {
	case CONDITION_FAILS:
		return fault_set(why, PRECONDITION, "The picture is not the one that If-Match or If-Unmodified-Since describes.");
	case CONDITION_NOT_MODIFIED:
		answer_drop_body(ans);
		ans->status = 304;
		response_common_headers(x);
		*complete = true;
		break;
	case CONDITION_HOLDS:
		break;
	}
	return fault_check_arena(a, why);
}

enum status response_bytes(struct request_context *x, const struct delivered *p, struct fault *why)
{
	struct answer *ans = &x->answer;
	struct range part;
	bool is_part;
	TRY(find_range(x, &p->info, &part, &is_part, why));
	answer_header(ans, STR("Accept-Ranges"), STR("bytes"));
	answer_header(ans, STR("Content-Type"), media_type_served(&p->row));
	answer_header(ans, STR("Content-Disposition"), content_disposition(&x->arena, p->row.file_type, p->row.file_name));
	if (response_is_head(x))
		answer_header(ans, STR("Content-Length"), str_printf(&x->arena, "%llu", (unsigned long long)p->info.size));
	response_common_headers(x);
	ans->status = is_part ? 206 : 200;
	ans->fd_offset = part.first;
	ans->fd_length = part.length;
	if (ans->fd < 0 && ans->body.n > 0)
		ans->body = str_slice(ans->body, (size_t)part.first, (size_t)(part.first + part.length));
	return fault_check_arena(&x->arena, why);
}

enum status response_opened(struct request_context *x, const struct delivered *p, struct fault *why)
{
	bool complete;
	TRY(response_conditions(x, p, &complete, why));
	return complete ? OK : response_bytes(x, p, why);
}

void response_preflight(struct request_context *x)
{
	x->answer.status = 204;
	answer_header(&x->answer, STR("Allow"), STR("GET, HEAD, OPTIONS"));
	answer_header(&x->answer, STR("Access-Control-Allow-Methods"), STR("GET, HEAD"));
	answer_header(&x->answer, STR("Access-Control-Allow-Headers"), STR("Range, If-Match, If-None-Match, If-Modified-Since, If-Range"));
	answer_header(&x->answer, STR("Access-Control-Max-Age"), STR("7200"));
	response_common_headers(x);
}
