/* The blob of an object's metadata. See meta.h. In order: the checksum's value; how many headers, and each;
 * how many parts, and each. A number is 8 bytes, low ones first; a text is its length and its bytes. We
 * write the blobs, but a damaged one must not be read beyond its end. */
#include "store/tables/meta.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

unsigned meta_flags(const struct object_meta *m)
{
	assert(m->checksum.kind < CHECKSUM_KINDS);
	return (unsigned)m->checksum.kind | (m->checksum.composite ? ROW_COMPOSITE : 0);
}

struct object_checksum meta_checksum(unsigned flags)
{
	_Static_assert(CHECKSUM_KINDS - 1 <= ROW_CHECKSUM, "a kind fits into its bits of the flags");
	unsigned kind = flags & ROW_CHECKSUM;

	return (struct object_checksum){
		.kind = kind < CHECKSUM_KINDS ? (enum checksum_kind)kind : CHECKSUM_NONE,
		.composite = (flags & ROW_COMPOSITE) != 0,
	};
}

static void put_number(struct buf *b, uint64_t n)
{
	uint64_t bytes = htole64(n);

	buf_put(b, (struct str){ (const char *)&bytes, sizeof bytes });
}

static void put_text(struct buf *b, struct str s)
{
	put_number(b, s.n);
	buf_put(b, s);
}

void meta_encode(const struct object_meta *m, struct buf *b)
{
	if (m->n_headers == 0 && m->n_parts == 0 && m->checksum.value.n == 0)
		return;
	assert(m->n_headers == 0 || m->headers != NULL);
	assert(m->n_parts == 0 || m->parts != NULL);
	put_text(b, m->checksum.value);
	put_number(b, m->n_headers);
	for (size_t i = 0; i < m->n_headers; i++) {
		put_text(b, m->headers[i].name);
		put_text(b, m->headers[i].value);
	}
	put_number(b, m->n_parts);
	for (size_t i = 0; i < m->n_parts; i++) {
		const struct object_part *p = &m->parts[i];
		struct object_meta sum = { .checksum = p->checksum };

		put_number(b, p->number);
		put_number(b, p->size);
		put_number(b, meta_flags(&sum));
		put_text(b, p->checksum.value);
	}
}

/* A blob that is being read; `bad` is sticky. */
struct cut {
	struct str rest;
	struct arena *arena;
	bool bad;
};

static struct str read_bytes(struct cut *c, uint64_t n)
{
	if (c->bad || n > c->rest.n) {
		c->bad = true;
		return (struct str){ 0 };
	}
	struct str got = { c->rest.p, (size_t)n };
	c->rest = (struct str){ c->rest.p + n, c->rest.n - (size_t)n };
	return got;
}

static uint64_t read_number(struct cut *c)
{
	struct str bytes = read_bytes(c, sizeof(uint64_t));
	uint64_t n = 0;

	if (bytes.n == sizeof n)
		memcpy(&n, bytes.p, sizeof n);
	return le64toh(n);
}

static struct str read_text(struct cut *c)
{
	return str_dup(c->arena, read_bytes(c, read_number(c)));
}

/* How many things of at least so many bytes each can follow. */
static size_t read_count(struct cut *c, size_t least_bytes)
{
	uint64_t n = read_number(c);

	if (n <= c->rest.n / least_bytes)
		return (size_t)n;
	c->bad = true;
	return 0;
}

static void read_headers(struct cut *c, struct object_meta *out)
{
	size_t n = read_count(c, 16);
	struct header *all = n > 0 ? arena_array(c->arena, n, sizeof *all) : NULL;

	if (all == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		all[i].name = read_text(c);
		all[i].value = read_text(c);
	}
	out->headers = all;
	out->n_headers = n;
}

static void read_parts(struct cut *c, struct object_meta *out)
{
	size_t n = read_count(c, 32);
	struct object_part *all = n > 0 ? arena_array(c->arena, n, sizeof *all) : NULL;

	if (all == NULL)
		return;
	for (size_t i = 0; i < n; i++) {
		all[i].number = (uint32_t)read_number(c);
		all[i].size = read_number(c);
		all[i].checksum = meta_checksum((unsigned)read_number(c));
		all[i].checksum.value = read_text(c);
	}
	out->parts = all;
	out->n_parts = n;
}

enum status meta_decode(struct str blob, unsigned flags, struct arena *a, struct object_meta *out, struct fault *why)
{
	struct cut c = { .rest = blob, .arena = a };

	*out = (struct object_meta){ .checksum = meta_checksum(flags) };
	if (blob.n == 0)
		return OK;
	out->checksum.value = read_text(&c);
	read_headers(&c, out);
	read_parts(&c, out);
	TRY(fault_check_arena(a, why));
	if (!c.bad && c.rest.n == 0)
		return OK;
	enum status status = fault_set(why, STORAGE_FAILED, "Storage error. Try again later.");
	fault_cause(why, "the metadata of an object cannot be read");
	return status;
}

struct object_meta meta_dup(const struct object_meta *m, struct arena *a)
{
	struct object_meta out = { .checksum = m->checksum, .n_headers = m->n_headers, .n_parts = m->n_parts };
	struct header *headers = m->n_headers > 0 ? arena_array(a, m->n_headers, sizeof *headers) : NULL;
	struct object_part *parts = m->n_parts > 0 ? arena_array(a, m->n_parts, sizeof *parts) : NULL;

	out.checksum.value = str_dup(a, m->checksum.value);
	for (size_t i = 0; headers != NULL && i < m->n_headers; i++)
		headers[i] = (struct header){ str_dup(a, m->headers[i].name), str_dup(a, m->headers[i].value) };
	for (size_t i = 0; parts != NULL && i < m->n_parts; i++) {
		parts[i] = m->parts[i];
		parts[i].etag = str_dup(a, m->parts[i].etag);
		parts[i].checksum.value = str_dup(a, m->parts[i].checksum.value);
	}
	out.headers = headers;
	out.parts = parts;
	return out;
}
