/* One line after the other. See ini.h. */
#include "base/ini.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Without a comment, and without blanks around it. */
static struct str strip_line(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] == '#' || line.p[i] == ';') && (i == 0 || is_blank(line.p[i - 1])))
			line.n = i;
	while (line.n > 0 && is_blank(line.p[line.n - 1]))
		line.n--;
	return str_trim(line);
}

static enum status bad_line(const struct ini *ini, const char *what, struct fault *why)
{
	return fault_set(why, INVALID_INPUT, "line %zu %s", ini->number, what);
}

enum status ini_next(struct ini *ini, struct ini_line *out, struct fault *why)
{
	assert(ini != NULL && out != NULL);
	while (ini->rest.p != NULL) {
		struct str whole = str_cut(&ini->rest, '\n'), line = strip_line(whole), value = line;
		ini->number++;
		if (str_find_char(whole, '\0') < whole.n)
			return bad_line(ini, "holds a NUL byte", why);
		if (line.n == 0)
			continue;
		if (line.p[0] == '[' && line.p[line.n - 1] != ']')
			return bad_line(ini, "begins a section and has no ] at its end", why);
		if (line.p[0] == '[') {
			ini->in_section = true;
			*out = (struct ini_line){ INI_SECTION, str_trim(str_slice(line, 1, line.n - 1)), .start = whole.p };
			return OK;
		}
		if (ini->skip_indented && ini->in_section && is_blank(whole.p[0]))
			continue;
		struct str name = str_trim(str_cut(&value, '='));
		if (value.p == NULL || name.n == 0)
			return bad_line(ini, "is neither [section] nor name = value", why);
		if (!ini->in_section)
			return bad_line(ini, "is before the first [section]", why);
		*out = (struct ini_line){ INI_SETTING, name, str_trim(value), whole.p };
		return OK;
	}
	*out = (struct ini_line){ INI_END };
	return OK;
}
