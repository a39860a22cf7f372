/* GIF: block by block. Screen, colour tables and images pass, and of the extensions graphic control and the two application
 * extensions that set how often an animation repeats. All others are removed, such as comments, plain text and XMP.
 * Source: GIF89a, 15, 17..27; Netscape's application extension, as browsers read it. */
#include "image/strip/formats.h"

#define LABEL_BYTES 2 /* of an extension: introducer and label */
#define CONTROL_BYTES 4
#define APPLICATION_BYTES 11 /* identifier and authentication code */

enum label { LABEL_CONTROL = 0xf9, LABEL_COMMENT = 0xfe, LABEL_APPLICATION = 0xff };

enum gif_state {
	GIF_SIGNATURE,
	GIF_SCREEN,
	GIF_TABLE,     /* of the screen, passing */
	GIF_BLOCK,     /* its first byte, or more */
	GIF_CODE_SIZE, /* with the colour table of an image before it, passing */
	GIF_LOOP,      /* a sub-block of an application extension that is kept: its length, or all of it */
};

static void begin_gif_block(struct strip *s)
{
	s->gif.state = GIF_BLOCK;
	strip_hold(s, 1);
}

static void walk_blocks(struct strip *s, bool keep, uint32_t left)
{
	s->gif.keep = keep;
	s->gif.block_left = left;
	strip_walk(s);
}

static bool judge_image(struct strip *s, struct str held, struct str *out)
{
	if (held.n < 1 + GIF_DESCRIPTOR_BYTES) {
		strip_hold(s, 1 + GIF_DESCRIPTOR_BYTES);
		return false;
	}
	*out = held;
	s->gif.state = GIF_CODE_SIZE;
	strip_pass(s, gif_colour_table(byte_at(held, GIF_DESCRIPTOR_BYTES)) + 1);
	return true;
}

/* One sub-block of four bytes, and the empty one. Decoders read no more, so the rest is removed. */
static bool judge_control(struct strip *s, struct str held, struct str *out)
{
	size_t whole = LABEL_BYTES + 1 + CONTROL_BYTES + 1;
	uint32_t length = byte_at(held, LABEL_BYTES);
	if (length < CONTROL_BYTES) {
		s->result.removed |= STRIP_OTHER;
		length == 0 ? begin_gif_block(s) : walk_blocks(s, false, length);
		return true;
	}
	if (held.n < whole) {
		strip_hold(s, whole);
		return false;
	}
	strip_insert(s, 0, STR("\x21\xf9\x04"));
	strip_insert(s, LABEL_BYTES + 1, str_slice(held, LABEL_BYTES + 1, whole - 1));
	*out = strip_insert(s, whole - 1, (struct str){ "\0", 1 });
	uint32_t last = byte_at(held, whole - 1);
	if (length == CONTROL_BYTES && last == 0) {
		begin_gif_block(s);
		return true;
	}
	s->result.removed |= STRIP_OTHER;
	walk_blocks(s, false, length == CONTROL_BYTES ? last : length - CONTROL_BYTES - 1);
	return true;
}

static bool judge_application(struct strip *s, struct str held, struct str *out)
{
	size_t whole = LABEL_BYTES + 1 + APPLICATION_BYTES;
	uint32_t length = byte_at(held, LABEL_BYTES);
	if (length == APPLICATION_BYTES && held.n < whole) {
		strip_hold(s, whole);
		return false;
	}
	struct str name = str_slice(held, LABEL_BYTES + 1, whole);
	if (length == APPLICATION_BYTES && (str_equal(name, STR("NETSCAPE2.0")) || str_equal(name, STR("ANIMEXTS1.0")))) {
		*out = held;
		s->gif.state = GIF_LOOP;
		strip_hold(s, 1);
		return true;
	}
	s->result.removed |= str_equal(name, STR("XMP DataXMP")) ? STRIP_XMP : STRIP_OTHER;
	if (length == 0)
		begin_gif_block(s);
	else
		walk_blocks(s, false, length - (uint32_t)name.n);
	return true;
}

static bool judge_extension(struct strip *s, struct str held, struct str *out)
{
	if (held.n < LABEL_BYTES + 1) {
		strip_hold(s, LABEL_BYTES + 1);
		return false;
	}
	uint32_t label = byte_at(held, 1), length = byte_at(held, LABEL_BYTES);
	if (label == LABEL_CONTROL)
		return judge_control(s, held, out);
	if (label == LABEL_APPLICATION)
		return judge_application(s, held, out);
	s->result.removed |= label == LABEL_COMMENT ? STRIP_COMMENT : STRIP_OTHER;
	length == 0 ? begin_gif_block(s) : walk_blocks(s, false, length);
	return true;
}

/* Sub-block 1 has the number of repetitions, sub-block 2 the size of a buffer. */
static bool judge_loop(struct strip *s, struct str held, struct str *out)
{
	uint32_t length = byte_at(held, 0);
	if (held.n < 1 + (size_t)length) {
		strip_hold(s, 1 + (size_t)length);
		return false;
	}
	if (length == 0 || (length == 3 && byte_at(held, 1) == 1) || (length == 5 && byte_at(held, 1) == 2))
		*out = held;
	else
		s->result.removed |= STRIP_OTHER;
	if (length == 0)
		begin_gif_block(s);
	else
		strip_hold(s, 1);
	return true;
}

static bool judge_block(struct strip *s, struct str held, struct str *out)
{
	uint32_t block = byte_at(held, 0);
	if (block == GIF_IMAGE)
		return judge_image(s, held, out);
	if (block == GIF_EXTENSION)
		return judge_extension(s, held, out);
	*out = block == GIF_TRAILER ? held : (struct str){ "\0", 1 }; /* decoders end at any other byte as well */
	strip_over(s);
	return true;
}

static bool judge_gif(struct strip *s, struct str held, struct str *out)
{
	switch ((enum gif_state)s->gif.state) {
	case GIF_SIGNATURE:
		*out = held;
		s->gif.state = GIF_SCREEN;
		strip_hold(s, GIF_SCREEN_BYTES - held.n);
		return true;
	case GIF_SCREEN:
		*out = held;
		s->gif.state = GIF_TABLE;
		strip_pass(s, gif_colour_table(byte_at(held, 4)));
		return true;
	case GIF_LOOP:
		return judge_loop(s, held, out);
	case GIF_BLOCK:
	case GIF_TABLE:
	case GIF_CODE_SIZE:
		break;
	}
	assert(s->gif.state == GIF_BLOCK);
	return judge_block(s, held, out);
}

static void next_gif(struct strip *s)
{
	if (s->gif.state == GIF_CODE_SIZE)
		walk_blocks(s, true, 0);
	else
		begin_gif_block(s);
}

/* Sub-blocks, up to the empty one. */
static void walk_gif(struct strip *s, struct str *in, struct str *out)
{
	struct strip_gif *g = &s->gif;
	assert(g->block_left <= UINT8_MAX);
	size_t at = 0;
	bool over = false;
	while (at < in->n && !over) {
		size_t n = g->block_left < in->n - at ? g->block_left : in->n - at;
		at += n;
		g->block_left -= (uint32_t)n;
		if (at == in->n)
			break;
		g->block_left = byte_at(*in, at++);
		over = g->block_left == 0;
	}
	struct str taken = strip_take(in, at);
	if (g->keep)
		*out = taken;
	if (over)
		begin_gif_block(s);
}

/* A block is incomplete: write its first byte, or all that is held if it is never removed. */
static struct str cut_gif(struct strip *s)
{
	struct str held = s->spent ? (struct str){ 0 } : buf_str(&s->held);
	bool removed = s->mode == STRIP_MODE_WALK && !s->gif.keep;
	if (s->gif.state == GIF_SCREEN || (held.n > 0 && byte_at(held, 0) == GIF_IMAGE))
		return held;
	return removed || (s->gif.state == GIF_BLOCK && held.n > 0) ? STR("\x21") : (struct str){ 0 };
}

const struct strip_format strip_gif_format = { .judge = judge_gif, .walk = walk_gif, .next = next_gif, .cut = cut_gif };
