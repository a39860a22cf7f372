/* Settings from `.env`, so that `cp .env.example .env` is all that a first set-up needs. Real environment variables and
 * flags win over it. The file decides who may read and delete images, so one that another user could have
 * written is refused rather than ignored. */
#include "config/env_file.h"

#include "base/file.h"
#include "config/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES 16384
#define FILE_DEFAULT ".env"

/* The value without white space around it and without its quotes; false: a quote is not closed. */
static bool unquote_value(struct str text, struct str *value)
{
	*value = str_trim(text);
	if (value->n == 0 || (value->p[0] != '"' && value->p[0] != '\''))
		return true;
	if (value->n < 2 || value->p[value->n - 1] != value->p[0])
		return false;
	*value = str_slice(*value, 1, value->n - 1);
	return true;
}

static bool is_ours(struct str name)
{
	return str_starts_with(name, STR("TINTYPE_")) || str_starts_with(name, STR("AWS_")) || settings_has_env(name);
}

static bool is_known(struct str name)
{
	/* The command line's, and the examples'. */
	static const char *const others[] = { "TINTYPE_ENDPOINT", "TINTYPE_ENV_FILE", "TINTYPE_URL", "TINTYPE_KEY" };
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (str_equal(name, str_of(others[i])))
			return true;
	return !str_starts_with(name, STR("TINTYPE_")) || settings_has_env(name);
}

static enum status parse_line(struct str text, unsigned line, struct env_line *out, struct fault *why)
{
	struct str rest = str_starts_with(text, STR("export ")) ? str_slice(text, 7, text.n) : text;
	struct str name = str_trim(str_cut(&rest, '='));
	if (rest.p == NULL || name.n == 0 || str_find_char(name, ' ') < name.n)
		return fault_set(why, BAD_SETTING, "line %u is not NAME=VALUE", line);
	if (!is_known(name))
		return fault_set(
			why, BAD_SETTING, "line %u sets %.*s, which is not a setting; see tintype settings", line, STRF(str_slice(name, 0, 60)));
	struct str value;
	if (!unquote_value(rest, &value) || memchr(text.p, '\0', text.n) != NULL)
		return fault_set(why, BAD_SETTING, "line %u: the value of %.*s is not well-formed: a quote is not closed, or it has a NUL", line,
			STRF(str_slice(name, 0, 60)));
	*out = (struct env_line){ name, value };
	return OK;
}

enum status env_file_next(struct str *rest, unsigned *line, struct env_line *out, struct fault *why)
{
	assert(rest != NULL && line != NULL && out != NULL);
	while (rest->p != NULL && rest->n > 0) {
		struct str text = str_cut(rest, '\n');
		text = str_trim(str_ends_with(text, STR("\r")) ? str_slice(text, 0, text.n - 1) : text);
		++*line;
		if (text.n > 0 && text.p[0] != '#')
			return parse_line(text, *line, out, why);
	}
	*out = (struct env_line){ 0 };
	return OK;
}

/* Put the names that the environment lacks into it. Both texts end in a NUL only in the copies made here. */
static enum status set_missing(struct env_line l, struct fault *why)
{
	char name[128], value[FILE_MAX_BYTES + 1];
	if (!is_ours(l.name) || l.name.n >= sizeof name)
		return OK;
	memcpy(name, l.name.p, l.name.n);
	name[l.name.n] = '\0';
	assert(l.value.n < sizeof value);
	if (l.value.n > 0)
		memcpy(value, l.value.p, l.value.n);
	value[l.value.n] = '\0';
	return setenv(name, value, 0) == 0 ? OK : fault_no_memory(why);
}

static enum status read_settings(int fd, struct fault *why)
{
	struct buf text CLEANUP(buf_deinit) = { 0 };
	unsigned line = 0;
	struct env_line l;
	struct stat st;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return fault_set(why, BAD_SETTING, "it is not a regular file");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fault_set(why, BAD_SETTING, "it belongs to another user; make it yours, or set TINTYPE_ENV_FILE= to read none");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return fault_set(why, BAD_SETTING, "other users can write to it; run chmod go-w on it");
	buf_init(&text, FILE_MAX_BYTES);
	int error = file_read_all(fd, &text);
	if (error != 0)
		return fault_set(why, INVALID_INPUT, "it cannot be read: %s", strerror(error));
	for (struct str rest = buf_str(&text);;) {
		TRY(env_file_next(&rest, &line, &l, why));
		if (l.name.n == 0)
			return OK;
		TRY(set_missing(l, why));
	}
}

enum status env_file_load(struct fault *why)
{
	const char *given = getenv("TINTYPE_ENV_FILE");
	const char *path = given != NULL ? given : FILE_DEFAULT;
	struct fault cause = { 0 };
	if (path[0] == '\0')
		return OK;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT && given == NULL)
		return OK;
	enum status status = fd < 0 ? fault_set(&cause, INVALID_INPUT, "it cannot be opened: %s", strerror(errno)) : read_settings(fd, &cause);
	if (fd >= 0)
		close(fd);
	return status == OK ? OK : fault_set(why, BAD_SETTING, "%s: %s", path, cause.text);
}
