/* The JSON API as a handler: /prod/upload, /prod/images, ..., /prod/limits.
 * Routes are one table; each has a handler of its own. See doc/api.md. */
#ifndef API_API_H
#define API_API_H

#include "http/handler.h"
#include "identity/identity.h"
#include "image/product.h"
#include "port/api_key_table.h"
#include "port/bucket_store.h"

struct rate_limit;
struct web_files;

enum api_direct {
	DIRECT_NONE,   /* POST /images says to use a slot */
	DIRECT_STORE,  /* into the embedded store */
	DIRECT_SPOOLED /* by a temporary file into a remote store */
};

/* Who is admitted. */
enum api_access {
	ACCESS_OPEN,  /* anybody */
	ACCESS_KEYS,  /* who has an API key */
	ACCESS_USERS, /* ... or a token of the issuer */
};

struct api_options {
	enum api_access images, slots; /* who may list and get; who may upload */
	bool
		delete_by_token; /* who may change and delete: never anybody, even where `images` says so; else as `images` (delete: or who has the delete token) */
	bool refuse_cross_site; /* list, get, complete and delete are refused to pages of origins that cors_origins does not list by name */
	bool keyed_gateway;     /* X-Api-Key is for the gateway in front: an Authorization that repeats it is none */
	struct str key;         /* the operator's, an administrator's; "": none, or that which read_key gives */
	/* Give the operator's key, which lives as long as the call; blocks. Called where `key` is "" and a caller sends what it may be;
	 * NULL: there is none */
	enum status (*read_key)(void *arg, struct str *out, struct fault *);
	void *read_key_arg;
	struct identity *identity; /* the issuer's tokens; NULL: there are no users */
	enum status (*verify)(struct identity *, struct str token, int64_t now_ms, bool may_wait, struct arena *, struct identity_caller *out,
		struct fault *); /* identity_verify, with identity */
	/* Which of its scopes a user's token needs for a call, with * in place of the scope's name; "": a token may do what its user may */
	struct str token_scopes;
	/* identity_sign_in, with identity; NULL: the page signs nobody in */
	bool (*sign_in)(struct identity *, struct arena *, struct identity_sign_in *out);
	struct api_key_table *api_keys; /* NULL: there are none */
	struct owner_quota quota;       /* of users without one of their own */
	struct rate_limit *wrong_keys;  /* of wrong keys and delete tokens, see http/bearer.h; NULL: no limit */
	/* By client address, see api/address_limit.h; 0: no limit, as where nothing is kept from one request to the next */
	unsigned anonymous_slots_per_minute, requests_per_second;
	struct str cors_origins;      /* "*" or origins with commas */
	const struct web_files *page; /* GET / and its files; NULL: no page */
	enum api_direct direct;
	struct bucket_store *buckets; /* with DIRECT_STORE, and */
	struct str bucket;            /* that of the images */
	uint64_t spool_reserve_bytes; /* with DIRECT_SPOOLED: that stay free where temporary files are */
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
