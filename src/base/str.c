/* Borrowed strings: comparing, searching, cutting, and the few calls that copy into an arena.
 *
 * Everything takes a struct str by value and checks s.n bytes, never further. An empty str may
 * have p == NULL, which the memory functions of libc do not allow even for no bytes: so each of
 * them is after a test of the length. Letters are ASCII's, whatever the locale. */
#include "base/str.h"
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct str str_of(const char *cstr)
{
	if (cstr == NULL)
		return (struct str){ NULL, 0 };
	return (struct str){ cstr, strlen(cstr) };
}

static unsigned char lower_char(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool str_equal(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_same_letters(struct str a, struct str b)
{
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] != b.p[i] && lower_char(a.p[i]) != lower_char(b.p[i]))
			return false;
	return true;
}

int str_compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
	if (order != 0)
		return order;
	return (a.n > b.n) - (a.n < b.n);
}

bool str_starts_with(struct str s, struct str prefix)
{
	return prefix.n <= s.n && str_equal(str_slice(s, 0, prefix.n), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
	return suffix.n <= s.n && str_equal(str_slice(s, s.n - suffix.n, s.n), suffix);
}

bool str_starts_with_nocase(struct str s, struct str prefix)
{
	return prefix.n <= s.n && str_equal_nocase(str_slice(s, 0, prefix.n), prefix);
}

size_t str_find_char(struct str s, char c)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, c, s.n);
	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t str_find(struct str s, struct str needle)
{
	if (needle.n == 0)
		return 0;
	const char *at = s.n == 0 ? NULL : memmem(s.p, s.n, needle.p, needle.n);
	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t str_find_nocase(struct str s, struct str needle)
{
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (str_starts_with_nocase((struct str){ s.p == NULL ? NULL : s.p + i, s.n - i }, needle))
			return i;
	return s.n;
}

struct str str_slice(struct str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	return (struct str){ s.p == NULL ? NULL : s.p + from, to - from };
}

struct str str_cut(struct str *rest, char c)
{
	size_t at = str_find_char(*rest, c);
	struct str before = str_slice(*rest, 0, at);
	*rest = at == rest->n ? (struct str){ NULL, 0 } : str_slice(*rest, at + 1, rest->n);
	return before;
}

struct str str_take(struct str *rest, size_t n)
{
	struct str taken = str_slice(*rest, 0, n);
	*rest = str_slice(*rest, taken.n, rest->n);
	return taken;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	while (s.n > 0 && is_blank(s.p[0]))
		s = str_slice(s, 1, s.n);
	return s;
}

struct str str_unquote(struct str s)
{
	bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
	return quoted ? str_slice(s, 1, s.n - 1) : s;
}

static bool find_word(struct str s, struct str words, char separator, bool (*equal)(struct str, struct str))
{
	if (s.n == 0 || str_find_char(s, separator) < s.n)
		return false;
	while (words.n >= s.n) {
		bool whole = words.n == s.n || words.p[s.n] == separator;
		if (whole && equal((struct str){ words.p, s.n }, s))
			return true;
		words = str_slice(words, str_find_char(words, separator) + 1, words.n);
	}
	return false;
}

bool str_is_word_of(struct str s, struct str words)
{
	return find_word(s, words, ' ', str_equal);
}

bool str_is_word_of_nocase(struct str s, struct str words)
{
	return find_word(s, words, ' ', str_equal_nocase);
}

bool str_consists_of(struct str s, struct str more)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char lower = lower_char(s.p[i]);
		if (!(lower >= 'a' && lower <= 'z') && !(lower >= '0' && lower <= '9') && str_find_char(more, s.p[i]) == more.n)
			return false;
	}
	return s.n > 0;
}

bool str_consists_of_lower(struct str s, struct str more)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 'A' && s.p[i] <= 'Z')
			return false;
	return str_consists_of(s, more);
}

bool str_is_one_of(struct str s, struct str words, char separator)
{
	return find_word(s, words, separator, str_equal);
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t value = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.p[i] - '0');
		if (__builtin_mul_overflow(value, 10u, &value) || __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*out = value;
	return true;
}

struct str str_dup(struct arena *a, struct str s)
{
	assert(a != NULL);
	char *p = str_cstr(a, s);
	return (struct str){ p, p == NULL ? 0 : s.n };
}

struct str str_lower(struct arena *a, struct str s)
{
	assert(a != NULL);
	char *p = arena_alloc(a, s.n);
	if (p == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)lower_char(s.p[i]);
	return (struct str){ p, s.n };
}

char *str_cstr(struct arena *a, struct str s)
{
	assert(a != NULL);
	/* Zeroed by the arena: the NUL is there already. A str of SIZE_MAX bytes cannot exist. */
	char *p = arena_alloc(a, s.n + 1);
	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

struct str str_concat(struct arena *a, const struct str *pieces, size_t n)
{
	assert(a != NULL && pieces != NULL);
	size_t all = 0;
	for (size_t i = 0; i < n; i++)
		all += pieces[i].n; /* each is in memory, so that no few of them pass SIZE_MAX */
	char *p = arena_alloc(a, all + 1);
	if (p == NULL)
		return (struct str){ NULL, 0 };
	char *to = p;
	for (size_t i = 0; i < n; i++)
		if (pieces[i].n > 0)
			to = mempcpy(to, pieces[i].p, pieces[i].n);
	return (struct str){ p, all };
}

struct str str_of_number(uint64_t n, char memory[DECIMAL_CHARS])
{
	char *end = memory + DECIMAL_CHARS, *p = end;
	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	return (struct str){ p, (size_t)(end - p) };
}

struct str str_decimal(struct arena *a, uint64_t n)
{
	char memory[DECIMAL_CHARS];
	return str_dup(a, str_of_number(n, memory));
}

struct str str_printf(struct arena *a, const char *fmt, ...)
{
	assert(a != NULL);
	assert(fmt != NULL);
	va_list args, again;
	struct str s = { NULL, 0 };
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	char *p = n < 0 ? NULL : arena_alloc(a, (size_t)n + 1);
	if (p != NULL) {
		vsnprintf(p, (size_t)n + 1, fmt, again);
		s = (struct str){ p, (size_t)n };
	}
	va_end(again);
	va_end(args);
	return s;
}
