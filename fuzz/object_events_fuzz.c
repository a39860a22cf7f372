/* Fuzz target of lambda/object_events: any bytes as object events. An accepted event has a bucket and a key if
 * an object was written, and a reason if it is malformed. */
#include "lambda/object_events.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const struct object_event *e)
{
	switch (e->kind) {
	case EVENT_CREATED:
		assert(e->bucket.n > 0 && e->key.n > 0);
		return;
	case EVENT_UNREADABLE:
		assert(e->problem != NULL);
		return;
	case EVENT_IGNORED:
		return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct fault why = { 0 };
	struct object_events events;

	arena_init(&a, 1 << 20);
	if (object_events_read(&a, (struct str){ (const char *)p, n }, &events, &why) == OK)
		for (const struct object_event *e = events.first; e != NULL; e = e->next) {
			assert(!events.from_queue || e->message_id.n > 0);
			check(e);
		}
	else
		assert(why.code != F_NONE && why.text[0] != '\0');
	arena_deinit(&a);
	return 0;
}
