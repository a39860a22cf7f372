/* What handlers share: the parameters of the query, and JSON as the answer. */
#include "api/call.h"

#define NAME_SHOWN_MAX 64

enum status call_parameter(const struct query *q, struct str name, struct str *out, struct fault *why)
{
	assert(q != NULL && out != NULL);
	size_t found = 0;

	*out = (struct str){ 0 };
	for (size_t i = 0; i < q->n; i++) {
		if (!str_equal(q->pairs[i].name, name))
			continue;
		*out = q->pairs[i].value;
		found++;
	}
	if (found > 1)
		return fault_set(why, BAD_FIELD, "%.*s must be given once", STRF(name));
	return OK;
}

enum status call_check_parameters(const struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->route != NULL);
	const struct query *q = &c->x->request.query;
	const char *known = c->route->parameters != NULL ? c->route->parameters : "";

	for (size_t i = 0; i < q->n; i++) {
		struct str name = q->pairs[i].name;
		bool shown = str_consists_of(name, STR("_-.")) && name.n <= NAME_SHOWN_MAX;
		if (!str_equal(name, STR("onBehalfOf")) && !str_is_word_of(name, str_of(known)))
			return fault_set(why, BAD_FIELD, "%.*s is not known; the parameters of this call are: %s%sonBehalfOf",
				STRF(shown ? name : STR("A parameter")), known, known[0] != '\0' ? " " : "");
	}
	return OK;
}

enum status call_limit(const struct query *q, uint32_t most, uint32_t *out, struct fault *why)
{
	assert(q != NULL && out != NULL && most >= LIST_DEFAULT);
	struct str text;
	uint64_t n = LIST_DEFAULT;

	TRY(call_parameter(q, STR("limit"), &text, why));
	if (query_find(q, STR("limit")) != NULL && (!str_to_u64(text, &n) || n < 1 || n > most))
		return fault_set(why, BAD_FIELD, "limit must be an integer from 1 to %u", (unsigned)most);
	*out = (uint32_t)n;
	return OK;
}

enum status call_json(struct api_call *c, const struct buf *b, struct fault *why)
{
	assert(c != NULL);
	assert(b != NULL);
	struct answer *ans = &c->x->answer;

	if (b->starved)
		return fault_no_memory(why);
	ans->body = b->arena != NULL ? buf_str(b) : str_dup(c->arena, buf_str(b));
	if (!buf_ok(b) || ans->body.p == NULL)
		return fault_set(why, TOO_MUCH, "The response would be too large; request less at once.");
	ans->status = 200;
	answer_header(ans, STR("Content-Type"), STR("application/json"));
	return OK;
}
