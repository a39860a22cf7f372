/* The image table on DynamoDB: one item a row, by imageId. Every write is one conditional call.
 *
 * A write may reach DynamoDB although its answer is lost, and is then sent again. So each insert and
 * resolution leaves a random `writeId` in the row: a condition that fails on a row with this id
 * failed because an earlier attempt succeeded, and that is success. A removal leaves no such mark:
 * if it was sent more than once, a row that is gone counts as removed.
 *
 * A row that will expire has a TTL well after that time, so that the sweep, which checks the object
 * first, comes before DynamoDB does. A row past its TTL is not there for readers, whether DynamoDB
 * has removed it or not; it may still be resolved as long as it has not.
 * Source: Amazon DynamoDB developer guide, "Condition expressions", "Working with expired items". */
#include "aws/dynamo.h"
#include "aws/dynamo_cursor.h"
#include "aws/dynamo_item.h"
#include "aws/dynamo_request.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/writer.h"

#include <assert.h>
#include <inttypes.h>

#define DAY_MS ((int64_t)86400000)
#define TIMEOUT_MS 10000
#define WRITE_ID_BYTES 8

struct write_id {
	char text[2 * WRITE_ID_BYTES + 1];
};

static struct dynamo *dynamo_of(struct image_table *port)
{
	return (struct dynamo *)port;
}

static struct write_id new_write_id(void)
{
	unsigned char bytes[WRITE_ID_BYTES];
	struct write_id id;
	random_bytes(bytes, sizeof bytes);
	hex_encode(bytes, sizeof bytes, id.text);
	return id;
}

static enum status no_such_image(struct fault *why)
{
	return fault_set(why, NO_SUCH_IMAGE, "No image has this id.");
}

/* the index keys and the TTL */

/* A time later than all returned before, so that rows are listed in the order in which this process commits them. */
static int64_t next_commit_ms(struct dynamo *t)
{
	int64_t last = atomic_load(&t->last_commit_ms), next;
	do {
		int64_t now = clock_now_ms();
		next = now > last ? now : last + 1;
	} while (!atomic_compare_exchange_weak(&t->last_commit_ms, &last, next));
	return next;
}

static int64_t later_of(int64_t x, int64_t y)
{
	return x > y ? x : y;
}

static void add_index(struct dynamo_item *item, const char *const names[2], uint32_t shard, struct str order, struct arena *a)
{
	bool in = order.n > 0;
	dynamo_item_text(item, names[0], in ? str_printf(a, "%s#%" PRIu32, names[0], shard) : STR(""), a);
	dynamo_item_text(item, names[1], order, a);
}

/* What the row has besides its own fields. An attribute that must be removed is added as missing. An image whose
 * bytes are replaced keeps its place in the list: a client between two pages sees it once. */
static void add_keys(
	struct dynamo *t, const struct image_row *row, bool replaced, const struct write_id *id, struct dynamo_item *item, struct arena *a)
{
	static const char *const feed[2] = { DYNAMO_FEED, DYNAMO_FEED_ORDER }, *const due[2] = { DYNAMO_DUE, DYNAMO_DUE_ORDER };
	bool listed = row->status == IMAGE_UPLOADED, ends = !listed && row->ends_ms > 0;
	/* A day after the URL, and never before a day from now, whatever the clocks of others say. */
	int64_t ttl_ms = later_of(row->ends_ms, later_of(row->expires_ms, clock_now_ms()) + DAY_MS);
	/* even over random ids, and the same on every machine */
	uint32_t shard = hash_fnv32(row->image_id) % t->shards;
	if (!listed || !replaced)
		add_index(item, feed, shard, listed ? dynamo_order(next_commit_ms(t), row->image_id, a) : STR(""), a);
	add_index(item, due, shard, ends ? dynamo_order(row->ends_ms, row->image_id, a) : STR(""), a);
	dynamo_item_number(item, DYNAMO_TTL, ends ? (uint64_t)ttl_ms / 1000 : 0, a);
	dynamo_item_text(item, DYNAMO_WRITE, str_of(id->text), a);
}

static bool is_expired(const json_t *item)
{
	uint64_t at_s;
	return str_to_u64(dynamo_item_get_number(item, DYNAMO_TTL), &at_s) && at_s <= (uint64_t)(clock_now_ms() / 1000);
}

/* reading one row */

static void put_key(struct dynamo_call *c, struct str id)
{
	struct dynamo_item key = { 0 };
	dynamo_item_text(&key, "imageId", id, &c->scratch);
	dynamo_item_put(&key, STR("Key"), "", &c->body);
}

/* The item as DynamoDB has it, expired or not; the answer's `Item` is missing when there is none. */
static enum status fetch_item(struct dynamo_call *c, const struct dynamo *t, struct str id, struct fault *why)
{
	dynamo_call_init(c, t, "GetItem", 0);
	put_key(c, id);
	writer_bool(&c->body, STR("ConsistentRead"), true);
	return dynamo_call_send(c, t, why);
}

static enum status get_row(struct image_table *port, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	assert(port != NULL && a != NULL && out != NULL);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	if (!uuid_valid(id))
		return no_such_image(why);
	TRY(fetch_item(&c, dynamo_of(port), id, why));
	const json_t *item = json_object_get(c.answer, "Item");
	if (item == NULL || is_expired(item))
		return no_such_image(why);
	return dynamo_item_read(item, a, out, why);
}

/* A write with a condition. If that failed, *cause is the row that made it fail, NULL if there is none: from the
 * refusal itself where the endpoint includes it, else read. */
static enum status send_write(struct dynamo_call *c, const struct dynamo *t, struct str id, const json_t **cause, struct fault *why)
{
	assert(c->expects == DYNAMO_CONDITION_FAILED);
	writer_text(&c->body, STR("ReturnValuesOnConditionCheckFailure"), STR("ALL_OLD"));
	TRY(dynamo_call_send(c, t, why));
	enum dynamo_outcome outcome = c->outcome;
	unsigned sent = c->sent;
	if (outcome == DYNAMO_CONDITION_FAILED && json_object_get(c->answer, "Item") == NULL)
		TRY(fetch_item(c, t, id, why));
	*cause = outcome == DYNAMO_CONDITION_FAILED ? json_object_get(c->answer, "Item") : NULL;
	c->outcome = outcome;
	c->sent = sent;
	return OK;
}

static bool is_ours(const json_t *item, const struct write_id *id)
{
	return str_equal(dynamo_item_get_text(item, DYNAMO_WRITE), str_of(id->text));
}

/* insert */

static enum status insert_row(struct image_table *port, const struct image_row *row, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_item item;
	struct write_id id = new_write_id();
	const json_t *cause;
	assert(row->status == IMAGE_PENDING && uuid_valid(row->image_id));
	dynamo_call_init(&c, dynamo_of(port), "PutItem", DYNAMO_CONDITION_FAILED);
	dynamo_item_of(row, false, &c.scratch, &item);
	add_keys(dynamo_of(port), row, false, &id, &item, &c.scratch);
	dynamo_item_put(&item, STR("Item"), "", &c.body);
	writer_text(&c.body, STR("ConditionExpression"), STR("attribute_not_exists(imageId)"));
	TRY(send_write(&c, dynamo_of(port), row->image_id, &cause, why));
	if (c.outcome == DYNAMO_DONE || is_ours(cause, &id))
		return OK;
	return fault_set(why, IMAGE_EXISTS, "An image with this id already exists.");
}

/* It blocks until DynamoDB has answered: for workers, as starts_without_waiting says. */
static void start_insert_row(struct image_table *port, const struct image_row *row, struct arena *a, struct write_completion *w)
{
	(void)a;
	w->done(w, insert_row(port, row, &w->why));
}

/* resolve */

/* "SET #a = :a, #b = :b" of the attributes that are there, or " REMOVE #c, #d" of those that are not. */
static void put_clause(struct buf *b, const struct dynamo_item *item, bool set)
{
	const char *before = set ? "SET " : " REMOVE ";
	for (size_t i = 0; i < item->n; i++) {
		if ((item->attributes[i].value.n > 0) != set)
			continue;
		buf_printf(b, set ? "%s#%s = :%s" : "%s#%s", before, item->attributes[i].name, item->attributes[i].name);
		before = ", ";
	}
}

/* The names have placeholders, since some are reserved words of DynamoDB. The row must be pending, or, for other bytes
 * that came later, uploaded with the ETag that was seen. */
static void put_update(struct dynamo_call *c, struct dynamo_item *item, struct str replaces)
{
	bool again = replaces.n > 0;
	writer_open(&c->body, STR("UpdateExpression"), '"');
	put_clause(&c->body, item, true);
	buf_put(&c->body, STR(", version = if_not_exists(version, :one) + :one"));
	put_clause(&c->body, item, false);
	writer_close(&c->body, '"');
	writer_open(&c->body, STR("ExpressionAttributeNames"), '{');
	for (size_t i = 0; i < item->n; i++)
		writer_text(&c->body, str_printf(&c->scratch, "#%s", item->attributes[i].name), str_of(item->attributes[i].name));
	writer_close(&c->body, '}');
	writer_text(&c->body, STR("ConditionExpression"), again ? STR("#status = :was AND #etag = :replaces") : STR("#status = :was"));
	dynamo_item_text(item, "was", again ? STR("uploaded") : STR("pending"), &c->scratch);
	dynamo_item_text(item, "replaces", replaces, &c->scratch);
	dynamo_item_number(item, "one", 1, &c->scratch);
	dynamo_item_put(item, STR("ExpressionAttributeValues"), ":", &c->body);
	writer_text(&c->body, STR("ReturnValues"), STR("ALL_NEW"));
}

static enum status resolve_row(
	struct image_table *port, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_item changed;
	struct write_id id = new_write_id();
	const struct image_row row = { .image_id = s->image_id,
		.status = s->status,
		.file_type = s->file_type,
		.file_size = s->file_size,
		.etag = s->etag,
		.modified_ms = s->modified_ms,
		.width = s->width,
		.height = s->height,
		.orientation = s->orientation,
		.frames = s->frames,
		.uploaded_ms = s->uploaded_ms,
		.ends_ms = s->ends_ms,
		.reason = s->reason,
		.received_size = s->received_size,
		.received_sha256 = s->received_sha256,
		.stripped = s->stripped,
		.removed = s->removed,
		.verdict = s->verdict,
		.damage = s->damage,
		.placeholder = s->placeholder,
		.color = s->color,
		.kept_metadata = s->kept_metadata };
	const json_t *cause;
	if (!uuid_valid(s->image_id))
		return no_such_image(why);
	dynamo_call_init(&c, dynamo_of(port), "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_item_of(&row, true, &c.scratch, &changed);
	add_keys(dynamo_of(port), &row, s->replaces.n > 0, &id, &changed, &c.scratch);
	put_key(&c, s->image_id);
	put_update(&c, &changed, s->replaces);
	TRY(send_write(&c, dynamo_of(port), s->image_id, &cause, why));
	if (c.outcome == DYNAMO_DONE) {
		const json_t *resolved = json_object_get(c.answer, "Attributes");
		if (resolved != NULL)
			return dynamo_item_read(resolved, a, now, why);
		TRY(fetch_item(&c, dynamo_of(port), s->image_id, why)); /* some endpoints do not return it */
		cause = json_object_get(c.answer, "Item");
	}
	/* The row is gone, or resolved, by others or by this very call. */
	if (cause == NULL || is_expired(cause))
		return no_such_image(why);
	TRY(dynamo_item_read(cause, a, now, why));
	return is_ours(cause, &id) ? OK : fault_set(why, STATE_CHANGED, "The image was verified in the meantime.");
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

/* A row from before there were versions has version 1. */
static void put_change(struct dynamo_call *c, const struct image_change *what)
{
	struct dynamo_item item = { 0 };
	uint64_t is = what->if_version;
	fill_change(what, &item, &c->scratch);
	writer_open(&c->body, STR("UpdateExpression"), '"');
	buf_put(&c->body, STR("SET version = if_not_exists(version, :one) + :one"));
	for (size_t i = 0; i < item.n; i++)
		if (item.attributes[i].value.n > 0)
			buf_printf(&c->body, ", %s = :%s", item.attributes[i].name, item.attributes[i].name);
	const char *before = " REMOVE ";
	for (size_t i = 0; i < item.n; i++) {
		if (item.attributes[i].value.n > 0)
			continue;
		buf_printf(&c->body, "%s%s", before, item.attributes[i].name);
		before = ", ";
	}
	writer_close(&c->body, '"');
	dynamo_item_number(&item, "one", 1, &c->scratch);
	dynamo_item_number(&item, "is", is, &c->scratch);
	dynamo_item_put(&item, STR("ExpressionAttributeValues"), ":", &c->body);
	writer_text(&c->body, STR("ConditionExpression"),
		is == 0       ? STR("attribute_exists(imageId)")
			: is == 1 ? STR("attribute_exists(imageId) AND (version = :is OR attribute_not_exists(version))")
					  : STR("version = :is"));
	writer_text(&c->body, STR("ReturnValues"), STR("ALL_NEW"));
}

static enum status change_row(
	struct image_table *port, const struct image_change *what, struct arena *a, struct image_row *now, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	const json_t *cause;
	if (!uuid_valid(what->image_id))
		return no_such_image(why);
	dynamo_call_init(&c, dynamo_of(port), "UpdateItem", DYNAMO_CONDITION_FAILED);
	put_key(&c, what->image_id);
	put_change(&c, what);
	TRY(send_write(&c, dynamo_of(port), what->image_id, &cause, why));
	const json_t *item = c.outcome == DYNAMO_DONE ? json_object_get(c.answer, "Attributes") : cause;
	if (c.outcome == DYNAMO_DONE && item == NULL) {
		TRY(fetch_item(&c, dynamo_of(port), what->image_id, why)); /* some endpoints do not return it */
		item = json_object_get(c.answer, "Item");
		cause = NULL;
	}
	if (item == NULL || is_expired(item))
		return no_such_image(why);
	TRY(dynamo_item_read(item, a, now, why));
	return cause == NULL ? OK : fault_set(why, PRECONDITION, "The record has another version.");
}

/* remove */

static enum status remove_row(struct image_table *port, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_item values = { 0 };
	const json_t *cause;
	assert(ended_by_ms >= 0);
	if (!uuid_valid(id))
		return no_such_image(why);
	dynamo_call_init(&c, dynamo_of(port), "DeleteItem", DYNAMO_CONDITION_FAILED);
	put_key(&c, id);
	writer_text(&c.body, STR("ConditionExpression"),
		ended_by_ms == 0 ? STR("attribute_exists(imageId)") : STR("attribute_exists(imageId) AND endsMs <= :endedBy"));
	dynamo_item_number(&values, "endedBy", (uint64_t)ended_by_ms, &c.scratch);
	if (ended_by_ms != 0)
		dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", &c.body);
	TRY(send_write(&c, dynamo_of(port), id, &cause, why));
	if (cause != NULL)
		return fault_set(why, STATE_CHANGED, "The image has not expired.");
	return c.outcome == DYNAMO_DONE || c.sent > 1 ? OK : no_such_image(why);
}

/* the port */

static const struct image_table_ops ops = { .start_insert = start_insert_row,
	.get = get_row,
	.resolve = resolve_row,
	.change = change_row,
	.remove = remove_row,
	.list = dynamo_list,
	.due = dynamo_due,
	.counts = dynamo_counts };

struct image_table *dynamo_table_new(const struct dynamo_table_options *o)
{
	struct dynamo *t = mem_new(1, sizeof *t);
	assert(o->shards >= 1 && o->shards <= DYNAMO_SHARDS_MAX);
	if (t == NULL)
		return NULL;
	*t = (struct dynamo){ .port = { .ops = &ops },
		.service = o->service,
		.table = mem_dup_cstr(o->table),
		.shards = o->shards,
		.timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : TIMEOUT_MS };
	if (t->table == NULL) {
		mem_free(t);
		return NULL;
	}
	return &t->port;
}

void dynamo_table_free(struct image_table **port)
{
	assert(port != NULL);
	struct dynamo *t = dynamo_of(*port);
	if (t == NULL)
		return;
	mem_free(t->table);
	mem_free(t);
	*port = NULL;
}
