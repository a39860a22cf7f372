/* One table: fault code -> title, what else the answer says; the status is the fault's own. And the writing of
 * application/problem+json.
 *
 * `type` is "/problems/" and the code with hyphens: a relative reference with a full path, stable,
 * a name rather than a page (RFC 9457 3.1.1 and 4). `code` is the fault's name as programs compare
 * it; `detail` is for people. Codes without a row are faults that no handler of JSON should ever see: they
 * answer as INTERNAL and the log has their name. */
#include "http/problem.h"

#include "base/writer.h"

struct problem {
	const char *title;
	const char *retry_after_s; /* NULL: no Retry-After */
	const char *detail;        /* in place of the fault's text; NULL: the text */
};

static const struct problem problems[FAULT_CODES] = {
	[F_INVALID_INPUT] = { "Invalid input" },
	[F_OUT_OF_MEMORY] = { "Out of memory", "5", "The server is out of memory; try again." },
	[F_TOO_MUCH] = { "Too much requested at once" },
	[F_INTERNAL] = { "Internal error", NULL, "Internal error. Look up the request ID in the server log." },
	[F_STORAGE_FAILED] = { "Storage failed", "5", "Storage error. Try again." },
	[F_DISK_FULL] = { "Storage full", "60", "The storage is full; try again later." },
	[F_SCHEMA_UNKNOWN] = { "Storage of another version", "5", "The database is of another version than this server; try again." },
	[F_OVERLOADED] = { "Overloaded", "1", "The server is overloaded; try again." },
	[F_READ_ONLY] = { "Read only for a while", "60" },
	[F_UPSTREAM_FAILED] = { "Upstream failed", "5", "A service that this server depends on failed; try again." },
	[F_DEADLINE] = { "Took too long", "5", "The operation took too long and was cancelled; try again." },

	[F_BAD_FRAMING] = { "Bad framing" },
	[F_BAD_CODING] = { "Transfer coding not supported" },
	[F_TARGET_TOO_LONG] = { "Request line too long" },
	[F_HEAD_TOO_LARGE] = { "Head too large" },
	[F_HEAD_SLOW] = { "Head too slow" },
	[F_BAD_VERSION] = { "HTTP version not supported" },
	[F_BAD_HOST] = { "Unknown host" },
	[F_MISDIRECTED] = { "Wrong scheme" },
	[F_CROSS_SITE] = { "Cross-site request" },
	[F_TOO_MANY_REQUESTS] = { "Too many requests", "1" },
	[F_TOO_MANY_TRIES] = { "Too many wrong keys", "60" },
	[F_BODY_TOO_LARGE] = { "Body too large" },
	[F_BODY_CUT] = { "Body cut off" },
	[F_BODY_SLOW] = { "Body too slow" },

	[F_BAD_JSON] = { "Bad JSON" },
	[F_BAD_FIELD] = { "Bad field" },
	[F_FORM_MALFORMED] = { "Bad form" },
	[F_BAD_CURSOR] = { "Bad cursor" },
	[F_NO_SUCH_EVENT] = { "No such webhook" },
	[F_NO_SUCH_ROUTE] = { "No such path" },
	[F_BAD_METHOD] = { "Method not allowed" },
	[F_KEY_NEEDED] = { "Key needed" },
	[F_KEY_WRONG] = { "Key wrong" },
	[F_TOKEN_INVALID] = { "Token or key not valid" },
	[F_SCOPE_MISSING] = { "Right missing" },
	[F_IDENTITY_UNREACHABLE] = { "Issuer not reachable", "5" },
	[F_ACCESS_DENIED] = { "Not allowed" },
	[F_NO_SUCH_BUCKET] = { "No such bucket" },
	[F_BUCKET_NOT_EMPTY] = { "Bucket not empty" },
	[F_NO_SUCH_USER] = { "No such user" },
	[F_NO_SUCH_API_KEY] = { "No such API key" },
	[F_USE_SLOT] = { "Request a slot" },
	[F_TOO_MANY] = { "Too many requests", "60" },
	[F_QUOTA_FULL] = { "Quota full" },
	[F_OWNER_BLOCKED] = { "Owner blocked" },
	[F_KEY_REUSED] = { "Idempotency-Key reused" },
	[F_IMAGE_GONE] = { "Image gone" },
	[F_PUBLIC_DENIED] = { "Public not allowed" },
	[F_LINK_EXPIRED] = { "Link expired" },
	[F_NO_LINKS] = { "No delivery links" },
	[F_PRECONDITION] = { "Precondition failed" },
	[F_RANGE_INVALID] = { "Range not satisfiable" },

	[F_NO_SUCH_IMAGE] = { "No such image" },
	[F_TYPE_NOT_ALLOWED] = { "Type not allowed" },
	[F_IMAGE_TOO_LARGE] = { "Image too large" },
	[F_IMAGE_EMPTY] = { "Image empty" },
	[F_IMAGE_REJECTED] = { "Image rejected" },
	[F_SLOT_ENDED] = { "Slot ended" },
	[F_SLOT_TAKEN] = { "Slot taken" },
	[F_NOT_ARRIVED] = { "Not arrived" },
	[F_NOT_HERE] = { "Not known here" },
	[F_SLOTS_FULL] = { "Too many open upload slots", "60" },
	[F_STATE_CHANGED] = { "State changed" },
};

/* What a full arena still answers; the request id is in its header. */
#define FULL_BODY \
	"{\"type\":\"/problems/too-much\",\"title\":\"Too much requested at once\",\"status\":413," \
	"\"detail\":\"The request needs more memory than one request may use; request less.\",\"code\":\"too_much\"}"
#define STARVED_BODY \
	"{\"type\":\"/problems/out-of-memory\",\"title\":\"Out of memory\",\"status\":503," \
	"\"detail\":\"The server is out of memory; try again.\",\"code\":\"out_of_memory\"}"

static void write_problem(struct buf *b, enum fault_code code, const struct request_context *x, const struct fault *why)
{
	const struct problem *p = &problems[code];
	struct str name = str_of(fault_name(code));
	const char *detail = p->detail != NULL ? p->detail : why->text[0] != '\0' ? why->text : p->title;

	writer_open(b, (struct str){ 0 }, '{');
	buf_put(b, STR("\"type\":\"/problems/"));
	for (size_t i = 0; i < name.n; i++)
		buf_put_char(b, name.p[i] == '_' ? '-' : name.p[i]);
	buf_put_char(b, '"');
	writer_text(b, STR("title"), str_of(p->title));
	writer_number(b, STR("status"), (uint64_t)fault_http_status(code));
	writer_text(b, STR("detail"), str_of(detail));
	writer_text(b, STR("code"), name);
	writer_text(b, STR("requestId"), x->request.id);
	writer_close(b, '}');
}

/* The sentence is one of ours; of other characters than a description may have it is left out.
 * Source  RFC 6750 3 */
static struct str describe_token(struct arena *a, struct str text)
{
	struct str value = STR("Bearer error=\"invalid_token\"");
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~' || text.p[i] == '"' || text.p[i] == '\\')
			return value;
	struct str whole = STR_CONCAT(a, value, STR(", error_description=\""), text, STR("\""));
	return whole.p != NULL ? whole : value;
}

void problem_answer(struct request_context *x, const struct fault *why)
{
	assert(x != NULL);
	enum fault_code code = why->code < FAULT_CODES && problems[why->code].title != NULL ? why->code : F_INTERNAL;
	const char *route = x->answer.route;
	struct str image_id = x->answer.image_id;
	struct buf body;

	buf_init_arena(&body, &x->arena, 4096);
	write_problem(&body, code, x, why);
	answer_reset(&x->answer);
	x->answer.route = route;
	x->answer.image_id = image_id;
	x->answer.fault = *why;
	x->answer.body = buf_str(&body);
	if (!buf_ok(&body)) {
		code = x->arena.starved ? F_OUT_OF_MEMORY : F_TOO_MUCH;
		x->answer.body = x->arena.starved ? STR(STARVED_BODY) : STR(FULL_BODY);
	}
	x->answer.status = fault_http_status(code);
	answer_header(&x->answer, STR("Content-Type"), STR("application/problem+json"));
	if (why->retry_after_s > 0)
		answer_header(&x->answer, STR("Retry-After"), str_decimal(&x->arena, why->retry_after_s));
	else if (problems[code].retry_after_s != NULL)
		answer_header(&x->answer, STR("Retry-After"), str_of(problems[code].retry_after_s));
	if (why->code == F_KEY_NEEDED)
		answer_header(&x->answer, STR("WWW-Authenticate"), STR("Bearer"));
	if (why->code == F_TOKEN_INVALID)
		answer_header(&x->answer, STR("WWW-Authenticate"), describe_token(&x->arena, str_of(why->text)));
}
