/* Settings from `.env`, so that `cp .env.example .env` is all that a first set-up needs. Real environment variables and
 * flags win over it. The file decides who may read and delete images, so one that another user could have
 * written is refused rather than ignored. One with a secret that others can read is used, with a warning. */
#include "config/env_file.h"

#include "base/file.h"
#include "config/settings_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES 16384
#define FILE_DEFAULT ".env"

static bool is_known(struct str name)
{
	/* The command line's, and the examples'. */
	const struct str others = STR("TINTYPE_ENDPOINT|TINTYPE_ENV_FILE|TINTYPE_GATEWAY_KEY|TINTYPE_URL|TINTYPE_KEY");
	return str_is_one_of(name, others, '|') || !str_starts_with(name, STR("TINTYPE_")) || settings_has_env(name);
}

/* The value in the quotes at the start of `value`, which may go over several lines, up to `end` of the text. What may follow
 * on its last line is a comment.
 * after   what follows the closing quote */
static enum status unquote_value(struct str *value, const char *end, struct str *after, struct fault *why)
{
	struct str inside = { value->p + 1, (size_t)(end - value->p) - 1 };
	size_t close = str_find_char(inside, value->p[0]);
	if (close == inside.n)
		return fault_set(why, BAD_SETTING, "a quote is not closed");
	*value = str_slice(inside, 0, close);
	*after = str_slice(inside, close + 1, inside.n);
	struct str tail = str_trim(str_slice(*after, 0, str_find_char(*after, '\n')));
	if (tail.n > 0 && tail.p[0] != '#' && tail.p[0] != '\r')
		return fault_set(why, BAD_SETTING, "something follows the closing quote");
	return OK;
}

/* text   one line; *rest what follows it, which moves on over the further lines of a value in quotes */
static enum status parse_line(struct str text, const char *end, struct str *rest, struct env_line *out, struct fault *why)
{
	struct str value = str_starts_with(text, STR("export ")) ? str_slice(text, 7, text.n) : text;
	struct str name = str_trim(str_cut(&value, '=')), after = { 0 };
	if (value.p == NULL || !str_consists_of(name, STR("_.-")))
		return fault_set(why, BAD_SETTING, "it is not NAME=VALUE");
	if (!is_known(name))
		return fault_set(why, BAD_SETTING, "%.*s is not a setting; see tintype settings", STRF(str_slice(name, 0, 60)));
	value = str_trim(value);
	if (value.n > 0 && (value.p[0] == '"' || value.p[0] == '\''))
		TRY(unquote_value(&value, end, &after, why));
	if (value.n > 0 && memchr(value.p, '\0', value.n) != NULL)
		return fault_set(why, BAD_SETTING, "the value of %.*s has a NUL", STRF(str_slice(name, 0, 60)));
	if (after.p != NULL)
		*rest = str_slice(after, str_find_char(after, '\n') + 1, after.n);
	*out = (struct env_line){ name, value };
	return OK;
}

enum status env_file_next(struct str *rest, unsigned *line, struct env_line *out, struct fault *why)
{
	assert(rest != NULL && line != NULL && out != NULL);
	const char *end = rest->p == NULL ? NULL : rest->p + rest->n;
	while (rest->p != NULL && rest->n > 0) {
		struct str text = str_cut(rest, '\n');
		text = str_trim(str_ends_with(text, STR("\r")) ? str_slice(text, 0, text.n - 1) : text);
		++*line;
		if (text.n == 0 || text.p[0] == '#')
			continue;
		struct fault cause = { 0 };
		if (parse_line(text, end, rest, out, &cause) != OK)
			return fault_set(why, BAD_SETTING, "line %u: %s", *line, cause.text);
		for (size_t i = 0; i < out->value.n; i++)
			*line += out->value.p[i] == '\n';
		return OK;
	}
	*out = (struct env_line){ 0 };
	return OK;
}

/* Put the names that the environment lacks into it. Both texts end in a NUL only in the copies made here. */
static enum status set_missing(struct env_line l, struct fault *why)
{
	char name[128], value[FILE_MAX_BYTES + 1];
	bool ours = str_starts_with(l.name, STR("TINTYPE_")) || str_starts_with(l.name, STR("AWS_")) || settings_has_env(l.name);
	if (!ours || l.name.n >= sizeof name)
		return OK;
	memcpy(name, l.name.p, l.name.n);
	name[l.name.n] = '\0';
	assert(l.value.n < sizeof value);
	if (l.value.n > 0)
		memcpy(value, l.value.p, l.value.n);
	value[l.value.n] = '\0';
	return setenv(name, value, 0) == 0 ? OK : fault_no_memory(why);
}

static enum status read_settings(int fd, const char *path, struct fault *warning, struct fault *why)
{
	struct file_rule rule = { .owner = geteuid(), .or_root = true, .what = "file", .instead = "set TINTYPE_ENV_FILE= to read none" };
	struct buf text CLEANUP(buf_deinit) = { 0 };
	unsigned line = 0;
	struct env_line l;
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fault_set(why, BAD_SETTING, "it is not a regular file");
	TRY(file_check_private(fd, &rule, why));
	rule.is_secret = true;
	buf_init(&text, FILE_MAX_BYTES);
	int error = file_read_text(fd, &text);
	if (error != 0)
		return fault_set(why, INVALID_INPUT, "it cannot be read: %s", strerror(error));
	for (struct str rest = buf_str(&text);;) {
		TRY(env_file_next(&rest, &line, &l, why));
		if (l.name.n == 0)
			return OK;
		struct fault cause;
		const struct str secrets = STR("TINTYPE_API_KEY|TINTYPE_KEY|AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN");
		if (str_is_one_of(l.name, secrets, '|') && l.value.n > 0 && file_check_private(fd, &rule, &cause) != OK)
			fault_set(warning, BAD_SETTING, "%s has %.*s: %s", path, STRF(l.name), cause.text);
		TRY(set_missing(l, why));
	}
}

static enum status load_file(const char *path, struct fault *warning, struct fault *why)
{
	struct fault cause = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	enum status status =
		fd < 0 ? fault_set(&cause, INVALID_INPUT, "it cannot be opened: %s", strerror(errno)) : read_settings(fd, path, warning, &cause);
	if (fd >= 0)
		close(fd);
	return status == OK ? OK : fault_set(why, BAD_SETTING, "%s: %s", path, cause.text);
}

enum status env_file_load(struct fault *warning, struct fault *why)
{
	const char *given = getenv("TINTYPE_ENV_FILE");
	const char *path = given != NULL ? given : FILE_DEFAULT;
	warning->text[0] = '\0';
	if (path[0] == '\0')
		return OK;
	struct stat st;
	if (given == NULL && lstat(path, &st) != 0 && errno == ENOENT)
		return OK; /* a dangling link is an error: the intended settings are missing */
	return load_file(path, warning, why);
}

enum status env_file_load_settings(const char *path, struct settings *out, struct arena *a, struct fault *warning, struct fault *why)
{
	struct settings s;
	warning->text[0] = '\0';
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (SETTINGS[i].env[0] != '\0' && unsetenv(SETTINGS[i].env) != 0)
			return fault_no_memory(why);
	TRY(load_file(path, warning, why));
	struct fault cause = { 0 };
	if (settings_load(&s, 0, NULL, &cause) != OK)
		return fault_set(why, BAD_SETTING, "%s: %s", path, cause.text);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		const char **text = (const char **)((char *)&s + SETTINGS[i].offset);
		if (SETTINGS[i].kind == SETTING_TEXT)
			*text = str_dup(a, (struct str){ *text, strlen(*text) + 1 }).p;
	}
	TRY(fault_check_arena(a, why));
	*out = s;
	return OK;
}
