/* The image table on DynamoDB: one item a row, by imageId. Every write is one conditional call, or one transaction; what they
 * share is in row.h, what adds rows in insert.c, and what resolves and removes them in resolve.c. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/outbox.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/update.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/writer.h"

#include <assert.h>

#define TIMEOUT_MS 10000

static struct dynamo *dynamo_of(struct image_table *port)
{
	return (struct dynamo *)port;
}

static enum status get_row(struct image_table *port, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	assert(port != NULL && a != NULL && out != NULL);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	if (!uuid_valid(id))
		return no_such_image(why);
	TRY(dynamo_fetch(&c, dynamo_of(port), id, why));
	const json_t *item = json_object_get(c.answer, "Item");
	if (!dynamo_row_is_there(item))
		return no_such_image(why);
	return dynamo_item_read(item, a, out, why);
}

/* It blocks until DynamoDB has answered: for workers, as starts_without_waiting says. */
static void start_insert_row(struct image_table *port, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	(void)a;
	w->done(w, dynamo_insert(dynamo_of(port), row, &w->why));
}

/* change */

/* The attributes that change, as present or as missing. */
static void fill_change(const struct image_change *what, struct dynamo_item *item, struct arena *a)
{
	if (what->has_visibility)
		dynamo_item_text(item, DYNAMO_VISIBILITY, what->is_public ? image_visibility_name(true) : STR(""), a);
	if (what->has_file_name)
		dynamo_item_text(item, DYNAMO_FILE_NAME, what->file_name, a);
	if (what->has_metadata)
		dynamo_item_text(item, DYNAMO_METADATA, what->metadata, a);
}

/* A row from before there were versions has version 1. One that has the change already, from a call whose answer was lost, is
 * not changed again. */
static void put_change(struct dynamo_call *c, const struct image_change *what, const struct dynamo_write *w)
{
	uint64_t is = what->if_version;
	struct dynamo_update u = { .also = DYNAMO_NEXT_VERSION };
	u.condition = is == 0 ? STR("attribute_exists(objectKey) AND #writeId <> :writeId")
		: is == 1         ? STR("attribute_exists(objectKey) AND (version = :is OR attribute_not_exists(version))")
						  : STR("attribute_exists(objectKey) AND version = :is");
	fill_change(what, &u.attributes, &c->scratch);
	dynamo_item_text(&u.attributes, DYNAMO_WRITE, str_of(w->id), &c->scratch);
	dynamo_item_number(&u.values, "one", 1, &c->scratch);
	dynamo_item_number(&u.values, "is", is, &c->scratch);
	dynamo_update_put(&u, &c->scratch, &c->body);
}

/* Send an UpdateItem whose condition is written. now: the row as it is then.
 * Errors  CONFLICT the condition refused it, which the caller has a word for */
static enum status send_change(struct dynamo_call *c, const struct dynamo *t, struct str id, const struct dynamo_write *w, struct arena *a,
	struct image_row *now, struct fault *why)
{
	const json_t *item;
	writer_text(&c->body, STR("ReturnValues"), STR("ALL_NEW"));
	TRY(dynamo_send_write(c, t, id, &item, why));
	bool done = c->outcome == DYNAMO_DONE || dynamo_write_is_of(w, item);
	if (c->outcome == DYNAMO_DONE)
		TRY(dynamo_row_after(c, t, id, &item, why));
	if (!dynamo_row_is_there(item))
		return no_such_image(why);
	TRY(dynamo_item_read(item, a, now, why));
	return done ? OK : CONFLICT;
}

static enum status change_row(
	struct image_table *port, const struct image_change *what, struct arena *a, struct image_row *now, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_write w = dynamo_write_new();
	if (!uuid_valid(what->image_id))
		return no_such_image(why);
	TRY(dynamo_check_change(dynamo_of(port), why));
	dynamo_call_init(&c, dynamo_of(port), "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_key_put(what->image_id, &c.scratch, &c.body);
	put_change(&c, what, &w);
	enum status st = send_change(&c, dynamo_of(port), what->image_id, &w, a, now, why);
	return st == CONFLICT ? image_other_version(why) : st;
}

/* Only uploaded rows are in the list's index. */
static enum status set_thumbs(
	struct image_table *port, struct str id, struct str etag, struct str thumbs, struct arena *a, struct image_row *now, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_write w = dynamo_write_new();
	struct dynamo_update u = { .also = DYNAMO_NEXT_VERSION,
		.condition = STR("attribute_exists(" DYNAMO_FEED ") AND etag = :etag AND #writeId <> :writeId") };
	if (!uuid_valid(id))
		return no_such_image(why);
	dynamo_call_init(&c, dynamo_of(port), "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_key_put(id, &c.scratch, &c.body);
	dynamo_item_text(&u.attributes, DYNAMO_THUMBS, thumbs, &c.scratch);
	dynamo_item_text(&u.attributes, DYNAMO_WRITE, str_of(w.id), &c.scratch);
	dynamo_item_text(&u.values, "etag", etag, &c.scratch);
	dynamo_item_number(&u.values, "one", 1, &c.scratch);
	dynamo_update_put(&u, &c.scratch, &c.body);
	enum status st = send_change(&c, dynamo_of(port), id, &w, a, now, why);
	return st == CONFLICT ? image_was_replaced(why) : st;
}

/* the port */

static const struct image_table_ops ops = { .start_insert = start_insert_row,
	.get = get_row,
	.resolve = dynamo_resolve,
	.change = change_row,
	.remove = dynamo_remove,
	.list = dynamo_list,
	.due = dynamo_due,
	.counts = dynamo_counts,
	.set_thumbs = set_thumbs };

struct image_table *dynamo_table_new(const struct dynamo_table_options *o)
{
	struct dynamo *t = mem_new(1, sizeof *t);
	assert(o->shards >= 1 && o->shards <= DYNAMO_SHARDS_MAX);
	if (t == NULL)
		return NULL;
	*t = (struct dynamo){ .port = { .ops = &ops },
		.users = { .ops = &dynamo_user_ops },
		.api_keys = { .ops = &dynamo_api_key_ops },
		.service = o->service,
		.table = mem_dup_cstr(o->table),
		.shards = o->shards,
		.transfer = { .ops = &dynamo_transfer_ops, .settle_ms = DYNAMO_STATE_SETTLE_MS },
		.obeys_state = o->obeys_migration,
		.count_owners = o->count_owners,
		.quota = o->quota,
		.store = o->store,
		.timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS };
	if (t->table == NULL) {
		mem_free(t);
		return NULL;
	}
	dynamo_outbox_init(t);
	return &t->port;
}

void dynamo_table_free(struct image_table **port)
{
	assert(port != NULL);
	struct dynamo *t = dynamo_of(*port);
	if (t == NULL)
		return;
	dynamo_outbox_deinit(t);
	mem_free(t->table);
	mem_free(t);
	*port = NULL;
}
