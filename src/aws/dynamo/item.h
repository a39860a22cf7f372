/* A row of images as a DynamoDB item and back. Pure; any thread.
 *
 * Attributes have the names of the API where it has one. What is empty or 0 is not
 * written: DynamoDB bills by the byte, and an index key must not be empty. */
#ifndef AWS_DYNAMO_ITEM_H
#define AWS_DYNAMO_ITEM_H

#include "base/buf.h"
#include "base/fault.h"
#include "port/image_table.h"

#include <jansson.h>

#define DYNAMO_ATTRIBUTES_MAX 64
#define DYNAMO_VISIBILITY "visibility" /* missing: private */
#define DYNAMO_FILE_NAME "fileName"
#define DYNAMO_FILE_URL "fileUrl"     /* for people who look at the table; it is never read */
#define DYNAMO_METADATA "appMetadata" /* "metadata" is what was kept of the file's, which had the name first */
#define DYNAMO_THUMBS "thumbs"
#define DYNAMO_REQUEST "requestHash"
#define DYNAMO_COUNTED "counted" /* 1 where the row is in its owner's counters; not of struct image_row */

struct dynamo_attribute {
	const char *name; /* static */
	struct str value; /* its typed JSON, {"S":"…"}; empty: missing */
};

struct dynamo_item {
	struct dynamo_attribute attributes[DYNAMO_ATTRIBUTES_MAX];
	size_t n;
};

/* Every attribute of the row, or only those that a resolution changes. Values live in `a`; a full
 * arena stays marked. */
void dynamo_item_of(const struct image_row *row, bool resolved_only, struct arena *a, struct dynamo_item *out);
/* Change a row as a resolution does. Texts are borrowed from it.
 * resolved  a row with what dynamo_item_of writes of a resolution */
void dynamo_item_resolve(struct image_row *row, const struct image_row *resolved);
/* Add an attribute; text "" or number 0 adds it as missing. */
void dynamo_item_text(struct dynamo_item *item, const char *name, struct str text, struct arena *a);
void dynamo_item_number(struct dynamo_item *item, const char *name, uint64_t number, struct arena *a);
/* Add a number of any sign; 0 is written too. */
void dynamo_item_signed(struct dynamo_item *item, const char *name, int64_t number, struct arena *a);
/* Append a member "Item":{"imageId":{"S":"…"},…} without what is missing; also a Key, or the values of an expression.
 * name    "": the outermost
 * prefix  put before each attribute's name: "", or ":" of values */
void dynamo_item_put(const struct dynamo_item *item, struct str name, const char *prefix, struct buf *out);

/* Read the row that an item holds; texts are copied into `a`. Unknown attributes are ignored.
 * Errors  UPSTREAM_FAILED not an item of ours; TOO_MUCH */
enum status dynamo_item_read(const json_t *item, struct arena *a, struct image_row *out, struct fault *why) MUST_CHECK;
/* The string or number of this name, borrowed; {NULL, 0} when there is none of that type. */
struct str dynamo_item_get_text(const json_t *item, const char *name);
struct str dynamo_item_get_number(const json_t *item, const char *name);
/* The number of this name, a time or a count; 0 if there is none, or if it is over INT64_MAX. */
int64_t dynamo_item_get_i64(const json_t *item, const char *name);

#endif
