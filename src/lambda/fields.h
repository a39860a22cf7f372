/* Reading an event's JSON: members by name and kind, missing or of another kind alike. */
#ifndef LAMBDA_FIELDS_H
#define LAMBDA_FIELDS_H

#include "base/fault.h"
#include "base/json.h"

/* Parse one whole JSON object; U+0000 in strings is allowed, since clients' bytes come in them.
 * Errors  INVALID_INPUT not JSON, cut short, too deep, or no object; OUT_OF_MEMORY */
enum status fields_parse(struct str text, json_t **out, struct fault *why) MUST_CHECK;
void fields_free(json_t **root); /* for CLEANUP */
/* The text of a string member, borrowed from the tree; {NULL, 0}: no such member, or no string. */
struct str field_text(const json_t *object, const char *name);
/* Several members deep; NULL-ended names. NULL when one is missing. */
json_t *field_at(const json_t *object, ...);
struct str field_of(const json_t *string);

#endif
