/* See recount.h. */
#include "image/recount.h"

#include "image/thumbnails.h"

#define PAGE_ROWS 200
#define PAGE_BYTES ((size_t)4 << 20)

struct recount {
	struct product *p;
	bool (*stop)(void *);
	void *stop_arg;
	struct recount_result *done;
};

static bool may_continue(const struct recount *r)
{
	return r->stop == NULL || !r->stop(r->stop_arg);
}

/* Keep a text of an arena that ends in one that lasts until the next. */
static struct str keep(struct arena *last, struct str text)
{
	arena_deinit(last);
	arena_init(last, PAGE_BYTES);
	return str_dup(last, text);
}

static enum status count_rows(struct recount *r, struct fault *why)
{
	struct arena last CLEANUP(arena_deinit) = { 0 };
	struct str from = STR("");
	do {
		struct arena a CLEANUP(arena_deinit);
		struct user_recount counted = { 0 };
		arena_init(&a, PAGE_BYTES);
		TRY(user_recount(r->p->users, from, &a, &counted, why));
		r->done->owners += counted.owners + counted.repaired;
		r->done->repaired += counted.repaired;
		from = keep(&last, counted.next_owner);
	} while (from.n > 0 && may_continue(r));
	return OK;
}

/* The thumbnails of one page of an owner's images. */
static enum status measure_page(struct recount *r, struct image_query *q, struct arena *last, uint64_t *bytes, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_page page;
	arena_init(&a, PAGE_BYTES);
	TRY(table_list(r->p->table, q, &a, &page, why));
	for (size_t i = 0; i < page.n; i++) {
		uint64_t of_image = 0;
		TRY(thumbnails_measure(r->p->thumbnails, page.rows[i].image_id, &of_image, why));
		*bytes += of_image;
	}
	q->cursor = keep(last, page.next_cursor);
	return OK;
}

static enum status count_derived(struct recount *r, const struct user_row *user, struct fault *why)
{
	struct arena last CLEANUP(arena_deinit) = { 0 };
	struct image_query q = { .owner = user->owner, .status = LIST_UPLOADED, .limit = PAGE_ROWS };
	uint64_t bytes = 0;
	do
		TRY(measure_page(r, &q, &last, &bytes, why));
	while (q.cursor.n > 0 && may_continue(r));
	if (bytes == user->usage.derived_bytes || !may_continue(r))
		return OK;
	r->done->derived++;
	return user_add_derived(r->p->users, user->owner, (int64_t)(bytes - user->usage.derived_bytes), why);
}

static enum status count_all_derived(struct recount *r, struct fault *why)
{
	struct arena last CLEANUP(arena_deinit) = { 0 };
	struct user_query q = { .limit = PAGE_ROWS };
	do {
		struct arena a CLEANUP(arena_deinit);
		struct user_page page;
		arena_init(&a, PAGE_BYTES);
		TRY(user_list(r->p->users, &q, &a, &page, why));
		for (size_t i = 0; i < page.n && may_continue(r); i++)
			TRY(count_derived(r, &page.rows[i], why));
		q.cursor = keep(&last, page.next_cursor);
	} while (q.cursor.n > 0 && may_continue(r));
	return OK;
}

enum status recount_run(struct product *p, bool (*stop)(void *), void *stop_arg, struct recount_result *out, struct fault *why)
{
	assert(p != NULL && p->users != NULL && out != NULL);
	struct recount r = { .p = p, .stop = stop, .stop_arg = stop_arg, .done = out };
	*out = (struct recount_result){ 0 };
	TRY(count_rows(&r, why));
	return p->thumbnails != NULL ? count_all_derived(&r, why) : OK;
}
