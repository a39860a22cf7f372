/* Bodies: the bytes of an object or a part are read back and compared with what is recorded of them.
 *
 * A file never changes and has a name as long as a row names it: one that is not found although its row is the same before and after
 * is missing, and neither an upload nor a deletion at the same time looks like that. */
#include "store/check/check.h"

#include "base/mem.h"
#include "port/object_digest.h"
#include "store/tables/objects.h"
#include "store/tables/rows.h"
#include "store/files/io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)64 << 10)
#define FIND_TRIES 16

/* What is recorded of a body. */
struct body {
	uint64_t file;
	bool inlined;
	struct str bytes;  /* where it is inlined */
	struct str broken; /* why something of it cannot be read from the database; "": nothing */
	uint64_t size;
	struct object_digests recorded;
};

/* Which body, and how it is found: there: false if it is gone. */
struct body_name {
	enum status (*find)(const struct check *c, const struct body_name *, struct body *out, bool *there, struct fault *);
	struct str name[2]; /* of an object: bucket and key */
	int64_t upload, number;
	struct str sha256;
	struct object_info *info; /* out, of an object; may be NULL */
};

static enum status find_object(const struct check *c, const struct body_name *n, struct body *out, bool *there, struct fault *why)
{
	struct object_found found;
	struct str broken = STR("");
	enum status got = objects_find(c->engine, n->name, true, c->arena, &found, why);
	if (got == IO && why->code == F_STORAGE_FAILED) { /* perhaps the row alone can be read */
		broken = str_dup(c->arena, str_of(why->cause));
		got = objects_find(c->engine, n->name, false, c->arena, &found, why);
	}
	*there = got == OK;
	if (got == NOT_FOUND)
		return OK;
	TRY(got);
	const struct object_meta *m = &found.object.meta;
	*out = (struct body){ .file = found.file,
		.inlined = (found.flags & ROW_INLINED) != 0,
		.bytes = found.object.bytes,
		.broken = broken,
		.size = found.object.info.size,
		.recorded = { n->sha256, found.object.info.etag, m->checksum, m->parts, m->n_parts } };
	if (n->info != NULL)
		*n->info = found.object.info;
	return OK;
}

/* The columns are those of PART_COLUMNS. */
static enum status find_part(const struct check *c, const struct body_name *n, struct body *out, bool *there, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	TRY(read_pool_acquire(&c->engine->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_CHECK_PART, db_int(n->upload), db_int(n->number));
	TRY(db_step(d, s, there, why));
	if (!*there)
		return OK;
	unsigned flags = (unsigned)sqlite3_column_int64(s, 4);
	*out = (struct body){ .file = (uint64_t)sqlite3_column_int64(s, 6),
		.inlined = (flags & ROW_INLINED) != 0,
		.size = (uint64_t)sqlite3_column_int64(s, 1),
		.recorded = { .etag = column_str(s, 2, c->arena), .checksum = meta_checksum(flags) } };
	out->recorded.checksum.value = column_str(s, 5, c->arena);
	if (out->inlined) {
		bool row = false;
		sqlite3_stmt *bytes = DB_BIND(d, Q_BODY_GET, db_int((int64_t)out->file));
		TRY(db_step(d, bytes, &row, why));
		out->bytes = str_dup(c->arena, row ? column_blob(bytes, 0) : (struct str){ 0 });
	}
	return fault_check_arena(c->arena, why);
}

/* In `out` what is wrong with bytes that were all read. */
static void compare(const struct body *b, struct object_digest *digest, struct object_state *out)
{
	if (!object_digest_end(digest))
		*out = (struct object_state){ .info = out->info,
			.bytes = FINDING_OBJECT_DAMAGED,
			.detail = b->recorded.sha256.n > 0 ? STR("its SHA-256 is another one") : STR("its digest is not the recorded one") };
}

static enum status digest_file(const struct check *c, const struct body *b, int fd, struct object_state *out, struct fault *why)
{
	struct object_digest digest;
	char *piece = arena_alloc(c->arena, PIECE_BYTES);
	if (piece == NULL)
		return fault_too_much(why);
	object_digest_begin(&digest, &b->recorded);
	for (uint64_t at = 0; at < b->size && out->bytes == FINDING_NONE;) {
		ssize_t got = pread(fd, piece, PIECE_BYTES, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			out->bytes = FINDING_OBJECT_UNREADABLE;
			out->detail = str_printf(c->arena, "at byte %llu: %s", (unsigned long long)at, got < 0 ? strerror(errno) : "it has ended");
			break;
		}
		object_digest_add(&digest, piece, (size_t)got);
		at += (uint64_t)got;
	}
	c->sink->bytes += b->size;
	if (out->bytes == FINDING_NONE)
		compare(b, &digest, out);
	return OK;
}

static void note_size(const struct check *c, uint64_t there, uint64_t recorded, struct object_state *out)
{
	out->bytes = FINDING_OBJECT_DAMAGED;
	out->detail = str_printf(c->arena, "it has %llu bytes and not %llu", (unsigned long long)there, (unsigned long long)recorded);
}

static enum status read_file(const struct check *c, const struct body *b, int fd, struct object_state *out, struct fault *why)
{
	struct stat st;
	if (fstat(fd, &st) != 0) {
		out->bytes = FINDING_OBJECT_UNREADABLE;
		out->detail = str_of(strerror(errno));
		return OK;
	}
	if ((uint64_t)st.st_size != b->size) {
		note_size(c, (uint64_t)st.st_size, b->size, out);
		return OK;
	}
	return digest_file(c, b, fd, out, why);
}

static enum status read_inlined(const struct check *c, const struct body *b, struct object_state *out, struct fault *why)
{
	struct object_digest digest;
	if (b->bytes.n != b->size) {
		note_size(c, b->bytes.n, b->size, out);
		return OK;
	}
	object_digest_begin(&digest, &b->recorded);
	object_digest_add(&digest, b->bytes.p, b->bytes.n);
	c->sink->bytes += b->size;
	compare(b, &digest, out);
	return OK;
}

/* there: false: it is gone.  b: as it was found last */
static enum status inspect(
	const struct check *c, const struct body_name *n, struct body *b, bool *there, struct object_state *out, struct fault *why)
{
	uint64_t missed = 0; /* the number of the file that was not found */
	for (int i = 0; i < FIND_TRIES; i++) {
		out->bytes = FINDING_NONE;
		TRY(n->find(c, n, b, there, why));
		if (!*there)
			return OK;
		out->bytes = b->broken.n > 0 ? FINDING_OBJECT_UNREADABLE : FINDING_NONE;
		out->detail = b->broken;
		if (b->broken.n > 0)
			return OK;
		if (b->inlined)
			return read_inlined(c, b, out, why);
		int fd = tree_read(&c->engine->tree, b->file), error = errno;
		if (fd >= 0) {
			enum status status = read_file(c, b, fd, out, why);
			io_close(fd);
			return status;
		}
		out->bytes = error == ENOENT ? FINDING_OBJECT_MISSING : FINDING_OBJECT_UNREADABLE;
		out->detail = str_printf(c->arena, "its file %016llx: %s", (unsigned long long)b->file, strerror(error));
		if (error != ENOENT || missed == b->file)
			return OK;
		missed = b->file;
	}
	return OK;
}

static void count_body(const struct check *c, const struct body *b)
{
	c->sink->objects++;
	c->sink->unhashed += object_digest_choose(&b->recorded) == DIGEST_NOTHING;
}

enum status check_image_object(struct storage_check *port, struct str key, struct str sha256, struct arena *a, struct finding_sink *sink,
	struct object_state *out, struct fault *why)
{
	struct engine *e = ENGINE_OF(port, check);
	const struct check c = { .engine = e, .arena = a, .sink = sink };
	struct body b = { 0 };
	bool there = false;
	*out = (struct object_state){ 0 };
	struct body_name n = { .find = find_object, .name = { str_of(e->bucket), key }, .sha256 = sha256, .info = &out->info };
	TRY(inspect(&c, &n, &b, &there, out, why));
	/* What was received may have been stored otherwise by an older version: then the ETag decides. */
	if (there && out->bytes == FINDING_OBJECT_DAMAGED && sha256.n > 0) {
		n.sha256 = STR("");
		TRY(inspect(&c, &n, &b, &there, out, why));
	}
	if (!there)
		return fault_set(why, NO_SUCH_KEY, "The specified key does not exist.");
	count_body(&c, &b);
	return OK;
}

/* Nothing can be done about one that is not an image: what is left of it stays. */
static enum status check_body(const struct check *c, const struct body_name *n, struct str subject, struct fault *why)
{
	struct object_state state = { 0 };
	struct body b = { 0 };
	bool there = false;
	TRY(inspect(c, n, &b, &there, &state, why));
	if (!there)
		return OK;
	count_body(c, &b);
	if (state.bytes != FINDING_NONE)
		check_report(c, state.bytes, subject, state.detail, false);
	return OK;
}

enum status check_object(const struct check *c, struct str name, struct fault *why)
{
	struct str key = name, bucket = str_cut(&key, '/');
	const struct body_name n = { .find = find_object, .name = { bucket, key } };
	return check_body(c, &n, name, why);
}

enum status check_part(const struct check *c, struct str name, struct fault *why)
{
	struct str rest = name, upload = str_cut(&rest, '/');
	uint64_t numbers[2];
	if (!str_to_u64(upload, &numbers[0]) || !str_to_u64(rest, &numbers[1]) || numbers[0] > INT64_MAX || numbers[1] > INT64_MAX)
		return fault_set(why, INVALID_INPUT, "No part has such a name.");
	const struct body_name n = { .find = find_part, .upload = (int64_t)numbers[0], .number = (int64_t)numbers[1] };
	return check_body(c, &n, STR_CONCAT(c->arena, STR("part/"), name), why);
}

/* lists */

enum status check_list_objects(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct str key = *after, number = str_cut(&key, '/');
	uint64_t bucket = 0;
	bool row = false;
	if (after->n > 0 && !str_to_u64(number, &bucket))
		return fault_set(why, BAD_CURSOR, "No list has such a place.");
	TRY(read_pool_acquire(&e->read_pool, &d, why));
	sqlite3_stmt *s =
		DB_BIND(d, Q_CHECK_OBJECTS, db_int((int64_t)bucket), db_text(key), db_int(e->group_commit.writer.image_bucket), db_int(CHECK_PAGE));
	*after = STR("");
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			return fault_check_arena(a, why);
		page->names[page->n++] = STR_CONCAT(a, STR("object/"), column_borrow(s, 1), STR("/"), column_borrow(s, 2));
		if (page->n == CHECK_PAGE)
			*after = str_printf(a, "%lld/%.*s", (long long)sqlite3_column_int64(s, 0), STRF(column_borrow(s, 2)));
	}
}

enum status check_list_parts(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct str rest = *after, text = str_cut(&rest, '/');
	uint64_t upload = 0, number = 0;
	bool row = false;
	if (after->n > 0 && (!str_to_u64(text, &upload) || !str_to_u64(rest, &number)))
		return fault_set(why, BAD_CURSOR, "No list has such a place.");
	TRY(read_pool_acquire(&e->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_CHECK_PARTS, db_int((int64_t)upload), db_int((int64_t)number), db_int(CHECK_PAGE));
	*after = STR("");
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			return fault_check_arena(a, why);
		struct str name = str_printf(a, "%lld/%lld", (long long)sqlite3_column_int64(s, 0), (long long)sqlite3_column_int64(s, 1));
		page->names[page->n++] = STR_CONCAT(a, STR("part/"), name);
		if (page->n == CHECK_PAGE)
			*after = name;
	}
}
