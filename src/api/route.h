/* The routes of the JSON API: one table, each row a method and a path with its handler and its rules. */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct call;

enum access_rule {
	FOR_ANYBODY,
	FOR_SLOTS,    /* the key, where slots ask for one */
	FOR_IMAGES,   /* the key, where images ask for one */
	FOR_DELETE,   /* as FOR_IMAGES, or the image's delete token */
};

struct route {
	const char *name;        /* "GET /images/{imageId}", for the log and the metrics */
	struct str method;
	struct str path;         /* a template; {imageId} stands for one segment */
	enum status (*run)(struct call *, struct fault *);
	enum access_rule rule;
	bool has_body;
	bool now;                /* waits for nothing: answered on the reactor */
	void (*start)(struct call *);   /* on the reactor, in place of run, where the table starts without waiting; may be NULL */
};

struct route_match {
	const struct route *route;
	struct str path_template;   /* set when the path is known, whatever the method */
	struct str image_id;        /* the segment in place of {imageId}, borrowed from path; "" where there is none */
};

/* Find the row. HEAD is served wherever GET is, by GET's row. The path is compared as it was sent: no
 * decoding, no trailing slash. out is written on BAD_METHOD too, without a route.
 * Errors  NO_SUCH_ROUTE; BAD_METHOD */
enum status route_find(struct str method, struct str path, struct route_match *out, struct fault *why) MUST_CHECK;
/* "GET, HEAD, DELETE, OPTIONS": what a path template takes, for Allow and for preflights. */
struct str route_methods(struct arena *a, struct str path_template);
/* The i-th row; NULL past the last. For tests and for documents. */
const struct route *route_at(size_t i);

#endif
