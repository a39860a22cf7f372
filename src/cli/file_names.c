/* Only terminal_escape of base/ knows which code points act on a terminal or a file manager: those that it would escape are left out.
 * Names on the way to the server are only made valid UTF-8 of the length that it accepts. */
#include "cli/file_names.h"

#include "base/codec.h"

struct str name_base(struct str path)
{
	size_t at = path.n;
	while (at > 0 && path.p[at - 1] != '/')
		at--;
	return str_slice(path, at, path.n);
}

/* The length of the code point at the start of s; 0: ill-formed. */
static size_t point_length(struct str s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (utf8_valid(str_slice(s, 0, n)))
			return n;
	return 0;
}

bool name_replace_ill_formed(struct buf *b, struct str text)
{
	assert(b != NULL);
	bool replaced = false;
	while (text.n > 0) {
		size_t n = point_length(text);
		buf_put(b, n > 0 ? str_slice(text, 0, n) : STR("\xef\xbf\xbd"));
		replaced = replaced || n == 0;
		text = str_slice(text, n > 0 ? n : 1, text.n);
	}
	return replaced;
}

bool name_repair(struct buf *b, struct str name)
{
	assert(b != NULL);
	struct buf whole CLEANUP(buf_deinit) = { 0 };
	buf_init(&whole, name.n * 3 + 1);
	bool replaced = name_replace_ill_formed(&whole, name);
	size_t keep = utf8_prefix(buf_str(&whole), NAME_MAX_BYTES);
	buf_put(b, str_slice(buf_str(&whole), 0, keep));
	return replaced || keep < whole.n;
}

void name_make_safe(struct buf *b, struct str name)
{
	assert(b != NULL);
	struct buf kept CLEANUP(buf_deinit) = { 0 };
	size_t start = name.n;
	while (start > 0 && name.p[start - 1] != '/' && name.p[start - 1] != '\\')
		start--;
	name = str_slice(name, start, name.n);
	buf_init(&kept, name.n + 1);
	while (name.n > 0) {
		size_t n = point_length(name);
		struct str point = str_slice(name, 0, n);
		bool leading = kept.n == 0 && (str_equal(point, STR(".")) || str_equal(point, STR(" ")));
		char space[32];
		struct buf escaped;
		buf_init_fixed(&escaped, space, sizeof space);
		terminal_escape(&escaped, point);
		if (n > 0 && !leading && str_equal(buf_str(&escaped), point))
			buf_put(&kept, kept.n == 0 && str_equal(point, STR("-")) ? STR("_") : point);
		name = str_slice(name, n > 0 ? n : 1, name.n);
	}
	buf_put(b, str_slice(buf_str(&kept), 0, utf8_prefix(buf_str(&kept), NAME_MAX_BYTES)));
}
