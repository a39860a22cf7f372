/* The commands of the program as tables describe them: their --help, the list of them, and the manual page. Completion in shells is
 * made of the same rows, see completion.h. Pure; any thread. */
#ifndef CONFIG_COMMAND_H
#define CONFIG_COMMAND_H

#include "base/buf.h"
#include "config/flags.h"

struct command_row {
	const char *name;
	const char *usage; /* after "tintype": "get ID" */
	const char *sentence;
	const char *about;                          /* what --help says after it, in lines; NULL: nothing */
	const char *actions;                        /* words, one of which follows the name, with a blank between; NULL: none */
	bool takes_files;                           /* its operands are names of files */
	unsigned __int128 takes;                    /* bits of its own flags, the rows of: */
	const struct flag_name *(*flags)(size_t i); /* NULL: none */
	unsigned __int128 settings;                 /* bits of the server's settings that matter to it; its options have their names */
};
/* The i-th command; NULL past the last. */
typedef const struct command_row *command_row_fn(size_t i);

/* Append what --help shows: usage, sentence, what there is to know, options. */
void command_help(struct buf *b, const struct command_row *c);
/* Append a line for each command. */
void command_list(struct buf *b, command_row_fn *row);
/* Append the commands and all their options as sections of man(7). */
void command_manual(struct buf *b, command_row_fn *row);

#endif
