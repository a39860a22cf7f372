/* The S3 handler over the trapped engine, without sockets: a request is signed with the real signer, given to the
 * handler as a listener would, and its response is read. Included after cmocka's own header lines. */
#ifndef TEST_S3_FIXTURE_H
#define TEST_S3_FIXTURE_H

#include <semaphore.h>
#include "fake/fake_ring.h"
#include "fake/trapped.h"
#include "s3/s3.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define RIG_HOST "127.0.0.1:9000"
#define RIG_BUCKET "image-uploads"
#define RIG_HEADERS 16
/* Two GIFs of 1 x 1 that differ in a colour, and their MD5. */
#define RIG_GIF STR("GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;")
#define RIG_OTHER_GIF STR("GIF89a\1\0\1\0\x80\0\0\0\0\1\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;")
#define RIG_NO_IMAGE STR("<!doctype html><script>alert(1)</script>")

struct rig {
	struct trapped *engine;
	struct fake_ring ring;
	struct product product;
	struct s3_options options;
	struct s3 *s3;
	struct handler *handler;
	struct arena arena;       /* what the test itself makes */
	struct request_context x; /* of the last request */
	bool sent;                /* x is there */
	int woken;                /* how often the handler has said that its response is there */
	sem_t awake;              /* posted with it */
	int files;                /* descriptors that were open before all */
	size_t piece;             /* bodies come in pieces of this size; 0: whole */
	bool cut;                 /* the next body never becomes whole: cancel in place of finish */
};

int rig_up(void **state);
/* Fails when a descriptor was left open. */
int rig_down(void **state);
#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_up, rig_down)
/* Make the handler again, with the options as they are now. */
void rig_renew(struct rig *r);

/* A request before it is signed; zero means the default. */
struct ask {
	const char *method;                 /* "GET" */
	const char *bucket;                 /* RIG_BUCKET */
	struct str key;                     /* decoded */
	const char *who;                    /* "owner" or "slots"; "owner", and "slots" for a PUT under images/ */
	const char *region;                 /* "us-east-1" */
	int64_t age_s;                      /* signed so long ago; negative: in the future */
	uint32_t expires_s;                 /* 300 */
	struct header headers[RIG_HEADERS]; /* sent, and signed */
	struct header more[RIG_HEADERS];    /* sent, not signed */
	struct header query[RIG_HEADERS];   /* signed */
	struct str body;
	uint64_t given; /* the Content-Length where it is not the body's */
	bool no_length, chunked;
};

/* The target ("/bucket/key?...") of the presigned URL. */
struct str rig_sign(struct rig *r, const struct ask *ask);
/* Send a request with a target as it is; headers, method and body are the ask's. */
void rig_send(struct rig *r, const struct ask *ask, struct str target);
/* Sign and send. */
void rig_ask(struct rig *r, const struct ask *ask);

/* The last response. */
int rig_status(const struct rig *r);
struct str rig_header(const struct rig *r, const char *name);
struct str rig_body(struct rig *r);
/* What is in the first <name> of the response's XML; "" when there is none. */
struct str rig_element(struct rig *r, const char *name);

/* The last response is this error, with all that every error carries. */
void rig_expect_error(struct rig *r, int status, const char *code);
/* ... this success, with a request id and, where given, an ETag. */
void rig_expect(struct rig *r, int status, const char *etag);
/* Nothing is stored and no body is open. */
void rig_expect_empty(struct rig *r);

/* A pending slot for image/gif made just now; returns its key. */
struct str rig_slot(struct rig *r, unsigned n);
/* Its row. */
struct image_row rig_row(struct rig *r, struct str key);
void rig_expect_row(struct rig *r, struct str key, enum image_status status);
/* Put an object there, plain or as the image of a slot, by the handler. */
void rig_put(struct rig *r, struct str key, struct str body);

#endif
