/* One profile of a shared file. Indented lines belong to the setting before them and are of no interest here. See base/ini.h. */
#include "aws/profile.h"

#include "base/ini.h"

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
	bool prefixed = str_starts_with(section, STR("profile")) && section.n > 7 && (section.p[7] == ' ' || section.p[7] == '\t');
	return prefixed && str_equal(without_quotes(str_trim(str_slice(section, 7, section.n))), name);
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

enum status profile_read(struct str text, enum profile_file kind, struct str name, struct aws_profile *out, struct fault *why)
{
	assert(out != NULL && name.n > 0);
	assert(out != NULL);
	struct aws_profile p = { 0 };
	struct ini ini = { .rest = text, .skip_indented = true };
	struct ini_line line;
	struct fault cause;
	for (bool wanted = false;;) {
		if (ini_next(&ini, &line, &cause) != OK)
			return fault_set(why, UPSTREAM_FAILED, "%s", cause.text);
		switch (line.kind) {
		case INI_SECTION:
			wanted = is_section_of(line.name, kind, name);
			p.found = p.found || wanted;
			break;
		case INI_SETTING:
			if (wanted)
				read_setting(&p, line.name, line.value);
			break;
		case INI_END:
			*out = p;
			return OK;
		}
	}
}
