/* The opaque cursor of a list on DynamoDB: the sort key of the last row returned, with a checksum over it and over which list it is. One sort
 * key is enough for all shards, since the keys of all shards have one order. Pure; any thread. */
#ifndef AWS_DYNAMO_CURSOR_H
#define AWS_DYNAMO_CURSOR_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/str.h"

#define DYNAMO_ORDER_DIGITS 19                                    /* any int64_t of milliseconds */
#define DYNAMO_ORDER_CHARS (DYNAMO_ORDER_DIGITS + 1 + UUID_CHARS) /* 0001700000000000000#id */

#define DYNAMO_FIRST_ORDER STR("!") /* before every sort key, which begins with a digit */
#define DYNAMO_LAST_ORDER STR("~")  /* after every sort key */
/* The sort key of a row in each index. */
struct str dynamo_order(int64_t ms, struct str image_id, struct arena *a);
/* The partition of an index: "feed#3". */
struct str dynamo_partition(struct str name, uint32_t shard, struct arena *a);
/* list  any text that says which list it is of: it is good for no other.  {NULL, 0} when the arena is full. */
struct str dynamo_cursor_write(struct str order, struct str list, struct arena *a);
/* Errors  BAD_CURSOR, also of one that is of another list */
enum status dynamo_cursor_read(struct str text, struct str list, struct arena *a, struct str *order, struct fault *why) MUST_CHECK;

#endif
