/* See head_parser.h. A head is walked over once for its end, line by line as it comes, and once for its pieces. */
#include "http/server/head_parser.h"
#include "http/text.h"

#include <string.h>

static enum status head_malformed(struct fault *why)
{
	return fault_set(
		why, BAD_FRAMING, "The head has a folded line, a header without a name, a control character, or a line that does not end in CR LF");
}

static enum status too_long(const struct head_search *s, struct fault *why)
{
	if (s->line == 0)
		return fault_set(why, TARGET_TOO_LONG, "The request line is over %zu bytes", HEAD_MAX_BYTES);
	return fault_set(why, HEAD_TOO_LARGE, "The request's head is over %zu bytes", HEAD_MAX_BYTES);
}

enum status head_find(struct head_search *s, struct str in, size_t *size, struct fault *why)
{
	assert(s->line <= s->at && s->at <= in.n);
	const char *lf;
	*size = 0;
	while ((lf = memchr(in.p + s->at, '\n', in.n - s->at)) != NULL) {
		size_t end = (size_t)(lf - in.p);
		if (end >= HEAD_MAX_BYTES)
			return too_long(s, why);
		if (end == s->line || in.p[end - 1] != '\r' || (end - 1 == s->line && s->lines == 0))
			return head_malformed(why);
		if (end - 1 == s->line) {
			*size = end + 1;
			return OK;
		}
		s->line = s->at = end + 1;
		s->lines++;
	}
	s->at = in.n;
	return in.n >= HEAD_MAX_BYTES ? too_long(s, why) : OK;
}

static bool take_char(struct str *rest, char c)
{
	if (rest->n == 0 || rest->p[0] != c)
		return false;
	*rest = (struct str){ rest->p + 1, rest->n - 1 };
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum status parse_request_line(struct str line, struct head *h, struct fault *why)
{
	h->method = http_take(&line, CHAR_TOKEN);
	bool ok = h->method.n > 0 && take_char(&line, ' ');
	if (ok)
		h->target = http_take(&line, CHAR_VISIBLE);
	if (!ok || h->target.n == 0 || !take_char(&line, ' '))
		return fault_set(why, BAD_FRAMING, "The request line is not METHOD TARGET HTTP/1.1");
	if (line.n != 8 || !str_starts_with(line, STR("HTTP/")) || !is_digit(line.p[5]) || line.p[6] != '.' || !is_digit(line.p[7]))
		return fault_set(why, BAD_FRAMING, "The request line does not end in HTTP/1.1");
	if (line.p[5] != '1')
		return fault_set(why, BAD_VERSION, "Only HTTP/1.1 and HTTP/1.0 are supported");
	h->is_old = line.p[7] == '0';
	return OK;
}

static enum status parse_header(struct str line, struct header *f, struct fault *why)
{
	f->name = http_take(&line, CHAR_TOKEN);
	if (f->name.n == 0 || !take_char(&line, ':'))
		return head_malformed(why);
	struct str value = http_take(&line, CHAR_VALUE);
	if (line.n > 0)
		return head_malformed(why);
	f->value = str_trim(value);
	return OK;
}

/* RFC 9112 9.3: `close` wins; without it HTTP/1.1 stays open, and HTTP/1.0 if it says keep-alive. */
static void read_connection(struct head *h, struct str list)
{
	while (list.p != NULL) {
		struct str token = str_trim(str_cut(&list, ','));
		h->closes = h->closes || str_equal_nocase(token, STR("close"));
		h->keeps_alive = h->keeps_alive || str_equal_nocase(token, STR("keep-alive"));
	}
}

/* The line at the start of *rest, without its end; *rest moves after it. */
static struct str take_line(struct str *rest)
{
	size_t end = str_find_char(*rest, '\n');
	struct str line = { rest->p, end - 1 };
	*rest = (struct str){ rest->p + end + 1, rest->n - end - 1 };
	return line;
}

enum status head_parse(struct arena *a, struct str raw, size_t lines, struct head *out, struct fault *why)
{
	assert(lines == 0 || raw.n >= 2 * lines);
	*out = (struct head){ .method = STR(""), .target = STR("") };
	struct header *headers = arena_array(a, lines, sizeof *headers);
	if (headers == NULL)
		return fault_too_much(why);
	out->headers = headers;
	TRY(parse_request_line(lines > 0 ? take_line(&raw) : raw, out, why));
	out->keeps_alive = !out->is_old;
	for (size_t i = 1; i < lines; i++) {
		struct header *f = &headers[out->n_headers];
		TRY(parse_header(take_line(&raw), f, why));
		if (str_equal_nocase(f->name, STR("Connection")))
			read_connection(out, f->value);
		out->n_headers++;
	}
	out->keeps_alive = out->keeps_alive && !out->closes;
	return OK;
}
