/* Reading an event's JSON: members by name; one of another type counts as missing. */
#ifndef LAMBDA_FIELDS_H
#define LAMBDA_FIELDS_H

#include "base/fault.h"
#include "base/json.h"

/* Parse one whole JSON object; U+0000 in strings is allowed, since they hold what clients sent.
 * out     owned: json_auto_t
 * Errors  INVALID_INPUT not JSON, cut short, too deep, or no object; BAD_FIELD the name of a member has U+0000; OUT_OF_MEMORY */
enum status fields_parse(struct str text, json_t **out, struct fault *why) MUST_CHECK;
/* The text of a string member, borrowed from the tree; {NULL, 0}: no such member, or no string. */
struct str field_text(const json_t *object, const char *name);
/* The same, several members deep; NULL-ended names. */
struct str field_at(const json_t *object, ...);

#endif
