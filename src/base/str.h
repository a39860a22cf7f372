/* struct str: borrowed, immutable bytes with a length. Passed by value, never NUL-terminated,
 * may hold any byte. An empty str may have p == NULL. Nothing here allocates but the _dup and
 * _cstr calls, which take an arena and give {NULL, 0} / NULL when it is full (the arena stays
 * marked, see arena_ok). Any thread. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/attr.h"
#include <stdbool.h>
#include <stdint.h>

struct arena;

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
/* For printf's "%.*s". */
#define STRF(s) (int)(s).n, (s).p

/* Borrow a NUL-terminated string; NULL gives an empty str. */
struct str str_of(const char *cstr);
bool str_equal(struct str a, struct str b);
/* Compare without regard to ASCII case. The lengths first, in place: they tell most names apart. */
bool str_same_letters(struct str a, struct str b);
static inline bool str_equal_nocase(struct str a, struct str b)
{
	return a.n == b.n && str_same_letters(a, b);
}
/* Order by bytes as memcmp does, a prefix before what it begins. <0, 0, >0. */
int str_compare(struct str a, struct str b);
bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);
bool str_starts_with_nocase(struct str s, struct str prefix);
/* Index of the first `c`, or s.n when there is none. */
size_t str_find_char(struct str s, char c);
/* Index of the first `needle`, or s.n when there is none. */
size_t str_find(struct str s, struct str needle);
/* The same without regard to ASCII case. An empty needle is found at 0. */
size_t str_find_nocase(struct str s, struct str needle);
/* The bytes from..to (to is clamped to s.n, from to `to`). */
struct str str_slice(struct str s, size_t from, size_t to);
/* Cut at the first `c`: gives what is before it and moves *rest after it. Without a `c` gives
 * all of *rest and leaves it {NULL, 0}: so `while (rest.p != NULL)` walks every piece. */
struct str str_cut(struct str *rest, char c);
/* The first n bytes of *rest, or all where there are fewer; *rest moves after them. */
struct str str_take(struct str *rest, size_t n);
/* Without blanks and tabs at both ends. */
struct str str_trim(struct str s);
/* Without the pair of double quotes that it is in; as it is where there is none. */
struct str str_unquote(struct str s);
/* Whether s is one of the words of a list that blanks separate. */
bool str_is_word_of(struct str s, struct str words);
bool str_is_word_of_nocase(struct str s, struct str words);
/* One or more characters, each an ASCII letter, a digit or one of `more`. */
bool str_consists_of(struct str s, struct str more);
/* The same without upper-case letters. */
bool str_consists_of_lower(struct str s, struct str more);
/* Whether `s` is one of the words between the separators: "on|off". */
bool str_is_one_of(struct str s, struct str words, char separator);
/* Read all of `s` as decimal digits. false: empty, another byte, or over UINT64_MAX. */
bool str_to_u64(struct str s, uint64_t *out) MUST_CHECK;

/* A copy in the arena. */
struct str str_dup(struct arena *a, struct str s);
/* ASCII letters in lower case. */
struct str str_lower(struct arena *a, struct str s);
/* A NUL-terminated copy; bytes after an inner NUL are not seen by C functions, so refuse those first. */
char *str_cstr(struct arena *a, struct str s);
/* The pieces one after the other: for texts that are made for each request, several times faster than str_printf. */
struct str str_concat(struct arena *a, const struct str *pieces, size_t n);
#define STR_CONCAT(a, ...) str_concat(a, (const struct str[]){ __VA_ARGS__ }, COUNT_OF(((const struct str[]){ __VA_ARGS__ })))
#define DECIMAL_CHARS 20 /* of UINT64_MAX */
/* The number in decimal, in the last of these bytes. */
struct str str_of_number(uint64_t n, char memory[DECIMAL_CHARS]);
/* The same in the arena. */
struct str str_decimal(struct arena *a, uint64_t n);
struct str str_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
/* What a noun ends in after this number: "%llu image%s". */
static inline const char *plural_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

#endif
