/* The multipart parser: five states, each a function that consumes some input.
 *
 * Content is searched for the delimiter, CR LF "--" boundary. CR is its first byte and, as a
 * boundary contains none, no other one: so when a match fails, the bytes that matched are content, and the
 * search restarts at the byte that did not; only the number of those that matched is stored.
 * The delimiter of the first part may lack its CR LF: they count as seen when the body begins. */
#include "http/form_parser.h"

#include <assert.h>
#include <string.h>

#define PADDING_MAX 64

/* RFC 2046 5.1.1: bcharsnospace, and blanks except at the end. */
static bool boundary_ok(struct str b)
{
	return b.n <= MULTIPART_BOUNDARY_MAX && str_consists_of(b, STR("'()+_,-./:=? ")) && b.p[b.n - 1] != ' ';
}

/* The end of the quoted text at the start of s; s.n or more: there is none. Some clients escape a quote and a backslash in it
 * by a backslash; browsers write backslashes as they are, even the last one. */
static size_t find_quote(struct str s, bool escapes)
{
	size_t end = 1;

	while (end < s.n && s.p[end] != '"')
		end += escapes && s.p[end] == '\\' && end + 1 < s.n && (s.p[end + 1] == '"' || s.p[end + 1] == '\\') ? 2 : 1;
	return end;
}

/* Cut one "; name=value" or "; name="value"" off *rest. A quoted value is left with its escapes.
 * false: no parameter is there. */
static bool cut_parameter(struct str *rest, struct str *name, struct str *value)
{
	struct str s = str_trim(*rest);
	if (s.n == 0 || s.p[0] != ';')
		return false;
	s = str_trim(str_slice(s, 1, s.n));
	size_t equals = str_find_char(s, '=');
	if (equals == s.n || equals == 0)
		return false;
	*name = str_trim(str_slice(s, 0, equals));
	s = str_trim(str_slice(s, equals + 1, s.n));
	if (s.n == 0 || s.p[0] != '"') {
		size_t end = str_find_char(s, ';');
		*value = str_trim(str_slice(s, 0, end));
		*rest = str_slice(s, end, s.n);
		return true;
	}
	size_t end = find_quote(s, true);
	struct str after = str_trim(str_slice(s, end + 1, s.n));
	if (end >= s.n || (after.n > 0 && after.p[0] != ';'))
		end = find_quote(s, false);
	if (end >= s.n)
		return false;
	*value = str_slice(s, 1, end);
	*rest = str_slice(s, end + 1, s.n);
	return true;
}

bool form_boundary(struct str content_type, struct str *boundary)
{
	assert(boundary != NULL);
	struct str found = { 0 }, name, value;
	size_t end = str_find_char(content_type, ';');
	struct str rest = str_slice(content_type, end, content_type.n);
	if (!str_equal_nocase(str_trim(str_slice(content_type, 0, end)), STR("multipart/form-data")))
		return false;
	while (str_trim(rest).n > 0) {
		if (!cut_parameter(&rest, &name, &value))
			return false;
		if (!str_equal_nocase(name, STR("boundary")))
			continue;
		if (found.p != NULL)
			return false;
		found = value;
	}
	*boundary = found;
	return boundary_ok(found);
}

void form_parser_init(struct form_parser *m, struct str boundary)
{
	assert(boundary_ok(boundary));
	*m = (struct form_parser){ .matched = 2, .delimiter_n = 4 + boundary.n };
	memcpy(m->delimiter, "\r\n--", 4);
	memcpy(m->delimiter + 4, boundary.p, boundary.n);
}

static enum form_event mark_malformed(struct form_parser *m, const char *why)
{
	m->state = IS_BAD;
	m->why = why;
	return MULTIPART_BAD;
}

/* The position of the delimiter, or of what may be its beginning at the end of the input; in.n: none. */
static size_t find_delimiter(const struct form_parser *m, struct str in)
{
	size_t from = 0;
	while (from < in.n) {
		const char *cr = memchr(in.p + from, '\r', in.n - from);
		if (cr == NULL)
			return in.n;
		size_t at = (size_t)(cr - in.p);
		size_t n = in.n - at < m->delimiter_n ? in.n - at : m->delimiter_n;
		if (memcmp(cr, m->delimiter, n) == 0)
			return at;
		from = at + 1;
	}
	return in.n;
}

static enum form_event next_content(struct form_parser *m, struct str bytes, struct str *data)
{
	if (m->state == IN_PART) {
		*data = bytes;
		return MULTIPART_DATA;
	}
	m->skipped += bytes.n;
	return m->skipped > MULTIPART_PREAMBLE_MAX ? mark_malformed(m, "no boundary where the form should begin") : MULTIPART_MORE;
}

static enum form_event read_content(struct form_parser *m, struct str *in, struct str *data)
{
	size_t before = m->matched == 0 ? find_delimiter(m, *in) : 0;
	if (before > 0)
		return next_content(m, str_take(in, before), data);
	while (in->n > 0 && m->matched < m->delimiter_n) {
		if (in->p[0] != m->delimiter[m->matched]) {
			struct str held = { m->delimiter, m->matched };
			m->matched = 0;
			return next_content(m, held, data);
		}
		m->matched++;
		str_take(in, 1);
	}
	if (m->matched < m->delimiter_n)
		return MULTIPART_MORE;
	enum form_event event = m->state == IN_PART ? MULTIPART_PART_END : MULTIPART_MORE;
	m->state = AFTER_BOUNDARY;
	m->tail = TAIL_NONE;
	m->skipped = m->matched = m->head_n = 0;
	return event;
}

/* After the boundary: "--" ends the form, CR LF begins a part; blanks may precede CR LF. */
static enum form_event read_tail(struct form_parser *m, struct str *in)
{
	char c = str_take(in, 1).p[0];
	if (m->tail == TAIL_NONE && m->skipped == 0 && c == '-') {
		m->tail = TAIL_DASH;
		return MULTIPART_MORE;
	}
	if (m->tail == TAIL_DASH && c == '-') {
		m->state = IN_EPILOGUE;
		return MULTIPART_END;
	}
	if (m->tail == TAIL_NONE && (c == ' ' || c == '\t') && m->skipped < PADDING_MAX) {
		m->skipped++;
		return MULTIPART_MORE;
	}
	if (m->tail == TAIL_NONE && c == '\r') {
		m->tail = TAIL_CR;
		return MULTIPART_MORE;
	}
	if (m->tail != TAIL_CR || c != '\n')
		return mark_malformed(m, "the line of a boundary goes on");
	m->state = IN_HEAD;
	return MULTIPART_MORE;
}

/* Unescape \" and \\ in place; other backslashes are kept, as browsers send them. */
static struct str unquote_value(struct form_parser *m, struct str s)
{
	char *p = m->head + (s.p - m->head);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		if (p[i] == '\\' && i + 1 < s.n && (p[i + 1] == '"' || p[i + 1] == '\\'))
			i++;
		p[n++] = p[i];
	}
	return (struct str){ p, n };
}

/* form-data; name="..."; filename="..." */
static bool read_disposition(struct form_parser *m, struct str value)
{
	struct str name, text;
	size_t end = str_find_char(value, ';');
	struct str rest = str_slice(value, end, value.n);
	if (m->name.p != NULL || !str_equal_nocase(str_trim(str_slice(value, 0, end)), STR("form-data")))
		return false;
	while (str_trim(rest).n > 0) {
		if (!cut_parameter(&rest, &name, &text))
			return false;
		bool is_name = str_equal_nocase(name, STR("name")), is_filename = str_equal_nocase(name, STR("filename"));
		if ((is_name && m->name.p != NULL) || (is_filename && m->has_filename))
			return false;
		if (is_name)
			m->name = unquote_value(m, text);
		if (is_filename) {
			m->filename = unquote_value(m, text);
			m->has_filename = true;
		}
	}
	return m->name.n > 0;
}

static const char *read_header(struct form_parser *m, struct str line)
{
	size_t colon = str_find_char(line, ':');
	struct str name = str_slice(line, 0, colon), value = str_trim(str_slice(line, colon + 1, line.n));
	if (colon == 0 || colon == line.n || str_trim(name).n != name.n)
		return "a part's header is not NAME: VALUE";
	if (str_find_char(line, '\0') < line.n || str_find_char(line, '\n') < line.n || str_find_char(line, '\r') < line.n)
		return "a part's header holds a control character";
	if (str_equal_nocase(name, STR("content-disposition")) && !read_disposition(m, value))
		return "a part's Content-Disposition is not form-data with one name";
	if (str_equal_nocase(name, STR("content-type")))
		m->content_type = value;
	if (str_equal_nocase(name, STR("content-transfer-encoding")) && !str_equal_nocase(value, STR("binary")) &&
		!str_equal_nocase(value, STR("8bit")) && !str_equal_nocase(value, STR("7bit")))
		return "a part has a Content-Transfer-Encoding";
	return NULL;
}

static enum form_event read_head(struct form_parser *m)
{
	struct str rest = { m->head, m->head_n };
	m->name = m->filename = m->content_type = (struct str){ 0 };
	m->has_filename = false;
	while (rest.n > 2) {
		size_t end = str_find(rest, STR("\r\n"));
		const char *why = read_header(m, str_take(&rest, end));
		if (why != NULL)
			return mark_malformed(m, why);
		str_take(&rest, 2);
	}
	if (m->name.n == 0)
		return mark_malformed(m, "a part has no name");
	m->state = IN_PART;
	return MULTIPART_PART;
}

static enum form_event step_state(struct form_parser *m, struct str *in, struct str *data)
{
	switch (m->state) {
	case IN_PREAMBLE:
	case IN_PART:
		return read_content(m, in, data);
	case AFTER_BOUNDARY:
		return read_tail(m, in);
	case IN_HEAD:
		while (in->n > 0) {
			if (m->head_n == sizeof(m->head))
				return mark_malformed(m, "a part's headers are too long");
			m->head[m->head_n++] = str_take(in, 1).p[0];
			struct str head = { m->head, m->head_n };
			if (str_ends_with(head, STR("\r\n\r\n")) || str_equal(head, STR("\r\n")))
				return read_head(m);
		}
		return MULTIPART_MORE;
	case IN_EPILOGUE:
		str_take(in, in->n);
		return MULTIPART_MORE;
	case IS_BAD:
		return MULTIPART_BAD;
	}
	return MULTIPART_BAD;
}

enum form_event form_parser_next(struct form_parser *m, struct str *in, struct str *data)
{
	assert(m->head_n <= sizeof(m->head));
	assert(in != NULL && data != NULL);
	enum form_event event = MULTIPART_MORE;
	while (event == MULTIPART_MORE && in->n > 0)
		event = step_state(m, in, data);
	return event;
}

struct str form_file_name(const struct form_parser *m)
{
	assert(m != NULL);
	size_t start = 0;

	for (size_t i = 0; i < m->filename.n; i++)
		if (m->filename.p[i] == '/' || m->filename.p[i] == '\\')
			start = i + 1;
	return str_slice(m->filename, start, m->filename.n);
}
