/* INI as the AWS tools read it, for the files of access keys: [section], name = value, comments with '#' or ';' at the start
 * of a line or after a blank. Anything else is malformed: a typing mistake must not become "no credentials". Pure; any thread.
 * Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files". */
#ifndef BASE_INI_H
#define BASE_INI_H

#include "base/fault.h"
#include "base/str.h"

struct ini {
	struct str rest;    /* what is not read yet */
	bool skip_indented; /* such lines belong to the setting before them and are of no interest */
	bool in_section;
	size_t number; /* of the line that was read last, from 1 */
};

enum ini_kind { INI_END, INI_SECTION, INI_SETTING };
struct ini_line {
	enum ini_kind kind;
	struct str name, value; /* borrowed from the text, without blanks around them; value of a setting alone */
	const char *start;      /* of the line */
};

/* Read the next section or setting; blank lines and comments are skipped. `ini` begins with the text as rest, all else zero.
 * out     written only on OK
 * Errors  INVALID_INPUT a line that is neither, or a setting before the first section; the text begins "line N" */
enum status ini_next(struct ini *ini, struct ini_line *out, struct fault *why) MUST_CHECK;

#endif
