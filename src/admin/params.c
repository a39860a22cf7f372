/* A query against a table of parameters. An unknown parameter is an error rather than ignored: a
 * misspelt filter would show rows that were not requested. */
#include "admin/call.h"

#include "base/codec.h"

#include <inttypes.h>

static const struct param *find_param(const struct param *params, size_t n, struct str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(str_of(params[i].name), name))
			return &params[i];
	return NULL;
}

static bool is_choice(const char *words, struct str value)
{
	for (struct str rest = str_of(words); rest.p != NULL;)
		if (str_equal(str_cut(&rest, '|'), value))
			return true;
	return false;
}

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
		if (!is_choice(p->choices, value))
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
		const struct param *p = find_param(params, n, pair->name);
		if (p == NULL)
			return fault_set(why, BAD_FIELD, "unknown parameter; see doc/console.md");
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
