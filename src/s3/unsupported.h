/* Unsupported features of S3: the sub-resources, and the response to each. */
#ifndef S3_UNSUPPORTED_H
#define S3_UNSUPPORTED_H

#include "s3/call.h"

struct unsupported_feature {
	const char *sub; /* as in the query */
	enum address_level level;
	const char *code;   /* of the answer to GET, with 404; NULL: see root */
	const char *root;   /* GET answers this empty document; NULL: NotImplemented */
	const char *inside; /* of that document; NULL: nothing */
};

/* The one of this name in a query, at this level; NULL: there is none. */
const struct unsupported_feature *unsupported_find(struct str name, enum address_level level);

#endif
