/* See owners.h. */
#include "store/db/owners.h"

#include "base/hash.h"
#include "store/db/group_commit.h"

#include <string.h>

static struct str name_of(const struct owner_entry *e)
{
	return (struct str){ e->name, e->name_n };
}

struct owner_usage column_usage(sqlite3_stmt *s, int i)
{
	return (struct owner_usage){
		.bytes = (uint64_t)sqlite3_column_int64(s, i),
		.images = (uint64_t)sqlite3_column_int64(s, i + 1),
		.pending = (uint64_t)sqlite3_column_int64(s, i + 2),
		.reserved_bytes = (uint64_t)sqlite3_column_int64(s, i + 3),
		.derived_bytes = (uint64_t)sqlite3_column_int64(s, i + 4),
	};
}

struct owner_quota column_quota(sqlite3_stmt *s, int i)
{
	return (struct owner_quota){
		.bytes = (uint64_t)sqlite3_column_int64(s, i),
		.images = (uint64_t)sqlite3_column_int64(s, i + 1),
		.pending = (uint64_t)sqlite3_column_int64(s, i + 2),
		.slots_per_minute = (uint64_t)sqlite3_column_int64(s, i + 3),
	};
}

static void read_entry(sqlite3_stmt *s, struct owner_entry *e)
{
	e->exists = true;
	e->is_named = sqlite3_column_bytes(s, 1) > 0;
	e->usage = column_usage(s, 3);
	e->has_quota = sqlite3_column_int(s, 8) != 0;
	e->quota = column_quota(s, 9);
	e->blocked = sqlite3_column_int(s, 13) != 0;
	e->seen_ms = sqlite3_column_int64(s, 15);
	e->minute = sqlite3_column_int64(s, 16);
	e->minute_slots = (uint64_t)sqlite3_column_int64(s, 17);
}

static enum status save_usage(struct writer *w, const struct owner_entry *e)
{
	const struct owner_usage *u = &e->usage;

	assert(e->exists);
	return writer_run(w,
		DB_BIND(&w->db, Q_USER_SAVE, db_text(name_of(e)), db_int((int64_t)u->bytes), db_int((int64_t)u->images),
			db_int((int64_t)u->pending), db_int((int64_t)u->reserved_bytes), db_int((int64_t)u->derived_bytes), db_int(e->seen_ms),
			db_int(e->minute), db_int((int64_t)e->minute_slots)));
}

enum status owners_save_limits(struct writer *w, const struct owner_entry *e)
{
	const struct owner_quota *q = &e->quota;

	assert(e->exists);
	return writer_run(w,
		DB_BIND(&w->db, Q_USER_LIMIT, db_text(name_of(e)), db_int(e->has_quota), db_int((int64_t)q->bytes), db_int((int64_t)q->images),
			db_int((int64_t)q->pending), db_int((int64_t)q->slots_per_minute), db_int(e->blocked)));
}

static uint64_t *word_of(struct writer *w, const struct owner_entry *e, uint64_t *bit)
{
	size_t i = (size_t)(e - w->owners->slots);

	assert(i < OWNER_SLOTS);
	*bit = UINT64_C(1) << i % 64;
	return &w->owners->changed[i / 64];
}

void owners_note_change(struct writer *w, const struct owner_entry *e)
{
	uint64_t bit, *word = word_of(w, e, &bit);

	*word |= bit;
}

/* Make the slot free, after what differs is written. */
static enum status clear_slot(struct writer *w, struct owner_entry *e)
{
	uint64_t bit, *word = word_of(w, e, &bit);

	if ((*word & bit) != 0)
		TRY(save_usage(w, e));
	owners_forget(w, e);
	return OK;
}

void owners_forget(struct writer *w, struct owner_entry *e)
{
	uint64_t bit, *word = word_of(w, e, &bit);

	*word &= ~bit;
	*e = (struct owner_entry){ 0 };
}

enum status owners_find(struct writer *w, struct str owner, struct owner_entry **out)
{
	struct owner_entry *e = &w->owners->slots[(hash_fnv64(HASH_FNV64, owner) >> 32) % OWNER_SLOTS];
	bool row = false;

	assert(owner.n > 0 && owner.n <= OWNER_MAX_BYTES);
	*out = e;
	if (str_equal(name_of(e), owner))
		return OK;
	TRY(clear_slot(w, e));
	sqlite3_stmt *s = DB_BIND(&w->db, Q_USER_GET, db_text(owner));
	TRY(writer_step(w, s, &row));
	if (row)
		read_entry(s, e);
	sqlite3_reset(s);
	memcpy(e->name, owner.p, owner.n);
	e->name_n = owner.n;
	return OK;
}

enum status owners_need(struct writer *w, const struct image_row *who, int64_t now_ms, struct owner_entry **out)
{
	TRY(owners_find(w, who->owner, out));
	struct owner_entry *e = *out;
	if (e->exists && (e->is_named || who->issuer.n == 0))
		return OK;
	TRY(writer_run(w, DB_BIND(&w->db, Q_USER_ADD, db_text(who->owner), db_text(who->issuer), db_text(who->subject), db_int(now_ms))));
	e->exists = true;
	e->is_named = who->issuer.n > 0;
	e->seen_ms = now_ms;
	return OK;
}

enum status owners_reserve(struct writer *w, const struct image_row *row, struct fault *why)
{
	struct owner_entry *e;
	const int64_t minute = row->created_ms / QUOTA_MINUTE_MS;

	if (row->owner.n == 0)
		return OK;
	/* An owner without a row uses nothing, and is checked like the others: its first slot may be too large. */
	TRY(owners_find(w, row->owner, &e));
	const struct owner_quota *q = e->has_quota ? &e->quota : &w->quota;
	uint64_t slots = e->minute == minute ? e->minute_slots : 0;
	if (e->blocked)
		return owner_blocked(why);
	TRY(owner_quota_check(q, &e->usage, row->max_bytes, why));
	TRY(owner_quota_check_rate(q, slots, row->created_ms, why));
	TRY(owners_need(w, row, row->created_ms, &e));
	e->minute = minute;
	e->minute_slots = slots + 1;
	e->seen_ms = row->created_ms;
	owners_note_change(w, e);
	owner_usage_add(&e->usage, row, 1);
	return OK;
}

enum status owners_move(struct writer *w, const struct image_row *before, const struct image_row *after)
{
	struct owner_entry *e;

	if (before->owner.n == 0)
		return OK;
	TRY(owners_need(w, before, before->created_ms, &e));
	owner_usage_add(&e->usage, before, -1);
	owner_usage_add(&e->usage, after, 1);
	owners_note_change(w, e);
	return OK;
}

enum status owners_save(struct writer *w)
{
	struct owner_entries *o = w->owners;

	for (size_t i = 0; i < COUNT_OF(o->changed); i++)
		for (; o->changed[i] != 0; o->changed[i] &= o->changed[i] - 1)
			TRY(save_usage(w, &o->slots[i * 64 + (size_t)__builtin_ctzll(o->changed[i])]));
	return OK;
}

void owners_clear(struct owner_entries *o)
{
	for (size_t i = 0; i < OWNER_SLOTS; i++)
		if (o->slots[i].name_n > 0)
			o->slots[i] = (struct owner_entry){ 0 };
	memset(o->changed, 0, sizeof o->changed);
}
