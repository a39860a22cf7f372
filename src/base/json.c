/* jansson's allocations go through a function that notes when it fails. They have no context to note it
 * in, so the note is one per thread, and it is read where it is written: around a single parse. */
#include "base/json.h"

#include "base/mem.h"

#include <pthread.h>

static _Thread_local bool failed;

static void *json_malloc(size_t n)
{
	void *p = mem_resize(NULL, n, 1); /* not cleared, which halves the cost */

	failed = failed || p == NULL;
	return p;
}

static void set_allocator(void)
{
	json_set_alloc_funcs(json_malloc, mem_free);
}

json_t *json_read(struct str text, size_t flags, json_error_t *error, bool *starved)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, set_allocator);
	failed = false;
	json_t *value = json_loadb(text.n > 0 ? text.p : "", text.n, flags, error);
	/* jansson ignores the failure while it collects the bytes of a text: the value would have a piece of it. */
	if (failed) {
		json_decref(value);
		value = NULL;
	}
	*starved = failed;
	return value;
}

struct str json_text(const json_t *value)
{
	return json_is_string(value) ? (struct str){ json_string_value(value), json_string_length(value) } : (struct str){ NULL, 0 };
}
