/* Response heads, parsed in one go once the blank line is there. No clock, no socket, no copy. */
#include "http/client/response.h"
#include "http/text.h"

size_t response_head_size(struct str bytes)
{
	size_t at = str_find(bytes, STR("\r\n\r\n"));
	return at == bytes.n ? 0 : at + 4;
}

struct str response_header(const struct http_response *r, struct str name)
{
	assert(r->n_headers == 0 || r->headers != NULL);
	return header_find(r->headers, r->n_headers, name);
}

static struct str cut_line(struct str *rest)
{
	size_t at = str_find(*rest, STR("\r\n"));
	struct str line = str_slice(*rest, 0, at);
	*rest = str_slice(*rest, at + 2 > rest->n ? rest->n : at + 2, rest->n);
	return line;
}

/* RFC 9112 4: "HTTP-version SP status-code SP [ reason-phrase ]"; the last SP may be missing, as it often is. */
static enum status parse_status_line(struct str line, struct http_response *r, struct fault *why)
{
	bool shaped = line.n >= 12 && str_starts_with(line, STR("HTTP/1.")) && line.p[8] == ' ' && (line.p[7] == '0' || line.p[7] == '1') &&
		(line.n == 12 || line.p[12] == ' ');
	uint64_t status = 0;
	if (!shaped || !str_to_u64(str_slice(line, 9, 12), &status) || status < 100 || status > 599 || !http_is_field_value(line))
		return fault_set(why, UPSTREAM_FAILED, "the answer is not HTTP/1.1");
	r->status = (int)status;
	r->close = line.p[7] == '0';
	return OK;
}

/* RFC 9112 6.3: "If a message is received without Transfer-Encoding and with an invalid Content-Length header field,
 * then the message framing is invalid and the recipient MUST treat it as an unrecoverable error". */
static enum status note_framing(struct header h, struct http_response *r, struct fault *why)
{
	if (str_equal_nocase(h.name, STR("content-length"))) {
		uint64_t length = 0;
		if (!str_to_u64(h.value, &length) || (r->has_length && length != r->length))
			return fault_set(why, UPSTREAM_FAILED, "the answer's Content-Length is not one number");
		r->has_length = true;
		r->length = length;
	}
	if (str_equal_nocase(h.name, STR("transfer-encoding"))) {
		if (r->chunked || !str_equal_nocase(h.value, STR("chunked")))
			return fault_set(why, UPSTREAM_FAILED, "the answer's Transfer-Encoding is not just chunked");
		r->chunked = true;
	}
	if (!str_equal_nocase(h.name, STR("connection")))
		return OK;
	for (struct str rest = h.value; rest.p != NULL;)
		if (str_equal_nocase(str_trim(str_cut(&rest, ',')), STR("close")))
			r->close = true;
	return OK;
}

enum status response_parse_head(struct arena *a, struct str head, struct http_response *out, struct fault *why)
{
	assert(out != NULL);
	struct http_response r = { 0 };
	struct header *headers = arena_array(a, RESPONSE_HEADERS_MAX, sizeof *headers);
	if (headers == NULL)
		return fault_too_much(why);
	struct str rest = head;
	TRY(parse_status_line(cut_line(&rest), &r, why));
	for (struct str line = cut_line(&rest); line.n > 0; line = cut_line(&rest)) {
		size_t colon = str_find_char(line, ':');
		struct header h = { str_slice(line, 0, colon), str_trim(str_slice(line, colon + 1, line.n)) };
		if (colon == line.n || !http_is_token(h.name) || !http_is_field_value(h.value))
			return fault_set(why, UPSTREAM_FAILED, "the answer has a malformed header line");
		if (r.n_headers == RESPONSE_HEADERS_MAX)
			return fault_set(why, TOO_MUCH, "the answer has more than %d headers", RESPONSE_HEADERS_MAX);
		TRY(note_framing(h, &r, why));
		headers[r.n_headers++] = h;
	}
	if (r.chunked && r.has_length)
		return fault_set(why, UPSTREAM_FAILED, "the answer has both Content-Length and Transfer-Encoding");
	r.headers = headers;
	*out = r;
	return OK;
}
