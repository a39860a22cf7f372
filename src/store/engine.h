/* The engine's parts in one struct, for the files of this folder. */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/db/group_commit.h"
#include "store/db/owners.h"
#include "store/keys/credentials.h"
#include "store/files/object_cache.h"
#include "store/store.h"
#include "store/files/digest_queue.h"
#include "store/files/publisher.h"
#include "store/db/read_pool.h"
#include "store/db/row_cache.h"
#include "store/db/row_watch.h"
#include "store/db/schema.h"
#include "store/files/space.h"
#include "store/files/tree.h"
#include <limits.h>
#include <stddef.h>

struct engine {
	struct engine_ports ports;
	bool beside; /* opened by engine_open_beside: others write, so that nothing is cached */
	size_t small_bytes;
	char dir[PATH_MAX]; /* absolute */
	char db_path[PATH_MAX + sizeof "/tintype.db"];
	char *bucket, *region, *public_url;
	char delivery_key[SCHEMA_SECRET_CHARS + 1];
	int dir_fd, lock_fd, db_fd;
	struct tree tree;
	struct digest_queue digest_queue;
	struct space space;
	struct read_pool read_pool;
	struct object_cache object_cache;
	struct row_cache row_cache;
	struct row_watch row_watch;
	struct owner_entries owners;
	struct group_commit group_commit;
	struct publisher publisher;
	struct credentials keys;
};

/* Lock a data directory for one program.  fd: of the lock, which closing it ends; written in any case
 * Errors  DIR_LOCKED; STORAGE_FAILED, with a sentence for the terminal */
enum status engine_lock_dir(int dir_fd, const char *dir, int *fd, struct fault *why) MUST_CHECK;

/* What the ports do. Each table is in the file that is named; what is in another file than its table follows. */
extern const struct image_table_ops images_ops;             /* db/images.c */
extern const struct user_table_ops users_ops;               /* db/users.c */
extern const struct api_key_table_ops api_keys_ops;         /* db/api_keys.c */
extern const struct object_store_ops objects_ops;           /* db/objects.c */
extern const struct bucket_store_ops staging_ops;           /* files/staging.c */
extern const struct bucket_catalog_ops catalog_ops;         /* db/catalog.c */
extern const struct part_store_ops parts_ops;               /* db/parts.c */
extern const struct outbox_ops sqlite_outbox_ops;           /* db/outbox.c */
extern const struct transfer_ops sqlite_transfer_ops;       /* db/transfer.c */
extern const struct admin_query_ops sqlite_admin_query_ops; /* db/admin_query.c */
extern const struct history_ops sqlite_history_ops;         /* db/history.c */
extern const struct storage_check_ops check_ops;            /* check/check.c */

/* store_presign and store_form: URLs and forms signed with the key `slots`. Only compute. keys/presigner.c */
enum status signing_presign(
	struct object_store *s, const struct presign_request *r, struct arena *a, struct presigned *out, struct fault *why) MUST_CHECK;
enum status signing_form(
	struct object_store *s, const struct form_request *r, struct arena *a, struct post_form *out, struct fault *why) MUST_CHECK;
/* bucket_open. db/objects.c */
enum status objects_open(
	struct bucket_store *s, struct str bucket, struct str key, struct arena *a, struct object_file *out, struct fault *why) MUST_CHECK;
/* catalog_list_objects. db/listing.c */
enum status listing_objects(
	struct bucket_catalog *c, const struct object_query *q, struct arena *a, struct listing *out, struct fault *why) MUST_CHECK;
/* parts_complete. db/complete.c */
enum status complete_upload(
	struct part_store *p, const struct part_completion *c, struct arena *a, struct object_info *out, struct fault *why) MUST_CHECK;

/* The engine that a port of it belongs to: ENGINE_OF(s, store). */
#define ENGINE_OF(port, member) ((struct engine *)((char *)(port)-offsetof(struct engine, ports.member)))

#endif
