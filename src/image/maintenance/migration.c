/* The pass: an index of the destination is made, the source is walked and compared with it, and what was not met in the source is removed.
 * Rows that differ are copied by several threads, a page at a time: the object first, then the row that names it. See migration.h;
 * owners, API keys and events are in migration_others.c. */
#include "image/maintenance/migration.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/thread.h"
#include "image/maintenance/migration_index.h"
#include "image/maintenance/migration_others.h"
#include "image/page_cursor.h"
#include "image/publication.h"
#include "image/verdict.h"

#include <stdatomic.h>
#include <string.h>

#define PAGE_BYTES ((size_t)64 << 20)
#define ROW_BYTES ((size_t)256 << 10)
#define LIST_BYTES ((size_t)8 << 20)
#define LIST_OBJECTS 1000
#define JOBS_MAX 64
#define KEPT_SPARE_MS 60000              /* ids that are kept no longer than this are left alone */
#define LARGE_BYTES ((uint64_t)64 << 20) /* objects of more are copied one at a time, so that memory does not grow with the jobs */

struct pass {
	const struct migration_options *o;
	struct migration_result *r; /* under the lock while threads run */
	struct migration_index index;
	pthread_mutex_t lock, large;
	int64_t now_ms;
};

static enum status check_stop(const struct migration_options *o, struct fault *why)
{
	return o->stop != NULL && o->stop(o->arg) ? fault_stopped(why) : OK;
}

/* Every page of a walk. */
static enum status each_page(struct pass *p, struct transfer *t,
	enum status (*visit)(struct pass *, const struct transfer_page *, struct fault *), struct fault *why)
{
	struct page_cursor cursor CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	do {
		struct arena a CLEANUP(arena_deinit);
		struct transfer_page page;
		arena_init(&a, PAGE_BYTES);
		TRY(check_stop(p->o, why));
		TRY(transfer_walk(t, cursor.text, &a, &page, why));
		TRY(visit(p, &page, why));
		TRY(page_cursor_set(&cursor, page.next_cursor, why));
	} while (cursor.text.n > 0);
	return OK;
}

/* the index */

static enum status index_rows(struct pass *p, const struct transfer_page *page, struct fault *why)
{
	for (size_t i = 0; i < page->n; i++) {
		unsigned char id[MIGRATION_ID_BYTES];
		if (!uuid_to_bytes(page->entries[i].row.image_id, id))
			continue;
		struct migration_entry *e = migration_index_add(&p->index, id);
		if (e == NULL)
			return fault_no_memory(why);
		e->row = migration_digest_row(&page->entries[i]);
		e->kept = page->entries[i].kept_ms > 0;
	}
	return OK;
}

static enum status index_objects(struct pass *p, struct fault *why)
{
	struct object_store *store = p->o->to.product->store;
	struct page_cursor after CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	for (bool more = true; more;) {
		struct arena a CLEANUP(arena_deinit);
		struct object_page page;
		arena_init(&a, LIST_BYTES);
		TRY(check_stop(p->o, why));
		TRY(store_list(store, IMAGE_PREFIX, after.text, LIST_OBJECTS, &a, &page, why));
		for (size_t i = 0; i < page.n; i++) {
			unsigned char id[MIGRATION_ID_BYTES];
			struct migration_entry *e = NULL;
			if (uuid_to_bytes(image_id_of_key(page.objects[i].key), id))
				e = migration_index_find(&p->index, id);
			if (e != NULL)
				e->object = migration_digest_object(page.objects[i].size, page.objects[i].etag);
		}
		more = page.more && page.n > 0;
		if (more)
			TRY(page_cursor_set(&after, page.objects[page.n - 1].key, why));
	}
	return OK;
}

/* one image */

/* Unless the image was deleted or changed since its row was read. */
static void note_damaged(struct pass *p, const struct image_row *row, const char *text)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row now;
	struct fault why;
	arena_init(&a, ROW_BYTES);
	if (table_get(p->o->from.product->table, row->image_id, &a, &now, &why) != OK || now.version != row->version)
		return;
	pthread_mutex_lock(&p->lock);
	p->r->damaged++;
	if (p->o->damaged != NULL)
		p->o->damaged(p->o->arg, row->image_id, text);
	pthread_mutex_unlock(&p->lock);
}

static struct str md5_hex(struct str bytes, char out[2 * MD5_BYTES + 1])
{
	unsigned char digest[MD5_BYTES];
	struct hash h;
	hash_init(&h, HASH_MD5);
	hash_update(&h, bytes.p, bytes.n);
	hash_final(&h, digest);
	hex_encode(digest, sizeof digest, out);
	return str_of(out);
}

/* Write an object and see that it is there as it was sent. */
static enum status put_object(struct pass *p, const struct object *o, struct str type, struct arena *a, struct fault *why)
{
	struct object_store *to = p->o->to.product->store;
	struct object_info there;
	char md5[2 * MD5_BYTES + 1];
	TRY(store_put(to, o->info.key, type, o->body, why));
	TRY(store_head(to, o->info.key, a, &there, why));
	if (there.size == o->body.n && str_equal(there.etag, md5_hex(o->body, md5)))
		return OK;
	return fault_set(why, MIGRATION_DIFFERS,
		"The destination has stored %.*s with another size or ETag than it was sent. ETags must be MD5 digests: a bucket must not encrypt "
		"with keys of KMS.",
		STRF(o->info.key));
}

/* Copy an image's object, if the source has it.
 * good  false: there is none, or not of the bytes that the row has the ETag of */
static enum status copy_object(struct pass *p, const struct image_row *row, uint64_t most, bool *good, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object o;
	char md5[2 * MD5_BYTES + 1];
	arena_init(&a, most + ROW_BYTES);
	enum status got = store_get(p->o->from.product->store, row->key, most, &a, &o, why);
	*good = false;
	if (got == NOT_FOUND && why->code == F_NO_SUCH_KEY) {
		if (row->status == IMAGE_UPLOADED)
			note_damaged(p, row, "its object is missing");
		return OK;
	}
	TRY(got);
	o.info.key = row->key;
	*good = row->status != IMAGE_UPLOADED || str_equal(row->etag, md5_hex(o.body, md5));
	if (!*good)
		note_damaged(p, row, "its bytes are not those that its row has the ETag of; they are copied as they are");
	TRY(put_object(p, &o, o.info.content_type.n > 0 ? o.info.content_type : row->file_type, &a, why));
	pthread_mutex_lock(&p->lock);
	p->r->copied_bytes += o.body.n;
	pthread_mutex_unlock(&p->lock);
	return OK;
}

/* The object of an uploaded image, large ones one at a time. */
static enum status copy_uploaded(struct pass *p, const struct image_row *row, bool *good, struct fault *why)
{
	bool is_large = row->file_size > LARGE_BYTES;
	if (is_large)
		pthread_mutex_lock(&p->large);
	enum status end = copy_object(p, row, row->file_size, good, why);
	if (is_large)
		pthread_mutex_unlock(&p->large);
	if (end != LIMIT || why->code != F_IMAGE_TOO_LARGE)
		return end;
	*good = false;
	note_damaged(p, row, "its object has more bytes than its row says; it is not copied");
	return OK;
}

/* Bytes that came for a slot and were not verified yet: the destination verifies them. The embedded store has none. */
static enum status copy_unverified(
	struct pass *p, const struct image_row *row, const struct migration_entry *e, bool *copied, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct object_info there;
	if (!p->o->is_closed || !p->o->from.product->objects_change)
		return OK;
	arena_init(&a, ROW_BYTES);
	enum status got = store_head(p->o->from.product->store, row->key, &a, &there, why);
	if (got == NOT_FOUND)
		return OK;
	TRY(got);
	if (e != NULL && e->object == migration_digest_object(there.size, there.etag))
		return OK;
	return copy_object(p, row, there.size, copied, why);
}

/* The row as the destination has it: what depends on its store is its own. */
static enum status put_row(struct pass *p, const struct transfer_entry *from, struct fault *why)
{
	struct product *to = p->o->to.product;
	struct arena a CLEANUP(arena_deinit);
	struct transfer_entry e = *from;
	arena_init(&a, ROW_BYTES);
	e.row.thumbs = STR("");
	e.row.modified_ms = 0;
	if (to->objects_change && e.row.status == IMAGE_UPLOADED && e.kept_ms == 0) {
		struct object_info there;
		enum status got = store_head(to->store, e.row.key, &a, &there, why);
		if (got != OK && got != NOT_FOUND)
			return got;
		e.row.modified_ms = got == OK ? there.modified_ms : 0;
	}
	TRY(transfer_put(p->o->to.transfer, &e, why));
	return e.kept_ms == 0 && e.row.is_public ? publication_update(to, &e.row, PUBLICATION_CHECK, why) : OK;
}

/* What the destination has of an image that the source does not have any more. */
static enum status remove_image(struct pass *p, struct str id, struct fault *why)
{
	struct product *to = p->o->to.product;
	struct arena a CLEANUP(arena_deinit);
	struct image_row row;
	arena_init(&a, ROW_BYTES);
	enum status got = table_get(to->table, id, &a, &row, why);
	if (got == NOT_FOUND)
		return OK;
	TRY(got);
	if (row.is_public)
		TRY(publication_remove(to, id, true, why));
	got = table_remove(to->table, id, 0, why);
	return got == OK || got == NOT_FOUND ? store_remove(to->store, row.key, why) : got;
}

/* The object first, then the row: of a copy that is cut off no row is left without its object.
 * e  what the destination has of it; NULL: nothing */
static enum status copy_image(struct pass *p, const struct transfer_entry *from, const struct migration_entry *e, struct fault *why)
{
	const struct image_row *row = &from->row;
	bool is_row = from->kept_ms == 0, copied = false, same_row = e != NULL && e->row == migration_digest_row(from);
	if (!is_row && e != NULL && !e->kept)
		TRY(remove_image(p, row->image_id, why));
	if (is_row && row->status == IMAGE_UPLOADED && (e == NULL || e->object != migration_digest_object(row->file_size, row->etag)))
		TRY(copy_uploaded(p, row, &copied, why));
	if (is_row && row->status == IMAGE_PENDING)
		TRY(copy_unverified(p, row, e, &copied, why));
	if (same_row && !copied)
		return OK;
	TRY(put_row(p, from, why));
	pthread_mutex_lock(&p->lock);
	p->r->copied++;
	pthread_mutex_unlock(&p->lock);
	return OK;
}

/* the copies of a page */

struct copy {
	const struct transfer_entry *from;
	const struct migration_entry *e; /* the index does not grow meanwhile */
};

struct copies {
	struct pass *p;
	struct copy *all;
	size_t n;
	atomic_size_t next;
	atomic_bool failed;
	struct fault why; /* under the lock of the pass: the first failure */
};

static void *run_copies(void *arg)
{
	struct copies *c = arg;
	for (size_t i; !atomic_load(&c->failed) && (i = atomic_fetch_add(&c->next, 1)) < c->n;) {
		struct fault why = { 0 };
		enum status end = check_stop(c->p->o, &why);
		if (end == OK)
			end = copy_image(c->p, c->all[i].from, c->all[i].e, &why);
		if (end == OK)
			continue;
		pthread_mutex_lock(&c->p->lock);
		if (!atomic_exchange(&c->failed, true))
			c->why = why;
		pthread_mutex_unlock(&c->p->lock);
	}
	return NULL;
}

static enum status copy_all(struct copies *c, struct fault *why)
{
	pthread_t threads[JOBS_MAX];
	unsigned n = 0;
	while (n + 1 < c->p->o->jobs && n + 1 < c->n && n < JOBS_MAX && thread_start(&threads[n], run_copies, c))
		n++;
	(void)run_copies(c);
	while (n > 0)
		pthread_join(threads[--n], NULL);
	if (!atomic_load(&c->failed))
		return OK;
	*why = c->why;
	return fault_status(c->why.code);
}

/* the source */

static int64_t later_of(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

/* Until when bytes may come for an image: for a slot, and where an object can be replaced, for an image too. */
static void note_url(struct pass *p, const struct image_row *row)
{
	const struct migration_options *o = p->o;
	int64_t until_ms = row->expires_ms;
	bool open = row->status == IMAGE_PENDING || (row->status == IMAGE_UPLOADED && o->from.product->objects_change);
	if (row->status == IMAGE_PENDING && row->request_hash.n > 0)
		until_ms = later_of(until_ms, o->renewed_until_ms < row->ends_ms ? o->renewed_until_ms : row->ends_ms);
	if (open)
		p->r->urls_until_ms = later_of(p->r->urls_until_ms, until_ms);
}

static void count_row(struct migration_result *r, const struct image_row *row)
{
	r->rows++;
	r->uploaded += row->status == IMAGE_UPLOADED;
	r->bytes += row->status == IMAGE_UPLOADED ? row->file_size : 0;
}

/* Whether there may be something to do about a row of the source. */
static bool may_differ(const struct pass *p, const struct transfer_entry *from, const struct migration_entry *e)
{
	const struct image_row *row = &from->row;
	if (e == NULL || e->row != migration_digest_row(from))
		return from->kept_ms == 0 || from->kept_ms > p->now_ms + KEPT_SPARE_MS;
	if (from->kept_ms > 0)
		return false;
	if (row->status == IMAGE_PENDING)
		return p->o->is_closed && p->o->from.product->objects_change;
	return row->status == IMAGE_UPLOADED && e->object != migration_digest_object(row->file_size, row->etag);
}

static enum status compare_page(struct pass *p, const struct transfer_page *page, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, PAGE_BYTES);
	struct copies c = { .p = p, .all = arena_array(&a, page->n + 1, sizeof *c.all) };
	TRY(fault_check_arena(&a, why));
	for (size_t i = 0; i < page->n; i++) {
		const struct transfer_entry *from = &page->entries[i];
		unsigned char id[MIGRATION_ID_BYTES];
		if (!uuid_to_bytes(from->row.image_id, id))
			return fault_set(
				why, INVALID_INPUT, "The source has a row whose id is not a UUID: %.*s.", STRF(str_slice(from->row.image_id, 0, 40)));
		struct migration_entry *e = migration_index_find(&p->index, id);
		if (e != NULL)
			e->seen = true;
		if (from->kept_ms == 0) {
			count_row(p->r, &from->row);
			note_url(p, &from->row);
		}
		if (may_differ(p, from, e))
			c.all[c.n++] = (struct copy){ from, e };
	}
	TRY(copy_all(&c, why));
	if (p->o->progress != NULL)
		p->o->progress(p->o->arg, p->r);
	return OK;
}

/* A row that came to the source after the walk had passed its place was not met either. */
static enum status remove_unseen(struct pass *p, struct fault *why)
{
	for (size_t i = 0; i < p->index.room; i++) {
		const struct migration_entry *e = &p->index.entries[i];
		struct arena a CLEANUP(arena_deinit) = { 0 };
		struct image_row row;
		char id[UUID_CHARS + 1];
		if (!e->used || e->seen || e->kept)
			continue;
		TRY(check_stop(p->o, why));
		arena_init(&a, ROW_BYTES);
		uuid_of_bytes(e->id, id);
		enum status got = table_get(p->o->from.product->table, str_of(id), &a, &row, why);
		if (got != OK && got != NOT_FOUND)
			return got;
		if (got == OK)
			continue;
		TRY(remove_image(p, str_of(id), why));
		p->r->removed++;
	}
	return OK;
}

static enum status run_pass(struct pass *p, struct fault *why)
{
	TRY(each_page(p, p->o->to.transfer, index_rows, why));
	TRY(index_objects(p, why));
	TRY(migration_copy_users(p->o, p->r, why));
	TRY(each_page(p, p->o->from.transfer, compare_page, why));
	TRY(remove_unseen(p, why));
	TRY(migration_copy_api_keys(p->o, p->r, why));
	return p->o->is_closed ? migration_copy_events(p->o, p->r, why) : OK;
}

enum status migration_pass(const struct migration_options *o, struct migration_result *out, struct fault *why)
{
	assert(o != NULL && o->jobs >= 1 && out != NULL && why != NULL);
	struct pass p = { .o = o, .r = out, .now_ms = clock_now_ms() };
	*out = (struct migration_result){ 0 };
	pthread_mutex_init(&p.lock, NULL);
	pthread_mutex_init(&p.large, NULL);
	enum status end = run_pass(&p, why);
	pthread_mutex_destroy(&p.large);
	pthread_mutex_destroy(&p.lock);
	migration_index_deinit(&p.index);
	return end;
}
