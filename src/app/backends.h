/* The storage backends, chosen by the settings: on this machine, in one
 * data directory, or S3 and DynamoDB or PostgreSQL, which any number of servers can share. */
#ifndef APP_BACKENDS_H
#define APP_BACKENDS_H

#include "base/fault.h"
#include "config/settings.h"
#include "port/api_key_table.h"
#include "port/bucket_catalog.h"
#include "port/cdn.h"
#include "port/bucket_store.h"
#include "port/admin_query.h"
#include "port/history.h"
#include "port/key_ring.h"
#include "port/outbox.h"
#include "port/part_store.h"
#include "port/storage_check.h"
#include "port/transfer.h"

struct backends {
	struct object_store *store;
	struct image_table *table;
	struct admin_query *admin_query; /* of all its rows; NULL: it has none but its list */
	struct user_table *users;
	struct api_key_table *api_keys;
	struct cdn *cdn;                /* NULL: none */
	struct str storage_url;         /* where presigned URLs lead: scheme, host and port */
	struct bucket_store *bucket;    /* of the storage listener; NULL where the store is remote */
	struct bucket_catalog *catalog; /* with bucket */
	struct part_store *parts;       /* with bucket */
	struct key_ring *keys;          /* with bucket */
	struct transfer *transfer;
	struct storage_check *check; /* with bucket */
	struct outbox *outbox;       /* NULL: no events are written here */
	struct history *history;     /* NULL: the backend keeps none */
	struct str delivery_key;     /* that the backend keeps; "": none */
	struct str region;           /* with bucket: what signatures name */
	enum status (*ready)(struct backends *, struct fault *why);
	/* Be told of images whose rows have changed, as engine_watch (store/store.h); NULL: rows change unseen */
	void (*watch)(struct backends *, void (*changed)(void *arg, struct str key), void *arg);
	/* Acquire or renew the lease for the sweep, which one process runs for all that share the table, or release it with a lease_ms of 0.
	 * false: another process holds it, or the table does not respond. NULL: there is no lease, and each process runs the sweep */
	bool (*lead)(struct backends *, int64_t lease_ms);
	void (*measure)(struct backends *); /* update the gauges of the backend; NULL: none */
	/* Make the database as small as it can be; only close may follow. NULL: not supported */
	enum status (*compact)(struct backends *, uint64_t *before, uint64_t *after, struct fault *why);
	/* Make it the key that the backend keeps; only close may follow. NULL: it keeps none */
	enum status (*set_delivery_key)(struct backends *, struct str key, struct fault *why);
	void (*close)(struct backends *);
	void *own; /* the adapter's */
};

/* Whether the settings say that images are stored remotely.
 * Errors  BAD_SETTING */
enum status backends_choose(const struct settings *s, bool *remote, struct fault *why) MUST_CHECK;
/* The name of the remote table for messages, written to `name`: that of DynamoDB's table, or the URL without a password and parameters. */
#define BACKENDS_TABLE_NAME_CHARS 512
const char *backends_table_name(const struct settings *s, char name[BACKENDS_TABLE_NAME_CHARS]);
/* Open the chosen backends.
 * storage_url  of the storage listener; "" without one
 * Errors       BAD_SETTING; OUT_OF_MEMORY; engine_open's. Nothing is left open then */
enum status backends_open(const struct settings *s, const char *storage_url, struct backends *out, struct fault *why) MUST_CHECK;
/* Open them to read, whether or not a server uses them: of a data directory nothing is locked, made or written. Only what reads may be
 * called of the ports that are there: the store, the table, the users, API keys, buckets, the catalog, the check, the transfer (whose state
 * may be set).
 * Errors  BAD_SETTING; OUT_OF_MEMORY; engine_open_beside's */
enum status backends_open_beside(const struct settings *s, struct backends *out, struct fault *why) MUST_CHECK;
/* Open them to fill them from other backends, which the state of that migration does not refuse.  Errors: those of backends_open */
enum status backends_open_to_fill(const struct settings *s, struct backends *out, struct fault *why) MUST_CHECK;
/* Safe on zeroed and on closed ones. */
void backends_close(struct backends *e);

/* The two kinds, for the functions above only.
 * fills  for backends_open_to_fill */
enum status backends_open_local(
	const struct settings *s, const char *storage_url, bool fills, struct backends *out, struct fault *why) MUST_CHECK;
enum status backends_open_local_beside(const struct settings *s, struct backends *out, struct fault *why) MUST_CHECK;
enum status backends_open_cloud(const struct settings *s, bool fills, struct backends *out, struct fault *why) MUST_CHECK;

#endif
