/* Two small rules about text that goes out: what may stand in XML, and what may stand in a header.
 * Pure; any thread.  Source: XML 1.0 2.2; RFC 9110 5.5. */
#ifndef S3_TEXT_H
#define S3_TEXT_H

#include "base/buf.h"

/* Append s as character data: markup escaped, carriage return as a reference; what XML cannot carry
 * (control characters, and every byte beyond ASCII of text that is not UTF-8) becomes U+FFFD. */
void xml_escape(struct buf *b, struct str s);
/* Append <name>value</name>, the value escaped. */
void xml_element(struct buf *b, const char *name, struct str value);
/* Whether s may be the value of an answer's header: blanks and visible ASCII, 1024 bytes at most. */
bool header_value_ok(struct str s);

#endif
