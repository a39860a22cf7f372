/* The embedded engine: files and SQLite in one data directory, behind the ports.
 * engine_open locks the directory, recovers incoming/ and starts the commit thread and the publisher. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/fault.h"
#include "port/bucket_catalog.h"
#include "port/bucket_store.h"
#include "port/image_table.h"
#include "port/admin_query.h"
#include "port/api_key_table.h"
#include "port/history.h"
#include "port/key_ring.h"
#include "port/object_store.h"
#include "port/outbox.h"
#include "port/part_store.h"
#include "port/storage_check.h"
#include "port/transfer.h"

struct engine_options {
	const char *dir;
	struct str bucket;
	struct str region;
	struct str public_url; /* of the storage listener; "": nothing can be presigned */
	uint64_t max_pending;
	struct owner_quota quota; /* of owners without one of their own */
	uint64_t reserve_bytes;
	bool is_migration;    /* only to fill it from another store: the phase of its migration refuses nothing */
	uint64_t small_bytes; /* bodies of at most this many are in the database, at most BUCKET_SMALL_BYTES; 0: each is a file */
};

struct engine_ports {
	struct object_store store;
	struct image_table table;
	struct user_table users;
	struct api_key_table api_keys;
	struct bucket_store buckets;
	struct bucket_catalog catalog;
	struct part_store parts;
	struct admin_query admin_query;
	struct outbox outbox;
	struct transfer transfer;
	struct history history;
	struct storage_check check;
	struct key_ring *ring;
};

struct engine;
/* Errors  DIR_LOCKED; SCHEMA_UNKNOWN; DISK_FULL too full to start, even without the ballast; STORAGE_FAILED; each with a
 *         sentence for the terminal */
enum status engine_open(const struct engine_options *o, struct engine **out, struct fault *why) MUST_CHECK;
/* Open a data directory to read it, whether or not a server uses it: nothing is locked, made, recovered or written. Each read sees
 * what is committed then. Of the ports only what reads may be called, and transfer_set_state.
 * o       dir and bucket
 * Errors  NO_SUCH_BUCKET; SCHEMA_UNKNOWN it was written by another version; STORAGE_FAILED; each with a sentence for the terminal */
enum status engine_open_beside(const struct engine_options *o, struct engine **out, struct fault *why) MUST_CHECK;
/* Check that the directory has a database that this user may read.
 * Errors  BAD_SETTING with a sentence for the terminal */
enum status engine_find_database(const char *dir, struct fault *why) MUST_CHECK;
/* Whether a program uses the data directory now. While it is asked, for microseconds, no other can open it.
 * Threads  any; blocks on the disk */
bool engine_in_use(const char *dir) MUST_CHECK;
/* Lock a data directory as the source of a migration, for one program at a time; a server may use it meanwhile. A directory without the
 * file `lock`, on which no server has ever started, is not locked.
 * fd      out: the lock, until it is closed; -1: there is none
 * Errors  DIR_LOCKED; STORAGE_FAILED; each with a sentence for the terminal */
enum status engine_lock_source(const char *dir, int *fd, struct fault *why) MUST_CHECK;
/* Finish what is queued, end the threads, close, unlock. Accepts NULL inside. */
void engine_free(struct engine **e);
/* What the engine implements; good until engine_free. */
struct engine_ports *engine_ports(struct engine *e);
/* The key with which delivery links are signed, made when the directory is: 64 hexadecimal digits; good until engine_free. */
struct str engine_delivery_key(const struct engine *e);
/* Replace it, for an engine that is filled from another store. Links that were signed with the one before are not valid any more.
 * key     64 hexadecimal digits
 * Errors  DISK_FULL; STORAGE_FAILED */
enum status engine_set_delivery_key(struct engine *e, struct str key, struct fault *why) MUST_CHECK;
/* OK when a write is taken now, which is tried: for readiness.
 * Errors   DISK_FULL, below the reserve too; STORAGE_FAILED
 * Threads  any; blocks on the disk */
enum status engine_ready(struct engine *e, struct fault *why) MUST_CHECK;
/* Write the database again without its free pages, and let later ones be given back as they come. Nobody else may use
 * the engine in the meantime, and after it only engine_free may follow.
 * before, after   bytes of the database
 * Errors   DISK_FULL it needs room for all that is kept, twice; STORAGE_FAILED */
enum status engine_compact(struct engine *e, uint64_t *before, uint64_t *after, struct fault *why) MUST_CHECK;
/* Be told of rows that were resolved or removed, as row_watch_set (store/db/row_watch.h). changed NULL: nobody is. */
void engine_watch(struct engine *e, void (*changed)(void *arg, struct str key), void *arg);
/* Set the gauge of free bytes to what is free now: for a scrape of a server that writes nothing. Any thread. */
void engine_measure(struct engine *e);

#endif
