/* The image table on DynamoDB: one item a row, by imageId. Every write is one conditional call.
 *
 * A write may reach DynamoDB although its answer is lost, and is then sent again. So each insert and
 * resolution leaves a random `writeId` in the row: a condition that fails on a row with this id
 * failed because an earlier attempt succeeded, and that is success. A removal leaves no such mark:
 * what is gone when it was sent more than once counts as removed.
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

/* A time after all that this process gave before, so that what it commits in turn is listed in turn. */
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

/* A day after the URL, and never before a day from now, whatever the clocks of others say. */
static int64_t ttl_s(int64_t ends_ms, int64_t expires_ms)
{
	return later_of(ends_ms, later_of(expires_ms, clock_now_ms()) + DAY_MS) / 1000;
}

static void add_index(struct dynamo_item *item, const char *const names[2], uint32_t shard, struct str order, struct arena *a)
{
	bool in = order.n > 0;
	dynamo_item_text(item, names[0], in ? str_printf(a, "%s#%" PRIu32, names[0], shard) : STR(""), a);
	dynamo_item_text(item, names[1], order, a);
}

/* What the row has besides its own fields. An attribute that must go is added as empty. An image whose
 * bytes are replaced keeps its place in the list: a client between two pages sees it once. */
static void add_keys(
	struct dynamo *t, const struct image_row *row, bool replaced, const struct write_id *id, struct dynamo_item *item, struct arena *a)
{
	static const char *const feed[2] = { DYNAMO_FEED, DYNAMO_FEED_ORDER }, *const due[2] = { DYNAMO_DUE, DYNAMO_DUE_ORDER };
	bool listed = row->status == IMAGE_UPLOADED, ends = !listed && row->ends_ms > 0;
	/* even over random ids, and the same on every machine */
	uint32_t shard = hash_fnv32(row->image_id) % t->shards;
	if (!listed || !replaced)
		add_index(item, feed, shard, listed ? dynamo_order(next_commit_ms(t), row->image_id, a) : STR(""), a);
	add_index(item, due, shard, ends ? dynamo_order(row->ends_ms, row->image_id, a) : STR(""), a);
	dynamo_item_number(item, DYNAMO_TTL, ends ? ttl_s(row->ends_ms, row->expires_ms) : 0, a);
	dynamo_item_text(item, DYNAMO_WRITE, str_of(id->text), a);
}

static bool is_expired(const json_t *item)
{
	uint64_t at_s;
	return str_to_u64(dynamo_item_get_number(item, DYNAMO_TTL), &at_s) && at_s <= (uint64_t)(clock_now_ms() / 1000);
}

/* reading one row */

static void put_key(struct buf *b, struct str id)
{
	buf_printf(b, ",\"Key\":{\"imageId\":{\"S\":\"%.*s\"}}", STRF(id));
}

static struct str finish_body(struct buf *b)
{
	buf_put_char(b, '}');
	return buf_ok(b) ? buf_str(b) : STR("");
}

/* The item as DynamoDB has it, expired or not; `Item` lacks in *out when there is none. */
static enum status fetch_item(struct dynamo *t, struct str id, struct arena *scratch, struct dynamo_answer *out, struct fault *why)
{
	struct buf body;
	dynamo_body_begin(&body, t, scratch);
	put_key(&body, id);
	buf_put(&body, STR(",\"ConsistentRead\":true"));
	const struct dynamo_call call = { .action = "GetItem", .body = finish_body(&body) };
	return dynamo_ask(t, &call, scratch, out, why);
}

static enum status get_row(struct image_table *port, struct str id, struct arena *a, struct image_row *out, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	arena_init(&scratch, DYNAMO_SCRATCH_BYTES);
	if (!uuid_valid(id))
		return no_such_image(why);
	TRY(fetch_item(dynamo_of(port), id, &scratch, &answer, why));
	const json_t *item = json_object_get(answer.json, "Item");
	if (item == NULL || is_expired(item))
		return no_such_image(why);
	return dynamo_item_read(item, a, out, why);
}

/* After a condition failed, *answer becomes one whose `Item` is the row that made it fail, if there is
 * one: from the refusal itself where the endpoint says it, else read. */
static enum status find_cause(struct dynamo *t, struct str id, struct arena *scratch, struct dynamo_answer *answer, struct fault *why)
{
	struct dynamo_answer now;
	if (json_object_get(answer->json, "Item") != NULL)
		return OK;
	TRY(fetch_item(t, id, scratch, &now, why));
	dynamo_answer_deinit(answer);
	*answer = now;
	return OK;
}

static bool is_ours(const json_t *item, const struct write_id *id)
{
	return str_equal(dynamo_item_get_text(item, DYNAMO_WRITE), str_of(id->text));
}

/* insert */

static struct str insert_body(struct dynamo *t, const struct image_row *row, const struct write_id *id, struct arena *scratch)
{
	struct dynamo_item item;
	struct buf b;
	dynamo_item_of(row, false, scratch, &item);
	add_keys(t, row, false, id, &item, scratch);
	dynamo_body_begin(&b, t, scratch);
	buf_put(&b, STR(",\"Item\":"));
	dynamo_item_put(&item, &b);
	buf_put(&b,
		STR(",\"ConditionExpression\":\"attribute_not_exists(#imageId)\",\"ExpressionAttributeNames\":{\"#imageId\":\"imageId\"}"
			",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\""));
	return finish_body(&b);
}

static enum status insert_row(struct image_table *port, const struct image_row *row, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	struct write_id id = new_write_id();
	assert(row->status == IMAGE_PENDING && uuid_valid(row->image_id));
	arena_init(&scratch, DYNAMO_SCRATCH_BYTES);
	const struct dynamo_call call = {
		.action = "PutItem", .body = insert_body(dynamo_of(port), row, &id, &scratch), .expects = DYNAMO_CONDITION_FAILED
	};
	TRY(dynamo_ask(dynamo_of(port), &call, &scratch, &answer, why));
	if (answer.outcome == DYNAMO_DONE)
		return OK;
	TRY(find_cause(dynamo_of(port), row->image_id, &scratch, &answer, why));
	if (is_ours(json_object_get(answer.json, "Item"), &id))
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

struct update {
	struct buf set, remove, names, values;
};

static void update_add(struct update *u, const struct dynamo_attribute *at)
{
	struct buf *clause = at->value.n > 0 ? &u->set : &u->remove;
	buf_printf(clause, clause->n == 0 ? "%s" : ", ", clause == &u->set ? "SET " : " REMOVE ");
	buf_printf(clause, "#%s", at->name);
	buf_printf(&u->names, "%s\"#%s\":\"%s\"", u->names.n == 0 ? "" : ",", at->name, at->name);
	if (at->value.n == 0)
		return;
	buf_printf(clause, " = :%s", at->name);
	buf_printf(&u->values, ",\":%s\":", at->name);
	buf_put(&u->values, at->value);
}

/* It must be pending, or, for other bytes that came later, uploaded with the ETag that was seen. */
static void put_condition(const struct resolution *s, struct update *u, struct buf *b, struct arena *scratch)
{
	bool replaces = s->replaces.n > 0;
	struct dynamo_item seen = { 0 };
	dynamo_item_text(&seen, "replaces", s->replaces, scratch);
	if (replaces) {
		buf_put(&u->values, STR(",\":replaces\":"));
		buf_put(&u->values, seen.attributes[0].value);
	}
	buf_printf(b, ",\"ConditionExpression\":\"#status = :was%s\"", replaces ? " AND #etag = :replaces" : "");
	buf_printf(
		b, ",\"ExpressionAttributeValues\":{\":was\":{\"S\":\"%s\"}%.*s}", replaces ? "uploaded" : "pending", STRF(buf_str(&u->values)));
}

static struct str write_resolve_body(struct dynamo *t, const struct resolution *s, const struct write_id *id, struct arena *scratch)
{
	struct image_row row = { .image_id = s->image_id,
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
		.reason = s->reason };
	struct dynamo_item item;
	struct update u;
	struct buf b;
	dynamo_item_of(&row, true, scratch, &item);
	add_keys(t, &row, s->replaces.n > 0, id, &item, scratch);
	struct buf *all[] = { &u.set, &u.remove, &u.names, &u.values };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		buf_init_arena(all[i], scratch, DYNAMO_BODY_MAX);
	for (size_t i = 0; i < item.n; i++)
		update_add(&u, &item.attributes[i]);
	dynamo_body_begin(&b, t, scratch);
	put_key(&b, s->image_id);
	buf_printf(&b, ",\"UpdateExpression\":\"%.*s%.*s\"", STRF(buf_str(&u.set)), STRF(buf_str(&u.remove)));
	buf_printf(&b, ",\"ExpressionAttributeNames\":{%.*s}", STRF(buf_str(&u.names)));
	put_condition(s, &u, &b, scratch);
	buf_put(&b,
		STR(",\"ReturnValues\":\"ALL_NEW\""
			",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\""));
	return buf_ok(&u.set) && buf_ok(&u.remove) && buf_ok(&u.names) && buf_ok(&u.values) ? finish_body(&b) : STR("");
}

static enum status resolve_row(
	struct image_table *port, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	struct write_id id = new_write_id();
	assert(s->status != IMAGE_PENDING);
	arena_init(&scratch, DYNAMO_SCRATCH_BYTES);
	if (!uuid_valid(s->image_id))
		return no_such_image(why);
	const struct dynamo_call call = {
		.action = "UpdateItem", .body = write_resolve_body(dynamo_of(port), s, &id, &scratch), .expects = DYNAMO_CONDITION_FAILED
	};
	TRY(dynamo_ask(dynamo_of(port), &call, &scratch, &answer, why));
	const json_t *resolved = json_object_get(answer.json, "Attributes");
	if (answer.outcome == DYNAMO_DONE && resolved != NULL)
		return dynamo_item_read(resolved, a, now, why);
	TRY(find_cause(dynamo_of(port), s->image_id, &scratch, &answer, why));
	/* The condition failed: the row is gone, or resolved, by others or by this very call. */
	const json_t *item = json_object_get(answer.json, "Item");
	if (item == NULL || is_expired(item))
		return no_such_image(why);
	TRY(dynamo_item_read(item, a, now, why));
	return is_ours(item, &id) ? OK : fault_set(why, STATE_CHANGED, "The image was verified in the meantime.");
}

/* remove */

static struct str remove_body(struct dynamo *t, struct str id, int64_t ended_by_ms, struct arena *scratch)
{
	struct buf b;
	dynamo_body_begin(&b, t, scratch);
	put_key(&b, id);
	buf_printf(&b, ",\"ConditionExpression\":\"attribute_exists(#imageId)%s\"", ended_by_ms == 0 ? "" : " AND #endsMs <= :endedBy");
	buf_printf(&b, ",\"ExpressionAttributeNames\":{\"#imageId\":\"imageId\"%s}", ended_by_ms == 0 ? "" : ",\"#endsMs\":\"endsMs\"");
	if (ended_by_ms != 0)
		buf_printf(&b, ",\"ExpressionAttributeValues\":{\":endedBy\":{\"N\":\"%" PRId64 "\"}}", ended_by_ms);
	buf_put(&b, STR(",\"ReturnValuesOnConditionCheckFailure\":\"ALL_OLD\""));
	return finish_body(&b);
}

static enum status remove_row(struct image_table *port, struct str id, int64_t ended_by_ms, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct dynamo_answer answer CLEANUP(dynamo_answer_deinit) = { 0 };
	unsigned sent = 0;
	arena_init(&scratch, DYNAMO_SCRATCH_BYTES);
	if (!uuid_valid(id))
		return no_such_image(why);
	const struct dynamo_call call = { .action = "DeleteItem",
		.body = remove_body(dynamo_of(port), id, ended_by_ms, &scratch),
		.expects = DYNAMO_CONDITION_FAILED,
		.sent = &sent };
	TRY(dynamo_ask(dynamo_of(port), &call, &scratch, &answer, why));
	if (answer.outcome == DYNAMO_DONE)
		return OK;
	TRY(find_cause(dynamo_of(port), id, &scratch, &answer, why));
	if (json_object_get(answer.json, "Item") != NULL)
		return fault_set(why, STATE_CHANGED, "The image has not expired.");
	return sent > 1 ? OK : no_such_image(why);
}

/* the port */

static const struct image_table_ops ops = { .start_insert = start_insert_row,
	.get = get_row,
	.resolve = resolve_row,
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
	struct dynamo *t = dynamo_of(*port);
	if (t == NULL)
		return;
	mem_free(t->table);
	mem_free(t);
	*port = NULL;
}
