/* Requests and answers: looking up headers and query pairs, parsing a query, filling an answer.
 *
 * A query is parsed in two passes, for the pairs must be in one array: count the '&', then cut.
 * The raw text of each pair is kept next to the decoded one, because signatures are over what was
 * sent. An answer owns at most one thing, its file. */
#include "http/message.h"
#include "base/codec.h"

#include <unistd.h>

#define QUERY_PAIRS_MAX 256

struct str header_find(const struct header *headers, size_t n, struct str name)
{
	assert(n == 0 || headers != NULL);
	for (size_t i = 0; i < n; i++)
		if (str_equal_nocase(headers[i].name, name))
			return headers[i].value;
	return (struct str){ NULL, 0 };
}

struct str request_header(const struct request *r, struct str name)
{
	assert(r != NULL);
	return header_find(r->headers, r->n_headers, name);
}

const struct query_pair *query_find(const struct query *q, struct str name)
{
	assert(q != NULL);
	for (size_t i = 0; i < q->n; i++)
		if (str_equal(q->pairs[i].name, name))
			return &q->pairs[i];
	return NULL;
}

static size_t count_pairs(struct str raw)
{
	size_t n = 0;
	while (raw.p != NULL)
		n += str_cut(&raw, '&').n > 0;
	return n;
}

static enum status decode_piece(struct arena *a, struct str raw, bool plus_is_blank, struct str *out, struct fault *why)
{
	if (uri_decode(a, raw, plus_is_blank, out))
		return OK;
	TRY(fault_check_arena(a, why));
	return fault_set(why, INVALID_INPUT, "The query has a %% that two hex digits do not follow");
}

static enum status parse_pair(struct arena *a, struct str piece, bool plus_is_blank, struct query_pair *pair, struct fault *why)
{
	struct str rest = piece;
	pair->raw_name = str_cut(&rest, '=');
	pair->has_value = rest.p != NULL;
	pair->raw_value = rest;
	TRY(decode_piece(a, pair->raw_name, plus_is_blank, &pair->name, why));
	return decode_piece(a, pair->raw_value, plus_is_blank, &pair->value, why);
}

enum status query_parse(struct arena *a, struct str raw, bool plus_is_blank, struct query *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	size_t count = count_pairs(raw), n = 0;
	if (count > QUERY_PAIRS_MAX)
		return fault_set(why, TOO_MUCH, "The query has more than %d parameters", QUERY_PAIRS_MAX);
	struct query_pair *pairs = arena_array(a, count, sizeof *pairs);
	if (pairs == NULL)
		return fault_too_much(why);
	while (raw.p != NULL) {
		struct str piece = str_cut(&raw, '&');
		if (piece.n > 0)
			TRY(parse_pair(a, piece, plus_is_blank, &pairs[n++], why));
	}
	*out = (struct query){ pairs, n };
	return OK;
}

bool http_is_failure(int status)
{
	return status >= 500 && status != 501;
}

void answer_init(struct answer *ans)
{
	*ans = (struct answer){ .fd = -1 };
}

void answer_header(struct answer *ans, struct str name, struct str value)
{
	assert(ans->n_headers < ANSWER_HEADERS_MAX);
	for (size_t i = 0; i < value.n; i++)
		assert((unsigned char)value.p[i] > '\r' || (value.p[i] != '\r' && value.p[i] != '\n' && value.p[i] != '\0'));
	ans->headers[ans->n_headers++] = (struct header){ name, value };
}

void answer_drop_body(struct answer *ans)
{
	assert(ans != NULL);
	ans->more = NULL;
	ans->n_more = 0;
	if (ans->hold != NULL)
		ans->hold->release(ans->hold);
	else if (ans->fd >= 0)
		close(ans->fd);
	ans->fd = -1;
	ans->hold = NULL;
	ans->body = (struct str){ 0 };
}

void answer_reset(struct answer *ans)
{
	assert(ans != NULL);
	answer_drop_body(ans);
	answer_init(ans);
}
