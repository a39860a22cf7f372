/* The sweep. Each step reads a page of rows or objects into an arena of its own and processes it;
 * what fails is recorded and skipped, so that one unreadable object does not keep the rows
 * after it from being processed. A sweep of rows that changes nothing in a step ends, since the next would see the same. */
#include "image/maintenance/gc.h"

#include "base/hash.h"
#include "base/log/log.h"
#include "base/metrics.h"
#include "image/publication.h"
#include "image/thumb_objects.h"
#include "image/thumb_set.h"
#include "image/verdict.h"
#include "image/verify.h"

#include <stdio.h>

#define PAGE_ROWS 100
#define PAGE_OBJECTS 500
#define PAGE_BYTES ((size_t)4 << 20)
#define ROW_BYTES ((size_t)64 << 10)

struct sweep {
	struct product *p;
	int64_t now_ms;
	struct gc_result *done;
	struct fault first; /* the first failure; code NONE while there is none */
	uint64_t changes;   /* rows and objects processed */
	struct gc_limits limits;
	char seen[UUID_CHARS + 1]; /* the image whose copies or thumbnails were checked last */
	bool seen_gone;            /* it is gone or rejected: its thumbnails are removed */
};

static bool may_continue(const struct sweep *s)
{
	return s->limits.stop == NULL || !s->limits.stop(s->limits.stop_arg);
}

static struct sweep begin_sweep(struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out)
{
	assert(p != NULL && out != NULL);
	return (struct sweep){ .p = p, .now_ms = now_ms, .done = out, .limits = limits != NULL ? *limits : (struct gc_limits){ 0 } };
}

/* Count a success; record the first failure. */
static void note_fault(struct sweep *s, enum status end, uint64_t *count, const struct fault *why)
{
	if (end == OK) {
		s->changes++;
		++*count;
		return;
	}
	if (s->first.code == F_NONE)
		s->first = *why;
}

static enum status finish_gc(const struct sweep *s, struct fault *why)
{
	if (s->first.code == F_NONE)
		return OK;
	if (why != NULL)
		*why = s->first;
	return fault_status(s->first.code);
}

/* Remove a row that has expired. One that is gone or has changed in the meantime is left alone. */
static void expire_row(struct sweep *s, const struct image_row *row, uint64_t *count)
{
	struct fault why = { 0 };
	enum status end = table_remove(s->p->table, row->image_id, s->now_ms, &why);
	if (end == NOT_FOUND || end == CONFLICT)
		return;
	note_fault(s, end, count, &why);
}

/* Of an image that has none yet, or not all that it is to have by now. */
static void ask_for_thumbnails(struct sweep *s, const struct image_row *row)
{
	struct fault why = { 0 };
	if (thumb_set_request(s->p->thumbnails, row, &why) != OK && s->first.code == F_NONE)
		s->first = why;
}

/* A public image from before there was a CDN has no copies, and its links lead to them. */
static void publish_image(struct sweep *s, const struct image_row *row)
{
	struct fault why = { 0 };
	if (!publication_lacks_copy(s->p, row))
		return;
	enum status end = publication_update(s->p, row, PUBLICATION_NAMED, &why);
	if (end != OK && end != NOT_FOUND && s->first.code == F_NONE)
		s->first = why;
}

/* Verify the object of a pending row. true: there is none. */
static bool check_object(struct sweep *s, const struct image_row *row)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row now = { 0 };
	struct fault why = { 0 };
	arena_init(&a, ROW_BYTES);
	enum status end = verify_object(s->p, row, s->now_ms, &a, &now, &why);
	if (end == NOT_FOUND)
		return why.code == F_NO_SUCH_KEY;
	note_fault(s, end, now.status == IMAGE_REJECTED ? &s->done->rejected : &s->done->reconciled, &why);
	if (end == OK)
		ask_for_thumbnails(s, &now);
	return false;
}

static void gc_row(struct sweep *s, const struct image_row *row)
{
	struct fault why = { 0 };
	switch (row->status) {
	case IMAGE_PENDING:
		if (check_object(s, row))
			expire_row(s, row, &s->done->ended);
		return;
	case IMAGE_REJECTED:
		/* Its bytes are removed at once; if that failed, this is the last chance: no row will name them any more. */
		if (store_remove(s->p->store, row->key, &why) == OK)
			expire_row(s, row, &s->done->forgotten);
		else
			note_fault(s, fault_status(why.code), &s->done->forgotten, &why);
		return;
	case IMAGE_UPLOADED:
		return; /* never ends */
	}
}

/* One page of due rows. *more: there may be others. */
static enum status gc_page_of_rows(struct sweep *s, bool *more, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_page page;
	uint64_t before = s->changes;
	arena_init(&a, PAGE_BYTES);
	TRY(table_due(s->p->table, s->now_ms, PAGE_ROWS, &a, &page, why));
	for (size_t i = 0; i < page.n && may_continue(s); i++)
		gc_row(s, &page.rows[i]);
	*more = page.n == PAGE_ROWS && s->changes > before;
	return OK;
}

enum status gc_run(struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why)
{
	struct sweep s = begin_sweep(p, now_ms, limits, out);
	bool more = table_removes_due(p->table);
	/* First what needs no verification, where the table removes that by itself. */
	while (more && may_continue(&s)) {
		struct image_counts removed = { 0 };
		TRY(table_remove_due(p->table, now_ms, &removed, why));
		out->ended += removed.pending;
		out->forgotten += removed.rejected;
		more = removed.pending + removed.rejected == TABLE_DUE_MAX;
	}
	for (more = true; more && may_continue(&s);)
		TRY(gc_page_of_rows(&s, &more, why));
	return finish_gc(&s, why);
}

static void remove_object(struct sweep *s, const struct object_info *o)
{
	struct fault why = { 0 };
	enum status end = store_remove(s->p->store, o->key, &why);
	note_fault(s, end, &s->done->orphans, &why);
}

static void gc_object(struct sweep *s, const struct object_info *o)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row row;
	struct fault why = { 0 };
	struct str id = image_id_of_key(o->key);
	arena_init(&a, ROW_BYTES);
	enum status got = id.n == 0 ? NOT_FOUND : table_get(s->p->table, id, &a, &row, &why);
	if (got == NOT_FOUND || (got == OK && !str_equal(row.key, o->key))) {
		/* An orphan. A recent one is left alone: its row may be on its way to a replica that is read. */
		if (o->modified_ms <= s->now_ms - (int64_t)s->p->rules.orphan_ttl_s * 1000)
			remove_object(s, o);
	} else if (got != OK)
		note_fault(s, got, &s->done->orphans, &why);
	else if (row.status == IMAGE_PENDING)
		check_object(s, &row);
	else if (row.status == IMAGE_REJECTED)
		remove_object(s, o);
	else if (!verify_is_current(s->p, &row, o)) /* written again, through a URL that was still good */
		check_object(s, &row);
	else {
		publish_image(s, &row);
		ask_for_thumbnails(s, &row);
	}
}

/* What is listed, and what is done with each object. */
struct walk {
	struct str folder;
	void (*visit)(struct sweep *, const struct object_info *);
	struct str until; /* only keys before it; "": all */
};

/* One page of objects after `after`, whose text is kept in `last` for the next. */
static enum status walk_page(struct sweep *s, const struct walk *w, struct arena *last, struct str *after, bool *more, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct object_page page;
	size_t n = 0;
	arena_init(&a, PAGE_BYTES);
	struct str prefix = STR_CONCAT(&a, w->folder, s->limits.prefix);
	TRY(fault_check_arena(&a, why));
	TRY(store_list(s->p->store, prefix, *after, PAGE_OBJECTS, &a, &page, why));
	while (n < page.n && (w->until.n == 0 || str_compare(page.objects[n].key, w->until) < 0) && may_continue(s))
		w->visit(s, &page.objects[n++]);
	*more = page.more && n > 0 && n == page.n;
	if (!*more)
		return OK;
	arena_deinit(last);
	arena_init(last, ROW_BYTES);
	*after = str_dup(last, page.objects[page.n - 1].key);
	return OK;
}

static enum status walk_after(struct sweep *s, const struct walk *w, struct str after, struct fault *why)
{
	struct arena last CLEANUP(arena_deinit) = { 0 };
	bool more = true;
	while (more && may_continue(s))
		TRY(walk_page(s, w, &last, &after, &more, why));
	return OK;
}

/* The keys from `start` on, then those before it. Image ids are longer than prefix and start together, so that none is left out. */
static enum status walk_objects(struct sweep *s, struct walk *w, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, ROW_BYTES);
	struct str start = s->limits.start.n == 0 ? STR("") : STR_CONCAT(&a, w->folder, s->limits.prefix, s->limits.start);
	TRY(fault_check_arena(&a, why));
	TRY(walk_after(s, w, start, why));
	w->until = start;
	return start.n == 0 ? OK : walk_after(s, w, STR(""), why);
}

enum status gc_orphans(struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why)
{
	struct sweep s = begin_sweep(p, now_ms, limits, out);
	TRY(walk_objects(&s, &(struct walk){ .folder = IMAGE_PREFIX, .visit = gc_object }, why));
	return finish_gc(&s, why);
}

/* Once for all copies of an image, which follow each other. */
static void gc_copy(struct sweep *s, const struct object_info *o)
{
	struct fault why = { 0 };
	bool removed = false;
	struct str id = image_id_of_variant(PUBLIC_PREFIX, o->key);
	if (id.n == 0 || str_equal(id, str_of(s->seen)))
		return;
	snprintf(s->seen, sizeof s->seen, "%.*s", STRF(id));
	enum status end = publication_repair(s->p, id, &removed, &why);
	if (end != OK || removed)
		note_fault(s, end, &s->done->copies, &why);
}

enum status gc_copies(struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why)
{
	struct sweep s = begin_sweep(p, now_ms, limits, out);
	if (p->cdn == NULL)
		return OK;
	TRY(walk_objects(&s, &(struct walk){ .folder = PUBLIC_PREFIX, .visit = gc_copy }, why));
	return finish_gc(&s, why);
}

/* Check whether the image is gone or rejected, and note it in `s`. Objects of one image follow each other, so that its row is read once. */
static enum status look_whether_gone(struct sweep *s, struct str id, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_row row;
	if (str_equal(id, str_of(s->seen)))
		return OK;
	arena_init(&a, ROW_BYTES);
	enum status got = table_get(s->p->table, id, &a, &row, why);
	if (got != OK && got != NOT_FOUND)
		return got;
	snprintf(s->seen, sizeof s->seen, "%.*s", STRF(id));
	s->seen_gone = got == NOT_FOUND || row.status == IMAGE_REJECTED;
	return OK;
}

/* Remove a thumbnail whose image is gone. A recent one is left alone, as a recent object is. */
static void gc_thumb(struct sweep *s, const struct object_info *o)
{
	struct fault why = { 0 };
	struct str id = image_id_of_variant(THUMB_PREFIX, o->key);
	if (id.n == 0 || o->modified_ms > s->now_ms - (int64_t)s->p->rules.orphan_ttl_s * 1000)
		return;
	enum status looked = look_whether_gone(s, id, &why);
	if (looked != OK)
		note_fault(s, looked, &s->done->orphans, &why);
	else if (s->seen_gone)
		remove_object(s, o);
}

enum status gc_thumbs(struct product *p, int64_t now_ms, const struct gc_limits *limits, struct gc_result *out, struct fault *why)
{
	struct sweep s = begin_sweep(p, now_ms, limits, out);
	if (!p->objects_change)
		return OK;
	TRY(walk_objects(&s, &(struct walk){ .folder = THUMB_PREFIX, .visit = gc_thumb }, why));
	return finish_gc(&s, why);
}

void gc_report(const struct gc_result *done)
{
	if (done->ended + done->forgotten + done->reconciled + done->rejected + done->orphans + done->copies > 0)
		LOG(SWEEP, STR(""), LOG_I("ended", done->ended), LOG_I("forgotten", done->forgotten), LOG_I("confirmed", done->reconciled),
			LOG_I("rejected", done->rejected), LOG_I("orphans", done->orphans), LOG_I("copies", done->copies));
	metric_add(M_SWEPT, (int64_t)(done->ended + done->forgotten));
}
