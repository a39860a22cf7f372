/* The expressions of an UpdateItem, or of an Update in a transaction: what becomes of the attributes, under which
 * condition. Pure; any thread. */
#ifndef AWS_DYNAMO_UPDATE_H
#define AWS_DYNAMO_UPDATE_H

#include "aws/dynamo/item.h"

/* Names in expressions are placeholders, #name, where an attribute of that name is in `attributes`, since some are reserved words. */
struct dynamo_update {
	struct dynamo_item attributes; /* set, or removed where they are missing */
	struct dynamo_item added;      /* numbers that are added to those of the item; missing ones are left out */
	struct dynamo_item values;     /* what condition and `also` refer to, as :name */
	const char *also;              /* another SET clause; NULL: none */
	struct str condition;          /* "": none */
};

/* A change of a row counts in its version; a row from before there were versions has version 1. Needs the value "one". */
#define DYNAMO_NEXT_VERSION "version = if_not_exists(version, :one) + :one"

/* Append the members of the call to its body. */
void dynamo_update_put(const struct dynamo_update *u, struct arena *a, struct buf *body);

#endif
