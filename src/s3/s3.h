/* The S3 protocol as a handler, path style, on the embedded store. What is served, and what not, is in doc/s3.md. */
#ifndef S3_S3_H
#define S3_S3_H

#include "image/product.h"
#include "port/bucket_catalog.h"
#include "port/bucket_store.h"
#include "http/handler.h"
#include "port/key_ring.h"
#include "port/part_store.h"

struct s3_options {
	struct str region;
	struct str image_bucket;
	struct str cors_origins;
	bool explain; /* development mode: explain why a signature is wrong */
	bool secure;  /* clients reach the handler by https */
};

/* The ports that the handler uses. */
struct s3_ports {
	struct product *product;
	struct bucket_store *buckets;
	struct bucket_catalog *catalog;
	struct part_store *parts;
	struct key_ring *keys;
};

struct s3;
/* The ports and the options' texts are borrowed and outlive the handler. NULL: memory failed. */
struct s3 *s3_new(const struct s3_ports *p, const struct s3_options *o);
void s3_free(struct s3 **s);
struct handler *s3_handler(struct s3 *s);

#endif
