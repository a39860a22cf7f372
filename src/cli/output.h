/* What people and programs are shown. Every text for people passes through here and is escaped as a
 * whole, so that no name, no answer of a server and no log line can act on a terminal. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/buf.h"
#include <jansson.h>
#include <stdio.h>

/* One line in one write: the formatted text, escaped, and a line feed. */
void show_line(FILE *to, const char *fmt, ...) PRINTF(2, 3);
/* One JSON object as a line of ASCII. */
void show_json(FILE *to, const json_t *object);
/* A JSON string of any bytes, ill-formed ones as U+FFFD; NULL: memory failed, which json_object_set_new takes. */
json_t *show_json_text(struct str s);
/* Bytes for programs, to the standard output as they are; false when they cannot be written. */
bool show_bytes(struct str bytes);
/* Whether all that was shown on the standard output until now has got out. */
bool show_flush(void);
/* Whether all that was shown on the standard output has got out; if not, says so on stderr. */
bool show_end(void);

#define SHOW_SIZE_CHARS 24
/* "512 B", "1.5 KiB", "4.8 MiB" and a NUL. */
void show_size(uint64_t bytes, char out[SHOW_SIZE_CHARS]);

#endif
