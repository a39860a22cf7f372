/* Requests and answers: looking up headers and query pairs, parsing a query, filling an answer.
 *
 * A query is parsed in two passes, for the pairs must be in one array: count the '&', then cut.
 * The raw text of each pair is kept next to the decoded one, because signatures are over what was
 * sent. An answer owns at most one thing, its file. */
#include "http/message.h"
#include "base/codec.h"

#include <unistd.h>

#define QUERY_PAIRS_MAX 256
#define COMPARED_MAX 8 /* names that each is compared with, so that a head of chosen names costs no more than another */

struct str header_find(const struct header *headers, size_t n, struct str name)
{
	assert(n == 0 || headers != NULL);
	for (size_t i = 0; i < n; i++)
		if (str_equal_nocase(headers[i].name, name))
			return headers[i].value;
	return (struct str){ NULL, 0 };
}

static unsigned hash_name(struct str name)
{
	if (name.n == 0)
		return 0;
	unsigned first = (unsigned char)name.p[0] | 0x20, last = (unsigned char)name.p[name.n - 1] | 0x20; /* in either case */
	return ((unsigned)name.n + 7 * first + 21 * last) % HEADER_HASHES;
}

/* From the last to the first, so that each list is in the order of the headers. */
enum status header_index_make(struct arena *a, const struct header *headers, size_t n, struct header_index *out, struct fault *why)
{
	assert(n < UINT16_MAX && (n == 0 || headers != NULL));
	struct header_index x = { .headers = headers, .n = n, .next = arena_array(a, n, sizeof *x.next) };
	if (x.next == NULL)
		return fault_too_much(why);
	for (size_t i = n; i-- > 0;) {
		uint16_t *first = &x.first[hash_name(headers[i].name)];
		size_t compared = 0;
		for (size_t k = *first; k > 0 && !x.may_repeat; k = x.next[k - 1])
			x.may_repeat = compared++ == COMPARED_MAX || str_equal_nocase(headers[k - 1].name, headers[i].name);
		x.next[i] = *first;
		*first = (uint16_t)(i + 1);
	}
	*out = x;
	return OK;
}

struct str header_index_find(const struct header_index *x, struct str name)
{
	assert(x != NULL);
	for (size_t i = x->first[hash_name(name)]; i > 0; i = x->next[i - 1])
		if (str_equal_nocase(x->headers[i - 1].name, name))
			return x->headers[i - 1].value;
	return (struct str){ NULL, 0 };
}

enum status request_index(struct arena *a, struct request *r, struct fault *why)
{
	return header_index_make(a, r->headers, r->n_headers, &r->by_name, why);
}

struct str request_header(const struct request *r, struct str name)
{
	assert(r != NULL);
	if (r->by_name.headers == r->headers && r->by_name.n == r->n_headers)
		return header_index_find(&r->by_name, name);
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

static enum status decode_piece(struct arena *a, struct str raw, struct str *out, struct fault *why)
{
	if (uri_decode(a, raw, true, out))
		return OK;
	TRY(fault_check_arena(a, why));
	return fault_set(why, INVALID_INPUT, "The query has a %% that two hex digits do not follow");
}

static enum status parse_pair(struct arena *a, struct str piece, struct query_pair *pair, struct fault *why)
{
	struct str rest = piece;
	pair->raw_name = str_cut(&rest, '=');
	pair->raw_value = rest;
	TRY(decode_piece(a, pair->raw_name, &pair->name, why));
	return decode_piece(a, pair->raw_value, &pair->value, why);
}

enum status query_parse(struct arena *a, struct str raw, struct query *out, struct fault *why)
{
	assert(a != NULL);
	assert(out != NULL);
	size_t count = 0, n = 0;
	for (struct str rest = raw; rest.p != NULL;)
		count += str_cut(&rest, '&').n > 0;
	if (count > QUERY_PAIRS_MAX)
		return fault_set(why, TOO_MUCH, "The query has more than %d parameters", QUERY_PAIRS_MAX);
	struct query_pair *pairs = arena_array(a, count, sizeof *pairs);
	if (pairs == NULL)
		return fault_too_much(why);
	while (raw.p != NULL) {
		struct str piece = str_cut(&raw, '&');
		if (piece.n > 0)
			TRY(parse_pair(a, piece, &pairs[n++], why));
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
