/* What all reads and writes of the rows of images on DynamoDB share: the item, whether it counts as there, the index keys,
 * and the mark by which a write that was sent twice recognises itself.
 *
 * A write may reach DynamoDB although its answer is lost, and is then sent again. So each write leaves a random `writeId` in
 * the row: a condition that fails on a row with this id failed because an earlier attempt succeeded, and that is success.
 *
 * A row past its TTL is not there for readers, whether DynamoDB has removed it or not. Nor is what a removed row leaves behind
 * to keep its id (status "gone", see table_remove): it has no objectKey, by which conditions tell it from a row. */
#ifndef AWS_DYNAMO_ROW_H
#define AWS_DYNAMO_ROW_H

#include "aws/dynamo/item.h"
#include "aws/dynamo/request.h"

#define DYNAMO_KEY "imageId"
#define DYNAMO_GONE "gone"

struct dynamo_write {
	char id[2 * 8 + 1];
};

struct dynamo_write dynamo_write_new(void);
/* Whether the last write of this item is that one. NULL: no. */
bool dynamo_write_is_of(const struct dynamo_write *w, const json_t *item);

bool dynamo_row_is_there(const json_t *item);
/* Whether it only keeps the id of a row that was removed. */
bool dynamo_row_is_gone(const json_t *item);

/* Append the Key of a call. */
void dynamo_key_put(struct str key, struct arena *a, struct buf *body);
/* Read an item, whatever it is, consistently; the answer's `Item` is missing when there is none. */
enum status dynamo_fetch(struct dynamo_call *c, const struct dynamo *t, struct str key, struct fault *why) MUST_CHECK;
/* Send a write that has a condition. If that failed, *cause is the item that made it fail, NULL if there is none: from the
 * refusal itself where the endpoint includes it, else read. It is of the call.
 * key  not in the call's arena */
enum status dynamo_send_write(
	struct dynamo_call *c, const struct dynamo *t, struct str key, const json_t **cause, struct fault *why) MUST_CHECK;

/* The row after an update that was done: from its answer, else read, since some endpoints do not return it. */
enum status dynamo_row_after(
	struct dynamo_call *c, const struct dynamo *t, struct str key, const json_t **item, struct fault *why) MUST_CHECK;

/* Append what a row has besides its own fields: index keys, TTL, writeId. An attribute that must be removed is added as missing.
 * replaced  other bytes of an image that is uploaded: it keeps its place in the list, so that a client between two pages sees it once */
void dynamo_row_add_keys(
	struct dynamo *t, const struct image_row *row, bool replaced, const struct dynamo_write *w, struct dynamo_item *item, struct arena *a);
/* Append the keys of an uploaded row in the index of all that are, as one that was committed then. */
void dynamo_row_add_feed(const struct dynamo *t, const struct image_row *row, int64_t at_ms, struct dynamo_item *item, struct arena *a);

#endif
