/* The JSON API and its store as a client sees them, in memory, with the faults a test asks for. */
#ifndef FAKE_API_H
#define FAKE_API_H

#include "fake/http_server.h"

#define FAKE_IMAGES_MAX 16384

struct fake_image {
	char id[40];
	char name[600]; /* as JSON text, escapes and all */
	struct buf bytes;
	bool there; /* bytes have come */
	bool looked_at;
};

struct fake_api {
	struct fake_http http;
	pthread_mutex_t lock;
	struct fake_image *images;
	size_t n;
	struct buf requests; /* every head, one after the other */
	/* injected faults; see FAKE_SET */
	unsigned busy;           /* so many requests get 503 with Retry-After: 0 first */
	const char *put_refusal; /* this body with 400 to every PUT */
	const char *name;        /* of every record, as JSON text, in place of the one given */
	const char *slot_url;    /* in place of the real upload URL */
	bool looks_late;         /* a record is pending until it is completed */
	bool locked;             /* records require a key that no client has */
	bool lies;               /* the record's ETag is another one */
	bool cuts;               /* downloads stop half way */
	bool stalls;             /* the same, with the connection left open */
	const char *creates;     /* this file is made when a download begins */
	bool hangs;              /* a PUT is never answered */
	bool repeats;            /* the same cursor for ever */
	bool forgets;            /* images are not found by the hash of what was received: 409 */
	unsigned losses;         /* so many PUTs are taken, and the connection closed without a response */
	bool counts;             /* lists say how many images there are in all */
};

/* Change a field while connections are open. */
#define FAKE_SET(a, field, value) \
	do { \
		pthread_mutex_lock(&(a)->lock); \
		(a)->field = (value); \
		pthread_mutex_unlock(&(a)->lock); \
	} while (0)

void fake_api_start(struct fake_api *a);
void fake_api_stop(struct fake_api *a);
/* Whether a head with this in it has come. */
bool fake_api_has_request(struct fake_api *a, struct str part);
/* Add an image as if it had been uploaded; its id is 00000000-0000-4000-8000-<number of 12 digits>. */
void fake_api_add(struct fake_api *a, const char *json_name, struct str bytes);

#endif
