/* What the suites of bucket_store, bucket_catalog and part_store share: objects put and read in one call each.
 * They fail the test themselves. Included after cmocka's own header lines. */
#ifndef FAKE_BODIES_H
#define FAKE_BODIES_H

#include "fake/bench.h"

/* n bytes whose values depend on their offsets. */
struct str body_noise(struct bench *b, size_t n);
/* Begin with the length given, and write all. */
struct incoming *body_receive(struct bench *b, struct str body);
/* A commit of a plain object in the fixture's bucket. */
struct object_commit body_commit(struct bench *b, struct str key);
void body_put(struct bench *b, struct str bucket, struct str key, struct str body);
/* The object's bytes; the test fails when it is not there. */
struct str body_get(struct bench *b, struct str bucket, struct str key);
/* What a body is known by. */
struct str body_etag(struct bench *b, struct str body);
/* All bytes of an open object. */
struct str body_read(struct bench *b, const struct object_file *f);
void body_expect_absent(struct bench *b, struct str bucket, struct str key);

#endif
