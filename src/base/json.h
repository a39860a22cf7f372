/* Reading JSON with jansson, so that malformed text and lack of memory are distinguished: jansson
 * often calls the second a syntax error. Its memory comes from base/mem. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/str.h"

#include <jansson.h>

/* Parse; the caller releases the value with json_decref.
 * text     {NULL, 0} is the empty text
 * flags    jansson's for decoding
 * error    written when NULL is given
 * starved  NULL was given because memory ran out, whatever the error says
 * Threads  any */
json_t *json_read(struct str text, size_t flags, json_error_t *error, bool *starved);
/* The text of a string, borrowed from it; {NULL, 0} of any other value and of NULL. */
struct str json_text(const json_t *value);

#endif
