/* The S3 protocol as a door, path style, on the embedded store: presigned PUT, GET and HEAD, POST
 * forms, CORS preflight. */
#ifndef S3_S3_H
#define S3_S3_H

#include "image/product.h"
#include "port/bucket_store.h"
#include "port/door.h"
#include "port/key_ring.h"

struct s3_options {
	struct str region;
	struct str image_bucket;
	struct str cors_origins;
	bool explain;              /* development mode: say why a signature is wrong */
};

struct s3;
/* All is borrowed and outlives the door. NULL: memory failed. */
struct s3 *s3_new(struct product *p, struct bucket_store *b, struct key_ring *k, const struct s3_options *o);
void s3_free(struct s3 **s);
struct door *s3_door(struct s3 *s);

#endif
