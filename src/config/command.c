/* See command.h. */
#include "config/command.h"

#include "config/help.h"
#include "config/settings.h"
#include "config/settings_table.h"

#include <string.h>

#define NAMES_MAX_BYTES 16384

/* A line that begins with a blank is an example, and is not broken. */
static void put_lines(struct buf *b, const char *lines)
{
	for (struct str rest = str_of(lines); rest.p != NULL;) {
		struct str line = str_cut(&rest, '\n');
		if (str_starts_with(line, STR(" ")))
			buf_printf(b, "%.*s\n", STRF(line));
		else
			help_words(b, line, STR(""), 0);
	}
}

void command_help(struct buf *b, const struct command_row *c)
{
	assert(b != NULL && c != NULL);
	buf_printf(b, "usage: tintype %s\n\n", c->usage);
	put_lines(b, c->sentence);
	if (c->about != NULL) {
		buf_put_char(b, '\n');
		put_lines(b, c->about);
	}
	if (c->flags != NULL) {
		buf_put(b, STR("\nOptions:\n"));
		help_flags(b, c->flags, c->takes, NULL);
	}
	if (c->settings == 0)
		return;
	buf_put(b, c->settings == FLAGS_ALL ? STR("\nOptions:\n") : STR("\nOptions that it shares with serve:\n"));
	settings_help(b, c->settings);
}

void command_list(struct buf *b, command_row_fn *row)
{
	const struct command_row *c;
	assert(b != NULL && row != NULL);
	for (size_t i = 0; (c = row(i)) != NULL; i++) {
		if (strlen(c->usage) > 27)
			buf_printf(b, "  %s\n%30s", c->usage, "");
		else
			buf_printf(b, "  %-27s ", c->usage);
		help_words(b, str_of(c->sentence), STR("                              "), 30);
	}
}

static void put_names(struct buf *b, const struct flag_name *(*flags)(size_t i), unsigned __int128 takes)
{
	const struct flag_name *f;
	for (size_t i = 0; flags != NULL && (f = flags(i)) != NULL; i++)
		if ((takes >> i & 1) != 0 && f->name[0] != '\0')
			buf_printf(b, "%s--%s", b->n > 0 ? ", " : "", f->name);
}

static void put_command(struct buf *b, const struct command_row *c)
{
	struct buf text CLEANUP(buf_deinit) = { 0 }, names CLEANUP(buf_deinit) = { 0 };
	buf_init(&text, NAMES_MAX_BYTES);
	buf_init(&names, NAMES_MAX_BYTES);
	put_names(&names, c->flags, c->takes);
	if (c->settings != FLAGS_ALL)
		put_names(&names, settings_flag, c->settings);
	buf_printf(&text, "%s%s%s", c->sentence, c->about != NULL ? "\n" : "", c->about != NULL ? c->about : "");
	if (names.n > 0)
		buf_printf(&text, "\nOptions: %.*s.", STRF(buf_str(&names)));
	if (c->settings == FLAGS_ALL)
		buf_put(&text, STR("\nIts options are listed below."));
	help_manual_command(b, c->usage, buf_str(&text).p);
}

/* The options of a table, under the names of the commands that share it, in the place of the first. */
static void put_options(struct buf *b, command_row_fn *row, size_t first)
{
	const struct command_row *own = row(first), *c;
	for (size_t i = 0; i < first; i++)
		if (row(i)->flags == own->flags)
			return;
	buf_printf(b, ".SH OPTIONS OF %s", own->name);
	for (size_t i = first + 1; (c = row(i)) != NULL; i++)
		if (c->flags == own->flags)
			buf_printf(b, ", %s", c->name);
	buf_put_char(b, '\n');
	help_manual(b, own->flags, FLAGS_ALL, NULL);
}

void command_manual(struct buf *b, command_row_fn *row)
{
	const struct command_row *c;
	assert(b != NULL && row != NULL);
	buf_put(b, STR(".SH COMMANDS\n"));
	for (size_t i = 0; (c = row(i)) != NULL; i++)
		put_command(b, c);
	buf_put(b, STR(".PP\nEach command has \\fB\\-\\-help\\fR, which lists the options that it accepts.\n"));
	for (size_t i = 0; (c = row(i)) != NULL; i++)
		if (c->flags != NULL)
			put_options(b, row, i);
	buf_put(b,
		STR(".SH OPTIONS OF serve\n"
			"Each may be given in the environment or in a file \\fI.env\\fR too, under the name in brackets; the option wins.\n"));
	settings_manual(b);
}
