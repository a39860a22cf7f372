/* Fuzz target of lambda/gateway_event: any bytes as an event. What is accepted must be what the handler relies
 * on: a method, a path below the base path, headers without line breaks. */
#include "lambda/gateway_event.h"

#include "base/arena.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const struct gateway_event *e)
{
	assert(e->method.n > 0 && str_starts_with(e->path, STR("/prod")) && str_find_char(e->path, '\n') == e->path.n);
	for (size_t i = 0; i < e->n_headers; i++) {
		assert(e->headers[i].name.n > 0);
		assert(str_find_char(e->headers[i].value, '\n') == e->headers[i].value.n &&
			str_find_char(e->headers[i].value, '\0') == e->headers[i].value.n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena a;
	struct fault why = { 0 };
	struct gateway_event e;

	arena_init(&a, 1 << 20);
	if (gateway_event_read(&a, (struct str){ (const char *)p, n }, &e, &why) == OK)
		check(&e);
	else
		assert(why.code != F_NONE && why.text[0] != '\0');
	arena_deinit(&a);
	return 0;
}
