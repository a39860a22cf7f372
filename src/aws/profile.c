/* INI as the AWS tools read it: [section], name = value, comments with '#' or ';' at the start of a
 * line or after a blank, and indented lines that belong to the setting before them and are of no
 * interest here. Anything else is malformed: a typing mistake must not become "no credentials". */
#include "aws/profile.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct str without_comment(struct str line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] == '#' || line.p[i] == ';') && (i == 0 || is_blank(line.p[i - 1])))
			return str_slice(line, 0, i);
	return line;
}

static struct str trim_blanks(struct str s)
{
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return str_trim(s);
}

static struct str without_quotes(struct str s)
{
	bool quoted = s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0];
	return quoted ? str_slice(s, 1, s.n - 1) : s;
}

/* Whether the text between the brackets names the profile. */
static bool is_section_of(struct str section, enum profile_file kind, struct str name)
{
	if (kind == PROFILE_CREDENTIALS || str_equal(section, STR("default")))
		return str_equal(without_quotes(section), name);
	bool prefixed = str_starts_with(section, STR("profile")) && section.n > 7 && is_blank(section.p[7]);
	return prefixed && str_equal(without_quotes(trim_blanks(str_slice(section, 7, section.n))), name);
}

static void read_setting(struct aws_profile *p, struct str name, struct str value)
{
	const struct {
		struct str name;
		struct str *to;
	} settings[] = { { STR("aws_access_key_id"), &p->access_key }, { STR("aws_secret_access_key"), &p->secret },
		{ STR("aws_session_token"), &p->session_token }, { STR("region"), &p->region } };
	for (size_t i = 0; i < COUNT_OF(settings); i++)
		if (str_equal_nocase(name, settings[i].name))
			*settings[i].to = value;
}

static enum status bad_line(unsigned line, const char *what, struct fault *why)
{
	return fault_set(why, UPSTREAM_FAILED, "line %u %s", line, what);
}

enum status profile_read(struct str text, enum profile_file kind, struct str name, struct aws_profile *out, struct fault *why)
{
	struct aws_profile p = { 0 };
	bool in_section = false, wanted = false;
	unsigned number = 0;
	for (struct str rest = text; rest.p != NULL;) {
		struct str whole = str_cut(&rest, '\n'), line = trim_blanks(without_comment(whole));
		number++;
		if (str_find_char(whole, '\0') < whole.n)
			return bad_line(number, "holds a NUL byte", why);
		if (line.n == 0)
			continue;
		if (line.p[0] == '[' && line.p[line.n - 1] != ']')
			return bad_line(number, "starts a section without a closing ']'", why);
		if (line.p[0] == '[') {
			in_section = true;
			wanted = is_section_of(trim_blanks(str_slice(line, 1, line.n - 1)), kind, name);
			p.found = p.found || wanted;
			continue;
		}
		if (in_section && is_blank(whole.p[0]))
			continue;
		size_t equals = str_find_char(line, '=');
		if (!in_section || equals == line.n || equals == 0)
			return bad_line(number, "is neither [a section] nor name = value in one", why);
		if (wanted)
			read_setting(&p, trim_blanks(str_slice(line, 0, equals)), trim_blanks(str_slice(line, equals + 1, line.n)));
	}
	*out = p;
	return OK;
}
