/* A ring of log lines. The bytes wrap around, lines too; what is read is copied straight first. See
 * log_ring.h. */
#include "base/log_ring.h"

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

/* A text is found as it is typed, and where JSON writes it in another way. */
struct wanted {
	enum log_level least;
	struct str text, escaped;
};

static bool matches_query(const struct wanted *w, struct str line)
{
	enum log_level level = LOG_ERROR;

	if (log_line_level(line, &level) && level < w->least)
		return false;
	return w->text.n == 0 || str_find_nocase(line, w->text) < line.n || str_find_nocase(line, w->escaped) < line.n;
}

static struct str cut_line(struct str *rest)
{
	size_t n = str_find_char(*rest, '\n');
	struct str line = str_slice(*rest, 0, n);

	*rest = str_slice(*rest, n + 1, rest->n);
	return line;
}

struct span {
	struct str lines;
	uint64_t first; /* the number of the first of them */
};

/* Up to and without the line of this number. */
static void keep_last(struct span *s, uint64_t number)
{
	struct str rest = s->lines;

	for (uint64_t n = s->first; n < number && rest.n > 0; n++)
		(void)cut_line(&rest);
	s->lines.n -= rest.n;
}

static size_t count_lines(const struct span *s, const struct wanted *w)
{
	size_t n = 0;

	for (struct str rest = s->lines; rest.n > 0;)
		n += matches_query(w, cut_line(&rest));
	return n;
}

/* Skip `skip` lines of those that are wanted, then give at most `limit`. */
static void collect_lines(struct span *s, const struct wanted *w, size_t skip, const struct log_query *q, struct log_found *out)
{
	size_t bytes = 0;

	for (; s->lines.n > 0 && out->n < q->limit && bytes < LOG_FOUND_BYTES; s->first++) {
		struct str line = cut_line(&s->lines);
		if (!matches_query(w, line) || (skip > 0 && skip--))
			continue;
		out->lines[out->n++] = (struct log_seen){ s->first, line };
		bytes += line.n;
	}
	out->last = s->first - 1;
}

static bool any_match(const struct span *s, const struct wanted *w)
{
	for (struct str rest = s->lines; rest.n > 0;)
		if (matches_query(w, cut_line(&rest)))
			return true;
	return false;
}

static enum status prepare_search(const struct log_query *q, struct arena *a, struct wanted *w, struct log_found *out, struct fault *why)
{
	struct buf escaped;

	buf_init_arena(&escaped, a, ESCAPED_MAX_BYTES);
	json_escape(&escaped, q->text);
	*w = (struct wanted){ q->least, q->text, buf_ok(&escaped) ? buf_str(&escaped) : q->text };
	*out = (struct log_found){ .lines = arena_array(a, q->limit, sizeof *out->lines) };
	if (out->lines == NULL)
		return fault_too_much(why);
	return OK;
}

enum status log_ring_find(struct log_ring *r, const struct log_query *q, struct arena *a, struct log_found *out, struct fault *why)
{
	assert(r != NULL);
	assert(q != NULL);
	assert(a != NULL);
	assert(out != NULL);
	struct wanted w;
	struct span s;
	struct log_found found;

	TRY(prepare_search(q, a, &w, &found, why));
	TRY(copy_out(r, a, &s.lines, &s.first, why));
	if (q->tail) {
		found.missed = s.first > q->after + 1 ? s.first - q->after - 1 : 0;
		for (; s.first <= q->after && s.lines.n > 0; s.first++)
			(void)cut_line(&s.lines);
		collect_lines(&s, &w, 0, q, &found);
		found.more = any_match(&s, &w);
		*out = found;
		return OK;
	}
	if (q->before != 0)
		keep_last(&s, q->before);
	size_t n = count_lines(&s, &w), skip = n > q->limit ? n - q->limit : 0;
	collect_lines(&s, &w, skip, q, &found);
	found.more = skip > 0;
	*out = found;
	return OK;
}
