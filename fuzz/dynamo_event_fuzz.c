/* An event that waits, from a table that others may write to: it is refused, or its number names the item that it came from, and it
 * becomes the same event again when it is written and read once more. */
#include "aws/dynamo/outbox.h"
#include "base/writer.h"

#include <assert.h>

#define TOKEN_AT 20 /* of an id, after "msg_" and the number */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct outbox_event *event, struct arena *a)
{
	const struct dynamo t = { .shards = 1 };
	const struct dynamo_event e = { .event = *event, .token = str_slice(event->id, TOKEN_AT, event->id.n) };
	struct outbox_event back;
	struct fault why;
	struct buf b;

	buf_init_arena(&b, a, 16 << 20);
	writer_open(&b, STR(""), '{');
	dynamo_event_put(&t, &e, a, &b);
	writer_close(&b, '}');
	assert(buf_ok(&b) && arena_ok(a));
	json_t *json = json_loadb(b.p, b.n, JSON_ALLOW_NUL, NULL);
	enum status end = dynamo_event_read(json_object_get(json, "Item"), true, a, &back, &why);
	assert(end == OK);
	assert(back.n == event->n && str_equal(back.id, event->id) && back.kind == event->kind && back.state == OUTBOX_WAITING);
	assert(str_equal(back.image_id, event->image_id) && str_equal(back.body, event->body));
	assert(back.created_ms == event->created_ms && back.due_ms == event->due_ms);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
	struct outbox_event event;
	struct fault why = { 0 };
	struct arena a;

	arena_init(&a, 64 << 20);
	if (dynamo_event_read(json, true, &a, &event, &why) == OK) {
		assert(event.n > 0 && event.id.n == OUTBOX_ID_CHARS && event.kind < OUTBOX_KINDS);
		again(&event, &a);
	} else {
		assert(why.code != F_NONE);
	}
	arena_deinit(&a);
	json_decref(json);
	return 0;
}
