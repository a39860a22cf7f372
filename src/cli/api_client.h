/* The API as the commands use it: JSON calls, retries when the server is busy or lost, error responses as faults.
 * One thread per remote. The key is sent to the API only, never to the store's URLs. */
#ifndef CLI_API_CLIENT_H
#define CLI_API_CLIENT_H

#include "base/buf.h"
#include "base/fault.h"
#include "http/client/client.h"
#include <stdatomic.h>
#include "base/json.h"

/* How long the remotes of one command wait for a server that is lost: that cannot be reached, breaks the connection, or is replaced by a
 * proxy's 502 or 504. Shared by their threads. */
struct remote_patience {
	int64_t most_ms;    /* for each request */
	bool before_answer; /* also for what was never reached; else a wrong address would be waited for */
	/* It was lost, with the reason, or (NULL) is back; once each time, on the thread that noticed. */
	void (*changed)(void *arg, const struct fault *lost);
	void *arg;
	atomic_bool knows_api, knows_store, lost; /* zero at first */
	atomic_bool gave_up;                      /* until it answers again: else each request would wait as long */
};

struct remote {
	struct buf base;        /* http://host:port/prod, without a trailing slash */
	struct buf bearer;      /* "Bearer KEY"; empty: no key */
	struct buf gateway_key; /* for X-Api-Key, which API Gateway asks for: $TINTYPE_GATEWAY_KEY, or else the same key; empty: none */
	struct http_client *api, *store;
	struct remote_patience *patience; /* NULL: nothing is waited for */
	bool waited;                      /* in the last call, for a lost server */
};

/* endpoint: NULL for $TINTYPE_ENDPOINT, else the default. Nothing is connected yet.
 * Errors  INVALID_INPUT; OUT_OF_MEMORY */
enum status remote_init(struct remote *r, const char *endpoint, struct fault *why) MUST_CHECK;
/* Safe on a zeroed one. */
void remote_deinit(struct remote *r);

struct remote_call {
	const char *method;
	struct str path;          /* below the base, encoded: "/images?limit=5" */
	struct str json;          /* "": no body */
	const char *delete_token; /* NULL: none */
};
/* Call the API. out: the answer's JSON object, json_decref it; NULL where there was no body. May be NULL.
 * Errors  NO_SUCH_IMAGE 404; KEY_NEEDED 401 and 403; BAD_FIELD other 4xx; UPSTREAM_FAILED; DEADLINE; TOO_MUCH */
enum status remote_json(struct remote *r, const struct remote_call *call, struct arena *a, json_t **out, struct fault *why) MUST_CHECK;
/* Send to a URL that the API issued. Any response but 2xx is a fault, its text from the store's XML.
 * Errors  as remote_json; INVALID_INPUT a plain URL where the API is https */
enum status remote_store(
	struct remote *r, const struct http_request *q, struct arena *a, struct http_response *out, struct fault *why) MUST_CHECK;

/* Reads a list of images page by page; call remote_list_init first. */
struct remote_list {
	struct remote *remote;
	const char *query; /* "limit=5", encoded */
	struct buf cursor; /* of the next page; empty before the first, and after the last */
};
void remote_list_init(struct remote_list *l, struct remote *r, const char *query);
void remote_list_deinit(struct remote_list *l);
/* Get the next page.
 * a     for the response; at least REMOTE_PAGE_BYTES
 * page  out: with the array "images"; json_decref it
 * Errors  those of remote_json; UPSTREAM_FAILED also if the response is not a list, or the same page is returned again */
enum status remote_list_next(struct remote_list *l, struct arena *a, json_t **page, struct fault *why) MUST_CHECK;
#define REMOTE_PAGE_BYTES (64u << 20) /* for 1000 records, the maximum of a page */

/* "/images/ID" and what follows, the id encoded. */
struct str remote_image_path(struct arena *a, struct str id, const char *then);
/* A member that is a string; {NULL, 0} when there is none. Borrowed from the object. */
struct str remote_text(const json_t *object, const char *name);
/* A member that is an integer of at least 0; 0 when there is none. */
uint64_t remote_number(const json_t *object, const char *name);

#endif
