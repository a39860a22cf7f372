/* Delivery links as a handler: GET and HEAD below /i/, in front of the handler of a listener, which gets all other requests
 * as they are. See doc/delivery.md, and image/delivery_link.h for the paths.
 *
 * The responses are the same for everyone who has the link, so that any cache may keep them: no cookies, no Vary, a strong
 * ETag of the bytes. The log and the metrics have the route's template; the path, which holds the signature, is nowhere. */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include "http/handler.h"
#include "image/product.h"
#include "port/bucket_store.h"

struct delivery_options {
	struct product *product;      /* its delivery rules have the keys */
	struct bucket_store *buckets; /* NULL: the object store is remote */
	struct str bucket;            /* of the images, where there are buckets */
	bool redirects;               /* originals of a remote store are not sent from here: on Lambda a response is 6 MB at most */
	struct handler *next;         /* of all other paths */
};

struct delivery;
/* What the options name is borrowed and outlives the handler. NULL: memory failed. */
struct delivery *delivery_new(const struct delivery_options *o);
void delivery_free(struct delivery **d);
struct handler *delivery_handler(struct delivery *d);

#endif
