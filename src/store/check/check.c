/* The items of the embedded store, and those of its database. See check.h. */
#include "store/check/check.h"

#include "store/db/group_commit.h"

#include <stdio.h>
#include <string.h>

void check_report(const struct check *c, enum finding_kind kind, struct str subject, struct str detail, bool repaired)
{
	c->sink->found(c->sink, &(struct finding){ kind, subject, detail, repaired });
}

static enum status check_database(const struct check *c, struct str name, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	bool row = false;
	(void)name;
	TRY(read_pool_acquire(&c->engine->read_pool, &d, why));
	sqlite3_stmt *s = db_query(d, Q_CHECK_DATABASE);
	for (;;) {
		TRY(db_step(d, s, &row, why));
		if (!row)
			return OK;
		if (!str_equal(column_borrow(s, 0), STR("ok")))
			check_report(c, FINDING_DATABASE, STR("tintype.db"), column_borrow(s, 0), false);
	}
}

static struct image_counts column_counts(sqlite3_stmt *s, int i)
{
	return (struct image_counts){ (uint64_t)sqlite3_column_int64(s, i), (uint64_t)sqlite3_column_int64(s, i + 1),
		(uint64_t)sqlite3_column_int64(s, i + 2), (uint64_t)sqlite3_column_int64(s, i + 3) };
}

static void put_difference(struct arena *a, struct str *text, const char *what, uint64_t kept, uint64_t counted)
{
	if (kept != counted)
		*text = str_printf(a, "%.*s%s%s %llu, counted %llu", STRF(*text), text->n > 0 ? "; " : "", what, (unsigned long long)kept,
			(unsigned long long)counted);
}

static bool counts_equal(const struct image_counts *x, const struct image_counts *y)
{
	return x->pending == y->pending && x->uploaded == y->uploaded && x->rejected == y->rejected && x->stored_bytes == y->stored_bytes;
}

static enum status apply_counts(struct writer *w, struct change *c)
{
	bool row = false;
	sqlite3_stmt *s = db_query(&w->db, Q_CHECK_COUNTS);
	(void)c;
	sqlite3_reset(s);
	TRY(writer_step(w, s, &row));
	if (row)
		w->counters.images = column_counts(s, 0);
	sqlite3_reset(s);
	return OK;
}

/* Rows and numbers in one snapshot: those that are kept are of the same commit. */
static enum status check_counts(const struct check *c, struct str name, struct fault *why)
{
	struct db *d CLEANUP(read_pool_release) = NULL;
	struct change change = { .apply = apply_counts, .why = why };
	bool row = false;
	(void)name;
	TRY(read_pool_acquire(&c->engine->read_pool, &d, why));
	sqlite3_stmt *s = db_query(d, Q_CHECK_TALLY);
	TRY(db_step(d, s, &row, why));
	struct image_counts counted = row ? column_counts(s, 0) : (struct image_counts){ 0 };
	struct image_counts kept = row ? column_counts(s, 4) : counted;
	sqlite3_reset(s);
	if (counts_equal(&counted, &kept))
		return OK;
	struct str detail = STR("");
	put_difference(c->arena, &detail, "pending", kept.pending, counted.pending);
	put_difference(c->arena, &detail, "uploaded", kept.uploaded, counted.uploaded);
	put_difference(c->arena, &detail, "rejected", kept.rejected, counted.rejected);
	put_difference(c->arena, &detail, "bytes", kept.stored_bytes, counted.stored_bytes);
	TRY(fault_check_arena(c->arena, why));
	if (c->repair)
		TRY(group_commit_run(&c->engine->group_commit, &change));
	check_report(c, FINDING_COUNTS, STR("images"), detail, c->repair);
	return OK;
}

static enum status list_database(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why)
{
	(void)e, (void)after, (void)a, (void)why;
	page->names[page->n++] = STR("database");
	page->names[page->n++] = STR("counts");
	return OK;
}

static enum status list_incoming(struct engine *e, struct str *after, struct arena *a, struct check_page *page, struct fault *why)
{
	(void)e, (void)after, (void)a, (void)why;
	page->names[page->n++] = STR("incoming");
	return OK;
}

static enum status list_items(struct storage_check *port, struct str cursor, struct arena *a, struct check_items *out, struct fault *why)
{
	static enum status (*const lists[])(struct engine *, struct str *, struct arena *, struct check_page *,
		struct fault *) = { list_database, check_list_objects, check_list_parts, check_list_dirs, list_incoming, check_list_thumbs };
	struct str after = cursor, at = str_cut(&after, ':');
	struct check_page *page = ARENA_NEW(a, struct check_page);
	uint64_t i = 0;
	if (cursor.n > 0 && (!str_to_u64(at, &i) || i >= COUNT_OF(lists)))
		return fault_set(why, BAD_CURSOR, "No list has such a place.");
	if (page == NULL)
		return fault_too_much(why);
	TRY(lists[i](ENGINE_OF(port, check), &after, a, page, why));
	*out = (struct check_items){ .names = page->names, .n = page->n };
	if (after.n > 0 || i + 1 < COUNT_OF(lists))
		out->cursor = str_printf(a, "%llu:%.*s", (unsigned long long)(after.n > 0 ? i : i + 1), STRF(after));
	return fault_check_arena(a, why);
}

static enum status examine_item(
	struct storage_check *port, struct str item, bool repair, struct arena *a, struct finding_sink *sink, struct fault *why)
{
	static const struct {
		const char *word;
		enum status (*examine)(const struct check *c, struct str name, struct fault *why);
	} kinds[] = { { "database", check_database }, { "counts", check_counts }, { "object", check_object }, { "part", check_part },
		{ "objects", check_objects_dir }, { "incoming", check_incoming }, { "thumbs", check_thumbs } };
	const struct check c = { .engine = ENGINE_OF(port, check), .repair = repair, .arena = a, .sink = sink };
	struct str name = item, word = str_cut(&name, '/');
	assert(!repair || !c.engine->beside);
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (str_equal(word, str_of(kinds[i].word)))
			return kinds[i].examine(&c, name, why);
	return fault_set(why, INVALID_INPUT, "Nothing is called %.*s here.", STRF(item));
}

const struct storage_check_ops check_ops = { list_items, examine_item, check_image_object };
