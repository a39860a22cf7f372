/* Which request ends where. Two readers of one connection (a proxy and us) that disagree on it let a
 * second request be smuggled in a body, so whatever is told twice, two ways, or in a way that only
 * some understand is refused, before any byte of the body is believed.
 *
 * libmicrohttpd takes the first of two Content-Lengths, accepts a length beside chunked and reads
 * an unknown coding as a body without end; it glues folded lines together, cuts values at a NUL, and
 * takes a line without a name for the end of the head: hence these checks of our own. Pure; any thread. */
#include "http/server/framing.h"

static bool is_token_char(unsigned char c)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != 0 && str_find_char(STR("!#$%&'*+-.^_`|~"), (char)c) < 15;
}

/* RFC 9110 5.6.2. A blank before the colon makes no token: RFC 9112 5.1 wants it refused. */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char((unsigned char)s.p[i]))
			return false;
	return s.n > 0;
}

/* RFC 9110 5.5: no control character but the tab. */
static bool is_field_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static enum status check_form(const struct header *headers, size_t n, struct fault *why)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_token(headers[i].name))
			return fault_set(why, BAD_FRAMING, "A header's name is not a token");
		if (!is_field_value(headers[i].value))
			return fault_set(why, BAD_FRAMING, "A header's value has a control character");
	}
	return OK;
}

/* What is left of a head to be walked over. */
struct walk {
	const char *p, *end;
};

/* Step over a piece, if it is here. */
static bool step(struct walk *w, struct str piece)
{
	if (piece.p != w->p || piece.n > (size_t)(w->end - w->p))
		return false;
	w->p += piece.n;
	return true;
}

/* Step over one character of a kind; the parser may have put a NUL in its place. */
static bool step_one(struct walk *w, char kind)
{
	if (w->p == w->end || (*w->p != kind && *w->p != '\0'))
		return false;
	w->p++;
	return true;
}

static void step_blanks(struct walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t'))
		w->p++;
}

static bool step_line_end(struct walk *w)
{
	return step_one(w, '\r') && step_one(w, '\n');
}

static bool step_first_line(struct walk *w, const struct head *h)
{
	return step(w, h->method) && step_one(w, ' ') && step(w, h->target) && step_one(w, ' ') && step(w, h->version) && step_line_end(w);
}

static bool step_header(struct walk *w, const struct header *h)
{
	if (!step(w, h->name) || !step_one(w, ':'))
		return false;
	step_blanks(w);
	if (!step(w, h->value))
		return false;
	step_blanks(w);
	return step_line_end(w);
}

enum status framing_check_head(const struct head *h, struct fault *why)
{
	struct walk w = { h->raw.p, h->raw.p + h->raw.n };
	bool ok = step_first_line(&w, h);
	for (size_t i = 0; ok && i < h->n_headers; i++)
		ok = step_header(&w, &h->headers[i]);
	if (!ok || !step_line_end(&w) || w.p != w.end)
		return fault_set(why, BAD_FRAMING, "The head has a folded line, a header without a name, a NUL, or a line that does not end in CR LF");
	return OK;
}

/* The one header of this name; {NULL, 0} when there is none. */
static enum status find_one(const struct header *headers, size_t n, struct str name, struct str *out, struct fault *why)
{
	*out = (struct str){ NULL, 0 };
	size_t found = 0;
	for (size_t i = 0; i < n; i++) {
		if (!str_equal_nocase(headers[i].name, name))
			continue;
		*out = headers[i].value.p == NULL ? STR("") : headers[i].value;
		found++;
	}
	if (found > 1)
		return fault_set(why, BAD_FRAMING, "More than one %.*s header", STRF(name));
	return OK;
}

static enum status read_length(struct str value, struct framing *out, struct fault *why)
{
	out->has_length = value.p != NULL;
	if (out->has_length && !str_to_u64(str_trim(value), &out->length))
		return fault_set(why, BAD_FRAMING, "Content-Length is not a number");
	return OK;
}

static enum status read_coding(struct str value, struct framing *out, struct fault *why)
{
	out->chunked = value.p != NULL;
	if (out->chunked && !str_equal_nocase(str_trim(value), STR("chunked")))
		return fault_set(why, BAD_FRAMING, "Transfer-Encoding may only be chunked");
	if (out->chunked && out->has_length)
		return fault_set(why, BAD_FRAMING, "Content-Length and Transfer-Encoding exclude each other");
	return OK;
}

enum status framing_read(const struct header *headers, size_t n, struct framing *out, struct fault *why)
{
	struct framing f = { 0 };
	struct str length, coding, expect, authorization;
	TRY(check_form(headers, n, why));
	TRY(find_one(headers, n, STR("Content-Length"), &length, why));
	TRY(find_one(headers, n, STR("Transfer-Encoding"), &coding, why));
	TRY(find_one(headers, n, STR("Host"), &f.host, why));
	TRY(find_one(headers, n, STR("Expect"), &expect, why));
	TRY(find_one(headers, n, STR("Authorization"), &authorization, why));   /* a proxy may have checked the other one */
	if (f.host.p == NULL)
		return fault_set(why, BAD_FRAMING, "The Host header is missing");
	TRY(read_length(length, &f, why));
	TRY(read_coding(coding, &f, why));
	f.expects_continue = str_equal_nocase(str_trim(expect), STR("100-continue"));
	*out = f;
	return OK;
}

bool framing_has_body(const struct framing *f)
{
	return f->chunked || f->length > 0;
}

static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= 0x20 || s.p[i] == 0x7f)
			return false;
	return s.n > 0;
}

enum status framing_cut_target(struct str target, struct target *out, struct fault *why)
{
	struct target t = { .path = target, .authority = STR("") };
	if (!is_visible(target))
		return fault_set(why, BAD_FRAMING, "The request target has a blank or a control character");
	/* RFC 9112 3.2.2: a server must accept the absolute form, and its authority wins over Host. */
	if (str_starts_with_nocase(target, STR("http://"))) {
		struct str rest = str_slice(target, 7, target.n);
		size_t end = str_find_char(rest, '/');
		t.authority = str_slice(rest, 0, end);
		t.path = end < rest.n ? str_slice(rest, end, rest.n) : STR("/");
		if (t.authority.n == 0)
			return fault_set(why, BAD_FRAMING, "The request target names no host");
	}
	size_t question = str_find_char(t.path, '?');
	if (question < t.path.n) {
		t.query = str_slice(t.path, question + 1, t.path.n);
		t.path = str_slice(t.path, 0, question);
	}
	if (!str_starts_with(t.path, STR("/")) && !str_equal(t.path, STR("*")))
		return fault_set(why, BAD_FRAMING, "The request target is not a path");
	*out = t;
	return OK;
}
