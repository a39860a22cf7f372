/* One table: fault code -> HTTP status, title, what else the answer says. And the writing of
 * application/problem+json.
 *
 * `type` is "/problems/" and the code with hyphens: a relative reference with a full path, stable,
 * a name rather than a page (RFC 9457 3.1.1 and 4). `code` is the fault's name as programs compare
 * it; `detail` is for people. Codes without a row are faults that this door should never see: they
 * answer as INTERNAL and the log has their name. */
#include "http/problem.h"

#include "base/writer.h"

struct problem {
	int status;
	const char *title;
	const char *retry_after_s;   /* NULL: no Retry-After */
	const char *detail;          /* in place of the fault's text; NULL: the text */
};

static const struct problem problems[FAULT_CODES] = {
	[F_INVALID_INPUT] = { 400, "Invalid input" },
	[F_OUT_OF_MEMORY] = { 503, "Out of memory", "5", "The server has no memory left for this request; try again." },
	[F_TOO_MUCH] = { 413, "Too much asked at once" },
	[F_INTERNAL] = { 500, "Internal error", NULL, "The server failed; the request id finds the cause in its log." },
	[F_STORAGE_FAILED] = { 503, "Storage failed", "5", "The storage did not do its work; try again." },
	[F_DISK_FULL] = { 503, "Storage full", "60", "The storage has no room left; try again later." },
	[F_OVERLOADED] = { 503, "Overloaded", "1", "Too much work is waiting; try again." },
	[F_UPSTREAM_FAILED] = { 502, "Upstream failed", "5", "A service behind this one failed; try again." },
	[F_DEADLINE] = { 503, "Took too long", "5", "The work took too long and was given up; try again." },

	[F_BAD_FRAMING] = { 400, "Bad framing" },
	[F_BAD_HOST] = { 403, "Unknown host" },
	[F_CROSS_SITE] = { 403, "Cross-site request" },
	[F_BODY_TOO_LARGE] = { 413, "Body too large" },
	[F_BODY_CUT] = { 400, "Body cut off" },
	[F_BODY_SLOW] = { 408, "Body too slow" },

	[F_BAD_JSON] = { 400, "Bad JSON" },
	[F_BAD_FIELD] = { 400, "Bad field" },
	[F_BAD_CURSOR] = { 400, "Bad cursor" },
	[F_NO_SUCH_ROUTE] = { 404, "No such path" },
	[F_BAD_METHOD] = { 405, "Method not allowed" },
	[F_KEY_NEEDED] = { 401, "Key needed" },
	[F_KEY_WRONG] = { 403, "Key wrong" },

	[F_NO_SUCH_IMAGE] = { 404, "No such image" },
	[F_TYPE_NOT_ALLOWED] = { 415, "Type not allowed" },
	[F_IMAGE_TOO_LARGE] = { 413, "Image too large" },
	[F_IMAGE_EMPTY] = { 400, "Image empty" },
	[F_IMAGE_REJECTED] = { 409, "Image rejected" },
	[F_SLOT_ENDED] = { 409, "Slot ended" },
	[F_SLOT_TAKEN] = { 409, "Slot taken" },
	[F_NOT_ARRIVED] = { 409, "Not arrived" },
	[F_SLOTS_FULL] = { 503, "Too many slots open", "60" },
	[F_STATE_CHANGED] = { 409, "State changed" },
};

/* What a full arena still answers; the request id is in its header. */
static const char spare_body[] =
	"{\"type\":\"/problems/too-much\",\"title\":\"Too much asked at once\",\"status\":413,"
	"\"detail\":\"The request needs more memory than one request may have; ask for less.\",\"code\":\"too_much\"}";
static const char starved_body[] =
	"{\"type\":\"/problems/out-of-memory\",\"title\":\"Out of memory\",\"status\":503,"
	"\"detail\":\"The server has no memory left for this request; try again.\",\"code\":\"out_of_memory\"}";

static enum fault_code shown_code(enum fault_code code)
{
	return code < FAULT_CODES && problems[code].status != 0 ? code : F_INTERNAL;
}

int problem_status(enum fault_code code)
{
	return problems[shown_code(code)].status;
}

static void write_type(struct buf *b, struct str name)
{
	buf_put(b, STR("\"type\":\"/problems/"));
	for (size_t i = 0; i < name.n; i++)
		buf_put_char(b, name.p[i] == '_' ? '-' : name.p[i]);
	buf_put_char(b, '"');
}

static struct str detail_of(const struct problem *p, const struct fault *why)
{
	if (p->detail != NULL)
		return str_of(p->detail);
	return str_of(why->text[0] != '\0' ? why->text : p->title);
}

static void write_problem(struct buf *b, const struct problem *p, const struct exchange *x, const struct fault *why)
{
	struct str name = str_of(fault_name(shown_code(why->code)));

	writer_open(b, (struct str){ 0 }, '{');
	write_type(b, name);
	writer_text(b, STR("title"), str_of(p->title));
	writer_number(b, STR("status"), (uint64_t)p->status);
	writer_text(b, STR("detail"), detail_of(p, why));
	writer_text(b, STR("code"), name);
	writer_text(b, STR("requestId"), x->request.id);
	writer_close(b, '}');
}

void problem_answer(struct exchange *x, const struct fault *why)
{
	const struct problem *p = &problems[shown_code(why->code)];
	const char *route = x->answer.route;
	struct str image_id = x->answer.image_id;
	struct buf body;

	buf_init_arena(&body, &x->arena, 4096);
	write_problem(&body, p, x, why);
	answer_reset(&x->answer);
	x->answer.route = route;
	x->answer.image_id = image_id;
	x->answer.fault = *why;
	if (buf_ok(&body)) {
		x->answer.status = p->status;
		x->answer.body = buf_str(&body);
	} else if (x->arena.starved) {
		x->answer.status = problems[F_OUT_OF_MEMORY].status;
		x->answer.body = (struct str){ starved_body, sizeof(starved_body) - 1 };
	} else {
		x->answer.status = problems[F_TOO_MUCH].status;
		x->answer.body = (struct str){ spare_body, sizeof(spare_body) - 1 };
	}
	answer_header(&x->answer, STR("Content-Type"), STR("application/problem+json"));
	if (p->retry_after_s != NULL)
		answer_header(&x->answer, STR("Retry-After"), str_of(p->retry_after_s));
	if (why->code == F_KEY_NEEDED)
		answer_header(&x->answer, STR("WWW-Authenticate"), STR("Bearer"));
}
