/* The state of a migration on DynamoDB: an item of its own. A server reads it again when what it has seen is DYNAMO_STATE_SEEN_MS old, before
 * the next change. The functions of the template do not: their operator stops uploads by other means before the table is copied. */
#include "aws/dynamo/state.h"

#include "aws/dynamo/row.h"
#include "base/clock.h"
#include "base/writer.h"

#define STATE_KEY STR("migration")
#define STATE_BYTES 4096

struct dynamo *dynamo_of_transfer(struct transfer *port)
{
	return (struct dynamo *)((char *)port - offsetof(struct dynamo, transfer));
}

struct transfer *dynamo_transfer(struct image_table *table)
{
	return &((struct dynamo *)table)->transfer;
}

/* item  NULL: there is none */
static void read_state(const json_t *item, struct arena *a, struct transfer_state *out)
{
	*out = (struct transfer_state){ .id = STR("") };
	if (item == NULL || !transfer_phase_parse(dynamo_item_get_text(item, "migrationPhase"), &out->phase))
		return;
	out->id = str_dup(a, dynamo_item_get_text(item, "migrationId"));
	out->since_ms = dynamo_item_get_i64(item, "sinceMs");
}

enum status dynamo_get_state(struct transfer *port, struct arena *a, struct transfer_state *out, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	TRY(dynamo_fetch(&c, dynamo_of_transfer(port), STATE_KEY, why));
	read_state(json_object_get(c.answer, "Item"), a, out);
	return fault_check_arena(a, why);
}

static void add_state(struct dynamo_item *item, const struct transfer_state *s, struct arena *a)
{
	dynamo_item_text(item, "migrationPhase", transfer_phase_name(s->phase), a);
	dynamo_item_text(item, "migrationId", s->id, a);
	dynamo_item_signed(item, "sinceMs", s->since_ms, a);
}

static void put_condition(struct dynamo_call *c, const struct transfer_state *was)
{
	struct dynamo_item values = { 0 };
	if (was->phase == TRANSFER_NONE) {
		writer_text(&c->body, STR("ConditionExpression"), STR("attribute_not_exists(" DYNAMO_KEY ")"));
		return;
	}
	writer_text(&c->body, STR("ConditionExpression"),
		STR("migrationPhase = :migrationPhase AND migrationId = :migrationId AND sinceMs = :sinceMs"));
	add_state(&values, was, &c->scratch);
	dynamo_item_put(&values, STR("ExpressionAttributeValues"), ":", &c->body);
}

enum status dynamo_set_state(struct transfer *port, const struct transfer_state *was, const struct transfer_state *s, struct fault *why)
{
	struct dynamo_call c CLEANUP(dynamo_call_deinit) = { 0 };
	struct dynamo_item item = { 0 };
	struct transfer_state now;
	const json_t *cause;
	bool ends = s->phase == TRANSFER_NONE;
	dynamo_call_init(&c, dynamo_of_transfer(port), ends ? "DeleteItem" : "PutItem", DYNAMO_CONDITION_FAILED);
	dynamo_item_text(&item, DYNAMO_KEY, STATE_KEY, &c.scratch);
	if (!ends)
		add_state(&item, s, &c.scratch);
	dynamo_item_put(&item, ends ? STR("Key") : STR("Item"), "", &c.body);
	put_condition(&c, was);
	TRY(dynamo_send_write(&c, dynamo_of_transfer(port), STATE_KEY, &cause, why));
	if (c.outcome == DYNAMO_DONE)
		return OK;
	read_state(cause, &c.scratch, &now);
	TRY(fault_check_arena(&c.scratch, why));
	/* An earlier attempt, whose answer was lost, may have set it. */
	return c.sent > 1 && transfer_state_equal(&now, s) ? OK : transfer_state_changed(why);
}

/* The time is that of before the read, so that what is seen is never older than it seems. */
static enum status see_phase(struct dynamo *t, enum transfer_phase *out, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit) = { 0 };
	struct transfer_state state;
	int64_t now_ms = clock_mono_ms();
	*out = (enum transfer_phase)atomic_load(&t->seen_phase);
	if (!t->obeys_state) {
		*out = TRANSFER_NONE;
		return OK;
	}
	if (now_ms < atomic_load(&t->phase_until_ms))
		return OK;
	arena_init(&a, STATE_BYTES);
	TRY(dynamo_get_state(&t->transfer, &a, &state, why));
	atomic_store(&t->seen_phase, (int)state.phase);
	atomic_store(&t->phase_until_ms, now_ms + DYNAMO_STATE_SEEN_MS);
	*out = state.phase;
	return OK;
}

enum status dynamo_check_change(struct dynamo *t, struct fault *why)
{
	enum transfer_phase phase;
	TRY(see_phase(t, &phase, why));
	return transfer_check_change(phase, why);
}

enum status dynamo_check_upload(struct dynamo *t, struct fault *why)
{
	enum transfer_phase phase;
	TRY(see_phase(t, &phase, why));
	return transfer_check_upload(phase, why);
}
