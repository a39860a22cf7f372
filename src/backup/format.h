/* The format of a backup: how things are called in a destination, and the texts that name them. Pure.
 *
 *   tintype-backup               what it is, and the version of this format
 *   snapshots/TIME               manifests, JSON; each is written last, so that what it names is there
 *   lists/SHA256                 text, one name a line: of the pieces of a database, in order; of the pieces of a folder of objects, sorted
 *   database/XX/SHA256           pieces of databases of 64 KiB, the last may be shorter; XX are the digits that SHA256 begins with
 *   objects/FOLDER/PIECE         bodies in pieces of 16 MiB, the last may be shorter; as FILE.NUMBER.ETAG.SHA256
 *   secrets/SHA256               the file of access keys
 *
 * FILE is the number of the body in its data directory, 16 hexadecimal digits, and FOLDER what it begins with (TREE_FILES_PER_DIR
 * bodies). A number is not given twice in one directory; where one was restored and went on from an older state the ETag tells
 * two bodies of one number apart. Every name has the SHA-256 of what it names, so that a backup is verified by itself. */
#ifndef BACKUP_FORMAT_H
#define BACKUP_FORMAT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/hash.h"

#include <stdint.h>

#define BACKUP_MARK "tintype-backup"
#define BACKUP_VERSION 1
#define BACKUP_MARK_TEXT "tintype backup, format 1\n"
#define BACKUP_DATABASE_PIECE ((size_t)64 << 10)
#define BACKUP_OBJECT_PIECE ((size_t)16 << 20)
#define BACKUP_FILES_PER_FOLDER 4096
#define BACKUP_HASH_CHARS (2 * SHA256_BYTES)
#define BACKUP_ETAG_MAX 40
#define BACKUP_NAME_MAX 256
#define BACKUP_TIME_CHARS 16 /* 20261122T073722Z */
#define BACKUP_LIST_MAX ((size_t)256 << 20)
#define BACKUP_MANIFEST_MAX ((size_t)64 << 20)

/* A piece of a body. */
struct piece {
	uint64_t file;
	uint32_t number; /* from 0; it begins at number * BACKUP_OBJECT_PIECE */
	struct str etag; /* lower-case letters, digits and "-" */
	struct str sha256;
};

/* Append "objects/FOLDER". */
void format_folder(struct buf *b, uint64_t folder);
bool format_parse_folder(struct str name, uint64_t *folder) MUST_CHECK;
/* Append "FILE.NUMBER.ETAG."; the SHA-256 follows. */
void format_piece(struct buf *b, const struct piece *p);
/* The other way, of the whole name without its folder.  out: borrows from `name`.  false: not such a name */
bool format_parse_piece(struct str name, struct piece *out) MUST_CHECK;
/* Append "database/XX/SHA256" and the like. */
void format_database_piece(struct buf *b, struct str sha256);
bool format_is_hash(struct str text);
/* The number of pieces of a file of this size; 1 for an empty file. */
uint64_t format_pieces(uint64_t bytes, uint64_t piece_bytes);

/* A list of pieces that are in one folder of objects. */
struct folder_list {
	uint64_t folder;
	struct str sha256;
};

struct manifest {
	struct str created; /* ISO 8601 */
	struct str program; /* the version of tintype */
	uint64_t schema;    /* of the database */
	uint64_t source;    /* see snapshot_source */
	uint64_t database_bytes;
	struct str database_list;       /* SHA-256 of the list of its pieces */
	uint64_t objects, object_bytes; /* bodies that are files */
	uint64_t missing;               /* bodies that were missing or could not be read, except those of images that are marked as damaged */
	bool secrets;
	struct str credentials; /* SHA-256; "": without secrets */
	struct folder_list *lists;
	size_t n_lists;
};

void manifest_write(struct buf *b, const struct manifest *m);
/* Texts live in `a`.
 * Errors  DATA_DAMAGED not what manifest_write makes; SCHEMA_UNKNOWN a later format; OUT_OF_MEMORY; TOO_MUCH */
enum status manifest_parse(struct str text, struct arena *a, struct manifest *out, struct fault *why) MUST_CHECK;

#endif
