/* One run: the snapshot's database first, then the bodies that its rows name, folder by folder, then lists and manifest. See backup.h. */
#include "backup/backup.h"

#include "backup/parallel.h"
#include "backup/snapshots.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "store/files/io.h"
#include "store/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define TEXTS_BYTES ((size_t)64 << 20)
#define NAME_BYTES BACKUP_NAME_MAX
#define SECRETS_MAX_BYTES ((size_t)1 << 20)

struct run {
	const struct backup_options *o;
	struct backup_result *result;
	struct snapshot *snapshot;
	struct arena texts; /* of the manifest */
	struct manifest manifest;
	size_t lists_cap;
	struct names lists;    /* what lists/ has */
	struct names existing; /* of the folder that is worked on */
	pthread_mutex_t lock;
	/* under the lock, while several threads work */
	struct names pieces; /* of the folder, without its name */
	/* the bodies of a folder */
	struct snapshot_file files[BACKUP_FILES_PER_FOLDER];
	size_t n_files;
	uint64_t folder;
	/* the pieces of the database that are worked on */
	char (*hashes)[BACKUP_HASH_CHARS + 1];
	uint64_t first_piece;
};

/* Also called while the database is copied. */
static enum status keep_lock(void *arg, struct fault *why)
{
	const struct backup_options *o = arg;
	if (o->watch.stopping != NULL && o->watch.stopping(o->watch.arg))
		return fault_stopped(why);
	return o->target->ops->renew(o->target, false, why);
}

static enum status before_each(void *arg, struct fault *why)
{
	struct run *r = arg;
	TRY(snapshot_renew(r->snapshot, why));
	return keep_lock((void *)r->o, why);
}

static enum status put_named(struct target *t, const struct buf *name, struct str bytes, struct fault *why)
{
	TRY(fault_check_buf(name, why));
	return target_put(t, buf_str(name), bytes, why);
}

/* Whether the destination has it: under this name and of this size, for another size is damage. */
static bool has_whole(const struct names *there, struct str name, size_t size)
{
	const struct name_entry *e = names_find(there, name);
	return e != NULL && e->n == name.n && e->size == size;
}

/* Put what is called by its own SHA-256, unless it is there.  hash: out */
static enum status put_by_hash(
	struct run *r, const char *folder, const struct names *there, struct str bytes, struct str *hash, struct fault *why)
{
	char digits[BACKUP_HASH_CHARS + 1], memory[NAME_BYTES];
	struct buf name;
	sha256_hex(bytes, digits);
	*hash = str_dup(&r->texts, str_of(digits));
	TRY(fault_check_arena(&r->texts, why));
	buf_init_fixed(&name, memory, sizeof memory);
	buf_printf(&name, "%s/%s", folder, digits);
	return has_whole(there, buf_str(&name), bytes.n) ? OK : put_named(r->o->target, &name, bytes, why);
}

/* the database */

static uint64_t piece_bytes(uint64_t whole, uint64_t number, uint64_t most)
{
	uint64_t left = whole - number * most;
	return left < most ? left : most;
}

static enum status copy_database_piece(void *arg, size_t i, struct fault *why)
{
	struct run *r = arg;
	char memory[NAME_BYTES], bytes[BACKUP_DATABASE_PIECE];
	struct buf name;
	uint64_t number = r->first_piece + i;
	size_t n = (size_t)piece_bytes(r->manifest.database_bytes, number, BACKUP_DATABASE_PIECE);
	TRY(io_read_at(snapshot_database(r->snapshot), bytes, n, number * BACKUP_DATABASE_PIECE, why));
	sha256_hex((struct str){ bytes, n }, r->hashes[i]);
	buf_init_fixed(&name, memory, sizeof memory);
	format_database_piece(&name, str_of(r->hashes[i]));
	return has_whole(&r->existing, buf_str(&name), n) ? OK : put_named(r->o->target, &name, (struct str){ bytes, n }, why);
}

static enum status copy_pieces(struct run *r, struct buf *list, struct fault *why)
{
	uint64_t n = format_pieces(r->manifest.database_bytes, BACKUP_DATABASE_PIECE);
	for (r->first_piece = 0; r->first_piece < n; r->first_piece += BACKUP_FILES_PER_FOLDER) {
		uint64_t left = n - r->first_piece;
		size_t step = left < BACKUP_FILES_PER_FOLDER ? (size_t)left : BACKUP_FILES_PER_FOLDER;
		TRY(parallel_run(&(struct parallel){ step, before_each, copy_database_piece, r }, why));
		for (size_t i = 0; i < step; i++)
			buf_printf(list, "%s\n", r->hashes[i]);
	}
	return fault_check_buf(list, why);
}

static enum status copy_database(struct run *r, struct fault *why)
{
	struct stat st;
	struct buf list CLEANUP(buf_deinit);
	buf_init(&list, BACKUP_LIST_MAX);
	if (fstat(snapshot_database(r->snapshot), &st) != 0)
		return fault_set(why, STORAGE_FAILED, "Cannot read the copy of the database: %s.", strerrordesc_np(errno));
	r->manifest.database_bytes = (uint64_t)st.st_size;
	r->hashes = mem_new(BACKUP_FILES_PER_FOLDER, sizeof *r->hashes);
	if (r->hashes == NULL)
		return fault_no_memory(why);
	TRY(r->o->target->ops->list(r->o->target, STR("database"), &r->existing, why));
	names_sort(&r->existing);
	TRY(copy_pieces(r, &list, why));
	names_deinit(&r->existing);
	return put_by_hash(r, "lists", &r->lists, buf_str(&list), &r->manifest.database_list, why);
}

/* the bodies */

/* Of one body, while it is copied. */
struct body_copy {
	const struct snapshot_file *file;
	int fd; /* -1: not opened yet */
	struct hash md5;
	uint64_t hashed; /* pieces */
	struct names pieces;
	bool copied;
};

static void body_copy_deinit(struct body_copy *c)
{
	io_close(c->fd);
	names_deinit(&c->pieces);
}

static void report_damage(struct run *r, const struct snapshot_file *f, const char *what)
{
	char text[256];
	const struct backup_watch *w = &r->o->watch;
	(void)snprintf(text, sizeof text, "the file objects/%06llx/%016llx %s", (unsigned long long)(f->file / BACKUP_FILES_PER_FOLDER),
		(unsigned long long)f->file, what);
	pthread_mutex_lock(&r->lock);
	if (w->damaged != NULL)
		w->damaged(w->arg, text);
	pthread_mutex_unlock(&r->lock);
}

/* Append the name of a piece, with its folder. */
static void name_piece(const struct run *r, const struct snapshot_file *f, uint64_t number, struct buf *out)
{
	format_folder(out, r->folder);
	buf_put_char(out, '/');
	format_piece(out, &(struct piece){ .file = f->file, .number = (uint32_t)number, .etag = str_of(f->etag) });
}

static struct str without_folder(struct str name)
{
	struct str rest = name;
	(void)str_cut(&rest, '/');
	(void)str_cut(&rest, '/');
	return rest;
}

/* What is there under this name and this size was put whole. */
static const struct name_entry *find_piece(const struct run *r, struct str prefix, uint64_t bytes)
{
	struct piece p;
	const struct name_entry *e = names_find(&r->existing, prefix);
	return e != NULL && e->size == bytes && format_parse_piece(without_folder(names_text(e)), &p) ? e : NULL;
}

/* *readable: false where the file is not there, or not whole. */
static enum status copy_piece(struct run *r, struct body_copy *c, uint64_t number, struct buf *name, bool *readable, struct fault *why)
{
	char digits[BACKUP_HASH_CHARS + 1];
	size_t n = (size_t)piece_bytes(c->file->size, number, BACKUP_OBJECT_PIECE);
	if (c->fd < 0)
		c->fd = snapshot_open_file(r->snapshot, c->file->file);
	char *bytes = c->fd < 0 ? NULL : mem_new(n + 1, 1);
	if (c->fd >= 0 && bytes == NULL)
		return fault_no_memory(why);
	enum status status = OK;
	*readable = c->fd >= 0 && io_read_at(c->fd, bytes, n, number * BACKUP_OBJECT_PIECE, why) == OK;
	if (*readable) {
		hash_update(&c->md5, bytes, n);
		c->hashed++;
		sha256_hex((struct str){ bytes, n }, digits);
		buf_put(name, str_of(digits));
		status = put_named(r->o->target, name, (struct str){ bytes, n }, why);
		c->copied = true;
	}
	mem_free(bytes);
	return status;
}

/* The ETag of what came in one piece is its MD5. */
static bool is_damaged(struct body_copy *c, uint64_t pieces)
{
	unsigned char digest[MD5_BYTES];
	char digits[2 * MD5_BYTES + 1];
	struct str etag = str_of(c->file->etag);
	if (c->hashed != pieces || str_find_char(etag, '-') < etag.n)
		return false;
	hash_final(&c->md5, digest);
	hex_encode(digest, sizeof digest, digits);
	return !str_equal(str_of(digits), etag);
}

/* It is copied nevertheless: a part of a picture is better than nothing. */
static void note_damage(struct run *r, const struct body_copy *c)
{
	report_damage(r, c->file,
		c->file->is_marked ? "is damaged: its MD5 is not its ETag; the backup has it as it is; its image is marked as damaged"
						   : "is damaged: its MD5 is not its ETag; the backup has it as it is");
	pthread_mutex_lock(&r->lock);
	r->result->damaged += !c->file->is_marked;
	pthread_mutex_unlock(&r->lock);
}

static enum status add_body(struct run *r, const struct body_copy *c, struct fault *why)
{
	const struct backup_watch *w = &r->o->watch;
	enum status status = OK;
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; status == OK && i < c->pieces.n; i++)
		status = names_add(&r->pieces, names_text(c->pieces.all[i]), 0, why);
	r->result->objects++;
	r->result->object_bytes += c->file->size;
	r->result->new_objects += c->copied;
	if (w->progress != NULL)
		w->progress(w->arg, r->result->objects, r->result->object_bytes);
	pthread_mutex_unlock(&r->lock);
	return status;
}

static enum status miss_body(struct run *r, const struct body_copy *c, struct fault *why)
{
	bool is_marked = c->file->is_marked;
	report_damage(r, c->file,
		c->fd >= 0      ? is_marked ? "cannot be read whole; its image is marked as damaged" : "cannot be read whole"
			: is_marked ? "is missing; its image is marked as damaged"
						: "is missing");
	pthread_mutex_lock(&r->lock);
	r->result->marked += is_marked;
	r->result->missing += !is_marked;
	pthread_mutex_unlock(&r->lock);
	return OK;
}

static enum status copy_pieces_of(struct run *r, struct body_copy *c, struct fault *why)
{
	uint64_t n = format_pieces(c->file->size, BACKUP_OBJECT_PIECE);
	bool readable = true;
	for (uint64_t i = 0; i < n; i++) {
		char memory[NAME_BYTES];
		struct buf name;
		buf_init_fixed(&name, memory, sizeof memory);
		name_piece(r, c->file, i, &name);
		const struct name_entry *there = find_piece(r, buf_str(&name), piece_bytes(c->file->size, i, BACKUP_OBJECT_PIECE));
		if (there == NULL)
			TRY(copy_piece(r, c, i, &name, &readable, why));
		if (!readable)
			return miss_body(r, c, why);
		TRY(names_add(&c->pieces, without_folder(there != NULL ? names_text(there) : buf_str(&name)), 0, why));
	}
	if (is_damaged(c, n))
		note_damage(r, c);
	return add_body(r, c, why);
}

static enum status copy_body(void *arg, size_t i, struct fault *why)
{
	struct run *r = arg;
	struct body_copy c = { .file = &r->files[i], .fd = -1 };
	hash_init(&c.md5, HASH_MD5);
	enum status status = copy_pieces_of(r, &c, why);
	body_copy_deinit(&c);
	return status;
}

static enum status add_list(struct run *r, struct str text, struct fault *why)
{
	struct manifest *m = &r->manifest;
	if (m->n_lists == r->lists_cap) {
		size_t cap = r->lists_cap == 0 ? 64 : 2 * r->lists_cap;
		struct folder_list *lists = mem_resize(m->lists, cap, sizeof *lists);
		if (lists == NULL)
			return fault_no_memory(why);
		m->lists = lists;
		r->lists_cap = cap;
	}
	struct folder_list *list = &m->lists[m->n_lists];
	list->folder = r->folder;
	TRY(put_by_hash(r, "lists", &r->lists, text, &list->sha256, why));
	m->n_lists++;
	return OK;
}

static enum status copy_folder(struct run *r, struct fault *why)
{
	char memory[NAME_BYTES];
	struct buf name, list CLEANUP(buf_deinit);
	buf_init(&list, BACKUP_LIST_MAX);
	buf_init_fixed(&name, memory, sizeof memory);
	format_folder(&name, r->folder);
	TRY(r->o->target->ops->list(r->o->target, buf_str(&name), &r->existing, why));
	names_sort(&r->existing);
	TRY(parallel_run(&(struct parallel){ r->n_files, before_each, copy_body, r }, why));
	names_sort(&r->pieces);
	for (size_t i = 0; i < r->pieces.n; i++)
		BUF_PUT(&list, names_text(r->pieces.all[i]), STR("\n"));
	TRY(fault_check_buf(&list, why));
	names_deinit(&r->existing);
	names_deinit(&r->pieces);
	r->n_files = 0;
	return list.n > 0 ? add_list(r, buf_str(&list), why) : OK;
}

static enum status copy_bodies(struct run *r, struct fault *why)
{
	for (bool more = true; more;) {
		struct snapshot_file f;
		TRY(snapshot_next(r->snapshot, &f, &more, why));
		bool ends = r->n_files > 0 && (!more || f.file / BACKUP_FILES_PER_FOLDER != r->folder);
		if (ends)
			TRY(copy_folder(r, why));
		if (more && r->n_files == BACKUP_FILES_PER_FOLDER)
			return fault_set(why, DATA_DAMAGED, "The database names the file %llu more than once.", (unsigned long long)f.file);
		if (!more)
			break;
		r->folder = f.file / BACKUP_FILES_PER_FOLDER;
		r->files[r->n_files++] = f;
	}
	return OK;
}

/* the end */

static enum status copy_credentials(struct run *r, struct fault *why)
{
	struct buf text CLEANUP(buf_deinit);
	struct names there CLEANUP(names_deinit) = { 0 };
	buf_init(&text, SECRETS_MAX_BYTES);
	if (!r->o->secrets)
		return OK;
	enum status status = snapshot_credentials(r->snapshot, &text, why);
	if (status == OK)
		status = r->o->target->ops->list(r->o->target, STR("secrets"), &there, why);
	names_sort(&there);
	if (status == OK)
		status = put_by_hash(r, "secrets", &there, buf_str(&text), &r->manifest.credentials, why);
	secret_wipe(text.p, text.n);
	return status;
}

/* The time, or a second after the last snapshot where the clock was set back. */
static enum status choose_name(struct run *r, int64_t now_ms, struct fault *why)
{
	struct names all CLEANUP(names_deinit) = { 0 };
	int64_t last_ms = 0;
	TRY(snapshots_list(r->o->target, &all, why));
	if (all.n > 0 && clock_parse_amz_date(snapshots_time(all.all[all.n - 1]), &last_ms) && last_ms / 1000 >= now_ms / 1000)
		now_ms = last_ms + 1000;
	clock_amz_date(now_ms, r->result->name);
	return OK;
}

/* Check that the snapshots are of this server, and of no newer program: others would be removed with --keep. A damaged one is ignored. */
static enum status check_source(struct run *r, struct fault *why)
{
	struct names all CLEANUP(names_deinit) = { 0 };
	struct arena a CLEANUP(arena_deinit);
	struct manifest m;
	struct fault unread = { 0 };
	arena_init(&a, 2 * BACKUP_MANIFEST_MAX);
	r->manifest.source = snapshot_source(r->snapshot);
	TRY(snapshots_list(r->o->target, &all, why));
	if (all.n == 0)
		return OK;
	enum status status = snapshots_read(r->o->target, names_text(all.all[all.n - 1]), &a, &m, &unread);
	if (unread.code == F_SCHEMA_UNKNOWN)
		return fault_set(why, SCHEMA_UNKNOWN, "%s", unread.text);
	if (status != OK || m.source == r->manifest.source)
		return OK;
	return fault_set(why, BAD_SETTING, "The destination has backups of another server; name one for this server alone.");
}

static enum status put_manifest(struct run *r, int64_t now_ms, struct fault *why)
{
	char created[ISO8601_CHARS + 1], memory[NAME_BYTES];
	struct manifest *m = &r->manifest;
	struct buf text CLEANUP(buf_deinit), name;
	buf_init(&text, BACKUP_MANIFEST_MAX);
	clock_iso8601(now_ms, created);
	m->created = str_of(created);
	m->program = STR(VERSION);
	m->schema = (uint64_t)snapshot_schema(r->snapshot);
	m->objects = r->result->objects;
	m->object_bytes = r->result->object_bytes;
	m->missing = r->result->missing;
	m->secrets = r->o->secrets;
	manifest_write(&text, m);
	TRY(fault_check_buf(&text, why));
	TRY(choose_name(r, now_ms, why));
	buf_init_fixed(&name, memory, sizeof memory);
	buf_printf(&name, "snapshots/%s", r->result->name);
	TRY(r->o->target->ops->flush(r->o->target, why));
	TRY(put_named(r->o->target, &name, buf_str(&text), why));
	return r->o->target->ops->flush(r->o->target, why);
}

static enum status make_snapshot(struct run *r, struct fault *why)
{
	const struct snapshot_options o = {
		.dir = r->o->dir, .copy = r->o->scratch, .secrets = r->o->secrets, .proceed = keep_lock, .arg = (void *)r->o
	};
	int64_t now_ms = clock_now_ms();
	TRY(snapshot_take(&o, &r->snapshot, why));
	TRY(check_source(r, why));
	TRY(r->o->target->ops->list(r->o->target, STR("lists"), &r->lists, why));
	names_sort(&r->lists);
	TRY(copy_database(r, why));
	TRY(copy_bodies(r, why));
	TRY(copy_credentials(r, why));
	TRY(before_each(r, why)); /* the hold was kept all the time, and the lock: */
	TRY(r->o->target->ops->renew(r->o->target, true, why));
	return put_manifest(r, now_ms, why);
}

enum status backup_run(const struct backup_options *o, struct backup_result *out, struct fault *why)
{
	assert(o != NULL && o->dir != NULL && o->scratch != NULL && o->target != NULL && out != NULL);
	struct run *r = mem_new(1, sizeof *r);
	*out = (struct backup_result){ 0 };
	if (r == NULL)
		return fault_no_memory(why);
	r->o = o;
	r->result = out;
	arena_init(&r->texts, TEXTS_BYTES);
	pthread_mutex_init(&r->lock, NULL);
	enum status status = make_snapshot(r, why);
	out->written_bytes = atomic_load(&o->target->written);
	snapshot_free(&r->snapshot);
	names_deinit(&r->lists);
	names_deinit(&r->existing);
	names_deinit(&r->pieces);
	arena_deinit(&r->texts);
	mem_free(r->manifest.lists);
	mem_free(r->hashes);
	pthread_mutex_destroy(&r->lock);
	mem_free(r);
	return status;
}
