/* See json_tree.h. Recursive descent; each function reads what its name says at r->rest and moves after it. false: malformed, a member
 * twice, or the arena is full. */
#include "base/json_tree.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/codec.h"
#include "base/hash.h"

#include <math.h>
#include <stdlib.h>

struct reader {
	const struct json_tree_rules *rules;
	struct str rest;
	struct arena *arena;
	unsigned depth;
	bool repeated;
};

static bool read_value(struct reader *r, struct json_node *out);

static char peek(struct reader *r)
{
	while (r->rest.n > 0 && (r->rest.p[0] == ' ' || r->rest.p[0] == '\t' || r->rest.p[0] == '\n' || r->rest.p[0] == '\r'))
		(void)str_take(&r->rest, 1);
	return r->rest.n > 0 ? r->rest.p[0] : '\0';
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c || r->rest.n == 0)
		return false;
	(void)str_take(&r->rest, 1);
	return true;
}

/* strings */

/* \uXXXX at the start of s. */
static bool read_unit(struct str s, uint32_t *out)
{
	unsigned char bytes[2];
	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u' || !hex_decode(str_slice(s, 2, 6), bytes, sizeof bytes))
		return false;
	*out = (uint32_t)bytes[0] << 8 | bytes[1];
	return true;
}

/* A code point of one unit or of a pair of surrogates. */
static bool read_point(struct str *rest, bool allows_nul, uint32_t *out)
{
	uint32_t low;
	if (!read_unit(*rest, out) || (*out == 0 && !allows_nul) || (*out >= 0xdc00 && *out <= 0xdfff))
		return false;
	(void)str_take(rest, 6);
	if (*out < 0xd800 || *out > 0xdbff)
		return true;
	if (!read_unit(*rest, &low) || low < 0xdc00 || low > 0xdfff)
		return false;
	(void)str_take(rest, 6);
	*out = 0x10000 + ((*out & 0x3ff) << 10) + (low & 0x3ff);
	return true;
}

static void put_point(struct buf *b, uint32_t point)
{
	unsigned more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	static const unsigned char marks[] = { 0, 0xc0, 0xe0, 0xf0 };
	buf_put_char(b, (char)(marks[more] | point >> 6 * more));
	while (more-- > 0)
		buf_put_char(b, (char)(0x80 | (point >> 6 * more & 0x3f)));
}

static bool unescape(struct reader *r, struct str raw, struct str *out)
{
	static const struct str from = { "\"\\/bfnrt", 8 };
	static const char to[] = "\"\\/\b\f\n\r\t";
	struct buf b;
	buf_init_arena(&b, r->arena, raw.n + 1);
	while (raw.n > 0) {
		uint32_t point;
		size_t plain = str_find_char(raw, '\\');
		buf_put(&b, str_take(&raw, plain));
		if (raw.n == 0)
			break;
		size_t simple = str_find_char(from, raw.p[1]); /* a string does not end in a single backslash */
		if (simple < from.n) {
			buf_put_char(&b, to[simple]);
			(void)str_take(&raw, 2);
		} else if (read_point(&raw, r->rules->allows_nul, &point))
			put_point(&b, point);
		else
			return false;
	}
	*out = buf_str(&b);
	return buf_ok(&b);
}

static bool read_string(struct reader *r, struct str *out)
{
	size_t n = 0;
	bool is_plain = true;
	if (!take(r, '"'))
		return false;
	for (; n < r->rest.n && r->rest.p[n] != '"'; n++) {
		if ((unsigned char)r->rest.p[n] < ' ')
			return false;
		if (r->rest.p[n] == '\\') {
			is_plain = false;
			n++;
		}
	}
	if (n >= r->rest.n)
		return false;
	*out = str_take(&r->rest, n);
	(void)str_take(&r->rest, 1);
	return utf8_valid(*out) && (is_plain || unescape(r, *out, out));
}

/* numbers */

static size_t count_digits(struct str s)
{
	size_t n = 0;
	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return n;
}

static bool take_digits(struct str *rest)
{
	return str_take(rest, count_digits(*rest)).n > 0;
}

/* A fraction, an exponent, or both. */
static bool take_fraction(struct str *rest)
{
	if (str_starts_with(*rest, STR("."))) {
		(void)str_take(rest, 1);
		if (!take_digits(rest))
			return false;
	}
	if (!str_starts_with_nocase(*rest, STR("e")))
		return true;
	(void)str_take(rest, 1);
	if (str_starts_with(*rest, STR("+")) || str_starts_with(*rest, STR("-")))
		(void)str_take(rest, 1);
	return take_digits(rest);
}

static bool to_integer(struct str digits, bool is_negative, int64_t *out)
{
	uint64_t n;
	if (!str_to_u64(digits, &n) || n > (uint64_t)INT64_MAX + is_negative)
		return false;
	*out = is_negative ? (int64_t)-n : (int64_t)n;
	return true;
}

static bool read_number(struct reader *r, struct json_node *out)
{
	struct str rest = r->rest;
	bool is_negative = str_starts_with(rest, STR("-"));
	(void)str_take(&rest, is_negative);
	struct str digits = str_take(&rest, str_starts_with(rest, STR("0")) ? 1 : count_digits(rest));
	const char *end = rest.p;
	if (digits.n == 0 || !take_fraction(&rest))
		return false;
	struct str text = str_take(&r->rest, (size_t)(rest.p - r->rest.p));
	if (rest.p == end) {
		out->kind = NODE_INTEGER;
		return to_integer(digits, is_negative, &out->integer);
	}
	const char *copy = str_cstr(r->arena, text);
	out->kind = NODE_REAL;
	out->real = copy != NULL ? strtod(copy, NULL) : INFINITY;
	return isfinite(out->real);
}

/* arrays and objects */

/* Objects have few members. The hash keeps one of thousands from taking long. */
static bool is_repeated(const struct json_node *first, const struct json_node *member)
{
	for (; first != NULL; first = first->next)
		if (first->name_hash == member->name_hash && str_equal(first->name, member->name))
			return true;
	return false;
}

static bool read_name(struct reader *r, const struct json_node *others, struct json_node *out)
{
	if (!read_string(r, &out->name))
		return false;
	out->name_hash = hash_fnv32(out->name);
	r->repeated = !r->rules->allows_repeats && is_repeated(others, out);
	return !r->repeated && take(r, ':');
}

static bool read_contents(struct reader *r, struct json_node *out)
{
	bool is_object = take(r, '{');
	const char end = is_object ? '}' : ']';
	const struct json_node **last = &out->first;
	out->kind = is_object ? NODE_OBJECT : NODE_ARRAY;
	out->first = NULL;
	if (!is_object && !take(r, '['))
		return false;
	if (take(r, end))
		return true;
	do {
		struct json_node *value = ARENA_NEW(r->arena, struct json_node);
		if (value == NULL || (is_object && !read_name(r, out->first, value)) || !read_value(r, value))
			return false;
		*last = value;
		last = &value->next;
	} while (take(r, ','));
	return take(r, end);
}

static bool read_word(struct reader *r, struct json_node *out)
{
	static const struct {
		struct str word;
		enum json_node_kind kind;
	} words[] = { { { "null", 4 }, NODE_NULL }, { { "false", 5 }, NODE_FALSE }, { { "true", 4 }, NODE_TRUE } };
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_starts_with(r->rest, words[i].word)) {
			(void)str_take(&r->rest, words[i].word.n);
			out->kind = words[i].kind;
			return true;
		}
	return false;
}

static bool read_value(struct reader *r, struct json_node *out)
{
	char c = peek(r);
	if (c == '"') {
		out->kind = NODE_TEXT;
		return read_string(r, &out->text);
	}
	if (c == '-' || (c >= '0' && c <= '9'))
		return read_number(r, out);
	if (c != '{' && c != '[')
		return read_word(r, out);
	bool ok = r->depth++ < r->rules->nest_max && read_contents(r, out);
	r->depth--;
	return ok;
}

enum json_tree_end json_tree_read(struct str text, const struct json_tree_rules *rules, struct arena *a, const struct json_node **out)
{
	assert(rules != NULL && a != NULL && out != NULL);
	struct reader r = { .rules = rules, .rest = text, .arena = a };
	struct json_node *value = ARENA_NEW(a, struct json_node);
	if (value != NULL && peek(&r) == '{' && read_value(&r, value)) {
		(void)peek(&r);
		*out = value;
		return r.rest.n == 0 ? JSON_TREE_READ : JSON_TREE_MALFORMED;
	}
	return !arena_ok(a) ? JSON_TREE_NO_MEMORY : r.repeated ? JSON_TREE_REPEATED : JSON_TREE_MALFORMED;
}

const struct json_node *node_member(const struct json_node *value, struct str name)
{
	const struct json_node *member = value != NULL && value->kind == NODE_OBJECT ? value->first : NULL;
	while (member != NULL && !str_equal(member->name, name))
		member = member->next;
	return member;
}

const struct json_node *node_items(const struct json_node *value)
{
	return value != NULL && value->kind == NODE_ARRAY ? value->first : NULL;
}

struct str node_text(const struct json_node *value)
{
	return value != NULL && value->kind == NODE_TEXT ? value->text : (struct str){ NULL, 0 };
}
