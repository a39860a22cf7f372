/* Names of files that are uploaded, and of those that are downloaded. Pure. */
#ifndef CLI_FILE_NAMES_H
#define CLI_FILE_NAMES_H

#include "base/buf.h"

#define NAME_MAX_BYTES 255

/* What is after the last '/'. */
struct str name_base(struct str path);
/* Append text of any bytes as UTF-8, with U+FFFD for each ill-formed byte. Gives whether there was one. */
bool name_replace_ill_formed(struct buf *b, struct str text);
/* Append the name as UTF-8 of at most NAME_MAX_BYTES: ill-formed bytes become U+FFFD. Gives whether it had to change. */
bool name_repair(struct buf *b, struct str name);
/* Append a name that is safe to create in a directory: what is after the last '/' or '\', without controls, bidi
 * marks and separators, leading dots and blanks, with '_' for a leading '-', which commands would take for an option; at
 * most NAME_MAX_BYTES. Nothing is appended where nothing is left. */
void name_make_safe(struct buf *b, struct str name);

#endif
