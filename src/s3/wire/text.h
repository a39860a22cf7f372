/* Escaping of text in responses: what may appear in XML, and what may appear in a header.
 * Pure; any thread.  Source: XML 1.0 2.2; RFC 9110 5.5. */
#ifndef S3_WIRE_TEXT_H
#define S3_WIRE_TEXT_H

#include "base/buf.h"

#define XML_PROLOG "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define XML_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

/* Append s as character data: markup escaped, carriage return as a reference; what XML cannot represent
 * (control characters, and every byte beyond ASCII of text that is not UTF-8) becomes U+FFFD. */
void xml_escape(struct buf *b, struct str s);
/* Append <name>value</name>, the value escaped. */
void xml_element(struct buf *b, const char *name, struct str value);
/* The same of a number, and of a time as ISO 8601. */
void xml_number(struct buf *b, const char *name, uint64_t value);
void xml_time(struct buf *b, const char *name, int64_t ms);
/* <ETag>"etag"</ETag> */
void xml_etag(struct buf *b, struct str etag);
/* A key or a part of one in a list, percent-encoded if `url` (encoding-type=url). Else what XML 1.0 cannot represent is a
 * character reference, as on S3: a parser gives that character or refuses the document, never the key of another object.
 * Source  Amazon S3 API, ListObjectsV2, encoding-type */
void xml_key(struct buf *b, const char *name, struct str key, bool url);
/* <name><ID>user</ID><DisplayName>user</DisplayName></name>: a user's name is its id. */
void xml_user(struct buf *b, const char *name, struct str user);
/* Whether s may be the value of a response's header: blanks and visible ASCII, 1024 bytes at most. */
bool header_value_ok(struct str s);

#endif
