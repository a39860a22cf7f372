/* A ring of log lines. The bytes wrap around, lines too; what is read is copied straight first. See
 * ring.h. */
#include "base/log/ring.h"

#include "base/codec.h"
#include "base/mem.h"

#include <string.h>

#define ESCAPED_MAX_BYTES 4096

void log_ring_init(struct log_ring *r, size_t size_bytes)
{
	assert(size_bytes == 0 || r != NULL);
	*r = (struct log_ring){ .memory = size_bytes > 0 ? mem_new(size_bytes, 1) : NULL, .first = 1, .next = 1 };
	r->size_bytes = r->memory != NULL ? size_bytes : 0;
	pthread_mutex_init(&r->lock, NULL);
}

void log_ring_deinit(struct log_ring *r)
{
	pthread_mutex_destroy(&r->lock);
	mem_free(r->memory);
	*r = (struct log_ring){ 0 };
}

/* What is in the ring from `at` on, as one or two pieces. */
static size_t piece_at(const struct log_ring *r, size_t at, size_t n)
{
	return n < r->size_bytes - at ? n : r->size_bytes - at;
}

static void drop_oldest(struct log_ring *r)
{
	size_t n = piece_at(r, r->start, r->used);
	size_t end = str_find_char((struct str){ r->memory + r->start, n }, '\n');

	if (end == n)
		end += str_find_char((struct str){ r->memory, r->used - n }, '\n');
	r->start = (r->start + end + 1) % r->size_bytes;
	r->used -= end + 1;
	r->first++;
}

/* A line that is too long leaves a hole in the numbers, and the lines before it go: numbers are counted from
 * the oldest line. */
static void append_line(struct log_ring *r, struct str line)
{
	r->next++;
	if (line.n <= r->size_bytes) {
		while (r->size_bytes - r->used < line.n)
			drop_oldest(r);
		size_t at = (r->start + r->used) % r->size_bytes, n = piece_at(r, at, line.n);
		memcpy(r->memory + at, line.p, n);
		memcpy(r->memory, line.p + n, line.n - n);
		r->used += line.n;
		return;
	}
	r->start = r->used = 0;
	r->first = r->next;
}

void log_ring_append(struct log_ring *r, struct str lines)
{
	assert(r != NULL);
	assert(lines.n == 0 || lines.p[lines.n - 1] == '\n');
	if (r->size_bytes == 0)
		return;
	pthread_mutex_lock(&r->lock);
	while (lines.n > 0) {
		size_t n = str_find_char(lines, '\n') + 1;
		append_line(r, str_slice(lines, 0, n));
		lines = str_slice(lines, n, lines.n);
	}
	pthread_mutex_unlock(&r->lock);
}

/* All that is kept, straight, and the number of its first line. */
static enum status copy_out(struct log_ring *r, struct arena *a, struct str *out, uint64_t *first, struct fault *why)
{
	char *copy = arena_alloc(a, r->size_bytes);

	if (copy == NULL)
		return fault_too_much(why);
	*out = (struct str){ copy, 0 };
	*first = 1;
	if (r->size_bytes == 0)
		return OK;
	pthread_mutex_lock(&r->lock);
	size_t n = piece_at(r, r->start, r->used);
	memcpy(copy, r->memory + r->start, n);
	memcpy(copy + n, r->memory, r->used - n);
	out->n = r->used;
	*first = r->first;
	pthread_mutex_unlock(&r->lock);
	return OK;
}

/* The lines that are not searched yet. A text is found as it is typed, and where JSON writes it in another way. */
struct search {
	const struct log_query *q;
	struct str escaped, lines;
	uint64_t number; /* of the first of them */
};

/* false: there is none any more. */
static bool next_match(struct search *s, struct log_seen *out)
{
	const struct log_query *q = s->q;
	while (s->lines.n > 0 && (q->tail || q->before == 0 || s->number < q->before)) {
		struct str line = str_slice(s->lines, 0, str_find_char(s->lines, '\n'));
		enum log_level level = LOG_ERROR;
		s->lines = str_slice(s->lines, line.n + 1, s->lines.n);
		*out = (struct log_seen){ s->number++, line };
		bool too_low = (q->tail && out->n <= q->after) || (log_line_level(line, &level) && level < q->least);
		if (!too_low && (q->text.n == 0 || str_find_nocase(line, q->text) < line.n || str_find_nocase(line, s->escaped) < line.n))
			return true;
	}
	return false;
}

enum status log_ring_find(struct log_ring *r, const struct log_query *q, struct arena *a, struct log_found *out, struct fault *why)
{
	assert(r != NULL && q != NULL && a != NULL && out != NULL);
	assert(q->limit > 0);
	struct buf escaped;
	struct search s = { .q = q };
	struct log_seen seen;
	struct log_found found = { .lines = arena_array(a, q->limit, sizeof *found.lines) };
	if (found.lines == NULL)
		return fault_too_much(why);
	buf_init_arena(&escaped, a, ESCAPED_MAX_BYTES);
	json_escape(&escaped, q->text);
	s.escaped = buf_ok(&escaped) ? buf_str(&escaped) : q->text;
	TRY(copy_out(r, a, &s.lines, &s.number, why));
	size_t matches = 0, bytes = 0;
	for (struct search all = s; !q->tail && next_match(&all, &seen);)
		matches++;
	if (q->tail)
		found.missed = s.number > q->after + 1 ? s.number - q->after - 1 : 0;
	found.more = matches > q->limit;
	for (; matches > q->limit; matches--)
		(void)next_match(&s, &seen);
	while (found.n < q->limit && bytes < LOG_FOUND_BYTES && next_match(&s, &seen)) {
		found.lines[found.n++] = seen;
		bytes += seen.line.n;
	}
	found.last = s.number - 1;
	if (q->tail)
		found.more = next_match(&s, &seen);
	*out = found;
	return OK;
}
