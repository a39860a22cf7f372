/* A CORS configuration: any text is refused, or it is the same after it was written and read again. */
#include "base/codec.h"
#include "s3/wire/cors_rules.h"
#include "s3/wire/text.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_list(const struct cors_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		assert(l->items[i].n > 0 && header_value_ok(l->items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct arena a;
	struct fault why;
	struct cors_rules once, again;
	struct buf first, second;
	arena_init(&a, 64 << 20);
	if (cors_rules_read(&a, text, &once, &why) == OK) {
		buf_init_arena(&first, &a, 8 << 20);
		cors_rules_write(&first, &once);
		assert(buf_ok(&first) && cors_rules_read(&a, buf_str(&first), &again, &why) == OK && again.n == once.n);
		buf_init_arena(&second, &a, 8 << 20);
		cors_rules_write(&second, &again);
		assert(str_equal(buf_str(&first), buf_str(&second)));
		for (size_t i = 0; i < once.n; i++) {
			check_list(&once.rules[i].origins);
			check_list(&once.rules[i].headers);
			check_list(&once.rules[i].exposed);
		}
		(void)cors_rules_match(&once, STR("http://a.b"), STR("GET"), STR("a, x-b"));
	}
	arena_deinit(&a);
	return 0;
}
