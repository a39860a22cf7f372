/* Text of responses, in XML bodies and in headers. Any client may have chosen it, so
 * both rules allow what is known to be safe and replace or refuse everything else. */
#include "s3/wire/text.h"

#include "base/clock.h"
#include "base/codec.h"
#include "http/text.h"

#define HEADER_VALUE_MAX 1024
#define REPLACEMENT STR("\xEF\xBF\xBD")

static struct str escape_of(unsigned char c, bool utf8)
{
	switch (c) {
	case '&':
		return STR("&amp;");
	case '<':
		return STR("&lt;");
	case '>':
		return STR("&gt;");
	case '"':
		return STR("&quot;");
	case '\r':
		return STR("&#13;");
	default:
		break;
	}
	if ((c < 0x20 && c != '\n' && c != '\t') || (c >= 0x80 && !utf8))
		return REPLACEMENT;
	return (struct str){ 0 };
}

/* U+FFFE and U+FFFF are well-formed UTF-8, but XML does not allow them. */
static bool is_noncharacter(struct str s)
{
	return s.n >= 3 && s.p[0] == '\xEF' && s.p[1] == '\xBF' && (s.p[2] == '\xBE' || s.p[2] == '\xBF');
}

/* exact   what XML cannot represent becomes a character reference all the same */
static void escape_text(struct buf *b, struct str s, bool exact)
{
	assert(b != NULL);
	bool utf8 = utf8_valid(s);
	size_t done = 0;
	for (size_t i = 0; i < s.n; i++) {
		bool cut = utf8 && is_noncharacter(str_slice(s, i, i + 3));
		struct str as = cut ? REPLACEMENT : escape_of((unsigned char)s.p[i], utf8);
		if (as.n == 0)
			continue;
		buf_put(b, str_slice(s, done, i));
		if (exact && utf8 && as.p[0] != '&')
			buf_printf(b, "&#x%X;", cut ? 0xFFC0u | (s.p[i + 2] & 0x3F) : (unsigned)s.p[i]);
		else
			buf_put(b, as);
		i += cut ? 2 : 0;
		done = i + 1;
	}
	buf_put(b, str_slice(s, done, s.n));
}

void xml_escape(struct buf *b, struct str s)
{
	escape_text(b, s, false);
}

void xml_element(struct buf *b, const char *name, struct str value)
{
	assert(b != NULL);
	assert(name != NULL);
	buf_printf(b, "<%s>", name);
	xml_escape(b, value);
	buf_printf(b, "</%s>", name);
}

void xml_number(struct buf *b, const char *name, uint64_t value)
{
	buf_printf(b, "<%s>%llu</%s>", name, (unsigned long long)value, name);
}

void xml_time(struct buf *b, const char *name, int64_t ms)
{
	char iso[ISO8601_CHARS + 1];
	clock_iso8601(ms, iso);
	xml_element(b, name, str_of(iso));
}

void xml_etag(struct buf *b, struct str etag)
{
	buf_put(b, STR("<ETag>&quot;"));
	xml_escape(b, etag);
	buf_put(b, STR("&quot;</ETag>"));
}

void xml_key(struct buf *b, const char *name, struct str key, bool url)
{
	assert(b != NULL);
	assert(name != NULL);
	buf_printf(b, "<%s>", name);
	if (url)
		uri_encode(b, key, true);
	else
		escape_text(b, key, true);
	buf_printf(b, "</%s>", name);
}

void xml_user(struct buf *b, const char *name, struct str user)
{
	assert(name != NULL);
	buf_printf(b, "<%s>", name);
	xml_element(b, "ID", user);
	xml_element(b, "DisplayName", user);
	buf_printf(b, "</%s>", name);
}

bool header_value_ok(struct str s)
{
	return http_is_printable(s) && s.n <= HEADER_VALUE_MAX;
}
