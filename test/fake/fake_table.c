/* The image table in memory. Rows own their texts by an arena each; listing goes by `seq`, the
 * number of the commit that made a row uploaded, and a cursor is the last seq that was given out.
 * Everything is scanned: tests are small. */
#include "fake/fake_table.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "port/cursor.h"
#include "fake/rows.h"
#include <assert.h>
#include <stddef.h>
#include <string.h>

#define ROW_TEXTS_MAX ((size_t)64 << 10)

struct fake_row {
	struct image_row row;
	struct arena texts;
	uint64_t seq;    /* of the commit that uploaded it; 0: not uploaded */
	uint64_t number; /* of the insert */
};

/* An id that is not given again for a while. */
struct kept_id {
	char id[UUID_CHARS + 1];
	int64_t until_ms;
};

struct fake_table {
	struct image_table port;
	struct admin_query admin_query;
	struct trap trap;
	struct fake_row **rows;
	size_t n, cap;
	struct kept_id *kept;
	size_t n_kept;
	struct fake_ledger *ledger;
	uint64_t last_seq, last_number;
	uint64_t max_pending;
	struct fake_store *store;
};

static struct fake_table *self(struct image_table *port)
{
	return (struct fake_table *)port;
}

static size_t find(const struct fake_table *t, struct str id)
{
	size_t i = 0;
	while (i < t->n && !str_equal(t->rows[i]->row.image_id, id))
		i++;
	return i;
}

static uint64_t count(const struct fake_table *t, enum image_status status)
{
	uint64_t n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += t->rows[i]->row.status == status;
	return n;
}

static void row_free(struct fake_row **r)
{
	arena_deinit(&(*r)->texts);
	mem_free(*r);
	*r = NULL;
}

static void append(struct fake_table *t, const struct image_row *row)
{
	if (t->n == t->cap) {
		t->cap = t->cap == 0 ? 16 : 2 * t->cap;
		t->rows = mem_resize(t->rows, t->cap, sizeof(*t->rows));
		assert(t->rows != NULL);
	}
	struct fake_row *r = mem_new(1, sizeof(*r));
	assert(r != NULL);
	arena_init(&r->texts, ROW_TEXTS_MAX);
	row_dup(&r->texts, row, &r->row);
	r->number = ++t->last_number;
	t->rows[t->n++] = r;
}

static bool is_charged(const struct fake_table *t, const struct image_row *row)
{
	return t->ledger != NULL && row->owner.n > 0;
}

static bool is_kept(const struct fake_table *t, const struct image_row *row)
{
	for (size_t i = 0; i < t->n_kept; i++)
		if (str_equal(str_of(t->kept[i].id), row->image_id) && t->kept[i].until_ms > row->created_ms)
			return true;
	return false;
}

static void keep_id(struct fake_table *t, struct str id)
{
	t->kept = mem_resize(t->kept, t->n_kept + 1, sizeof(*t->kept));
	assert(t->kept != NULL && id.n == UUID_CHARS);
	struct kept_id *k = &t->kept[t->n_kept++];
	*k = (struct kept_id){ .until_ms = clock_now_ms() + TABLE_ID_KEPT_MS };
	memcpy(k->id, id.p, id.n);
}

static enum status insert_row(struct fake_table *t, const struct image_row *row, struct fault *why)
{
	assert(row->status == IMAGE_PENDING);
	if (find(t, row->image_id) < t->n || is_kept(t, row))
		return image_exists(why);
	if (count(t, IMAGE_PENDING) >= t->max_pending)
		return image_slots_full(why);
	if (is_charged(t, row))
		TRY(t->ledger->reserve(t->ledger, row, why));
	append(t, row);
	return OK;
}

static enum status insert(struct fake_table *t, const struct image_row *row, struct fault *why)
{
	TRY(trap_enter(&t->trap, why));
	return trap_leave(&t->trap, insert_row(t, row, why), why);
}

/* Ends before it returns, on the caller's thread: the soonest that a table may. */
static void start_insert(struct image_table *port, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	(void)a;
	w->done(w, insert(self(port), row, &w->why));
}

static enum status get_row(struct fake_table *t, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	size_t i = find(t, id);
	if (i == t->n)
		return no_such_image(why);
	row_dup(a, &t->rows[i]->row, out);
	return OK;
}

static enum status get(struct image_table *port, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	struct fake_table *t = self(port);
	TRY(trap_enter(&t->trap, why));
	return trap_leave(&t->trap, get_row(t, id, a, out, why), why);
}

static enum status resolve_row(struct fake_table *t, const struct resolution *s, struct fake_row **resolved, struct fault *why)
{
	size_t i = find(t, s->image_id);
	if (i == t->n)
		return no_such_image(why);
	struct fake_row *r = *resolved = t->rows[i];
	TRY(image_row_check_resolution(&r->row, s, why));
	bool stays = r->row.status == IMAGE_UPLOADED && s->status == IMAGE_UPLOADED;
	const struct image_row before = r->row;
	row_resolve(&r->texts, &r->row, s);
	if (is_charged(t, &before))
		t->ledger->move(t->ledger, &before, &r->row);
	r->seq = stays ? r->seq : s->status == IMAGE_UPLOADED ? ++t->last_seq : 0;
	return OK;
}

static enum status resolve(struct image_table *port, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct fake_table *t = self(port);
	struct fake_row *resolved = NULL;
	TRY(trap_enter(&t->trap, why));
	enum status end = resolve_row(t, s, &resolved, why);
	if (resolved != NULL && (end == OK || end == CONFLICT))
		row_dup(a, &resolved->row, now);
	return trap_leave(&t->trap, end, why);
}

static enum status change_row(struct fake_table *t, const struct image_change *c, struct arena *a, struct image_row *now, struct fault *why)
{
	size_t i = find(t, c->image_id);
	if (i == t->n)
		return no_such_image(why);
	struct fake_row *r = t->rows[i];
	enum status end = image_row_change(&r->row, c, &r->texts, why);
	assert(arena_ok(&r->texts));
	row_dup(a, &r->row, now);
	return end;
}

static enum status change(struct image_table *port, const struct image_change *c, struct arena *a, struct image_row *now, struct fault *why)
{
	struct fake_table *t = self(port);
	TRY(trap_enter(&t->trap, why));
	return trap_leave(&t->trap, change_row(t, c, a, now, why), why);
}

static enum status thumbs_row(
	struct fake_table *t, struct str id, struct str etag, struct str thumbs, struct arena *a, struct image_row *now, struct fault *why)
{
	size_t i = find(t, id);
	if (i == t->n)
		return no_such_image(why);
	struct fake_row *r = t->rows[i];
	enum status end = image_row_set_thumbs(&r->row, etag, thumbs, &r->texts, why);
	assert(arena_ok(&r->texts));
	row_dup(a, &r->row, now);
	return end;
}

static enum status set_thumbs(
	struct image_table *port, struct str id, struct str etag, struct str thumbs, struct arena *a, struct image_row *now, struct fault *why)
{
	struct fake_table *t = self(port);
	TRY(trap_enter(&t->trap, why));
	return trap_leave(&t->trap, thumbs_row(t, id, etag, thumbs, a, now, why), why);
}

static bool ended(const struct image_row *row, int64_t by_ms)
{
	return row->ends_ms != 0 && row->ends_ms <= by_ms;
}

static enum status remove_row(struct fake_table *t, struct str id, int64_t ended_by_ms, struct fault *why)
{
	size_t i = find(t, id);
	if (i == t->n)
		return no_such_image(why);
	TRY(image_row_check_ended(&t->rows[i]->row, ended_by_ms, why));
	if (t->store != NULL)
		fake_store_drop(t->store, t->rows[i]->row.key);
	if (is_charged(t, &t->rows[i]->row))
		t->ledger->move(t->ledger, &t->rows[i]->row, NULL);
	if (t->rows[i]->row.request_hash.n > 0)
		keep_id(t, t->rows[i]->row.image_id);
	row_free(&t->rows[i]);
	memmove(&t->rows[i], &t->rows[i + 1], (t->n - i - 1) * sizeof(*t->rows));
	t->n--;
	return OK;
}

static enum status remove_one(struct image_table *port, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct fake_table *t = self(port);
	TRY(trap_enter(&t->trap, why));
	return trap_leave(&t->trap, remove_row(t, id, ended_by_ms, why), why);
}

/* A cursor is "c", 8 hex digits of a hash of the query, and 16 of the place. */
static uint32_t query_hash(const struct image_query *q)
{
	uint64_t h = hash_fnv64(HASH_FNV64, q->owner);
	h = hash_fnv64(h, q->received_sha256);
	h = hash_fnv64(hash_fnv64(h, q->filter.name), q->filter.type) + (uint64_t)(q->filter.uploaded_from ^ q->filter.uploaded_to);
	return (uint32_t)(h * 31 + 2 * (uint64_t)q->status + q->oldest_first);
}

static bool read_cursor(const struct image_query *q, uint64_t *place)
{
	unsigned char raw[12];
	uint64_t hash = 0;
	*place = q->oldest_first ? 0 : UINT64_MAX;
	if (q->cursor.n == 0)
		return true;
	if (q->cursor.p[0] != 'c' || !hex_decode(str_slice(q->cursor, 1, q->cursor.n), raw, sizeof(raw)))
		return false;
	*place = 0;
	for (size_t i = 0; i < 4; i++)
		hash = hash << 8 | raw[i];
	for (size_t i = 4; i < sizeof(raw); i++)
		*place = *place << 8 | raw[i];
	return hash == query_hash(q);
}

static bool is_listed(const struct fake_row *r, const struct image_query *q)
{
	static const enum image_status of[] = {
		[LIST_UPLOADED] = IMAGE_UPLOADED, [LIST_PENDING] = IMAGE_PENDING, [LIST_REJECTED] = IMAGE_REJECTED
	};
	if ((q->owner.n > 0 || q->received_sha256.n > 0) && !str_equal(q->owner, r->row.owner))
		return false;
	if (q->status != LIST_ALL && r->row.status != of[q->status])
		return false;
	if (q->received_sha256.n > 0 && !str_equal(q->received_sha256, r->row.received_sha256))
		return false;
	return image_filter_matches(&q->filter, &r->row);
}

/* Where a row is in the list. */
static uint64_t place_of(const struct fake_row *r, const struct image_query *q)
{
	return q->owner.n > 0 || q->received_sha256.n > 0 ? r->number : r->seq;
}

/* The row of the list that comes next after `place`; NULL when there is none. */
static struct fake_row *next_listed(const struct fake_table *t, const struct image_query *q, uint64_t place)
{
	struct fake_row *best = NULL;
	for (size_t i = 0; i < t->n; i++) {
		uint64_t at = place_of(t->rows[i], q);
		bool after = q->oldest_first ? at > place : at < place;
		if (!is_listed(t->rows[i], q) || !after)
			continue;
		if (best == NULL || (q->oldest_first ? at < place_of(best, q) : at > place_of(best, q)))
			best = t->rows[i];
	}
	return best;
}

static enum status list_rows(struct fake_table *t, const struct image_query *q, uint64_t place, struct arena *a, struct image_page *out)
{
	*out = (struct image_page){ .rows = arena_array(a, q->limit, sizeof(*out->rows)) };
	assert(out->rows != NULL);
	for (uint32_t n = 0; n < q->skip && next_listed(t, q, place) != NULL; n++)
		place = place_of(next_listed(t, q, place), q);
	for (struct fake_row *r = next_listed(t, q, place); r != NULL && out->n < q->limit; r = next_listed(t, q, place)) {
		row_dup(a, &r->row, &out->rows[out->n++]);
		place = place_of(r, q);
	}
	out->has_total = q->owner.n == 0 && q->received_sha256.n == 0 && image_filter_is_empty(&q->filter);
	out->total = out->has_total ? count(t, IMAGE_UPLOADED) : 0;
	if (next_listed(t, q, place) != NULL && out->n > 0)
		out->next_cursor = str_printf(a, "c%08x%016llx", query_hash(q), (unsigned long long)place);
	return OK;
}

static enum status list(struct image_table *port, const struct image_query *q, struct arena *a, struct image_page *out, struct fault *why)
{
	struct fake_table *t = self(port);
	uint64_t place = 0;
	TRY(trap_enter(&t->trap, why));
	enum status end = read_cursor(q, &place) ? list_rows(t, q, place, a, out) : bad_cursor(why);
	return trap_leave(&t->trap, end, why);
}

/* The due row that comes next in the order of (ends_ms, place in the array) after `after`. */
static size_t next_due(const struct fake_table *t, int64_t now_ms, int64_t after_ms, size_t after)
{
	size_t best = t->n;
	for (size_t i = 0; i < t->n; i++) {
		int64_t ends = t->rows[i]->row.ends_ms;
		bool later = ends > after_ms || (ends == after_ms && i > after && after != SIZE_MAX);
		if (ended(&t->rows[i]->row, now_ms) && later && (best == t->n || ends < t->rows[best]->row.ends_ms))
			best = i;
	}
	return best;
}

static enum status due(struct image_table *port, int64_t now_ms, uint32_t limit, struct arena *a, struct image_page *out, struct fault *why)
{
	struct fake_table *t = self(port);
	TRY(trap_enter(&t->trap, why));
	*out = (struct image_page){ .rows = arena_array(a, limit, sizeof(*out->rows)) };
	assert(out->rows != NULL);
	size_t i = next_due(t, now_ms, INT64_MIN, SIZE_MAX);
	while (i < t->n && out->n < limit) {
		row_dup(a, &t->rows[i]->row, &out->rows[out->n++]);
		i = next_due(t, now_ms, t->rows[i]->row.ends_ms, i);
	}
	return trap_leave(&t->trap, OK, why);
}

static enum status counts(struct image_table *port, struct image_counts *out, struct fault *why)
{
	struct fake_table *t = self(port);
	TRY(trap_enter(&t->trap, why));
	*out = (struct image_counts){ count(t, IMAGE_PENDING), count(t, IMAGE_UPLOADED), count(t, IMAGE_REJECTED), 0 };
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i]->row.status == IMAGE_UPLOADED)
			out->stored_bytes += t->rows[i]->row.file_size;
	return trap_leave(&t->trap, OK, why);
}

/* looking over all of them */

/* Where a row is in the order of a status, which goes downwards. */
struct standing {
	uint64_t at, number;
};

static struct standing standing_of(const struct fake_row *r, enum admin_query_status status)
{
	switch (status) {
	case ADMIN_QUERY_ALL:
		return (struct standing){ r->number, 0 };
	case ADMIN_QUERY_UPLOADED:
		return (struct standing){ r->seq, 0 };
	case ADMIN_QUERY_PENDING:
	case ADMIN_QUERY_REJECTED:
		return (struct standing){ (uint64_t)r->row.ends_ms, r->number };
	}
	return (struct standing){ 0, 0 };
}

static bool is_below(struct standing s, struct standing than)
{
	return s.at < than.at || (s.at == than.at && s.number < than.number);
}

/* The next row below `p` that an index of this status holds. */
static struct fake_row *next_standing(const struct fake_table *t, enum admin_query_status status, struct standing p)
{
	struct fake_row *best = NULL;
	for (size_t i = 0; i < t->n; i++) {
		struct standing s = standing_of(t->rows[i], status);
		if (s.at != 0 && is_below(s, p) && (best == NULL || is_below(standing_of(best, status), s)))
			best = t->rows[i];
	}
	return best;
}

/* "a", "p", "u" or "r", and two times 16 hex digits. */
static bool read_standing(const struct admin_query_filter *q, struct standing *out)
{
	unsigned char raw[16];
	*out = (struct standing){ UINT64_MAX, UINT64_MAX };
	if (q->cursor.n == 0)
		return true;
	if (q->cursor.p[0] != "apur"[q->status] || !hex_decode(str_slice(q->cursor, 1, q->cursor.n), raw, sizeof(raw)))
		return false;
	*out = (struct standing){ 0, 0 };
	for (size_t i = 0; i < 8; i++) {
		out->at = out->at << 8 | raw[i];
		out->number = out->number << 8 | raw[8 + i];
	}
	return true;
}

static void look_over(
	struct fake_table *t, const struct admin_query_filter *q, struct standing p, struct arena *a, struct admin_query_page *out)
{
	struct fake_row *r = next_standing(t, q->status, p);
	*out = (struct admin_query_page){ .rows = arena_array(a, q->limit, sizeof(*out->rows)) };
	assert(out->rows != NULL);
	for (; r != NULL && out->n < q->limit && out->looked < ADMIN_QUERY_SCAN_MAX; r = next_standing(t, q->status, p)) {
		p = standing_of(r, q->status);
		out->looked++;
		if (admin_query_matches(q, &r->row))
			row_dup(a, &r->row, &out->rows[out->n++]);
	}
	if (r != NULL)
		out->next_cursor = str_printf(a, "%c%016llx%016llx", "apur"[q->status], (unsigned long long)p.at, (unsigned long long)p.number);
}

static enum status look(
	struct admin_query *port, const struct admin_query_filter *q, struct arena *a, struct admin_query_page *out, struct fault *why)
{
	struct fake_table *t = (struct fake_table *)((char *)port - offsetof(struct fake_table, admin_query));
	struct standing p;
	TRY(trap_enter(&t->trap, why));
	if (!read_standing(q, &p))
		return trap_leave(&t->trap, bad_cursor(why), why);
	look_over(t, q, p, a, out);
	return trap_leave(&t->trap, OK, why);
}

static const struct admin_query_ops admin_query_ops = { look };

struct admin_query *fake_table_admin_query(struct fake_table *t)
{
	return &t->admin_query;
}

static const struct image_table_ops ops = { .starts_without_waiting = true,
	.start_insert = start_insert,
	.get = get,
	.resolve = resolve,
	.change = change,
	.remove = remove_one,
	.list = list,
	.due = due,
	.counts = counts,
	.set_thumbs = set_thumbs };

/* Like a remote table: a write blocks its caller. */
static const struct image_table_ops waiting_ops = {
	.start_insert = start_insert,
	.get = get,
	.resolve = resolve,
	.change = change,
	.remove = remove_one,
	.list = list,
	.due = due,
	.counts = counts,
	.set_thumbs = set_thumbs,
};

void fake_table_make_wait(struct fake_table *t)
{
	t->port.ops = &waiting_ops;
}

struct fake_table *fake_table_new(uint64_t max_pending)
{
	struct fake_table *t = mem_new(1, sizeof(*t));
	assert(t != NULL);
	t->port.ops = &ops;
	t->admin_query.ops = &admin_query_ops;
	t->max_pending = max_pending;
	trap_init(&t->trap);
	return t;
}

void fake_table_free(struct fake_table **t)
{
	if (*t == NULL)
		return;
	for (size_t i = 0; i < (*t)->n; i++)
		row_free(&(*t)->rows[i]);
	trap_deinit(&(*t)->trap);
	mem_free((*t)->rows);
	mem_free((*t)->kept);
	mem_free(*t);
	*t = NULL;
}

struct image_table *fake_table_port(struct fake_table *t)
{
	return &t->port;
}

void fake_table_fail_nth(struct fake_table *t, uint64_t n, enum fault_code code)
{
	trap_fail(&t->trap, n, code);
}

void fake_table_lose_nth(struct fake_table *t, uint64_t n, enum fault_code code)
{
	trap_lose(&t->trap, n, code);
}

void fake_table_meet_nth(struct fake_table *t, uint64_t n, void (*meet)(void *arg), void *arg)
{
	trap_meet(&t->trap, n, meet, arg);
}

uint64_t fake_table_calls(struct fake_table *t)
{
	return trap_calls(&t->trap);
}

void fake_table_hold(struct fake_table *t, struct fake_store *store)
{
	t->store = store;
}

void fake_table_charge(struct fake_table *t, struct fake_ledger *ledger)
{
	t->ledger = ledger;
}

enum status fake_table_locked(struct fake_table *t, enum status (*work)(void *arg), void *arg)
{
	pthread_mutex_lock(&t->trap.lock);
	enum status end = work(arg);
	pthread_mutex_unlock(&t->trap.lock);
	return end;
}

struct owner_usage fake_table_usage(const struct fake_table *t, struct str owner)
{
	struct owner_usage u = { 0 };
	for (size_t i = 0; i < t->n; i++)
		if (str_equal(t->rows[i]->row.owner, owner))
			owner_usage_add(&u, &t->rows[i]->row, 1);
	return u;
}

bool fake_table_has_owner(const struct fake_table *t, struct str owner)
{
	size_t i = 0;
	while (i < t->n && !str_equal(t->rows[i]->row.owner, owner))
		i++;
	return i < t->n;
}
