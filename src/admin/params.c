/* A query against a table of parameters. An unknown parameter is an error rather than ignored: a
 * misspelt filter would show rows that were not requested. */
#include "admin/call.h"

#include "base/codec.h"

#include <inttypes.h>

static enum status read_value(const struct param *p, struct str value, struct fault *why)
{
	uint64_t number;
	switch (p->kind) {
	case PARAM_TEXT:
		if (value.n > p->max || !utf8_valid(value) || str_find_char(value, '\0') < value.n)
			return fault_set(why, BAD_FIELD, "%s must be UTF-8 text of at most %" PRIu64 " bytes", p->name, p->max);
		*p->text = value;
		return OK;
	case PARAM_CHOICE:
		if (!str_is_one_of(value, str_of(p->choices), '|'))
			return fault_set(why, BAD_FIELD, "%s must be one of %s", p->name, p->choices);
		*p->text = value;
		return OK;
	case PARAM_NUMBER:
		if (!str_to_u64(value, &number) || number < p->min || number > p->max)
			return fault_set(why, BAD_FIELD, "%s must be an integer from %" PRIu64 " to %" PRIu64, p->name, p->min, p->max);
		*p->number = number;
		return OK;
	}
	return INVALID;
}

enum status params_read(const struct request *r, const struct param *params, size_t n, struct fault *why)
{
	assert(r != NULL);
	assert(n == 0 || params != NULL);
	for (size_t i = 0; i < r->query.n; i++) {
		const struct query_pair *pair = &r->query.pairs[i];
		size_t at = 0;
		while (at < n && !str_equal(str_of(params[at].name), pair->name))
			at++;
		if (at == n)
			return fault_set(why, BAD_FIELD, "unknown parameter; see doc/console.md");
		const struct param *p = &params[at];
		if (query_find(&r->query, pair->name) != pair)
			return fault_set(why, BAD_FIELD, "%s was sent twice", p->name);
		if (pair->value.n == 0)
			continue;
		TRY(read_value(p, pair->value, why));
		if (p->sent != NULL)
			*p->sent = true;
	}
	return OK;
}
