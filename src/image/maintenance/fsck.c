/* The walk over all items. See fsck.h.
 *
 * Each thread takes the next item, examines it, and comes back; the thread that finds a page used up reads the next one.
 * Memory: a page of items, one object of a remote store or a piece of a file for each thread, and the names of what was found. */
#include "image/maintenance/fsck.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "image/maintenance/fsck_items.h"
#include "image/publication.h"
#include "image/thumb_objects.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE_ROWS 200
#define PAGE_BYTES ((size_t)64 << 20)
#define NAMES_BYTES ((size_t)256 << 20)
#define SLICE_MS 50

/* What was found for the first time. */
struct suspect {
	struct str item, subject;
	bool confirmed; /* found again */
};

enum source { SOURCE_BACKEND, SOURCE_IMAGES, SOURCE_KEYS, SOURCE_THUMBS, SOURCE_COPIES, SOURCE_USERS, SOURCES };

struct walk {
	const struct fsck_options *o;
	struct fsck_result *result;
	struct fsck_items *items;
	pthread_mutex_t lock; /* all that follows */
	struct fault first;   /* the first failure; code NONE while there is none */
	bool again;           /* the second time, over what was found */
	/* the page that is used up */
	enum source source;
	struct arena page;
	struct str *names;
	struct image_row *rows; /* NULL: the items are names alone */
	size_t n, next;
	struct str cursor; /* of the page after it, in `last`; "": the source begins */
	struct arena last;
	bool more; /* the source has another page */
	struct suspect *suspects;
	size_t n_suspects, cap_suspects;
	int64_t found_ms; /* the last of them */
	size_t checked;   /* of the suspects, whose items were taken again */
};

void fsck_items_deinit(struct fsck_items *items)
{
	assert(items != NULL);
	arena_deinit(&items->arena);
	*items = (struct fsck_items){ 0 };
}

static bool is_stopped(const struct walk *w)
{
	return w->o->stop != NULL && w->o->stop(w->o->arg);
}

/* pages */

static enum status page_of_backend(struct walk *w, struct str *cursor, struct fault *why)
{
	struct check_items page = { 0 };
	if (w->o->check != NULL)
		TRY(check_list(w->o->check, w->cursor, &w->page, &page, why));
	w->names = page.names;
	w->n = page.n;
	*cursor = page.cursor;
	return OK;
}

static enum status page_of_images(struct walk *w, struct str *cursor, struct fault *why)
{
	struct image_page page;
	const struct image_query q = { .status = LIST_UPLOADED, .limit = PAGE_ROWS, .cursor = w->cursor };
	TRY(table_list(w->o->product->table, &q, &w->page, &page, why));
	if (page.has_total && w->cursor.n == 0)
		w->result->total = page.total;
	w->rows = page.rows;
	w->n = page.n;
	*cursor = page.next_cursor;
	return OK;
}

static enum status page_of_keys(struct walk *w, struct str prefix, struct str *cursor, struct fault *why)
{
	struct object_page page;
	TRY(store_list(w->o->product->store, prefix, w->cursor, PAGE_ROWS, &w->page, &page, why));
	w->names = arena_array(&w->page, page.n, sizeof *w->names);
	for (size_t i = 0; w->names != NULL && i < page.n; i++)
		w->names[i] = STR_CONCAT(&w->page, STR("key/"), page.objects[i].key);
	w->n = page.n;
	*cursor = page.more && page.n > 0 ? page.objects[page.n - 1].key : STR("");
	return OK;
}

static enum status read_page(struct walk *w, struct str *cursor, struct fault *why)
{
	static struct str users = { "users", 5 };
	bool remote = w->o->check == NULL;
	switch (w->source) {
	case SOURCE_BACKEND:
		return page_of_backend(w, cursor, why);
	case SOURCE_IMAGES:
		return page_of_images(w, cursor, why);
	case SOURCE_KEYS:
		return page_of_keys(w, IMAGE_PREFIX, cursor, why);
	case SOURCE_THUMBS:
		return remote ? page_of_keys(w, THUMB_PREFIX, cursor, why) : OK;
	case SOURCE_COPIES:
		return remote && w->o->product->cdn != NULL ? page_of_keys(w, PUBLIC_PREFIX, cursor, why) : OK;
	case SOURCE_USERS:
		w->names = &users;
		w->n = 1;
		return OK;
	case SOURCES:
		break;
	}
	return OK;
}

/* The page after the one that is used up, of the same source or of the next. */
static enum status turn_page(struct walk *w, struct fault *why)
{
	struct str cursor = STR("");
	if (!w->more) {
		w->source++;
		w->cursor = STR("");
	}
	arena_deinit(&w->page);
	arena_init(&w->page, PAGE_BYTES);
	w->names = NULL;
	w->rows = NULL;
	w->n = w->next = 0;
	TRY(read_page(w, &cursor, why));
	TRY(fault_check_arena(&w->page, why));
	w->more = cursor.n > 0;
	arena_deinit(&w->last);
	arena_init(&w->last, PAGE_BYTES);
	w->cursor = str_dup(&w->last, cursor);
	return fault_check_arena(&w->last, why);
}

/* The next item of the first walk, or with an empty name none. */
static enum status next_item(struct walk *w, struct arena *a, struct fsck_item *out, struct fault *why)
{
	while (w->next == w->n && (w->more || w->source + 1 < SOURCES))
		TRY(turn_page(w, why));
	if (w->next == w->n)
		return OK;
	size_t i = w->next++;
	if (w->rows == NULL) {
		out->name = str_dup(a, w->names[i]);
		return fault_check_arena(a, why);
	}
	struct image_row *row = ARENA_NEW(a, struct image_row);
	if (row == NULL)
		return fault_too_much(why);
	*row = image_row_dup(&w->rows[i], a);
	out->row = row;
	out->name = STR_CONCAT(a, STR("image/"), row->image_id);
	w->result->images++;
	return fault_check_arena(a, why);
}

/* The next item of those in which something was found, each once: they are in order. */
static void next_suspect(struct walk *w, struct arena *a, struct fsck_item *out)
{
	if (w->checked == w->n_suspects)
		return;
	struct str item = w->suspects[w->checked].item;
	while (w->checked < w->n_suspects && str_equal(w->suspects[w->checked].item, item))
		w->checked++;
	out->name = str_dup(a, item);
}

/* false: there are no more, or it ends. */
static bool take_item(struct walk *w, struct arena *a, struct fsck_item *out)
{
	struct fault why = { 0 };
	*out = (struct fsck_item){ 0 };
	pthread_mutex_lock(&w->lock);
	enum status st = OK;
	if (w->first.code == F_NONE && !is_stopped(w) && !w->result->too_many) {
		if (w->again)
			next_suspect(w, a, out);
		else
			st = next_item(w, a, out, &why);
	}
	if (st != OK)
		w->first = why;
	pthread_mutex_unlock(&w->lock);
	return st == OK && out->name.n > 0;
}

/* what is found */

struct walk_sink {
	struct finding_sink sink;
	struct walk *walk;
	struct str item;
};

static int by_item(const void *x, const void *y)
{
	const struct suspect *a = x, *b = y;
	int order = str_compare(a->item, b->item);
	return order != 0 ? order : str_compare(a->subject, b->subject);
}

static void suspect_item(struct walk *w, struct str item, struct str subject)
{
	struct arena *a = &w->items->arena;
	w->result->too_many = w->result->too_many || w->n_suspects == FSCK_FOUND_MAX;
	if (w->result->too_many)
		return;
	if (w->n_suspects == w->cap_suspects) {
		size_t cap = w->cap_suspects == 0 ? 64 : 2 * w->cap_suspects;
		struct suspect *all = mem_resize(w->suspects, cap, sizeof *all);
		if (all == NULL) {
			(void)!fault_no_memory(&w->first);
			return;
		}
		w->suspects = all;
		w->cap_suspects = cap;
	}
	w->suspects[w->n_suspects++] = (struct suspect){ .item = str_dup(a, item), .subject = str_dup(a, subject) };
	w->found_ms = clock_mono_ms();
}

static void confirm_item(struct walk *w, const struct suspect *s, const struct finding *f)
{
	struct suspect *known = w->n_suspects == 0 ? NULL : bsearch(s, w->suspects, w->n_suspects, sizeof *w->suspects, by_item);
	if (known == NULL)
		return;
	known->confirmed = true;
	w->result->found++;
	w->o->found(w->o->arg, f);
}

/* Their items, each once. */
static enum status list_items(struct walk *w, struct fault *why)
{
	struct fsck_items *items = w->items;
	items->names = arena_array(&items->arena, w->n_suspects, sizeof *items->names);
	for (size_t i = 0; i < w->n_suspects && items->names != NULL; i++) {
		struct str item = w->suspects[i].item;
		if (w->suspects[i].confirmed && (items->n == 0 || !str_equal(items->names[items->n - 1], item)))
			items->names[items->n++] = item;
	}
	return fault_check_arena(&items->arena, why);
}

static void note_finding(struct finding_sink *sink, const struct finding *f)
{
	struct walk_sink *s = (struct walk_sink *)sink;
	struct walk *w = s->walk;
	pthread_mutex_lock(&w->lock);
	if (w->again)
		confirm_item(w, &(struct suspect){ .item = s->item, .subject = f->subject }, f);
	else
		suspect_item(w, s->item, f->subject);
	pthread_mutex_unlock(&w->lock);
}

/* the threads */

static void note_item(struct walk *w, const struct fsck_item *item, const struct walk_sink *s, enum status st, const struct fault *why)
{
	pthread_mutex_lock(&w->lock);
	if (st != OK && w->first.code == F_NONE)
		w->first = *why;
	if (!w->again) {
		w->result->objects += s->sink.objects;
		w->result->bytes += s->sink.bytes;
		w->result->unhashed += s->sink.unhashed;
		w->result->marked += item->marked;
	}
	if (w->o->progress != NULL)
		w->o->progress(w->o->arg, w->result);
	pthread_mutex_unlock(&w->lock);
}

static void *run_thread(void *arg)
{
	struct walk *w = arg;
	for (bool more = true; more;) {
		struct arena a CLEANUP(arena_deinit);
		struct fsck_item item;
		struct fault why = { 0 };
		arena_init(&a, PAGE_BYTES);
		more = take_item(w, &a, &item);
		if (!more)
			break;
		struct walk_sink s = { .sink = { .found = note_finding }, .walk = w, .item = item.name };
		enum status st = fsck_examine_item(w->o, &item, false, &s.sink, &why);
		note_item(w, &item, &s, st, &why);
	}
	return NULL;
}

static enum status run_threads(struct walk *w, struct fault *why)
{
	pthread_t threads[FSCK_JOBS_MAX];
	unsigned n = 0;
	while (n < w->o->jobs && thread_start(&threads[n], run_thread, w))
		n++;
	for (unsigned i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	if (n == 0)
		return fault_set(why, INTERNAL, "The system has no thread left.");
	if (w->first.code == F_NONE)
		return OK;
	*why = w->first;
	return fault_status(w->first.code);
}

/* Examine once more what was found; what is right now was only on its way. */
static enum status confirm(struct walk *w, struct fault *why)
{
	qsort(w->suspects, w->n_suspects, sizeof *w->suspects, by_item);
	while (clock_mono_ms() < w->found_ms + w->o->settle_ms && !is_stopped(w))
		(void)nanosleep(&(struct timespec){ .tv_nsec = SLICE_MS * 1000000 }, NULL);
	w->again = true;
	bool too_many = w->result->too_many;
	w->result->too_many = false;
	enum status st = run_threads(w, why);
	w->result->too_many = too_many;
	return st == OK ? list_items(w, why) : st;
}

enum status fsck_run(const struct fsck_options *o, struct fsck_result *out, struct fsck_items *items, struct fault *why)
{
	assert(o != NULL && o->product != NULL && o->found != NULL && out != NULL && items != NULL);
	assert(o->jobs >= 1 && o->jobs <= FSCK_JOBS_MAX);
	struct walk w = { .o = o, .result = out, .items = items, .more = true };
	struct image_counts counts = { 0 };
	*out = (struct fsck_result){ 0 };
	*items = (struct fsck_items){ 0 };
	arena_init(&items->arena, NAMES_BYTES);
	TRY(table_counts(o->product->table, &counts, why));
	out->total = counts.uploaded;
	pthread_mutex_init(&w.lock, NULL);
	enum status st = run_threads(&w, why);
	if (st == OK && w.n_suspects > 0)
		st = fault_check_arena(&items->arena, why);
	if (st == OK && w.n_suspects > 0)
		st = confirm(&w, why);
	pthread_mutex_destroy(&w.lock);
	arena_deinit(&w.page);
	arena_deinit(&w.last);
	mem_free(w.suspects);
	if (st == OK && is_stopped(&w))
		st = fault_set(why, DEADLINE, "It was stopped: not everything was examined.");
	return st;
}
