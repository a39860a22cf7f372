/* The storage backends, chosen by the settings: on this machine, in one
 * data directory, or S3 and DynamoDB, which any number of servers can share. */
#ifndef ENGINES_H
#define ENGINES_H

#include "base/fault.h"
#include "base/settings.h"
#include "port/bucket_catalog.h"
#include "port/bucket_store.h"
#include "port/inspection.h"
#include "port/key_ring.h"
#include "port/part_store.h"

struct engines {
	struct object_store *store;
	struct image_table *table;
	struct inspection *inspection;   /* of all its rows; NULL: it has none but its list */
	struct str storage_url;        /* where presigned URLs lead: scheme, host and port */
	struct bucket_store *bucket;   /* of our own storage listener; NULL where the store is elsewhere */
	struct bucket_catalog *catalog;   /* with bucket */
	struct part_store *parts;      /* with bucket */
	struct key_ring *keys;         /* with bucket */
	struct str region;             /* with bucket: what signatures name */
	enum status (*ready)(struct engines *, struct fault *why);
	void (*measure)(struct engines *);   /* update the gauges that only the backend knows; NULL: none */
	/* Make the database as small as it can be; only close may follow. NULL: it is not here */
	enum status (*compact)(struct engines *, uint64_t *before, uint64_t *after, struct fault *why);
	void (*close)(struct engines *);
	void *own;                     /* the adapter's */
};

/* Whether the settings say that images are stored remotely.
 * Errors  BAD_SETTING */
enum status engines_choose(const struct settings *s, bool *remote, struct fault *why) MUST_CHECK;
/* Open what was chosen.
 * storage_url  of our own storage listener; "" without one
 * Errors       BAD_SETTING; OUT_OF_MEMORY; engine_open's. Nothing is left open then */
enum status engines_open(const struct settings *s, const char *storage_url, struct engines *out, struct fault *why) MUST_CHECK;
/* Safe on zeroed and on closed ones. */
void engines_close(struct engines *e);

/* The two kinds, for engines_open alone. */
enum status engines_open_local(const struct settings *s, const char *storage_url, struct engines *out, struct fault *why) MUST_CHECK;
enum status engines_open_cloud(const struct settings *s, struct engines *out, struct fault *why) MUST_CHECK;

#endif
