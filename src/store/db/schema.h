/* The database's tables and their version. */
#ifndef STORE_DB_SCHEMA_H
#define STORE_DB_SCHEMA_H

#include "base/fault.h"
#include "store/db/db.h"

#define SCHEMA_VERSION 10
/* The owner of the image bucket. */
#define SCHEMA_OWNER "tintype"

/* Make the tables in an empty database, or bring those of an older version up to the one this program knows;
 * everything in them stays.
 * path    for the sentence
 * Errors  SCHEMA_UNKNOWN another version, or somebody else's database; DISK_FULL; STORAGE_FAILED */
enum status schema_prepare(struct db *d, const char *path, struct fault *why) MUST_CHECK;
/* The id of the image bucket, which is made when missing.
 * Errors  BAD_SETTING there are images, and they are in a bucket of another name; DISK_FULL; STORAGE_FAILED */
enum status schema_bucket(struct db *d, struct str name, int64_t *id, struct fault *why) MUST_CHECK;

#define SCHEMA_SECRET_CHARS 64
/* A secret of this name, 64 hexadecimal digits and a NUL, made at random when missing.
 * Errors  DISK_FULL; STORAGE_FAILED */
enum status schema_secret(struct db *d, struct str name, char out[SCHEMA_SECRET_CHARS + 1], struct fault *why) MUST_CHECK;
/* The same, but "" where it is missing, as in what was restored without secrets until a server starts on it. */
enum status schema_read_secret(struct db *d, struct str name, char out[SCHEMA_SECRET_CHARS + 1], struct fault *why) MUST_CHECK;

#endif
