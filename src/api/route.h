/* The routes of the JSON API: one table, each row a method and a path with its handler and its rules. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "http/router.h"

struct api_call;
struct str;

/* What a route does with a body that is not collected: an image's. */
struct api_stream {
	enum status (*begin)(struct api_call *, struct fault *); /* after the head, once the caller is known; on a worker unless anonymous */
	enum status (*data)(struct api_call *, struct str piece, struct fault *); /* on the reactor, for each piece */
	void (*drop)(struct api_call *);                                          /* once, at the end, whatever it is */
};

enum access_rule {
	FOR_ANYBODY,
	FOR_SLOTS,   /* who may request slots, by the settings */
	FOR_IMAGES,  /* who may list and get, by the settings */
	FOR_CHANGES, /* who may change and delete, by the settings */
	FOR_DELETE,  /* as FOR_CHANGES, or who has the image's delete token */
	FOR_CALLERS, /* identified ones */
	FOR_ADMINS,
};

struct api_route {
	const char *name; /* "GET /images/{imageId}", see http/router.h */
	enum status (*run)(struct api_call *, struct fault *);
	enum access_rule rule;
	unsigned scope;         /* an enum api_scope that identified callers need; 0: none */
	const char *parameters; /* of the query, with blanks, beside onBehalfOf; NULL: none */
	bool has_body;
	bool has_large_body;                                     /* of at most BODY_LARGE_MAX_BYTES; else BODY_MAX_BYTES */
	bool for_uppy;                                           /* the response is in Uppy's format */
	const struct api_stream *stream;                         /* the body goes there, instead of being collected; NULL: not */
	enum status (*check)(struct api_call *, struct fault *); /* of the query, on the reactor, which may set wait_s; NULL: none */
	bool now;                                                /* never waits, unless the caller has an owner: runs on the reactor */
	/* In place of run, on the reactor: where the table's inserts start without waiting; with check, where the call is to wait. May be NULL */
	void (*start)(struct api_call *);
};

extern const struct router api_routes;

#endif
