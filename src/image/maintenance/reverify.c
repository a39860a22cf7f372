/* See reverify.h. Memory: a page of rows, and one image with what is kept of it. */
#include "image/maintenance/reverify.h"

#include "base/clock.h"
#include "image/probe/probe.h"
#include "image/thumbnails.h"
#include "image/verdict.h"
#include "image/verify.h"

#include <string.h>

#define PAGE_ROWS 100
#define PAGE_BYTES ((size_t)4 << 20)
#define ROW_BYTES ((size_t)64 << 10)
#define BUSY_MS 500 /* before an image for which no renderer was free is tried again */
#define BUSY_TRIES 60

/* One image that is being worked on. */
struct step {
	const struct reverify_options *o;
	struct product product; /* the options', with strip as they say */
	const struct image_row *row;
	struct received_bytes what; /* what is to be stored of it */
	struct str stored;          /* its bytes as they are */
	struct resolution s;
	struct image_row now; /* afterwards */
	struct arena arena;   /* of texts and the object */
	struct buf kept;
	bool stop;
};

static bool strips(const struct reverify_options *o, const struct image_row *row)
{
	return o->strip && !row->stripped;
}

/* Damaged ones stay as they are. */
static bool is_due(const struct reverify_options *o, const struct image_row *row)
{
	return thumbnails_possible(row) && (row->verdict.n == 0 || strips(o, row));
}

static enum status decode(struct step *t, struct str bytes, struct renderer_result *found, struct fault *why)
{
	struct renderer_job job = { .ops = RENDER_CHECK | RENDER_HASH, .fd = -1, .bytes = bytes };
	if (!verdict_media_kind(t->row->file_type, &job.kind) || bytes.n == 0)
		return fault_set(why, STORAGE_FAILED, "The object is empty.");
	for (int i = 0;; i++) {
		enum status st = renderer_run(t->product.renderer, &job, &t->arena, found, why);
		if (st == OK || why->code != F_OVERLOADED || i == BUSY_TRIES)
			return st;
		t->stop = !t->o->wait(t->o->arg, clock_mono_ms() + BUSY_MS);
		if (t->stop)
			return st;
	}
}

/* Its bytes, if they are those that the row describes, or will describe once the object has been replaced. */
static enum status read_image(struct step *t, struct fault *why)
{
	const struct image_row *row = t->row;
	struct object object;
	uint64_t most = t->product.rules.max_size_bytes;
	most = row->file_size > most ? row->file_size : most;
	most = row->received_size > most ? row->received_size : most;
	arena_init(&t->arena, (size_t)most + ROW_BYTES);
	buf_init(&t->kept, (size_t)most + ROW_BYTES);
	TRY(store_get(t->product.store, row->key, most, &t->arena, &object, why));
	t->stored = object.body;
	t->what = (struct received_bytes){ .bytes = object.body, .etag = object.info.etag, .modified_ms = row->modified_ms };
	if (strips(t->o, row))
		TRY(verify_strip(&t->product, row, &t->arena, &t->kept, &t->what, why));
	bool expected = str_equal(object.info.etag, row->etag) || (t->what.etag.n > 0 && str_equal(t->what.etag, row->etag));
	return expected ? OK : fault_set(why, STATE_CHANGED, "The object is not the one that its row describes.");
}

/* What is stored of it from now on. */
static void take_stripped(struct step *t)
{
	struct probe p = { 0 };
	t->s.file_size = t->what.bytes.n;
	t->s.etag = t->what.etag;
	t->s.modified_ms = t->what.modified_ms;
	t->s.received_size = t->what.received_size;
	t->s.received_sha256 = t->what.received_sha256;
	t->s.removed = t->what.removed;
	t->s.kept_metadata = t->what.kept_metadata;
	t->s.stripped = true;
	if (probe_image(t->what.bytes, &p) == PROBE_OK)
		t->s.orientation = p.orientation; /* that of a WebP is removed: no browser applies it */
}

static enum status replace_local(struct step *t, struct fault *why)
{
	struct incoming *in = NULL;
	struct object_commit commit = {
		.bucket = t->o->bucket, .key = t->row->key, .content_type = t->row->file_type, .resolve = &t->s, .arena = &t->arena, .now = &t->now
	};
	TRY(bucket_begin(t->o->buckets, t->what.bytes.n, &in, why));
	enum status st = bucket_write(in, t->what.bytes.p, t->what.bytes.n, why);
	if (st == OK)
		st = bucket_finish(&in, &commit, why);
	bucket_abandon(&in);
	return st;
}

/* The row, the object, and the row again. An image that is deleted in between leaves no object. */
static enum status replace_remote(struct step *t, struct fault *why)
{
	struct resolution announced = t->s;
	announced.stripped = false;
	TRY(table_resolve(t->product.table, &announced, &t->arena, &t->now, why));
	TRY(store_put(t->product.store, t->row->key, t->row->file_type, t->what.bytes, why));
	t->s.replaces = t->s.etag;
	enum status st = table_resolve(t->product.table, &t->s, &t->arena, &t->now, why);
	struct fault unseen = { 0 };
	if (st == NOT_FOUND && store_remove(t->product.store, t->row->key, &unseen) != OK)
		*why = unseen;
	return st;
}

static enum status replace_image(struct step *t, struct fault *why)
{
	if (t->what.bytes.p == t->stored.p)
		return table_resolve(t->product.table, &t->s, &t->arena, &t->now, why);
	return t->o->buckets != NULL ? replace_local(t, why) : replace_remote(t, why);
}

/* What is stored afterwards is decoded. Only where that is not whole, what is there is: stripping must not harm an image. */
static enum status run_step(struct step *t, enum render_verdict *verdict, struct fault *why)
{
	struct renderer_result found;
	TRY(read_image(t, why));
	TRY(decode(t, t->what.bytes, &found, why));
	bool whole = found.answer.verdict <= RENDER_BLEMISHED;
	if (!whole && t->what.bytes.p != t->stored.p)
		TRY(decode(t, t->stored, &found, why));
	*verdict = found.answer.verdict;
	if (*verdict == RENDER_LIMIT)
		return OK;
	t->s = resolution_of(t->row);
	verdict_of_stored(&found.answer, &t->arena, &t->s);
	if (whole && t->what.stripped)
		take_stripped(t);
	TRY(fault_check_arena(&t->arena, why));
	return whole ? replace_image(t, why) : table_resolve(t->product.table, &t->s, &t->arena, &t->now, why);
}

static void count_step(struct step *t, enum status st, enum render_verdict verdict, const struct fault *why, struct reverify_result *out)
{
	uint64_t *const counts[] = { [RENDER_INTACT] = &out->ok,
		[RENDER_BLEMISHED] = &out->recoverable,
		[RENDER_BROKEN] = &out->corrupt,
		[RENDER_LIMIT] = &out->over_limit };
	bool gone = st == CONFLICT || (st == NOT_FOUND && why->code == F_NO_SUCH_IMAGE), failed = st != OK && !gone;
	++*(failed ? &out->failed : gone ? &out->changed : counts[verdict]);
	out->stripped += st == OK && verdict <= RENDER_BLEMISHED && t->now.stripped && !t->row->stripped;
	bool corrupt = st == OK && verdict == RENDER_BROKEN;
	t->o->progress(t->o->arg, out, corrupt ? &t->now : failed ? t->row : NULL, failed ? why : NULL);
}

/* false: stop. */
static bool do_image(const struct reverify_options *o, const struct image_row *row, struct reverify_result *out)
{
	struct fault why = { 0 };
	enum render_verdict verdict = RENDER_LIMIT;
	struct step t = { .o = o, .product = *o->product, .row = row };
	t.product.rules.strip = o->strip;
	enum status st = run_step(&t, &verdict, &why);
	if (!t.stop) {
		out->seen++;
		count_step(&t, st, verdict, &why, out);
	}
	arena_deinit(&t.arena);
	buf_deinit(&t.kept);
	return !t.stop;
}

/* The images of one page; false: stop. next_ms: before it no other is begun. */
static bool do_page(const struct reverify_options *o, const struct image_page *page, int64_t *next_ms, struct reverify_result *out)
{
	for (size_t i = 0; i < page->n; i++) {
		const struct image_row *row = &page->rows[i];
		bool due = is_due(o, row);
		if (!o->wait(o->arg, due ? *next_ms : 0))
			return false;
		if (due) {
			*next_ms = clock_mono_ms() + (1000 + o->per_second - 1) / o->per_second;
			if (!do_image(o, row, out))
				return false;
			continue;
		}
		out->seen++;
		out->before++;
		o->progress(o->arg, out, NULL, NULL);
	}
	return true;
}

enum status reverify_run(const struct reverify_options *o, struct reverify_result *out, bool *stopped, struct fault *why)
{
	assert(o != NULL && out != NULL && stopped != NULL && o->wait != NULL && o->progress != NULL);
	assert(o->product != NULL && o->product->renderer != NULL && (o->buckets == NULL || o->bucket.n > 0));
	assert(o->per_second >= 1 && o->per_second <= REVERIFY_RATE_MAX);
	struct image_counts counts = { 0 };
	char cursor[512];
	struct str after = STR("");
	int64_t next_ms = 0;
	*out = (struct reverify_result){ 0 };
	*stopped = false;
	if (table_counts(o->product->table, &counts, NULL) == OK)
		out->total = counts.uploaded;
	do {
		struct arena a CLEANUP(arena_deinit);
		struct image_page page;
		arena_init(&a, PAGE_BYTES);
		TRY(table_list(o->product->table, &(struct image_query){ .limit = PAGE_ROWS, .cursor = after }, &a, &page, why));
		*stopped = !do_page(o, &page, &next_ms, out);
		assert(page.next_cursor.n < sizeof cursor);
		if (page.next_cursor.n > 0)
			memcpy(cursor, page.next_cursor.p, page.next_cursor.n);
		after = (struct str){ cursor, page.next_cursor.n };
	} while (after.n > 0 && !*stopped);
	return OK;
}

static bool never_wait(void *arg, int64_t until_ms)
{
	return false;
}

enum status reverify_image(const struct reverify_options *o, struct str image_id, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(o != NULL && o->product != NULL && a != NULL && now != NULL);
	struct reverify_options alone = { .product = o->product, .buckets = o->buckets, .bucket = o->bucket, .wait = never_wait };
	struct image_row row;
	enum render_verdict verdict = RENDER_LIMIT;
	enum render_kind kind;
	if (o->product->renderer == NULL)
		return fault_set(why, NOT_HERE, "This server decodes no images (--verify header): start it with --verify decode.");
	TRY(table_get(o->product->table, image_id, a, &row, why));
	if (row.status != IMAGE_UPLOADED)
		return fault_set(
			why, STATE_CHANGED, "The image is %.*s: only uploaded images are verified again.", STRF(image_status_name(row.status)));
	if (!verdict_media_kind(row.file_type, &kind))
		return fault_set(why, NOT_HERE, "Images of the type %.*s are not decoded here.", STRF(row.file_type));
	struct step t = { .o = &alone, .product = *o->product, .row = &row };
	t.product.rules.strip = false;
	enum status st = run_step(&t, &verdict, why);
	arena_deinit(&t.arena);
	buf_deinit(&t.kept);
	TRY(st);
	if (verdict == RENDER_LIMIT)
		return fault_set(why, TOO_MUCH, "Decoding it needs more than --max-pixels and --render-memory allow.");
	return table_get(o->product->table, image_id, a, now, why);
}
