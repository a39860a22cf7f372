/* What the files of api/ share: the api itself, one call in flight, and the handlers.
 *
 * A call lives in its request's arena from on_head to run. A handler runs on a worker (or, for
 * routes marked `now`, on the reactor), fills in status and body by one of the call_ functions and
 * returns OK, or returns a fault, from which api.c makes the problem response. Headers that are on every
 * response are added in api.c only.
 *
 * A route may have a second form of its handler, for reactors: it starts the slow operation instead of
 * waiting for it, and ensures that call_end and the request's done follow. */
#ifndef API_CALL_H
#define API_CALL_H

#include "api/api.h"
#include "api/caller.h"
#include "api/route.h"
#include "api/wait.h"
#include "base/buf.h"
#include "base/fault.h"

#define LIST_DEFAULT 50
#define LONG_CALL_MS 20000 /* after which what deletes many answers; API Gateway waits 29 s */
#define BODY_MAX_BYTES 16384
#define BODY_LARGE_MAX_BYTES 65536 /* of routes that take many ids */

struct api {
	struct handler handler;
	struct product *product;
	struct api_options options;
	struct waits *waits;                           /* NULL: nobody waits */
	struct rate_limit *anonymous_slots, *requests; /* of client addresses; NULL: no limit */
};

struct web_file;
struct direct_call;
struct owner_quota;
struct user_row;

struct api_call {
	struct api *api;
	struct request_context *x;
	struct arena *arena;
	struct route_match at; /* its segment is the image id */
	const struct api_route *route;
	struct buf body;
	struct direct_call *direct; /* of POST /images */
	struct caller caller;
	bool undecided;        /* the caller is not known before run, on a worker: until then nothing is done for it */
	struct str acts_as;    /* onBehalfOf, if it was given */
	unsigned needed_scope; /* that the caller lacks: an enum api_scope; 0: none */
	struct image_row row;  /* of the image that the path names, where access depended on it; else its image_id is "" */
	uint32_t wait_s;       /* of GET /images/{imageId} */
	struct waiter waiter;
	bool on_worker;              /* of a call that waits: it was on the reactor before */
	const struct web_file *file; /* of the page, in place of a route; NULL: none */
};

/* Handlers, by file. Each fills in the response and returns OK, or returns the fault. */
enum status upload_run(struct api_call *c, struct fault *why) MUST_CHECK;
void upload_start(struct api_call *c);
enum status images_list(struct api_call *c, struct fault *why) MUST_CHECK;
enum status images_get(struct api_call *c, struct fault *why) MUST_CHECK;
/* GET /images/{imageId}?wait=: read the parameter, and run the call once it is not to wait any more. */
enum status wait_read(struct api_call *c, struct fault *why) MUST_CHECK;
void wait_start(struct api_call *c);
enum status images_thumbnail(struct api_call *c, struct fault *why) MUST_CHECK;
enum status images_file(struct api_call *c, struct fault *why) MUST_CHECK;
enum status images_patch(struct api_call *c, struct fault *why) MUST_CHECK;
enum status images_link(struct api_call *c, struct fault *why) MUST_CHECK;
enum status images_complete(struct api_call *c, struct fault *why) MUST_CHECK;
enum status images_delete(struct api_call *c, struct fault *why) MUST_CHECK;
enum status images_delete_many(struct api_call *c, struct fault *why) MUST_CHECK;
enum status direct_run(struct api_call *c, struct fault *why) MUST_CHECK;
extern const struct api_stream direct_stream;
enum status keys_list(struct api_call *c, struct fault *why) MUST_CHECK;
enum status keys_add(struct api_call *c, struct fault *why) MUST_CHECK;
enum status keys_remove(struct api_call *c, struct fault *why) MUST_CHECK;
enum status users_me(struct api_call *c, struct fault *why) MUST_CHECK;
enum status users_list(struct api_call *c, struct fault *why) MUST_CHECK;
enum status users_get(struct api_call *c, struct fault *why) MUST_CHECK;
enum status users_set_quota(struct api_call *c, struct fault *why) MUST_CHECK;
enum status users_reset_quota(struct api_call *c, struct fault *why) MUST_CHECK;
enum status users_erase(struct api_call *c, struct fault *why) MUST_CHECK;
enum status limits_run(struct api_call *c, struct fault *why) MUST_CHECK;
enum status cors_preflight(struct api_call *c, struct fault *why) MUST_CHECK;

/* The value of a query parameter that may appear once; {NULL, 0} if it does not.  Errors: BAD_FIELD it appears more often */
enum status call_parameter(const struct query *q, struct str name, struct str *out, struct fault *why) MUST_CHECK;
/* Refuse parameters that the call does not have: one that is misspelled would make another request than the caller takes it for, such as one
 * in the caller's own name.  Errors: BAD_FIELD, which names it */
enum status call_check_parameters(const struct api_call *c, struct fault *why) MUST_CHECK;
/* The `limit` of a list, LIST_DEFAULT where it is not given.  Errors: BAD_FIELD it is not from 1 to `most` */
enum status call_limit(const struct query *q, uint32_t most, uint32_t *out, struct fault *why) MUST_CHECK;
/* Run the route's function and complete the response. */
void call_run(struct api_call *c);
/* On a worker: find out what could not be told on the reactor, who the caller is and whether it may see the image. May be called again.
 * Errors  those of access_check and access_image */
enum status call_admit(struct api_call *c, struct fault *why) MUST_CHECK;
/* Complete the response: the handler's on OK, else the problem of the fault. May be called again with a later
 * fault. false: it is a problem. */
bool call_end(struct api_call *c, enum status status, const struct fault *why);
/* Answer 200 with the JSON in b; a heap buffer is copied into the arena, one in the arena is borrowed.
 * Errors  TOO_MUCH the buffer is past its maximum or the arena is full */
enum status call_json(struct api_call *c, const struct buf *b, struct fault *why) MUST_CHECK;

/* Read the caller's row, with the quota that applies to it; zeroed but for that before its first slot, and where there are no users.
 * Blocks.  Errors: STORAGE_FAILED */
enum status users_read_own(const struct api_call *c, struct user_row *out, struct fault *why) MUST_CHECK;

/* Append the member "quota"; what is not limited is left out. */
void users_write_quota(struct buf *b, const struct owner_quota *quota);
/* Append the member "scopes": the names of a set of enum api_scope. */
void api_scopes_write(struct buf *b, unsigned scopes);

#endif
