/* api_key_table on DynamoDB: an item "apikey#ID" a key, in the table of the images. All of them are one partition of the index `owned`, by
 * their ids: there are few, and they are seldom written. The list follows the table by a moment; a key itself is read consistently. */
#include "aws/dynamo/dynamo.h"
#include "aws/dynamo/row.h"
#include "aws/dynamo/state.h"
#include "aws/dynamo/update.h"

#include "base/writer.h"
#include "port/api_key_table.h"

#include <assert.h>

#define KIND "apikey"
#define PARTITION "apikeys"
#define ID_MAX 64
#define KEY_BYTES ((size_t)4 << 10)

static struct dynamo *dynamo_of_keys(struct api_key_table *port)
{
	return (struct dynamo *)((char *)port - offsetof(struct dynamo, api_keys));
}

struct api_key_table *dynamo_api_keys(struct image_table *table)
{
	return &((struct dynamo *)table)->api_keys;
}

static struct str key_of(struct str id, struct arena *a)
{
	return str_printf(a, KIND "#%.*s", STRF(id));
}

/* An id comes from a client: longer ones than any are not looked up. */
static bool is_possible(struct str id)
{
	return id.n > 0 && id.n <= ID_MAX;
}

/* the row */

static void fill_key(const struct api_key_row *row, struct dynamo_item *item, struct arena *a)
{
	dynamo_item_text(item, DYNAMO_KEY, key_of(row->id, a), a);
	dynamo_item_text(item, "keySha256", row->hash, a);
	dynamo_item_text(item, "keyName", row->name, a);
	dynamo_item_number(item, "scopes", row->scopes, a);
	dynamo_item_text(item, "owner", row->owner, a);
	dynamo_item_text(item, "issuer", row->issuer, a);
	dynamo_item_text(item, "subject", row->subject, a);
	dynamo_item_signed(item, "createdMs", row->created_ms, a);
	dynamo_item_number(item, "expiresMs", (uint64_t)row->expires_ms, a);
	dynamo_item_number(item, "usedMs", (uint64_t)row->used_ms, a);
	dynamo_item_text(item, DYNAMO_OWNED, STR(PARTITION), a);
	dynamo_item_text(item, DYNAMO_OWNED_ORDER, row->id, a);
}

static struct str read_text(const json_t *item, const char *name, struct arena *a)
{
	struct str text = dynamo_item_get_text(item, name);
	return text.n == 0 ? STR("") : str_dup(a, text);
}

/* A key whose scopes or hash cannot be read opens nothing. One that expires at a time that cannot be read has expired. */
static enum status read_key(const json_t *item, struct arena *a, struct api_key_row *out, struct fault *why)
{
	uint64_t scopes;
	struct api_key_row row = { .id = read_text(item, DYNAMO_OWNED_ORDER, a),
		.hash = read_text(item, "keySha256", a),
		.name = read_text(item, "keyName", a),
		.owner = read_text(item, "owner", a),
		.issuer = read_text(item, "issuer", a),
		.subject = read_text(item, "subject", a),
		.created_ms = dynamo_item_get_i64(item, "createdMs"),
		.expires_ms = dynamo_item_get_i64(item, "expiresMs"),
		.used_ms = dynamo_item_get_i64(item, "usedMs") };
	TRY(fault_check_arena(a, why));
	bool ok = str_to_u64(dynamo_item_get_number(item, "scopes"), &scopes) && scopes > 0 && scopes < 2 * SCOPE_ADMIN && row.hash.n == 64;
	if (!ok || (json_object_get(item, "expiresMs") != NULL && row.expires_ms == 0)) {
		enum status end = fault_set(why, UPSTREAM_FAILED, "An API key of the table cannot be read.");
		fault_cause(why, "DynamoDB item \"%.64s\": keySha256, scopes or expiresMs", row.id.n > 0 ? row.id.p : "");
		return end;
	}
	row.scopes = (unsigned)scopes;
	*out = row;
	return OK;
}

/* the port */

/* All of them, a page after the other. */
static enum status list_keys(struct api_key_table *port, struct arena *a, struct api_key_page *out, struct fault *why)
{
	struct dynamo *t = dynamo_of_keys(port);
	struct api_key_page page = { .rows = arena_array(a, API_KEYS_MAX, sizeof(*page.rows)) };
	struct str after = STR("");
	TRY(fault_check_arena(a, why));
	for (;;) {
		struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
		TRY(dynamo_owned_after(t, PARTITION, after, API_KEYS_MAX, &c, why));
		const json_t *found = json_object_get(c.answer, "Items");
		for (size_t i = 0; i < json_array_size(found); i++) {
			if (page.n == API_KEYS_MAX)
				return fault_set(why, TOO_MUCH, "There are more than %d API keys.", API_KEYS_MAX);
			TRY(read_key(json_array_get(found, i), a, &page.rows[page.n++], why));
		}
		if (json_object_get(c.answer, "LastEvaluatedKey") == NULL)
			break;
		if (page.n > 0)
			after = page.rows[page.n - 1].id;
	}
	*out = page;
	return OK;
}

/* Two that are added at the same moment may make it one more than API_KEYS_MAX. */
static enum status check_room(struct api_key_table *port, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct api_key_page page;
	arena_init(&a, DYNAMO_SCRATCH_BYTES);
	TRY(list_keys(port, &a, &page, why));
	return page.n < API_KEYS_MAX ? OK : api_keys_full(why);
}

static enum status add_key(struct api_key_table *port, const struct api_key_row *row, struct fault *why)
{
	struct dynamo *t = dynamo_of_keys(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct dynamo_item item = { 0 };
	const json_t *cause;
	assert(is_possible(row->id));
	TRY(dynamo_check_change(t, why));
	arena_init(&a, KEY_BYTES);
	TRY(check_room(port, why));
	dynamo_call_init(&c, t, "PutItem", DYNAMO_CONDITION_FAILED);
	fill_key(row, &item, &c.scratch);
	dynamo_item_put(&item, STR("Item"), "", &c.body);
	writer_text(&c.body, STR("ConditionExpression"), STR("attribute_not_exists(imageId)"));
	TRY(dynamo_send_write(&c, t, key_of(row->id, &a), &cause, why));
	/* The same hash: this very call, whose answer was lost. */
	if (c.outcome == DYNAMO_DONE || str_equal(dynamo_item_get_text(cause, "keySha256"), row->hash))
		return OK;
	return api_key_exists(why);
}

static enum status get_key(struct api_key_table *port, struct str id, struct arena *a, struct api_key_row *out, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct str key = key_of(id, a);
	if (!is_possible(id))
		return no_such_api_key(why);
	TRY(fault_check_arena(a, why));
	TRY(dynamo_fetch(&c, dynamo_of_keys(port), key, why));
	const json_t *item = json_object_get(c.answer, "Item");
	return item == NULL ? no_such_api_key(why) : read_key(item, a, out, why);
}

static enum status touch_key(struct api_key_table *port, struct str id, int64_t hour_ms, struct fault *why)
{
	struct dynamo *t = dynamo_of_keys(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_update u = { .condition = STR("attribute_exists(imageId)") };
	if (!is_possible(id))
		return OK;
	dynamo_call_init(&c, t, "UpdateItem", DYNAMO_CONDITION_FAILED);
	dynamo_item_signed(&u.attributes, "usedMs", hour_ms, &c.scratch);
	dynamo_key_put(key_of(id, &c.scratch), &c.scratch, &c.body);
	dynamo_update_put(&u, &c.scratch, &c.body);
	return dynamo_call_send(&c, t, why);
}

/* If it was sent more than once, a key that is gone counts as removed. */
static enum status remove_key(struct api_key_table *port, struct str id, struct fault *why)
{
	struct dynamo *t = dynamo_of_keys(port);
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	if (!is_possible(id))
		return no_such_api_key(why);
	TRY(dynamo_check_change(t, why));
	dynamo_call_init(&c, t, "DeleteItem", DYNAMO_CONDITION_FAILED);
	dynamo_key_put(key_of(id, &c.scratch), &c.scratch, &c.body);
	writer_text(&c.body, STR("ConditionExpression"), STR("attribute_exists(imageId)"));
	TRY(dynamo_call_send(&c, t, why));
	return c.outcome == DYNAMO_DONE || c.sent > 1 ? OK : no_such_api_key(why);
}

const struct api_key_table_ops dynamo_api_key_ops = {
	.add = add_key, .get = get_key, .list = list_keys, .touch = touch_key, .remove = remove_key
};
