/* See recount.h. */
#include "image/maintenance/recount.h"

#include "base/buf.h"
#include "image/page_cursor.h"
#include "image/thumbnails.h"

#define PAGE_ROWS 200
#define PAGE_BYTES ((size_t)4 << 20)
#define CHANGE_BYTES 512

struct recount {
	struct product *p;
	const struct recount_options *o;
	struct recount_result *done;
};

static bool may_continue(const struct recount *r)
{
	return r->o->stop == NULL || !r->o->stop(r->o->arg);
}

static void put_change(struct buf *b, const char *what, uint64_t recorded, uint64_t counted)
{
	if (recorded != counted)
		buf_printf(b, "%s%s %llu to %llu", b->n > 0 ? ", " : "", what, (unsigned long long)recorded, (unsigned long long)counted);
}

static void report(const struct recount *r, const struct user_repair *one)
{
	const struct owner_usage *was = &one->recorded, *is = &one->counted;
	char text[CHANGE_BYTES];
	struct buf b;
	if (r->o->repaired == NULL)
		return;
	buf_init_fixed(&b, text, sizeof text);
	put_change(&b, "bytes", was->bytes, is->bytes);
	put_change(&b, "images", was->images, is->images);
	put_change(&b, "pending", was->pending, is->pending);
	put_change(&b, "reservedBytes", was->reserved_bytes, is->reserved_bytes);
	put_change(&b, "derivedBytes", was->derived_bytes, is->derived_bytes);
	buf_put_char(&b, '\0');
	assert(buf_ok(&b));
	r->o->repaired(r->o->arg, one, text);
}

static enum status count_rows(struct recount *r, struct fault *why)
{
	struct page_cursor from CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	do {
		struct arena a CLEANUP(arena_deinit);
		struct user_recount counted = { 0 };
		arena_init(&a, PAGE_BYTES);
		TRY(user_recount(r->p->users, from.text, !r->o->only_check, &a, &counted, why));
		r->done->owners += counted.owners + counted.repaired;
		r->done->repaired += counted.repaired;
		for (const struct user_repair *one = counted.repairs; one != NULL; one = one->next)
			report(r, one);
		TRY(page_cursor_set(&from, counted.next_owner, why));
	} while (from.text.n > 0 && may_continue(r));
	return OK;
}

/* The thumbnails of one page of an owner's images. */
static enum status measure_page(struct recount *r, struct str owner, struct page_cursor *cursor, uint64_t *bytes, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_page page;
	const struct image_query q = { .owner = owner, .status = LIST_UPLOADED, .limit = PAGE_ROWS, .cursor = cursor->text };
	arena_init(&a, PAGE_BYTES);
	TRY(table_list(r->p->table, &q, &a, &page, why));
	for (size_t i = 0; i < page.n; i++) {
		uint64_t of_image = 0;
		TRY(thumbnails_measure(r->p->thumbnails, page.rows[i].image_id, &of_image, why));
		*bytes += of_image;
	}
	return page_cursor_set(cursor, page.next_cursor, why);
}

static enum status count_derived(struct recount *r, const struct user_row *user, struct fault *why)
{
	struct page_cursor cursor CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	uint64_t bytes = 0;
	do
		TRY(measure_page(r, user->owner, &cursor, &bytes, why));
	while (cursor.text.n > 0 && may_continue(r));
	if (bytes == user->usage.derived_bytes || !may_continue(r))
		return OK;
	struct user_repair repair = { .owner = user->owner, .recorded = user->usage, .counted = user->usage };
	repair.counted.derived_bytes = bytes;
	r->done->derived++;
	report(r, &repair);
	return r->o->only_check ? OK : user_add_derived(r->p->users, user->owner, (int64_t)(bytes - user->usage.derived_bytes), why);
}

static enum status count_all_derived(struct recount *r, struct fault *why)
{
	struct page_cursor cursor CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	do {
		struct arena a CLEANUP(arena_deinit);
		struct user_page page;
		arena_init(&a, PAGE_BYTES);
		TRY(user_list(r->p->users, &(struct user_query){ .limit = PAGE_ROWS, .cursor = cursor.text }, &a, &page, why));
		for (size_t i = 0; i < page.n && may_continue(r); i++)
			TRY(count_derived(r, &page.rows[i], why));
		TRY(page_cursor_set(&cursor, page.next_cursor, why));
	} while (cursor.text.n > 0 && may_continue(r));
	return OK;
}

enum status recount_run(struct product *p, const struct recount_options *o, struct recount_result *out, struct fault *why)
{
	assert(p != NULL && p->users != NULL && o != NULL && out != NULL);
	struct recount r = { .p = p, .o = o, .done = out };
	*out = (struct recount_result){ 0 };
	TRY(count_rows(&r, why));
	return p->thumbnails != NULL ? count_all_derived(&r, why) : OK;
}
