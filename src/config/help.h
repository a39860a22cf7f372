/* The help of commands, from their tables of flags. Pure; any thread. */
#ifndef CONFIG_HELP_H
#define CONFIG_HELP_H

#include "base/buf.h"
#include "config/flags.h"

/* Append the flags of a table: names and values to the left, sentences to the right, no line over 92 columns but for a
 * single long word. A row without a name is shown by its value alone.
 * takes  bits of the rows that are shown
 * note   appends what is said after the sentence of row i, if anything; NULL: nothing of any */
void help_flags(struct buf *b, const struct flag_name *(*row)(size_t i), unsigned __int128 takes, void (*note)(struct buf *b, size_t i));
/* Append words and a line feed, broken at blanks, further lines beginning with `margin`.
 * column  where the line stands */
void help_words(struct buf *b, struct str words, struct str margin, size_t column);

/* Append a command as a paragraph of man(7), which is what groff reads. */
void help_manual_command(struct buf *b, const char *usage, const char *text);
/* Append the flags of a table as paragraphs of man(7); as help_flags otherwise. */
void help_manual(struct buf *b, const struct flag_name *(*row)(size_t i), unsigned __int128 takes, void (*note)(struct buf *b, size_t i));

#endif
