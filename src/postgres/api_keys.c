/* api_key_table on PostgreSQL: reads are single statements, writes are changes in the same batches as those of images. */
#include "port/api_key_table.h"

#include "postgres/parts.h"

struct key_change {
	struct pg_change change;
	const struct api_key_row *row; /* to be added */
	struct str id;
	int64_t hour_ms;
};

static void read_key(const PGresult *r, int i, struct arena *a, struct api_key_row *out)
{
	*out = (struct api_key_row){
		.id = str_dup(a, pg_column_text(r, i, 0)),
		.hash = str_dup(a, pg_column_text(r, i, 1)),
		.name = str_dup(a, pg_column_text(r, i, 2)),
		.scopes = (unsigned)pg_column_number(r, i, 3),
		.owner = str_dup(a, pg_column_text(r, i, 4)),
		.issuer = str_dup(a, pg_column_text(r, i, 5)),
		.subject = str_dup(a, pg_column_text(r, i, 6)),
		.created_ms = pg_column_number(r, i, 7),
		.expires_ms = pg_column_number(r, i, 8),
		.used_ms = pg_column_number(r, i, 9),
	};
}

static enum status get_key(struct api_key_table *t, struct str id, struct arena *a, struct api_key_row *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;

	TRY(PG_ASK(&POSTGRES_OF(t, api_keys)->points, PQ_API_KEY_GET, &r, why, pg_text(id)));
	if (libpq.ntuples(r) == 0)
		return no_such_api_key(why);
	read_key(r, 0, a, out);
	return fault_check_arena(a, why);
}

static enum status list_keys(struct api_key_table *t, struct arena *a, struct api_key_page *out, struct fault *why)
{
	PGresult *r CLEANUP(result_clear) = NULL;
	struct api_key_page page = { 0 };

	TRY(PG_ASK(&POSTGRES_OF(t, api_keys)->points, PQ_API_KEY_LIST, &r, why, pg_number(API_KEYS_MAX)));
	page.n = (size_t)libpq.ntuples(r);
	page.rows = arena_array(a, page.n, sizeof *page.rows);
	if (page.rows == NULL && page.n > 0)
		return fault_too_much(why);
	for (size_t i = 0; i < page.n; i++)
		read_key(r, (int)i, a, &page.rows[i]);
	*out = page;
	return fault_check_arena(a, why);
}

static enum status apply_add(struct pg_batch *b, struct pg_change *c)
{
	const struct api_key_row *row = ((const struct key_change *)c)->row;

	TRY(batch_check_change(b, c->call.why));
	BATCH_SEND(b, c, PQ_API_KEY_ADD, pg_text(row->id), pg_text(row->hash), pg_text(row->name), pg_number(row->scopes), pg_text(row->owner),
		pg_text(row->issuer), pg_text(row->subject), pg_number(row->created_ms), pg_number(row->expires_ms), pg_number(row->used_ms),
		pg_number(API_KEYS_MAX));
	return OK;
}

static enum status add_key(struct api_key_table *t, const struct api_key_row *row, struct fault *why)
{
	struct postgres *p = POSTGRES_OF(t, api_keys);
	struct key_change kc = { .change = { .apply = apply_add, .call.why = why }, .row = row };
	PGresult *r CLEANUP(result_clear) = NULL;

	TRY(pg_writer_run(&p->writer, &kc.change));
	if (kc.change.affected > 0)
		return OK;
	TRY(PG_ASK(&p->points, PQ_API_KEY_GET, &r, why, pg_text(row->id)));
	return libpq.ntuples(r) > 0 ? api_key_exists(why) : api_keys_full(why);
}

static enum status apply_touch(struct pg_batch *b, struct pg_change *c)
{
	const struct key_change *kc = (const struct key_change *)c;

	BATCH_SEND(b, c, PQ_API_KEY_TOUCH, pg_text(kc->id), pg_number(kc->hour_ms));
	return OK;
}

static enum status touch_key(struct api_key_table *t, struct str id, int64_t hour_ms, struct fault *why)
{
	struct key_change kc = { .change = { .apply = apply_touch, .call.why = why }, .id = id, .hour_ms = hour_ms };

	return pg_writer_run(&POSTGRES_OF(t, api_keys)->writer, &kc.change);
}

static enum status apply_remove(struct pg_batch *b, struct pg_change *c)
{
	TRY(batch_check_change(b, c->call.why));
	BATCH_SEND(b, c, PQ_API_KEY_REMOVE, pg_text(((const struct key_change *)c)->id));
	return OK;
}

static enum status remove_key(struct api_key_table *t, struct str id, struct fault *why)
{
	struct key_change kc = { .change = { .apply = apply_remove, .call.why = why }, .id = id };

	TRY(pg_writer_run(&POSTGRES_OF(t, api_keys)->writer, &kc.change));
	return kc.change.affected > 0 ? OK : no_such_api_key(why);
}

const struct api_key_table_ops pg_api_key_ops = { add_key, get_key, list_keys, touch_key, remove_key };
