/* Output for people and for programs. Every text for people passes through here and is escaped as a
 * whole, so that no name, no response of a server and no log line can control the terminal. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/buf.h"
#include <jansson.h>
#include <stdio.h>

/* One line in one write: the formatted text, escaped, and a line feed. */
void show_line(FILE *to, const char *fmt, ...) PRINTF(2, 3);

enum show_style { SHOW_PLAIN, SHOW_BOLD, SHOW_FAINT, SHOW_RED, SHOW_YELLOW, SHOW_GREEN };
/* The same in a style, where `to` is a terminal that has them, unless $NO_COLOR is set.
 * Source   no-color.org */
void show_styled(FILE *to, enum show_style style, const char *fmt, ...) PRINTF(3, 4);
/* One JSON object as a line of ASCII. */
void show_json(FILE *to, const json_t *object);
/* A JSON string of any bytes, ill-formed ones as U+FFFD; NULL: memory failed, which json_object_set_new takes. */
json_t *show_json_text(struct str s);
/* Bytes for programs, to the standard output as they are; false when they cannot be written. */
bool show_bytes(struct str bytes);
/* Whether everything on the standard output so far has been written. */
bool show_flush(void);
/* Whether everything on the standard output has been written; if not, reports it on stderr. A reader that has gone away, as `head` does
 * when it has read enough, is not an error. */
bool show_end(void);

#define SHOW_SIZE_CHARS 24
/* "512 B", "1.5 KiB", "4.8 MiB" and a NUL. */
void show_size(uint64_t bytes, char out[SHOW_SIZE_CHARS]);

#endif
