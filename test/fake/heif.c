/* See heif.h. */
#include "fake/heif.h"

#include "base/buf.h"

#include <assert.h>
#include <string.h>

#define MAX_BYTES 65536

static struct buf new_buf(void)
{
	struct buf b;
	buf_init_arena(&b, picture_arena, MAX_BYTES);
	return b;
}

static void put_be(struct buf *b, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		buf_put_char(b, (char)(value >> (8 * i)));
}

static void put_box(struct buf *b, const char *type, struct str content)
{
	put_be(b, 8 + content.n, 4);
	buf_put(b, (struct str){ type, 4 });
	buf_put(b, content);
}

struct str heif_make_box(const char *type, struct str content)
{
	struct buf b = new_buf();
	put_box(&b, type, content);
	assert(buf_ok(&b));
	return buf_str(&b);
}

struct str heif_make_size(uint32_t width, uint32_t height)
{
	struct buf b = new_buf();
	put_be(&b, 0, 4);
	put_be(&b, width, 4);
	put_be(&b, height, 4);
	return heif_make_box("ispe", buf_str(&b));
}

static unsigned count_items(const struct made_heif *h)
{
	unsigned n = 0;
	while (n < HEIF_PARTS_MAX && h->item[n].type != NULL)
		n++;
	return n;
}

static struct str make_infos(const struct made_heif *h)
{
	struct buf b = new_buf();
	put_be(&b, 0, 4);
	put_be(&b, count_items(h), 2);
	for (unsigned i = 0; i < count_items(h); i++) {
		struct buf info = new_buf();
		put_be(&info, 2u << 24, 4);
		put_be(&info, i + 1, 2);
		put_be(&info, 0, 2);
		buf_put(&info, (struct str){ h->item[i].type, 4 });
		buf_put(&info, (struct str){ "\0", 1 });
		buf_put(&info, h->item[i].rest);
		put_box(&b, "infe", buf_str(&info));
	}
	return heif_make_box("iinf", buf_str(&b));
}

/* start: of mdat's content. */
static struct str make_locations(const struct made_heif *h, size_t start)
{
	struct buf b = new_buf();
	size_t in_file = start, in_index = 0;
	put_be(&b, 1u << 24, 4);
	put_be(&b, 0x4400, 2);
	put_be(&b, count_items(h), 2);
	for (unsigned i = 0; i < count_items(h); i++) {
		size_t *at = h->item[i].in_index ? &in_index : &in_file;
		put_be(&b, i + 1, 2);
		put_be(&b, h->item[i].in_index, 2);
		put_be(&b, 0, 2);
		put_be(&b, 1, 2);
		put_be(&b, *at, 4);
		put_be(&b, h->item[i].data.n, 4);
		*at += h->item[i].data.n + h->unused.n;
	}
	return heif_make_box("iloc", buf_str(&b));
}

static struct str make_properties(const struct made_heif *h)
{
	struct buf b = new_buf(), map = new_buf();
	put_be(&map, 0, 4);
	put_be(&map, count_items(h), 4);
	for (unsigned i = 0; i < count_items(h); i++) {
		put_be(&map, i + 1, 2);
		put_be(&map, (uint64_t)__builtin_popcount(h->item[i].properties), 1);
		for (unsigned p = 0; p < 8; p++)
			if ((h->item[i].properties & 1u << p) != 0)
				put_be(&map, p + 1, 1);
	}
	put_box(&b, "ipco", h->properties);
	put_box(&b, "ipma", buf_str(&map));
	return heif_make_box("iprp", buf_str(&b));
}

static struct str make_references(const struct made_heif *h)
{
	struct buf b = new_buf();
	put_be(&b, 0, 4);
	for (size_t i = 0; i < HEIF_PARTS_MAX && h->reference[i].type != NULL; i++) {
		struct buf one = new_buf();
		put_be(&one, h->reference[i].from, 2);
		put_be(&one, 1, 2);
		put_be(&one, h->reference[i].to, 2);
		put_box(&b, h->reference[i].type, buf_str(&one));
	}
	return heif_make_box("iref", buf_str(&b));
}

static struct str make_data(const struct made_heif *h, bool in_index)
{
	struct buf b = new_buf();
	for (unsigned i = 0; i < count_items(h); i++)
		if (h->item[i].in_index == in_index) {
			buf_put(&b, h->item[i].data);
			buf_put(&b, h->unused);
		}
	return heif_make_box(in_index ? "idat" : "mdat", buf_str(&b));
}

static struct str make_index(const struct made_heif *h, size_t start)
{
	struct buf b = new_buf();
	put_be(&b, 0, 4);
	put_box(&b, "hdlr", BYTES("\0\0\0\0\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0name\0"));
	put_box(&b, "pitm", BYTES("\0\0\0\0\0\1"));
	buf_put(&b, make_locations(h, start));
	buf_put(&b, make_infos(h));
	buf_put(&b, make_properties(h));
	buf_put(&b, make_references(h));
	buf_put(&b, make_data(h, true));
	buf_put(&b, h->in_index);
	return heif_make_box("meta", buf_str(&b));
}

struct str heif_make(const struct made_heif *h)
{
	struct buf b = new_buf(), brands = new_buf();
	buf_put(&brands, (struct str){ h->brand == NULL ? "heic" : h->brand, 4 });
	buf_put(&brands, BYTES("\0\0\0\0mif1heic"));
	put_box(&b, "ftyp", buf_str(&brands));
	buf_put(&b, h->before);
	buf_put(&b, make_index(h, b.n + make_index(h, 0).n + 8));
	buf_put(&b, make_data(h, false));
	buf_put(&b, h->after);
	assert(buf_ok(&b));
	return buf_str(&b);
}
