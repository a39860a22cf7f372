/* WebP: chunk by chunk, within the size in the RIFF header. Pictures and the profile pass; EXIF, XMP and unknown chunks are
 * removed, and a patch corrects the size. Inside a frame of an animation, whose size is in its header too, unknown chunks are
 * overwritten instead; so are all removed chunks if the caller cannot patch.
 * Source: RFC 9649 2.3..2.7. */
#include "image/strip/formats.h"

#include <string.h>

#define HEAD_BYTES 8 /* name and size */
#define FORM_BYTES 4 /* "WEBP", which RIFF's size counts */
#define SIZE_AT 4
#define EXTENDED_BYTES 10
#define ANIMATION_BYTES 6
#define FRAME_BYTES 16
#define FLAGS_REMOVED 0x0c /* EXIF and XMP */
#define JUNK WEBP_NAME('J', 'U', 'N', 'K')
#define XMP WEBP_NAME('X', 'M', 'P', ' ')

/* A chunk that cannot fit. */
static const struct str IMPOSSIBLE = { "\xff\xff\xff\xff\xff\xff\xff\xff", HEAD_BYTES };

enum webp_state {
	WEBP_SIGNATURE,
	WEBP_FIRST,  /* the first chunk: its header, or all of VP8X */
	WEBP_CHUNK,  /* of an extended file: its header, or more */
	WEBP_SIMPLE, /* after the picture of a file that is not extended */
	WEBP_FRAME_CHUNK,
};

static void write_le32(char out[4], uint32_t n)
{
	memcpy(out, (char[]){ (char)n, (char)(n >> 8), (char)(n >> 16), (char)(n >> 24) }, 4);
}

static struct str insert_head(struct strip *s, uint32_t name, uint32_t size)
{
	char head[HEAD_BYTES];
	write_le32(head, name);
	write_le32(head + 4, size);
	return strip_insert(s, 0, (struct str){ head, HEAD_BYTES });
}

static void break_webp(struct strip *s, struct str *out)
{
	*out = IMPOSSIBLE;
	strip_break(s);
}

/* The size with its pad byte, at most `left`. */
static uint64_t padded(uint32_t size, uint64_t left)
{
	uint64_t n = (uint64_t)size + (size & 1);
	return n < left ? n : left;
}

/* A chunk of this name and size, with zeros in place of its `rest` bytes. */
static void overwrite(struct strip *s, uint32_t name, uint32_t size, uint64_t rest, struct str *out)
{
	*out = insert_head(s, name, size);
	strip_fill(s, rest);
}

static void remove_chunk(struct strip *s, struct str head, uint64_t rest, bool in_frame, struct str *out)
{
	uint32_t name = le32(head, 0), size = le32(head, 4);
	s->result.removed |= name == WEBP_EXIF ? STRIP_EXIF : name == XMP ? STRIP_XMP : STRIP_OTHER;
	if (in_frame || s->options.append_only) {
		overwrite(s, JUNK, size, rest, out);
	} else {
		s->webp.removed += HEAD_BYTES;
		strip_drop(s, rest);
	}
	if (name == WEBP_EXIF && s->options.facts && !s->webp.exif && !in_frame)
		strip_collect(s);
	s->webp.exif |= name == WEBP_EXIF;
}

static bool is_picture(uint32_t name)
{
	return name == WEBP_VP8 || name == WEBP_VP8L || name == WEBP_ALPH;
}

static bool judge_first(struct strip *s, struct str held, struct str *out)
{
	assert(s->webp.left >= HEAD_BYTES);
	uint32_t name = le32(held, 0), size = le32(held, 4);
	uint64_t left = s->webp.left - HEAD_BYTES, rest = padded(size, left);
	bool extended = name == WEBP_VP8X && size == EXTENDED_BYTES;
	if (size > left) {
		break_webp(s, out);
		return true;
	}
	if (extended && held.n == HEAD_BYTES) {
		strip_hold(s, HEAD_BYTES + EXTENDED_BYTES);
		return false;
	}
	s->webp.left = left - rest;
	s->webp.state = extended ? WEBP_CHUNK : WEBP_SIMPLE;
	if (extended) {
		uint32_t flags = byte_at(held, HEAD_BYTES);
		s->webp.animated = flags & WEBP_FLAG_ANIMATION;
		s->held.p[HEAD_BYTES] = (char)(flags & ~(uint32_t)FLAGS_REMOVED);
	}
	if (extended || name == WEBP_VP8 || name == WEBP_VP8L) {
		*out = held;
		strip_pass(s, rest - (held.n - HEAD_BYTES));
	} else { /* refused whatever the content is */
		overwrite(s, name == WEBP_VP8X ? name : JUNK, size, rest, out);
	}
	return true;
}

/* A chunk of an extended file, outside of frames. */
static bool judge_chunk(struct strip *s, struct str held, struct str *out)
{
	uint32_t name = le32(held, 0), size = le32(held, 4);
	uint64_t left = s->webp.left - HEAD_BYTES, rest = padded(size, left);
	if (size > left) {
		break_webp(s, out);
		return true;
	}
	if (name == WEBP_ANIM && size > ANIMATION_BYTES && held.n == HEAD_BYTES) {
		strip_hold(s, HEAD_BYTES + ANIMATION_BYTES);
		return false;
	}
	s->webp.left = left - rest;
	*out = held;
	if (name == WEBP_ANMF && s->webp.animated) {
		s->webp.left = left - size;
		s->webp.frame_left = size < FRAME_BYTES ? 0 : size - FRAME_BYTES;
		s->webp.frame_odd = size & 1;
		s->webp.state = WEBP_FRAME_CHUNK;
		strip_pass(s, size - s->webp.frame_left);
	} else if (held.n > HEAD_BYTES) { /* an ANIM that is too long */
		strip_fill(s, rest - ANIMATION_BYTES);
	} else if (is_picture(name) || name == WEBP_ICCP || name == WEBP_ANIM) {
		strip_pass(s, rest);
	} else if (name == WEBP_VP8X || name == WEBP_ANMF) { /* the probe refuses the name, or ignores the content */
		overwrite(s, name, size, rest, out);
	} else {
		*out = (struct str){ 0 };
		remove_chunk(s, held, rest, false, out);
	}
	return true;
}

static void judge_frame_chunk(struct strip *s, struct str held, struct str *out)
{
	assert(held.n == HEAD_BYTES && s->webp.frame_left >= HEAD_BYTES);
	uint32_t size = le32(held, 4);
	uint64_t left = s->webp.frame_left - HEAD_BYTES, rest = padded(size, left);
	if (size > left) {
		break_webp(s, out);
		return;
	}
	s->webp.frame_left = left - rest;
	if (!is_picture(le32(held, 0))) {
		remove_chunk(s, held, rest, true, out);
		return;
	}
	*out = held;
	strip_pass(s, rest);
}

static bool judge_webp(struct strip *s, struct str held, struct str *out)
{
	if (held.n < HEAD_BYTES) {
		break_webp(s, out);
		return true;
	}
	switch ((enum webp_state)s->webp.state) {
	case WEBP_SIGNATURE:
		*out = held;
		s->webp.size = le32(held, SIZE_AT);
		s->webp.state = WEBP_FIRST;
		s->webp.left = s->webp.size < FORM_BYTES ? 0 : s->webp.size - FORM_BYTES;
		if (s->webp.left < HEAD_BYTES)
			strip_break(s);
		else
			strip_hold(s, HEAD_BYTES);
		return true;
	case WEBP_FIRST:
		return judge_first(s, held, out);
	case WEBP_CHUNK:
		return judge_chunk(s, held, out);
	case WEBP_FRAME_CHUNK:
		judge_frame_chunk(s, held, out);
		return true;
	case WEBP_SIMPLE:
		break;
	}
	assert(s->webp.state != WEBP_SIMPLE); /* nothing is held there */
	return true;
}

/* The next chunk, of `left` bytes that there are. */
static void begin_webp_chunk(struct strip *s, uint64_t left)
{
	assert(left > 0);
	strip_hold(s, left < HEAD_BYTES ? (size_t)left : HEAD_BYTES);
}

static void next_webp(struct strip *s)
{
	struct strip_webp *w = &s->webp;
	const struct str prefix = { "Exif\0\0", 6 }; /* JPEG's, which some writers put before the TIFF structure */
	struct str exif = strip_collected(s);
	if (exif.n > 0)
		exif_facts(str_starts_with(exif, prefix) ? str_slice(exif, prefix.n, exif.n) : exif, &s->result.facts);
	if (w->state == WEBP_FRAME_CHUNK && w->frame_left > 0) {
		begin_webp_chunk(s, w->frame_left);
	} else if (w->state == WEBP_FRAME_CHUNK) {
		bool pad = w->frame_odd && w->left > 0;
		w->state = WEBP_CHUNK;
		w->left -= pad;
		strip_fill(s, pad);
	} else if (w->left == 0) {
		strip_over(s);
	} else if (w->state == WEBP_SIMPLE) {
		s->result.removed |= STRIP_OTHER;
		s->options.append_only ? strip_fill(s, w->left) : strip_drop(s, w->left);
		w->left = 0;
	} else {
		begin_webp_chunk(s, w->left);
	}
}

static void finish_webp(struct strip *s)
{
	uint64_t size = s->webp.size - s->webp.removed - s->dropped;
	char bytes[4];
	assert(s->result.broken || size <= s->webp.size);
	if (s->options.append_only || s->result.broken || size == s->webp.size)
		return;
	s->result.patch = (struct strip_patch){ .at = SIZE_AT, .n = sizeof bytes };
	write_le32(bytes, (uint32_t)size);
	memcpy(s->result.patch.bytes, bytes, sizeof bytes);
}

const struct strip_format strip_webp_format = { .judge = judge_webp, .next = next_webp, .finish = finish_webp };
