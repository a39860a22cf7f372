/* Settings from a file: `.env` in the current directory. */
#ifndef CONFIG_ENV_FILE_H
#define CONFIG_ENV_FILE_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"
#include "config/settings.h"

/* One assignment of an environment file.
 * name, value   borrowed from the text; value without its quotes */
struct env_line {
	struct str name, value;
};

/* Read the next assignment and move `rest` past its line. Blank lines and lines that begin with # are skipped; `export `
 * before a name is allowed; a value may be in single or double quotes, also over several lines with a comment after it, and is literal: nothing in it is expanded.
 * out     written only on OK; its name is empty at the end of the text
 * line    counts the lines read so far; for messages
 * Errors  BAD_SETTING a line that is not NAME=VALUE, a name with more than letters, digits and _.-, an unknown TINTYPE_ name, a quote that is not closed. Pure. */
enum status env_file_next(struct str *rest, unsigned *line, struct env_line *out, struct fault *why) MUST_CHECK;

/* Put the settings of $TINTYPE_ENV_FILE, or of ./.env if that is not set, into the environment, where it does not have
 * them already: TINTYPE_*, AWS_*, and the other names of the table of settings. Other names are left alone.
 * A missing .env is not an error; a missing $TINTYPE_ENV_FILE is, and so is a link to nothing. An empty $TINTYPE_ENV_FILE means no file.
 * warning  its text is a sentence for the terminal where others can read a secret in the file, else ""
 * Errors  BAD_SETTING a malformed line, a file of another user, or one that others may write; INVALID_INPUT cannot be read
 * Threads before any other thread is started */
enum status env_file_load(struct fault *warning, struct fault *why) MUST_CHECK;
/* The settings that a file has, and those alone: names of settings are taken out of the environment first. Its AWS_* names, which are no
 * settings, are put there where it does not have them already.
 * out      written only on OK; its texts live in `a`
 * warning  as above
 * Errors   as above; BAD_SETTING, too, a value that settings_load refuses
 * Threads  before any other thread is started */
enum status env_file_load_settings(
	const char *path, struct settings *out, struct arena *a, struct fault *warning, struct fault *why) MUST_CHECK;

#endif
