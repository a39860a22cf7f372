/* The canonical request: the form of a request that both sides sign.
 *
 *   METHOD \n PATH \n QUERY \n NAME:VALUE \n ... \n \n SIGNED-HEADERS \n PAYLOAD-HASH
 *
 * The parts are made separately and joined at the end. No part can contain a line end of its own:
 * path and query are percent-encoded, blanks of header values are collapsed, and the list of signed
 * headers is accepted only if each of its names is a header of the request.
 *
 * '+' in a path is a plus sign. '+' in a query was decoded as a blank when the query was parsed: S3
 * accepts a presigned URL that is sent with '+' and was signed with %20. */
#include "sigv4/canonical.h"

#include "base/codec.h"

#include <stdlib.h>

struct canonical_pair {
	struct str name, value; /* encoded */
};

struct str canonical_encode(struct arena *a, struct str s, bool keep_slash)
{
	assert(a != NULL);
	if (uri_plain(s, keep_slash) == s.n)
		return s;
	struct buf b;
	buf_init_arena(&b, a, CANONICAL_MAX_BYTES);
	uri_encode(&b, s, keep_slash);
	return buf_str(&b);
}

static int compare_pairs(const void *x, const void *y)
{
	const struct canonical_pair *a = x, *b = y;
	int by_name = str_compare(a->name, b->name);
	return by_name != 0 ? by_name : str_compare(a->value, b->value);
}

struct str canonical_query(struct arena *a, const struct query *q)
{
	assert(a != NULL);
	if (q == NULL || q->n == 0)
		return STR("");
	struct canonical_pair *pairs = arena_array(a, q->n, sizeof *pairs);
	if (pairs == NULL)
		return STR("");
	size_t n = 0;
	for (size_t i = 0; i < q->n; i++) {
		if (str_equal(q->pairs[i].name, STR("X-Amz-Signature")))
			continue;
		pairs[n].name = canonical_encode(a, q->pairs[i].name, false);
		pairs[n++].value = canonical_encode(a, q->pairs[i].value, false);
	}
	qsort(pairs, n, sizeof *pairs, compare_pairs);
	struct buf b;
	buf_init_arena(&b, a, CANONICAL_MAX_BYTES);
	for (size_t i = 0; i < n; i++)
		BUF_PUT(&b, i > 0 ? STR("&") : STR(""), pairs[i].name, STR("="), pairs[i].value);
	return buf_str(&b);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks at the ends; each run of blanks or fold inside becomes one blank. */
static void put_value(struct buf *out, struct str value)
{
	size_t i = 0;
	for (bool first = true;; first = false) {
		while (i < value.n && is_blank(value.p[i]))
			i++;
		size_t start = i;
		while (i < value.n && !is_blank(value.p[i]))
			i++;
		if (i == start)
			return;
		if (!first)
			buf_put_char(out, ' ');
		buf_put(out, str_slice(value, start, i));
	}
}

static bool put_header(const struct canonical_input *in, struct str name, struct buf *out)
{
	size_t found = 0;
	buf_put(out, name);
	for (size_t i = 0; i < in->n_headers; i++) {
		if (in->headers[i].name.n != name.n || !str_equal_nocase(in->headers[i].name, name))
			continue;
		buf_put_char(out, found++ == 0 ? ':' : ',');
		put_value(out, in->headers[i].value);
	}
	buf_put_char(out, '\n');
	return found > 0;
}

enum status canonical_headers(const struct canonical_input *in, struct buf *out, struct fault *why)
{
	assert(in != NULL);
	assert(out != NULL);
	for (struct str rest = in->signed_headers; rest.p != NULL;) {
		struct str name = str_cut(&rest, ';');
		if (!put_header(in, name, out))
			return fault_set(why, INVALID_INPUT, "the header '%.*s' is signed but was not sent", STRF(name));
	}
	return OK;
}

bool signed_header_listed(struct str list, struct str name)
{
	for (struct str rest = list; rest.p != NULL;)
		if (str_equal_nocase(str_cut(&rest, ';'), name))
			return true;
	return false;
}

enum status canonical_split(struct arena *a, const struct canonical_input *in, struct canonical_parts *out, struct fault *why)
{
	assert(a != NULL);
	assert(in != NULL);
	assert(out != NULL);
	struct buf headers;
	buf_init_arena(&headers, a, CANONICAL_MAX_BYTES);
	struct str path = in->path;
	if (in->path_rule == PATH_AS_SENT && !uri_decode(a, in->path, false, &path) && arena_ok(a))
		return fault_set(why, INVALID_INPUT, "the path has a '%%' without two hex digits after it");
	out->path = path.n == 0 ? STR("/") : canonical_encode(a, path, true);
	TRY(canonical_headers(in, &headers, why));
	out->method = in->method;
	out->query = canonical_query(a, in->query);
	out->headers = buf_str(&headers);
	out->signed_headers = in->signed_headers;
	out->payload_hash = in->payload_hash;
	if (!buf_ok(&headers) || !arena_ok(a))
		return fault_too_much(why);
	return OK;
}

void canonical_join(const struct canonical_parts *parts, struct buf *out)
{
	assert(parts != NULL);
	assert(out != NULL);
	BUF_PUT(out, parts->method, STR("\n"), parts->path, STR("\n"), parts->query, STR("\n"), parts->headers, STR("\n"),
		parts->signed_headers, STR("\n"), parts->payload_hash);
}

struct str canonical_text(
	const struct canonical_parts *parts, struct str amz_date, const struct sigv4_scope *scope, struct arena *a, struct str *canonical)
{
	assert(parts != NULL);
	assert(scope != NULL);
	assert(a != NULL);
	struct buf joined, text;
	buf_init_arena(&joined, a, CANONICAL_MAX_BYTES);
	buf_init_arena(&text, a, CANONICAL_MAX_BYTES);
	canonical_join(parts, &joined);
	string_to_sign(amz_date, scope, buf_str(&joined), &text);
	if (canonical != NULL)
		*canonical = buf_str(&joined);
	return buf_ok(&joined) && buf_ok(&text) ? buf_str(&text) : STR("");
}

/* Both ways of signing take the Host from here, so that what is signed is what the client will send. */
enum status base_url_host(struct str base_url, struct str *host, struct fault *why)
{
	assert(host != NULL);
	bool plain = str_starts_with(base_url, STR("http://"));
	if (!plain && !str_starts_with(base_url, STR("https://")))
		return fault_set(why, INVALID_INPUT, "a base URL must begin with http:// or https://");
	*host = str_slice(base_url, plain ? 7 : 8, base_url.n);
	for (size_t i = 0; i < host->n; i++) {
		unsigned char c = (unsigned char)host->p[i];
		if (c <= ' ' || c >= 0x7f || c == '/' || c == '?' || c == '#' || c == '@')
			return fault_set(why, INVALID_INPUT, "a base URL is a scheme, a host and a port, nothing more");
	}
	struct str own_port = plain ? STR(":80") : STR(":443");
	if (str_ends_with(*host, own_port))
		*host = str_slice(*host, 0, host->n - own_port.n);
	if (host->n == 0)
		return fault_set(why, INVALID_INPUT, "a base URL needs a host");
	return OK;
}
