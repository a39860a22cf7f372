/* A table of routes and its lookup: one for each handler that has fixed paths (the API, the console, the admin
 * listener; not S3, whose operations are distinguished by query parameters and headers below two kinds of paths).
 *
 * A row is any struct whose first member is `const char *name`, a method and a path as "GET /images/{imageId}": the
 * name that logs and metrics show, and what is searched for below the table's prefix. "{...}" stands for one segment
 * that is not empty. Paths are compared as they were sent: no decoding, no trailing slash. HEAD is served wherever
 * GET is, by its row. Pure; any thread. */
#ifndef HTTP_ROUTER_H
#define HTTP_ROUTER_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

struct router {
	const char *prefix; /* of all paths: "/prod", or "" */
	const void *rows;
	size_t row_bytes, n;
	const char *no_route; /* the sentence for a path that has no row */
};
/* Of an array of rows. */
#define ROUTER(below, array, sentence) \
	{ \
		(below), (array), sizeof(array)[0], COUNT_OF(array), (sentence) \
	}

struct route_match {
	const void *row;
	struct str path_template; /* with the braces, without the prefix; set when the path is known, whatever the method */
	struct str segment;       /* in place of the braces, borrowed from the path; "" where there are none */
};

/* Find the row. out is written on BAD_METHOD too, without a row.
 * Errors  NO_SUCH_ROUTE; BAD_METHOD */
enum status router_find(const struct router *r, struct str method, struct str path, struct route_match *out, struct fault *why) MUST_CHECK;
/* "GET, HEAD, DELETE, OPTIONS": the methods that a matched template allows, for Allow and for preflights. */
struct str router_methods(const struct router *r, struct str path_template, struct arena *a);
/* The i-th row's name; NULL past the last. */
const char *router_name(const struct router *r, size_t i);

#endif
