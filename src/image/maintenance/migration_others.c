/* See migration_others.h. Owners that the source no longer has, and who have no images left, are removed as an administrator removes them. */
#include "image/maintenance/migration_others.h"

#include "base/clock.h"
#include "base/codec.h"
#include "image/maintenance/migration_index.h"
#include "image/page_cursor.h"

#include <string.h>

#define PAGE_BYTES ((size_t)16 << 20)
#define KEYS_BYTES ((size_t)8 << 20)
#define ROW_BYTES ((size_t)64 << 10)
#define PAGE_USERS 100
#define TOKEN_CHARS 20 /* at the end of an event's id: what stays the same in another store */

/* users */

static bool is_same_quota(const struct user_row *x, const struct user_row *y)
{
	const struct owner_quota *q = &x->quota, *r = &y->quota;
	if (!x->has_quota || !y->has_quota)
		return x->has_quota == y->has_quota;
	return q->bytes == r->bytes && q->images == r->images && q->pending == r->pending && q->slots_per_minute == r->slots_per_minute;
}

static bool is_same_user(const struct user_row *x, const struct user_row *y)
{
	return str_equal(x->issuer, y->issuer) && str_equal(x->subject, y->subject) && is_same_quota(x, y) && x->blocked == y->blocked &&
		x->first_ms == y->first_ms && x->seen_ms == y->seen_ms;
}

/* Call `visit` with every user of a table. */
static enum status each_user(const struct migration_options *o, struct migration_result *r, struct user_table *t,
	enum status (*visit)(const struct migration_options *, struct migration_result *, const struct user_row *, struct fault *),
	struct fault *why)
{
	struct page_cursor cursor CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	do {
		struct arena a CLEANUP(arena_deinit);
		struct user_page page;
		arena_init(&a, PAGE_BYTES);
		TRY(user_list(t, &(struct user_query){ .limit = PAGE_USERS, .cursor = cursor.text }, &a, &page, why));
		for (size_t i = 0; i < page.n; i++)
			TRY(visit(o, r, &page.rows[i], why));
		TRY(page_cursor_set(&cursor, page.next_cursor, why));
	} while (cursor.text.n > 0);
	return OK;
}

static enum status copy_user(const struct migration_options *o, struct migration_result *r, const struct user_row *from, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct user_row there;
	arena_init(&a, ROW_BYTES);
	r->users++;
	enum status got = user_get(o->to.product->users, from->owner, &a, &there, why);
	if (got == OK && is_same_user(from, &there))
		return OK;
	if (got != OK && got != NOT_FOUND)
		return got;
	r->others++;
	return transfer_put_user(o->to.transfer, from, why);
}

static enum status remove_user(
	const struct migration_options *o, struct migration_result *r, const struct user_row *there, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct user_row from;
	arena_init(&a, ROW_BYTES);
	enum status got = user_get(o->from.product->users, there->owner, &a, &from, why);
	if (got != NOT_FOUND)
		return got;
	TRY(user_block(o->to.product->users, there->owner, why));
	got = user_remove(o->to.product->users, there->owner, why);
	r->others += got == OK;
	return got == CONFLICT || got == NOT_FOUND ? OK : got;
}

enum status migration_copy_users(const struct migration_options *o, struct migration_result *r, struct fault *why)
{
	TRY(each_user(o, r, o->from.product->users, copy_user, why));
	return each_user(o, r, o->to.product->users, remove_user, why);
}

/* API keys */

static const struct api_key_row *find_key(const struct api_key_page *page, struct str id)
{
	for (size_t i = 0; i < page->n; i++)
		if (str_equal(page->rows[i].id, id))
			return &page->rows[i];
	return NULL;
}

static bool is_same_key(const struct api_key_row *x, const struct api_key_row *y)
{
	return str_equal(x->hash, y->hash) && str_equal(x->name, y->name) && x->scopes == y->scopes && str_equal(x->owner, y->owner) &&
		str_equal(x->issuer, y->issuer) && str_equal(x->subject, y->subject) && x->created_ms == y->created_ms &&
		x->expires_ms == y->expires_ms;
}

static enum status remove_key(struct api_key_table *t, struct str id, struct fault *why)
{
	enum status end = api_key_remove(t, id, why);
	return end == NOT_FOUND ? OK : end;
}

enum status migration_copy_api_keys(const struct migration_options *o, struct migration_result *r, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct api_key_page from, to;
	arena_init(&a, 2 * KEYS_BYTES);
	TRY(api_key_list(o->from.api_keys, &a, &from, why));
	TRY(api_key_list(o->to.api_keys, &a, &to, why));
	for (size_t i = 0; i < to.n; i++) {
		const struct api_key_row *kept = find_key(&from, to.rows[i].id);
		if (kept != NULL && is_same_key(kept, &to.rows[i]))
			continue;
		TRY(remove_key(o->to.api_keys, to.rows[i].id, why));
		r->others += kept == NULL;
	}
	for (size_t i = 0; i < from.n; i++) {
		const struct api_key_row *there = find_key(&to, from.rows[i].id);
		r->api_keys++;
		if (there != NULL && is_same_key(there, &from.rows[i]))
			continue;
		enum status added = api_key_add(o->to.api_keys, &from.rows[i], why);
		if (added != OK && why->code != F_API_KEY_EXISTS) /* a list may follow the table by a moment */
			return added;
		r->others += added == OK;
	}
	return OK;
}

/* events */

/* The end of an event's id, as the key of an index. */
static bool pack_event_id(struct str id, unsigned char out[MIGRATION_ID_BYTES])
{
	memset(out, 0, MIGRATION_ID_BYTES);
	return id.n == OUTBOX_ID_CHARS &&
		hex_decode(str_slice(id, id.n - TOKEN_CHARS, id.n), out + MIGRATION_ID_BYTES - TOKEN_CHARS / 2, TOKEN_CHARS / 2);
}

struct event_walk {
	const struct migration_options *o;
	struct migration_result *r;
	struct migration_index there; /* of the events of the destination; seen: the source has it too */
};

static enum status each_event(struct event_walk *w, struct transfer *t,
	enum status (*visit)(struct event_walk *, const struct transfer_event *, struct fault *), struct fault *why)
{
	struct page_cursor cursor CLEANUP(page_cursor_deinit) = PAGE_CURSOR_START;
	do {
		struct arena a CLEANUP(arena_deinit);
		struct transfer_event_page page;
		arena_init(&a, PAGE_BYTES);
		TRY(transfer_events(t, cursor.text, &a, &page, why));
		for (size_t i = 0; i < page.n; i++)
			TRY(visit(w, &page.events[i], why));
		TRY(page_cursor_set(&cursor, page.next_cursor, why));
	} while (cursor.text.n > 0);
	return OK;
}

static enum status index_event(struct event_walk *w, const struct transfer_event *e, struct fault *why)
{
	unsigned char id[MIGRATION_ID_BYTES];
	if (!pack_event_id(e->event.id, id))
		return OK;
	return migration_index_add(&w->there, id) != NULL ? OK : fault_no_memory(why);
}

static enum status copy_event(struct event_walk *w, const struct transfer_event *e, struct fault *why)
{
	unsigned char id[MIGRATION_ID_BYTES];
	w->r->events++;
	struct migration_entry *there = pack_event_id(e->event.id, id) ? migration_index_find(&w->there, id) : NULL;
	if (there != NULL) {
		there->seen = true;
		return OK;
	}
	w->r->others++;
	return transfer_put_event(w->o->to.transfer, e, why);
}

static enum status end_event(struct event_walk *w, const struct transfer_event *e, struct fault *why)
{
	unsigned char id[MIGRATION_ID_BYTES];
	const struct migration_entry *there = pack_event_id(e->event.id, id) ? migration_index_find(&w->there, id) : NULL;
	/* One that is not in the index was copied just now. */
	if (there == NULL || there->seen || e->event.state != OUTBOX_WAITING)
		return OK;
	const struct outbox_result delivered = { .n = e->event.n,
		.state = OUTBOX_DELIVERED,
		.first_ms = e->event.first_ms,
		.ended_ms = clock_now_ms(),
		.attempts = e->event.attempts,
		.error = STR("") };
	w->r->others++;
	return outbox_record(w->o->to.outbox, &(struct outbox_record){ .results = &delivered, .n = 1 }, why);
}

enum status migration_copy_events(const struct migration_options *o, struct migration_result *r, struct fault *why)
{
	struct event_walk w = { .o = o, .r = r };
	enum status end = each_event(&w, o->to.transfer, index_event, why);
	if (end == OK)
		end = each_event(&w, o->from.transfer, copy_event, why);
	if (end == OK)
		end = each_event(&w, o->to.transfer, end_event, why);
	migration_index_deinit(&w.there);
	return end;
}
