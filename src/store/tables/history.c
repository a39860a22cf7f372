/* history on SQLite: one row for each slot of the ring; the point is a text of decimal numbers in the order of the struct. Numbers that are
 * missing in a row, since an older version wrote it, are 0. */
#include "store/tables/rows.h"
#include "store/engine.h"

#define NUMBERS (1 + HISTORY_GAUGES + HISTORY_LATENCIES + HISTORY_COUNTS)
#define TEXT_MAX (NUMBERS * (DECIMAL_CHARS + 1))

/* Pointers to the numbers of a point in the order of the text; new counts are added at the end. */
static void find_numbers(struct history_point *p, uint64_t *out[NUMBERS])
{
	size_t n = 0;

	out[n++] = &p->ms;
	for (size_t i = 0; i < HISTORY_GAUGES; i++)
		out[n++] = &p->gauges[i];
	for (size_t i = 0; i < HISTORY_LATENCIES; i++)
		out[n++] = &p->latencies[i];
	for (size_t i = 0; i < HISTORY_COUNTS; i++)
		out[n++] = &p->counts[i];
}

static struct history_point read_point(sqlite3_stmt *s)
{
	struct history_point p = { .minute = sqlite3_column_int64(s, 0) };
	struct str rest = column_borrow(s, 1);
	uint64_t *numbers[NUMBERS];

	find_numbers(&p, numbers);
	for (size_t i = 0; i < NUMBERS && rest.p != NULL; i++)
		if (!str_to_u64(str_cut(&rest, ' '), numbers[i]))
			return (struct history_point){ 0 };
	return p;
}

struct history_change {
	struct change change;
	struct history_point point;
};

static enum status apply_point(struct writer *w, struct change *c)
{
	struct history_point *p = &((struct history_change *)c)->point, all = { 0 };
	int64_t slot = p->minute % HISTORY_MINUTES;
	uint64_t *numbers[NUMBERS];
	char memory[TEXT_MAX];
	struct buf text;
	bool row = false;

	TRY(rows_check_room(w, c->why));
	sqlite3_stmt *s = DB_BIND(&w->db, Q_HISTORY_GET, db_int(slot));
	TRY(writer_step(w, s, &row));
	if (row && sqlite3_column_int64(s, 0) == p->minute)
		all = read_point(s);
	sqlite3_reset(s);
	history_fold(&all, p);
	find_numbers(&all, numbers);
	buf_init_fixed(&text, memory, sizeof memory);
	for (size_t i = 0; i < NUMBERS; i++) {
		if (i > 0)
			buf_put_char(&text, ' ');
		buf_put_u64(&text, *numbers[i]);
	}
	assert(buf_ok(&text));
	return writer_run(w, DB_BIND(&w->db, Q_HISTORY_PUT, db_int(slot), db_int(all.minute), db_text(buf_str(&text))));
}

static enum status add_point(struct history *h, const struct history_point *p, struct fault *why)
{
	struct history_change hc = { .change = { .apply = apply_point, .why = why }, .point = *p };

	return group_commit_run(&ENGINE_OF(h, history)->group_commit, &hc.change);
}

static enum status each_point(
	struct history *h, int64_t from, int64_t to, void (*see)(void *arg, const struct history_point *), void *arg, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;

	TRY(read_pool_acquire(&ENGINE_OF(h, history)->read_pool, &d, why));
	sqlite3_stmt *s = DB_BIND(d, Q_HISTORY_LIST, db_int(from), db_int(to));
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			return OK;
		struct history_point p = read_point(s);
		if (p.ms > 0)
			see(arg, &p);
	}
}

const struct history_ops sqlite_history_ops = { true, add_point, each_point };
