/* The JSON API as a handler: /prod/upload, /prod/images, ..., /prod/limits.
 * Routes are one table; each has a handler of its own. See doc/api.md. */
#ifndef API_API_H
#define API_API_H

#include "image/product.h"
#include "port/bucket_store.h"
#include "http/handler.h"

struct rate_limit;
struct web_files;

enum api_direct {
	DIRECT_NONE,   /* POST /images says to use a slot */
	DIRECT_STORE,  /* into the embedded store */
	DIRECT_SPOOLED /* by a temporary file into a remote store */
};

struct api_options {
	bool key_for_images; /* list, get, complete and delete need the key (delete: or the delete token) */
	bool key_for_slots;
	bool refuse_cross_site; /* list, get, complete and delete are refused to pages of origins that cors_origins does not list by name */
	struct str key;         /* "": none */
	struct rate_limit *wrong_keys; /* of wrong keys and delete tokens, see http/bearer.h; NULL: no limit */
	struct str cors_origins;       /* "*" or origins with commas */
	const struct web_files *page;  /* GET / and its files; NULL: no page */
	enum api_direct direct;
	struct bucket_store *buckets; /* with DIRECT_STORE, and */
	struct str bucket;            /* that of the images */
	bool waits;                   /* GET /images/{imageId}?wait= may wait */
	bool unseen_changes;          /* ... and must look for changes itself: nobody calls api_note_changed */
	struct str storage_url;       /* where presigned URLs lead, scheme, host and port: the page may call it */
};

struct api;
/* product and the texts of options are borrowed and outlive the api. NULL: memory failed. */
struct api *api_new(struct product *p, const struct api_options *o);
void api_free(struct api **a);
struct handler *api_handler(struct api *a);
/* The row of the image with this object key was resolved or removed; "": of any. Does not block; any thread. */
void api_note_changed(struct api *a, struct str key);

#endif
