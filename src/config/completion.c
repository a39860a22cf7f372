/* See completion.h. Each script has the same shape: the commands where none is there yet, else what belongs to the one that is: its
 * options after a dash, the values of an option that has a few, files where files are taken, and its actions. */
#include "config/completion.h"

#include "config/settings_table.h"

#include <string.h>

/* A command's flags, its own and then those of the server. */
struct flag_walk {
	const struct command_row *command;
	size_t next;
	bool in_settings;
};

static const struct flag_name *next_flag(struct flag_walk *w)
{
	for (;;) {
		const struct command_row *c = w->command;
		const struct flag_name *f = w->in_settings ? settings_flag(w->next) : c->flags != NULL ? c->flags(w->next) : NULL;
		unsigned __int128 takes = w->in_settings ? c->settings : c->takes;
		if (f == NULL && w->in_settings)
			return NULL;
		size_t at = w->next++;
		if (f == NULL) {
			w->in_settings = true;
			w->next = 0;
		} else if ((takes >> at & 1) != 0 && f->name[0] != '\0') {
			return f;
		}
	}
}

static bool has_choices(const struct flag_name *f)
{
	return f->kind == FLAG_VALUE && f->value != NULL && strchr(f->value, '|') != NULL;
}

static bool takes_file(const struct flag_name *f)
{
	return f->kind == FLAG_VALUE && f->value != NULL && (strcmp(f->value, "FILE") == 0 || strcmp(f->value, "DIR") == 0);
}

/* "a|b|scheme://C" as "a b": a URL cannot be completed. */
static void put_choices(struct buf *b, const struct flag_name *f)
{
	const char *between = "";
	for (struct str rest = str_of(f->value); rest.p != NULL;) {
		struct str word = str_cut(&rest, '|');
		if (str_find(word, STR("://")) < word.n)
			continue;
		buf_printf(b, "%s%.*s", between, STRF(word));
		between = " ";
	}
}

/* The first sentence, without its stop, for the inside of single quotes.
 * escaped  the characters that get a backslash */
static void put_short(struct buf *b, const char *sentence, struct str quote, const char *escaped)
{
	for (const char *p = sentence; *p != '\0'; p++) {
		if ((*p == '.' || *p == ';') && (p[1] == ' ' || p[1] == '\0'))
			return;
		if (*p == '\'') {
			buf_put(b, quote);
			continue;
		}
		if (strchr(escaped, *p) != NULL)
			buf_put_char(b, '\\');
		buf_put_char(b, *p);
	}
}

/* bash */

static void put_bash_names(struct buf *b, const struct flag_name *f, const char *between)
{
	buf_printf(b, "--%s", f->name);
	if (f->kind == FLAG_TOGGLE)
		buf_printf(b, "%s--no-%s", between, f->name);
	if (f->letter != '\0')
		buf_printf(b, "%s-%c", between, f->letter);
}

/* The values of the command's options, by what is before the word. */
static void put_bash_values(struct buf *b, const struct command_row *c)
{
	const struct flag_name *f;
	buf_put(b, STR("\t\tcase $previous in\n"));
	for (struct flag_walk w = { .command = c }; (f = next_flag(&w)) != NULL;) {
		if (f->kind != FLAG_VALUE)
			continue;
		buf_put(b, STR("\t\t"));
		put_bash_names(b, f, " | ");
		buf_put(b, STR(") values=yes"));
		if (takes_file(f))
			buf_put(b, STR(" files=yes"));
		if (has_choices(f)) {
			buf_put(b, STR(" words='"));
			put_choices(b, f);
			buf_put_char(b, '\'');
		}
		buf_put(b, STR(" ;;\n"));
	}
	buf_put(b, STR("\t\t*)\n\t\t\toptions='"));
	for (struct flag_walk w = { .command = c }; (f = next_flag(&w)) != NULL;) {
		put_bash_names(b, f, " ");
		buf_put_char(b, ' ');
	}
	buf_printf(b, "--help'\n\t\t\twords='%s'%s\n\t\t\t;;\n\t\tesac\n\t\t;;\n", c->actions != NULL ? c->actions : "",
		c->takes_files ? " files=yes" : "");
}

static void write_bash(struct buf *b, command_row_fn *row)
{
	const struct command_row *c;
	buf_put(b,
		STR("# Completion for bash. Printed by `tintype completion bash`.\n"
			"_tintype() {\n"
			"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words= options= files= values=\n"
			"\t# --option=value comes as three words.\n"
			"\tif [[ $current == = ]]; then current=; fi\n"
			"\tif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
			"\tCOMPREPLY=()\n"
			"\tif ((COMP_CWORD == 1)); then\n"
			"\t\twords='"));
	for (size_t i = 0; (c = row(i)) != NULL; i++)
		buf_printf(b, "%s ", c->name);
	buf_put(b, STR("'\n\telse case ${COMP_WORDS[1]} in\n"));
	for (size_t i = 0; (c = row(i)) != NULL; i++) {
		buf_printf(b, "\t%s)\n", c->name);
		put_bash_values(b, c);
	}
	buf_put(b,
		STR("\tesac; fi\n"
			"\t[[ $current != -* || -n $values ]] || words=$options files=\n"
			"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\"; [[ -z $files ]] || compgen -f -- \"$current\")\n"
			"\t[[ -z $files ]] || compopt -o filenames 2>/dev/null\n"
			"}\n"
			"complete -F _tintype tintype\n"));
}

/* zsh */

#define ZSH_QUOTE STR("'\\''")
#define ZSH_ESCAPED "[]:\\"

static void put_zsh_flag(struct buf *b, const struct flag_name *f, const char *no)
{
	bool has_value = f->kind == FLAG_VALUE;
	buf_put(b, STR(" \\\n\t\t\t"));
	if (f->letter != '\0')
		buf_printf(b, "'(-%c --%s)'{-%c%s,--%s%s}'[", f->letter, f->name, f->letter, has_value ? "+" : "", f->name, has_value ? "=" : "");
	else
		buf_printf(b, "'--%s%s%s[", no, f->name, has_value ? "=" : "");
	put_short(b, f->sentence, ZSH_QUOTE, ZSH_ESCAPED);
	buf_put_char(b, ']');
	if (has_choices(f)) {
		buf_put(b, STR(":value:("));
		put_choices(b, f);
		buf_put_char(b, ')');
	} else if (has_value) {
		buf_printf(b, ":%s:%s", f->value != NULL ? f->value : "value", takes_file(f) ? "_files" : " ");
	}
	buf_put_char(b, '\'');
}

static void put_zsh_command(struct buf *b, const struct command_row *c)
{
	const struct flag_name *f;
	buf_printf(b, "\t%s)\n\t\t_arguments", c->name);
	bool has_help = false;
	for (struct flag_walk w = { .command = c }; (f = next_flag(&w)) != NULL;) {
		put_zsh_flag(b, f, "");
		if (f->kind == FLAG_TOGGLE)
			put_zsh_flag(b, f, "no-");
		has_help = has_help || strcmp(f->name, "help") == 0;
	}
	if (!has_help)
		buf_put(b, STR(" \\\n\t\t\t'--help[This help]'"));
	if (c->actions != NULL)
		buf_printf(b, " \\\n\t\t\t'1:action:(%s)'", c->actions);
	if (c->takes_files)
		buf_put(b, STR(" \\\n\t\t\t'*:file:_files'"));
	buf_put(b, STR("\n\t\t;;\n"));
}

static void write_zsh(struct buf *b, command_row_fn *row)
{
	const struct command_row *c;
	buf_put(b,
		STR("#compdef tintype\n"
			"# Completion for zsh. Printed by `tintype completion zsh`.\n"
			"_tintype() {\n"
			"\tlocal -a commands\n"
			"\tcommands=(\n"));
	for (size_t i = 0; (c = row(i)) != NULL; i++) {
		buf_printf(b, "\t\t'%s:", c->name);
		put_short(b, c->sentence, ZSH_QUOTE, "\\");
		buf_put(b, STR("'\n"));
	}
	buf_put(b,
		STR("\t)\n"
			"\tif ((CURRENT == 2)); then\n"
			"\t\t_describe -t commands command commands\n"
			"\t\treturn\n"
			"\tfi\n"
			"\tshift words\n"
			"\t((CURRENT--))\n"
			"\tcase $words[1] in\n"));
	for (size_t i = 0; (c = row(i)) != NULL; i++)
		put_zsh_command(b, c);
	buf_put(b,
		STR("\tesac\n"
			"}\n"
			"if [[ $funcstack[1] == _tintype ]]; then\n"
			"\t_tintype \"$@\"\n"
			"else\n"
			"\tcompdef _tintype tintype\n"
			"fi\n"));
}

/* fish */

#define FISH_QUOTE STR("\\'")

static void put_fish_flag(struct buf *b, const struct command_row *c, const struct flag_name *f, const char *no)
{
	buf_printf(b, "complete -c tintype -n '__tintype_command %s' -l %s%s", c->name, no, f->name);
	if (f->letter != '\0')
		buf_printf(b, " -s %c", f->letter);
	if (f->kind == FLAG_VALUE)
		buf_put(b, takes_file(f) ? STR(" -r -F") : STR(" -x"));
	if (has_choices(f)) {
		buf_put(b, STR(" -a '"));
		put_choices(b, f);
		buf_put_char(b, '\'');
	}
	buf_put(b, STR(" -d '"));
	put_short(b, f->sentence, FISH_QUOTE, "\\");
	buf_put(b, STR("'\n"));
}

static void put_fish_command(struct buf *b, const struct command_row *c)
{
	const struct flag_name *f;
	buf_printf(b, "complete -c tintype -n __tintype_bare -a %s -d '", c->name);
	put_short(b, c->sentence, FISH_QUOTE, "\\");
	buf_put(b, STR("'\n"));
	for (struct flag_walk w = { .command = c }; (f = next_flag(&w)) != NULL;) {
		put_fish_flag(b, c, f, "");
		if (f->kind == FLAG_TOGGLE)
			put_fish_flag(b, c, f, "no-");
	}
	if (c->actions != NULL)
		buf_printf(b, "complete -c tintype -n '__tintype_command %s; and __tintype_first' -a '%s'\n", c->name, c->actions);
	if (c->takes_files)
		buf_printf(b, "complete -c tintype -n '__tintype_command %s' -F\n", c->name);
}

static void write_fish(struct buf *b, command_row_fn *row)
{
	const struct command_row *c;
	buf_put(b,
		STR("# Completion for fish. Printed by `tintype completion fish`.\n"
			"function __tintype_bare\n"
			"\ttest (count (commandline -opc)) = 1\n"
			"end\n"
			"function __tintype_command\n"
			"\tset -l words (commandline -opc)\n"
			"\ttest (count $words) -gt 1; and test $words[2] = $argv[1]\n"
			"end\n"
			"function __tintype_first\n"
			"\ttest (count (commandline -opc)) = 2\n"
			"end\n"
			"complete -c tintype -f\n"
			"complete -c tintype -l help -d 'Show help'\n"));
	for (size_t i = 0; (c = row(i)) != NULL; i++)
		put_fish_command(b, c);
}

bool completion_write(struct buf *b, struct str shell, command_row_fn *row)
{
	static const struct {
		struct str name;
		void (*write)(struct buf *b, command_row_fn *row);
	} shells[] = { { { "bash", 4 }, write_bash }, { { "zsh", 3 }, write_zsh }, { { "fish", 4 }, write_fish } };
	assert(b != NULL && row != NULL);
	for (size_t i = 0; i < COUNT_OF(shells); i++)
		if (str_equal(shell, shells[i].name)) {
			shells[i].write(b, row);
			return true;
		}
	return false;
}
