/* The state machine that the four formats control. See strip.h and formats.h. It begins with a format of its own, which holds
 * bytes until it recognises a signature. */
#include "image/strip/formats.h"

#include <string.h>

#define TRAILER_HEAD_BYTES 64

static bool judge_signature(struct strip *s, struct str held, struct str *out);
static struct str cut_signature(struct strip *s);

static const struct strip_format unknown_format = { .judge = judge_signature, .cut = cut_signature };

static const char zeros[4096];

void strip_hold(struct strip *s, size_t n)
{
	assert(n > 0 && n <= STRIP_HELD_MAX);
	s->mode = STRIP_MODE_HOLD;
	s->want = n;
}

/* Empty the buffer once its bytes were judged and written; free it if it is large. */
static void drop_spent(struct strip *s)
{
	if (!s->spent)
		return;
	s->spent = false;
	if (s->held.cap > 4096) {
		buf_deinit(&s->held);
		buf_init(&s->held, STRIP_HELD_MAX);
	}
	buf_clear(&s->held);
}

void strip_hold_on(struct strip *s, struct str taken, size_t n)
{
	drop_spent(s);
	assert(s->held.n == 0 && taken.n < n);
	buf_put(&s->held, taken);
	strip_hold(s, n);
}

static void set_count(struct strip *s, enum strip_mode mode, uint64_t n)
{
	s->mode = mode;
	s->left = n;
}

void strip_pass(struct strip *s, uint64_t n)
{
	assert(s->format != NULL);
	set_count(s, STRIP_MODE_PASS, n);
}

void strip_fill(struct strip *s, uint64_t n)
{
	set_count(s, STRIP_MODE_FILL, n);
}

void strip_drop(struct strip *s, uint64_t n)
{
	set_count(s, STRIP_MODE_DROP, n);
}

void strip_collect(struct strip *s)
{
	s->collect = true;
}

struct str strip_collected(struct strip *s)
{
	struct str held = s->collect && buf_ok(&s->held) ? buf_str(&s->held) : (struct str){ 0 };
	s->spent |= s->collect;
	s->collect = false;
	return held;
}

void strip_walk(struct strip *s)
{
	s->mode = STRIP_MODE_WALK;
}

void strip_over(struct strip *s)
{
	s->mode = STRIP_MODE_OVER;
	s->trailer = true;
}

void strip_break(struct strip *s)
{
	s->mode = STRIP_MODE_OVER;
	s->result.broken = true;
}

struct str strip_take(struct str *in, uint64_t n)
{
	struct str taken = str_slice(*in, 0, n < in->n ? (size_t)n : in->n);
	*in = str_slice(*in, taken.n, in->n);
	return taken;
}

struct str strip_insert(struct strip *s, size_t at, struct str bytes)
{
	assert(at + bytes.n <= sizeof s->insert);
	memcpy(s->insert + at, bytes.p, bytes.n);
	return (struct str){ s->insert, at + bytes.n };
}

/* The signatures have 3, 6, 8 and 12 bytes. No more are held than needed, since held bytes cannot be returned to the input. */
static bool judge_signature(struct strip *s, struct str held, struct str *out)
{
	static const struct strip_format *const formats[] = { [PROBE_JPEG] = &strip_jpeg_format,
		[PROBE_PNG] = &strip_png_format,
		[PROBE_GIF] = &strip_gif_format,
		[PROBE_WEBP] = &strip_webp_format,
		[PROBE_HEIC] = &strip_heif_format,
		[PROBE_AVIF] = &strip_heif_format };
	static const size_t longer[] = { [3] = 6, [6] = 8, [8] = SIGNATURE_BYTES_MAX };
	enum probe_type type = probe_signature(held);
	if (type == PROBE_UNKNOWN && held.n < SIGNATURE_BYTES_MAX) {
		strip_hold(s, longer[held.n]);
		return false;
	}
	s->result.type = type;
	*out = held;
	if (type == PROBE_UNKNOWN) {
		strip_pass(s, UINT64_MAX);
		return true;
	}
	s->format = formats[type];
	return s->format->judge(s, held, out);
}

/* Too short for an image. */
static struct str cut_signature(struct strip *s)
{
	return s->spent ? (struct str){ 0 } : buf_str(&s->held);
}

static void hold_more(struct strip *s, struct str *in, struct str *out)
{
	drop_spent(s);
	buf_put(&s->held, strip_take(in, s->want - s->held.n));
	if (!buf_ok(&s->held)) {
		s->starved = true;
		s->mode = STRIP_MODE_OVER;
	} else if (s->held.n == s->want) {
		s->spent = s->format->judge(s, buf_str(&s->held), out);
	}
}

/* Recognise by the first bytes a second picture, or the video of a motion photo. */
static void drop_trailer(struct strip *s, struct str *in)
{
	drop_spent(s);
	if (s->trailer && s->held.n < TRAILER_HEAD_BYTES) {
		s->result.removed |= STRIP_TRAILER;
		buf_put(&s->held, str_slice(*in, 0, TRAILER_HEAD_BYTES - s->held.n));
		struct str head = buf_str(&s->held);
		if (str_starts_with(head, STR("\xff\xd8\xff")))
			s->result.removed |= STRIP_PICTURES;
		if (str_find(head, STR("ftyp")) < head.n)
			s->result.removed |= STRIP_VIDEO;
	}
	*in = (struct str){ 0 };
}

static void step_counted(struct strip *s, struct str *in, struct str *out)
{
	uint64_t most = s->mode == STRIP_MODE_FILL && s->left > sizeof zeros ? sizeof zeros : s->left;
	struct str taken = strip_take(in, most);
	assert(taken.n <= s->left);
	s->left -= taken.n;
	if (s->collect) {
		drop_spent(s);
		buf_put(&s->held, taken);
	}
	if (s->mode == STRIP_MODE_PASS)
		*out = taken;
	else if (s->mode == STRIP_MODE_FILL)
		*out = (struct str){ zeros, taken.n };
	else
		s->dropped += taken.n;
	if (s->left == 0)
		s->format->next(s);
}

static void step(struct strip *s, struct str *in, struct str *out)
{
	switch (s->mode) {
	case STRIP_MODE_HOLD:
		hold_more(s, in, out);
		return;
	case STRIP_MODE_PASS:
	case STRIP_MODE_FILL:
	case STRIP_MODE_DROP:
		step_counted(s, in, out);
		return;
	case STRIP_MODE_WALK:
		s->format->walk(s, in, out);
		return;
	case STRIP_MODE_OVER:
		drop_trailer(s, in);
		return;
	}
}

void strip_init(struct strip *s, const struct strip_options *options)
{
	assert(s != NULL);
	*s = (struct strip){ .format = &unknown_format };
	if (options != NULL)
		s->options = *options;
	buf_init(&s->held, STRIP_HELD_MAX);
	buf_init(&s->ranges, STRIP_RANGES_MAX);
	strip_hold(s, 3);
}

void strip_deinit(struct strip *s)
{
	buf_deinit(&s->ranges);
	buf_deinit(&s->held);
}

bool strip_next(struct strip *s, struct str *in, struct str *out)
{
	assert(s != NULL && s->format != NULL);
	assert(in != NULL && out != NULL);
	assert(in->n == 0 || in->p != NULL);
	size_t before = in->n;
	*out = (struct str){ 0 };
	while (in->n > 0 && out->n == 0)
		step(s, in, out);
	s->result.received_bytes += before - in->n;
	s->result.stored_bytes += out->n;
	return out->n > 0;
}

bool strip_end(struct strip *s, struct str *out)
{
	assert(s != NULL && s->format != NULL);
	assert(out != NULL);
	*out = (struct str){ 0 };
	bool counted = s->mode == STRIP_MODE_PASS || s->mode == STRIP_MODE_FILL || s->mode == STRIP_MODE_DROP;
	if (counted && s->left == 0)
		s->format->next(s);
	if (s->mode != STRIP_MODE_OVER && s->format->cut != NULL)
		*out = s->format->cut(s);
	s->result.stored_bytes += out->n;
	if (s->format->finish != NULL)
		s->format->finish(s);
	return out->n > 0;
}

enum status strip_result(const struct strip *s, const struct strip_result **out, struct fault *why)
{
	assert(s != NULL && out != NULL);
	if (s->starved)
		return fault_no_memory(why);
	*out = &s->result;
	return OK;
}

enum status strip_bytes(struct str in, const struct strip_options *options, struct buf *out, struct strip_result *result, struct fault *why)
{
	assert(out != NULL && result != NULL);
	struct strip s CLEANUP(strip_deinit);
	struct str piece;
	const struct strip_result *done;
	size_t begin = out->n;
	strip_init(&s, options);
	while (strip_next(&s, &in, &piece))
		buf_put(out, piece);
	if (strip_end(&s, &piece))
		buf_put(out, piece);
	TRY(strip_result(&s, &done, why));
	TRY(fault_check_buf(out, why));
	assert(done->stored_bytes == out->n - begin && done->patch.at + done->patch.n <= done->stored_bytes);
	if (done->patch.n > 0)
		memcpy(out->p + begin + done->patch.at, done->patch.bytes, done->patch.n);
	*result = *done;
	return OK;
}

const char *strip_removed_word(enum strip_removed bit)
{
	static const char *const words[STRIP_REMOVED_KINDS] = { "exif", "xmp", "iptc", "comment", "text", "time", "thumbnail", "pictures",
		"gain-map", "video", "trailer", "other" };
	int i = __builtin_ctz((unsigned)bit);
	assert(i < STRIP_REMOVED_KINDS && (int)bit == 1 << i);
	return words[i];
}
