/* PNG: chunk by chunk. Image data and the profile pass; small chunks that determine how the image looks are held, so that their
 * length and checksum can be checked; all others are removed. A critical chunk that the probe refuses is written without its
 * content, so that it is refused again.
 * Source: PNG (Third Edition) 5 (chunks), 11.2, 11.3; 13.1 (errors). */
#include "image/strip/formats.h"

#include <string.h>

#define HEAD_BYTES 8 /* length and name */
#define CRC_BYTES 4
#define CONTENT_MAX (STRIP_HELD_MAX - PNG_FRAME_BYTES)
#define NAME(text) PNG_NAME((text)[0], (text)[1], (text)[2], (text)[3])

/* Neither an IHDR nor a possible length and name of any chunk. */
static const struct str IMPOSSIBLE = {
	"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 25
};

enum rule {
	RULE_PASS,    /* any length */
	RULE_HEADER,  /* of this length; else it is written without its content */
	RULE_CONTROL, /* of this length; else it is removed */
	RULE_FIXED,   /* of this length and intact; else it is removed */
	RULE_SMALL,   /* of at most this length and intact; else it is removed */
	RULE_PALETTE, /* of at most this length and intact; else it is written without its content */
	RULE_END,     /* written without its content, which no decoder shows */
	RULE_EXIF,
	RULE_REMOVE,
};

static const struct chunk_rule {
	const char *name;
	enum rule rule;
	uint32_t length;
	enum strip_removed what; /* of RULE_EXIF and RULE_REMOVE */
} rules[] = {
	{ "IDAT", RULE_PASS, 0, 0 },
	{ "fdAT", RULE_PASS, 0, 0 },
	{ "iCCP", RULE_PASS, 0, 0 },
	{ "IHDR", RULE_HEADER, PNG_IHDR_BYTES, 0 },
	{ "PLTE", RULE_PALETTE, 3 * 256, 0 },
	{ "IEND", RULE_END, 0, 0 },
	{ "acTL", RULE_CONTROL, 8, 0 },
	{ "fcTL", RULE_HEADER, 26, 0 },
	{ "tRNS", RULE_SMALL, 256, 0 },
	{ "gAMA", RULE_FIXED, 4, 0 },
	{ "cHRM", RULE_FIXED, 32, 0 },
	{ "sRGB", RULE_FIXED, 1, 0 },
	{ "cICP", RULE_FIXED, 4, 0 },
	{ "mDCV", RULE_FIXED, 24, 0 },
	{ "cLLI", RULE_FIXED, 8, 0 },
	{ "sBIT", RULE_SMALL, 4, 0 },
	{ "bKGD", RULE_SMALL, 6, 0 },
	{ "hIST", RULE_SMALL, 2 * 256, 0 },
	{ "pHYs", RULE_FIXED, 9, 0 },
	{ "eXIf", RULE_EXIF, 0, STRIP_EXIF },
	{ "tEXt", RULE_REMOVE, 0, STRIP_TEXT },
	{ "zTXt", RULE_REMOVE, 0, STRIP_TEXT },
	{ "iTXt", RULE_REMOVE, 0, STRIP_TEXT },
	{ "tIME", RULE_REMOVE, 0, STRIP_TIME },
};

static const struct chunk_rule *find_rule(uint32_t name)
{
	static const struct chunk_rule other = { "", RULE_REMOVE, 0, STRIP_OTHER };
	for (size_t i = 0; i < COUNT_OF(rules); i++)
		if (NAME(rules[i].name) == name)
			return &rules[i];
	return &other;
}

static void write_be32(char out[4], uint32_t n)
{
	memcpy(out, (char[]){ (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n }, 4);
}

/* damage: XORed with the checksum; 0: it is right */
static struct str insert_chunk(struct strip *s, uint32_t name, struct str data, uint32_t damage)
{
	char number[4];
	write_be32(number, (uint32_t)data.n);
	strip_insert(s, 0, (struct str){ number, 4 });
	write_be32(number, name);
	strip_insert(s, 4, (struct str){ number, 4 });
	struct str chunk = strip_insert(s, HEAD_BYTES, data);
	write_be32(number, png_crc(str_slice(chunk, 4, chunk.n)) ^ damage);
	return strip_insert(s, chunk.n, (struct str){ number, 4 });
}

static struct str chunk_data(struct str held)
{
	return str_slice(held, HEAD_BYTES, held.n - CRC_BYTES);
}

static bool is_intact(struct str held)
{
	return png_crc(str_slice(held, 4, held.n - CRC_BYTES)) == be32(held, held.n - CRC_BYTES);
}

static void keep_exif(struct strip *s, struct str held, struct str *out)
{
	char minimal[EXIF_MINIMAL_BYTES];
	bool applied = !s->png.data && !s->png.exif && is_intact(held);
	uint32_t orientation = exif_orientation(chunk_data(held));
	if (s->options.facts && !s->png.exif)
		exif_facts(chunk_data(held), &s->result.facts);
	s->png.exif = true;
	if (!applied || orientation == 0)
		return;
	exif_minimal(orientation, minimal);
	*out = insert_chunk(s, NAME("eXIf"), (struct str){ minimal, sizeof minimal }, 0);
}

/* A whole chunk. */
static void judge_chunk(struct strip *s, const struct chunk_rule *r, struct str held, struct str *out)
{
	assert(held.n >= PNG_FRAME_BYTES && held.n == PNG_FRAME_BYTES + (size_t)be32(held, 0));
	size_t length = held.n - PNG_FRAME_BYTES;
	uint32_t name = be32(held, 4);
	bool intact = is_intact(held);
	switch (r->rule) {
	case RULE_HEADER:
		*out = length == r->length ? held : insert_chunk(s, name, STR(""), 0);
		break;
	case RULE_CONTROL:
		if (length == r->length)
			*out = held;
		break;
	case RULE_FIXED:
		if (length == r->length && intact)
			*out = held;
		break;
	case RULE_SMALL:
		if (length <= r->length && intact)
			*out = held;
		break;
	case RULE_PALETTE:
		*out = length <= r->length && intact ? held : insert_chunk(s, name, STR(""), !intact);
		break;
	case RULE_END:
		*out = length == 0 ? held : insert_chunk(s, name, STR(""), 0);
		break;
	case RULE_EXIF:
		keep_exif(s, held, out);
		break;
	case RULE_PASS:
	case RULE_REMOVE:
		break;
	}
	if (!str_equal(*out, held))
		s->result.removed |= r->what != 0 ? r->what : STRIP_OTHER;
}

/* Pass or remove a chunk of which only the head is held. */
static void leave_chunk(struct strip *s, const struct chunk_rule *r, struct str held, struct str *out)
{
	assert(held.n == HEAD_BYTES && be32(held, 0) <= PNG_LENGTH_MAX);
	uint64_t rest = (uint64_t)be32(held, 0) + CRC_BYTES;
	uint32_t name = be32(held, 4);
	if (r->rule == RULE_PASS) {
		s->png.data |= name == NAME("IDAT") && be32(held, 0) > 0;
		*out = held;
		strip_pass(s, rest);
		return;
	}
	s->result.removed |= r->what != 0 ? r->what : STRIP_OTHER;
	if ((name & PNG_ANCILLARY) == 0)
		*out = insert_chunk(s, name, STR(""), 0);
	strip_drop(s, rest);
}

/* Whether a chunk with this head may come here at all. */
static bool is_possible(const struct strip *s, struct str head)
{
	uint32_t length = be32(head, 0), name = be32(head, 4);
	if (length > PNG_LENGTH_MAX || !png_is_name(name))
		return false;
	if (!s->png.begun)
		return name == NAME("IHDR") && length == PNG_IHDR_BYTES;
	return name != NAME("IDAT") || !s->png.data_over;
}

static bool judge_png(struct strip *s, struct str held, struct str *out)
{
	if (!s->png.signature) {
		s->png.signature = true;
		*out = held;
		strip_hold(s, HEAD_BYTES);
		return true;
	}
	const struct chunk_rule *r = find_rule(be32(held, 4));
	bool small = be32(held, 0) <= CONTENT_MAX;
	if (!is_possible(s, str_slice(held, 0, HEAD_BYTES)) ||
		(!small && (r->rule == RULE_HEADER || r->rule == RULE_PALETTE || r->rule == RULE_END))) {
		*out = IMPOSSIBLE;
		strip_break(s);
		return true;
	}
	if (r->rule == RULE_PASS || r->rule == RULE_REMOVE || !small) {
		leave_chunk(s, r, held, out);
	} else if (held.n == HEAD_BYTES) {
		strip_hold(s, PNG_FRAME_BYTES + be32(held, 0));
		return false;
	} else {
		judge_chunk(s, r, held, out);
		strip_hold(s, HEAD_BYTES);
		if (r->rule == RULE_END)
			strip_over(s);
	}
	s->png.begun = true;
	s->png.data_over = s->png.data && be32(held, 4) != NAME("IDAT");
	return true;
}

static void next_png(struct strip *s)
{
	strip_hold(s, HEAD_BYTES);
}

const struct strip_format strip_png_format = { .judge = judge_png, .next = next_png };
