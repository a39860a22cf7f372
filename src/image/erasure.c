/* See erasure.h. */
#include "image/erasure.h"

#include "image/image_service.h"
#include "image/page_cursor.h"

#define PAGE_ROWS 100
#define PAGE_USERS 20
#define PAGE_BYTES ((size_t)4 << 20)

struct erasure {
	struct product *p;
	bool (*stop)(void *);
	void *stop_arg;
	struct erasure_result *done;
	struct fault first; /* the first failure; code NONE while there is none */
};

static bool may_continue(const struct erasure *e)
{
	return e->stop == NULL || !e->stop(e->stop_arg);
}

static void erase_image(struct erasure *e, struct str image_id)
{
	struct fault why = { 0 };
	enum status end = image_service_remove(e->p, image_id, &why);
	if (end == OK)
		e->done->images++;
	else if (end != NOT_FOUND && e->first.code == F_NONE)
		e->first = why;
}

/* One page of the owner's list. */
static enum status erase_page(struct erasure *e, struct str owner, struct page_cursor *cursor, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct image_page page;
	const struct image_query q = { .owner = owner, .status = LIST_ALL, .limit = PAGE_ROWS, .cursor = cursor->text };
	arena_init(&a, PAGE_BYTES);
	TRY(table_list(e->p->table, &q, &a, &page, why));
	for (size_t i = 0; i < page.n && may_continue(e); i++)
		erase_image(e, page.rows[i].image_id);
	return page_cursor_set(cursor, page.next_cursor, why);
}

static enum status erase_owner(struct erasure *e, struct str owner, struct fault *why)
{
	struct page_cursor cursor CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	e->first = (struct fault){ 0 };
	do
		TRY(erase_page(e, owner, &cursor, why));
	while (cursor.text.n > 0 && may_continue(e));
	if (e->first.code != F_NONE) {
		*why = e->first;
		return fault_status(e->first.code);
	}
	if (!may_continue(e))
		return OK;
	TRY(user_remove(e->p->users, owner, why));
	e->done->owners++;
	return OK;
}

enum status erasure_run(
	struct product *p, struct str owner, bool (*stop)(void *), void *stop_arg, struct erasure_result *out, struct fault *why)
{
	assert(p != NULL && p->users != NULL && owner.n > 0 && out != NULL);
	struct arena a CLEANUP(arena_deinit);
	struct user_row user;
	struct erasure e = { .p = p, .stop = stop, .stop_arg = stop_arg, .done = out };
	arena_init(&a, PAGE_BYTES);
	TRY(user_get(p->users, owner, &a, &user, why));
	if (!user.blocked)
		return user_not_blocked(why);
	return erase_owner(&e, owner, why);
}

/* One page of blocked owners. Those that are left come again at the next time, so that one that fails keeps nobody waiting. */
static enum status resume_page(struct erasure *e, struct page_cursor *cursor, struct fault *first, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct user_page page;
	arena_init(&a, PAGE_BYTES);
	TRY(user_list(e->p->users, &(struct user_query){ .blocked = true, .limit = PAGE_USERS, .cursor = cursor->text }, &a, &page, why));
	for (size_t i = 0; i < page.n && may_continue(e); i++) {
		struct fault failed = { 0 };
		enum status end = erase_owner(e, page.rows[i].owner, &failed);
		if (end != OK && end != NOT_FOUND && end != CONFLICT && first->code == F_NONE)
			*first = failed;
	}
	return page_cursor_set(cursor, page.next_cursor, why);
}

enum status erasure_resume(struct product *p, bool (*stop)(void *), void *stop_arg, struct erasure_result *out, struct fault *why)
{
	assert(p != NULL && p->users != NULL && out != NULL);
	struct page_cursor cursor CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	struct fault first = { 0 };
	struct erasure e = { .p = p, .stop = stop, .stop_arg = stop_arg, .done = out };
	do
		TRY(resume_page(&e, &cursor, &first, why));
	while (cursor.text.n > 0 && may_continue(&e));
	if (first.code == F_NONE)
		return OK;
	*why = first;
	return fault_status(first.code);
}
