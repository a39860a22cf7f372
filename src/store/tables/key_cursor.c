/* See key_cursor.h. A text that is longer than any key is cut after the length of the longest: no key lies between
 * the two. */
#include "store/tables/key_cursor.h"

#include <assert.h>
#include <string.h>

static void set_bytes(struct seek *s, struct str text)
{
	s->n = text.n < OBJECT_KEY_MAX_BYTES + 1 ? text.n : OBJECT_KEY_MAX_BYTES + 1;
	_Static_assert(sizeof s->bytes >= OBJECT_KEY_MAX_BYTES + 2, "a NUL fits after the longest");
	if (s->n > 0)
		memcpy(s->bytes, text.p, s->n);
}

/* The text that follows all that begins with this one: the last byte that can be is raised. UTF-8 has no 0xFF,
 * but what clients send as a prefix may have some. Nothing follows 0xFF alone: such a text is not a key either. */
void key_cursor_skip_group(struct seek *s, struct str group)
{
	assert(group.n > 0);
	set_bytes(s, group);
	while (s->n > 0 && (unsigned char)s->bytes[s->n - 1] == 0xff)
		s->n--;
	if (s->n > 0)
		s->bytes[s->n - 1] = (char)((unsigned char)s->bytes[s->n - 1] + 1);
	else
		set_bytes(s, STR("\xff"));
}

struct str key_cursor_group(struct str key, struct str prefix, struct str delimiter)
{
	assert(str_starts_with(key, prefix));
	struct str rest = str_slice(key, prefix.n, key.n);
	size_t at = delimiter.n > 0 ? str_find(rest, delimiter) : rest.n;

	if (at == rest.n)
		return (struct str){ 0 };
	return str_slice(key, 0, prefix.n + at + delimiter.n);
}

void key_cursor_start(struct seek *s, const struct key_cursor_query *q)
{
	struct str group = { 0 };

	if (q->after.n == 0 || str_compare(q->after, q->prefix) < 0) {
		set_bytes(s, q->prefix);
		return;
	}
	if (str_starts_with(q->after, q->prefix))
		group = key_cursor_group(q->after, q->prefix, q->delimiter);
	if (group.n > 0) {
		key_cursor_skip_group(s, group);
		return;
	}
	set_bytes(s, q->after);
	s->bytes[s->n++] = '\0'; /* the least text after it */
}
