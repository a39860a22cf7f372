/* GIF, all of it our own: blocks, and the LZW codes of every frame. The first frame is shown on its screen, which is
 * transparent where the frame is not; later frames are decoded and dropped. What encoders do and browsers accept is not
 * damage: more codes or pixels than the frame has, a full table without a clear code, a frame larger than its screen (which
 * grows). A frame with too few pixels is. Source: GIF89a, appendix F. */
#include "render/animation.h"

#include <string.h>

#define CHANNELS 4
#define CODES_MAX 4096
#define CODE_BITS_MAX 12
#define MIN_CODE_MAX 8 /* bits of a pixel; there are at most 256 colors */
#define COLORS_MAX 256
#define NO_CODE UINT32_MAX

#define SIDE_BYTES ((size_t)UINT16_MAX)
#define TICK_MS 10
#define MS_LEAST 20 /* shorter delays become MS_DEFAULT, as in browsers */
#define MS_DEFAULT 100

enum { BLOCK_IMAGE = 0x2c, BLOCK_EXTENSION = 0x21, BLOCK_TRAILER = 0x3b, LABEL_CONTROL = 0xf9, LABEL_APPLICATION = 0xff };
static const char LOOP_HEAD[] = "\x0bNETSCAPE2.0\x03\x01"; /* two bytes follow */
enum { DISPOSE_TO_BACKGROUND = 2, DISPOSE_TO_PREVIOUS = 3 };

struct lzw {
	uint16_t prefix[CODES_MAX];
	uint8_t last[CODES_MAX];  /* pixel of each code */
	uint8_t first[CODES_MAX]; /* pixel of what it stands for */
	uint16_t length[CODES_MAX];
	uint8_t string[CODES_MAX];
	uint32_t min_bits, bits, clear, next; /* next: the code that is defined next */
	uint32_t before;                      /* the code before; NO_CODE: none */
	uint32_t acc, acc_bits;
};

struct gif {
	struct decoding *d;
	uint64_t next; /* offset */
	bool ended;    /* the file ended where there should be more */
	bool screen_read;
	uint32_t screen_width, screen_height;
	uint32_t left, top, width, height; /* of the frame */
	bool interlaced, has_colors, transparent_given;
	uint8_t transparent;
	uint8_t global[COLORS_MAX][CHANNELS], local[COLORS_MAX][CHANNELS];
	uint32_t global_colors;
	struct lzw lzw;
	uint64_t pixels;  /* of the frame, decoded */
	uint8_t *indices; /* the first frame's pixels, when rows are wanted and they are interlaced */
	uint8_t *line;    /* the first frame's current row; NULL: no rows are wanted */
	uint32_t column, row;
	unsigned char *rgba; /* a row of the screen */
	/* Of gif_play */
	struct animation *animation; /* NULL: the frames are only checked */
	struct picture canvas;
	unsigned char *before; /* the canvas before the frame */
	uint32_t delay_ms, dispose;
};

static bool read_bytes(struct gif *g, void *out, size_t n)
{
	if (!input_read(g->d->in, g->next, out, n)) {
		g->ended = true;
		return false;
	}
	g->next += n;
	return true;
}

static bool read_colors(struct gif *g, uint8_t colors[COLORS_MAX][CHANNELS], unsigned flags)
{
	unsigned char rgb[COLORS_MAX * 3];
	size_t n = (size_t)2 << (flags & 7);
	memset(colors, 0, sizeof(uint8_t[COLORS_MAX][CHANNELS]));
	for (size_t i = 0; i < COLORS_MAX; i++)
		colors[i][3] = 255;
	if (!read_bytes(g, rgb, n * 3))
		return false;
	for (size_t i = 0; i < n; i++)
		memcpy(colors[i], rgb + i * 3, 3);
	return true;
}

/* Rows of the first frame */

static void send_row(struct gif *g, const uint8_t *line)
{
	const uint8_t(*colors)[CHANNELS] = g->has_colors ? g->local : g->global;
	assert(g->left + g->width <= g->d->answer->width);
	memset(g->rgba, 0, (size_t)g->d->answer->width * CHANNELS);
	for (uint32_t x = 0; x < g->width; x++)
		if (!g->transparent_given || line[x] != g->transparent)
			memcpy(g->rgba + (size_t)(g->left + x) * CHANNELS, colors[line[x]], CHANNELS);
	decoding_row(g->d, g->rgba);
}

static void send_empty_rows(struct gif *g, uint32_t n)
{
	memset(g->rgba, 0, (size_t)g->d->answer->width * CHANNELS);
	for (uint32_t i = 0; i < n; i++)
		decoding_row(g->d, g->rgba);
}

/* Which row of the frame the n-th of an interlaced one is. */
static uint32_t interlaced_row(uint32_t n, uint32_t height)
{
	static const uint32_t FIRST[] = { 0, 4, 2, 1 }, STEP[] = { 8, 8, 4, 2 };
	for (size_t pass = 0; pass < COUNT_OF(FIRST); pass++) {
		uint32_t rows = height > FIRST[pass] ? (height - FIRST[pass] + STEP[pass] - 1) / STEP[pass] : 0;
		if (n < rows)
			return FIRST[pass] + n * STEP[pass];
		n -= rows;
	}
	return height - 1;
}

/* A row of the frame on the canvas. */
static void draw_row(struct gif *g, uint32_t row)
{
	const uint8_t(*colors)[CHANNELS] = g->has_colors ? g->local : g->global;
	if (g->top + row >= g->canvas.height)
		return;
	unsigned char *to = g->canvas.rgba + (size_t)(g->top + row) * g->canvas.width * CHANNELS;
	for (uint32_t x = 0; x < g->width && g->left + x < g->canvas.width; x++)
		if (!g->transparent_given || g->line[x] != g->transparent)
			memcpy(to + (size_t)(g->left + x) * CHANNELS, colors[g->line[x]], CHANNELS);
}

static void end_line(struct gif *g)
{
	if (g->animation != NULL)
		draw_row(g, g->interlaced ? interlaced_row(g->row, g->height) : g->row);
	else if (g->interlaced)
		memcpy(g->indices + (size_t)interlaced_row(g->row, g->height) * g->width, g->line, g->width);
	else
		send_row(g, g->line);
	g->row++;
	g->column = 0;
}

/* Pixels that the codes stand for; those beyond the frame are ignored. */
static void take_pixels(struct gif *g, const uint8_t *pixels, uint32_t n)
{
	assert(g->pixels <= (uint64_t)g->width * g->height);
	uint64_t left = (uint64_t)g->width * g->height - g->pixels;
	n = n < left ? n : (uint32_t)left;
	g->pixels += n;
	while (g->line != NULL && n > 0) {
		uint32_t part = g->width - g->column < n ? g->width - g->column : n;
		memcpy(g->line + g->column, pixels, part);
		pixels += part;
		n -= part;
		g->column += part;
		if (g->column == g->width)
			end_line(g);
	}
}

/* Codes */

static void clear_codes(struct lzw *z)
{
	z->bits = z->min_bits + 1;
	z->next = z->clear + 2;
	z->before = NO_CODE;
}

static void begin_codes(struct lzw *z, uint32_t min_bits)
{
	assert(min_bits >= 1 && min_bits <= MIN_CODE_MAX);
	z->min_bits = min_bits;
	z->clear = 1U << min_bits;
	z->acc = z->acc_bits = 0;
	for (uint32_t i = 0; i < z->clear; i++) {
		z->first[i] = z->last[i] = (uint8_t)i;
		z->length[i] = 1;
	}
	clear_codes(z);
}

/* The code before with one more pixel is a code of its own now; a full table stays as it is. */
static void add_code(struct lzw *z, uint8_t pixel)
{
	if (z->before == NO_CODE || z->next >= CODES_MAX)
		return;
	z->prefix[z->next] = (uint16_t)z->before;
	z->last[z->next] = pixel;
	z->first[z->next] = z->first[z->before];
	z->length[z->next] = (uint16_t)(z->length[z->before] + 1);
	z->next++;
	if (z->next == 1U << z->bits && z->bits < CODE_BITS_MAX)
		z->bits++;
}

/* false: an impossible code. */
static bool take_code(struct gif *g, uint32_t code)
{
	struct lzw *z = &g->lzw;
	assert(code != z->clear && code != z->clear + 1);
	bool unmade = code == z->next && z->before != NO_CODE && z->next < CODES_MAX; /* the one that is being defined */
	if (code >= z->next && !unmade)
		return false;
	add_code(z, z->first[unmade ? z->before : code]);
	z->before = code;
	uint32_t n = z->length[code], at = n;
	assert(n >= 1 && n <= CODES_MAX);
	for (uint32_t c = code; at > 0; c = z->prefix[c])
		z->string[--at] = z->last[c];
	take_pixels(g, z->string, n);
	return true;
}

enum codes { CODES_MORE, CODES_END, CODES_BAD };

static enum codes take_byte(struct gif *g, uint8_t byte)
{
	struct lzw *z = &g->lzw;
	z->acc |= (uint32_t)byte << z->acc_bits;
	for (z->acc_bits += 8; z->acc_bits >= z->bits;) {
		uint32_t code = z->acc & ((1U << z->bits) - 1);
		z->acc >>= z->bits;
		z->acc_bits -= z->bits;
		if (code == z->clear)
			clear_codes(z);
		else if (code == z->clear + 1)
			return CODES_END;
		else if (!take_code(g, code))
			return CODES_BAD;
		else if (g->pixels == (uint64_t)g->width * g->height)
			return CODES_END; /* more is normal; to expand it would cost up to 4096 pixels a code */
	}
	return CODES_MORE;
}

/* Sub-blocks up to the empty one; their bytes are codes as long as those go on. false: the file ends. */
static bool read_codes(struct gif *g, enum codes *state)
{
	uint8_t n, block[255];
	while (read_bytes(g, &n, 1)) {
		if (n == 0)
			return true;
		if (!read_bytes(g, block, n))
			return false;
		for (size_t i = 0; i < n && *state == CODES_MORE; i++)
			*state = take_byte(g, block[i]);
	}
	return false;
}

static bool skip_blocks(struct gif *g)
{
	uint8_t n;
	while (read_bytes(g, &n, 1)) {
		if (n == 0)
			return true;
		g->next += n;
	}
	return false;
}

/* Frames */

static bool begin_first(struct gif *g)
{
	uint32_t width = g->screen_width, height = g->screen_height, w, h;
	if (g->left + g->width > width)
		width = g->left + g->width;
	if (g->top + g->height > height)
		height = g->top + g->height;
	uint64_t frame = (uint64_t)g->width * g->height;
	if (!decoding_canvas(g->d, width, height) || !decoding_memory(g->d, (g->interlaced ? frame : 0) + (uint64_t)width * CHANNELS * 2))
		return false;
	bool whole = g->width == width && g->height == height && !g->transparent_given;
	if (!decoding_wants(g->d, &w, &h))
		return true;
	if (!decoding_begin(g->d, width, height, !whole))
		return false;
	g->line = decoding_alloc(g->d, g->width);
	g->rgba = decoding_alloc(g->d, (size_t)width * CHANNELS);
	g->indices = decoding_alloc(g->d, g->interlaced ? (size_t)frame : 1);
	if (!decoding_goes_on(g->d))
		return false;
	send_empty_rows(g, g->top);
	return true;
}

static void end_first(struct gif *g)
{
	if (g->line != NULL) {
		for (uint32_t y = 0; g->interlaced && y < g->height; y++)
			send_row(g, g->indices + (size_t)y * g->width);
		send_empty_rows(g, g->d->answer->height - g->top - g->height);
	}
	g->line = NULL;
	g->d->answer->row = g->d->answer->height;
}

static size_t canvas_bytes(const struct gif *g)
{
	return (size_t)g->canvas.width * g->canvas.height * CHANNELS;
}

/* Show the frame that was drawn, and leave the canvas as the next one finds it. false: no more are wanted. */
static bool show_frame(struct gif *g)
{
	if (!animation_frame(g->animation, &g->canvas, g->delay_ms < MS_LEAST ? MS_DEFAULT : g->delay_ms))
		return false;
	if (g->dispose == DISPOSE_TO_PREVIOUS)
		memcpy(g->canvas.rgba, g->before, canvas_bytes(g));
	uint32_t right = g->left + g->width < g->canvas.width ? g->left + g->width : g->canvas.width;
	for (uint32_t y = g->top; g->dispose == DISPOSE_TO_BACKGROUND && right > g->left && y < g->top + g->height && y < g->canvas.height; y++)
		memset(g->canvas.rgba + ((size_t)y * g->canvas.width + g->left) * CHANNELS, 0, (size_t)(right - g->left) * CHANNELS);
	return true;
}

/* What comes before the frame's pixels. */
static bool begin_frame(struct gif *g, bool first)
{
	if (g->animation != NULL && g->dispose == DISPOSE_TO_PREVIOUS)
		memcpy(g->before, g->canvas.rgba, canvas_bytes(g));
	return (!first || g->animation != NULL || begin_first(g)) && decoding_frame(g->d, g->width, g->height);
}

/* false: nothing more is to be read. */
static bool read_frame(struct gif *g)
{
	unsigned char head[9], min_bits;
	bool first = g->d->answer->frames == 0;
	if (!read_bytes(g, head, sizeof head))
		return false;
	g->left = head[0] | (uint32_t)head[1] << 8;
	g->top = head[2] | (uint32_t)head[3] << 8;
	g->width = head[4] | (uint32_t)head[5] << 8;
	g->height = head[6] | (uint32_t)head[7] << 8;
	g->interlaced = (head[8] & 0x40) != 0;
	g->has_colors = (head[8] & 0x80) != 0;
	g->pixels = g->column = g->row = 0;
	if (g->has_colors && !read_colors(g, g->local, head[8]))
		return false;
	if (!read_bytes(g, &min_bits, 1))
		return false;
	if (min_bits < 1 || min_bits > MIN_CODE_MAX || g->width == 0 || g->height == 0) {
		decoding_note(g->d, first ? RENDER_UNSUPPORTED : RENDER_LATER_FRAME);
		return false;
	}
	if (!begin_frame(g, first))
		return false;
	begin_codes(&g->lzw, min_bits);
	enum codes state = CODES_MORE;
	bool whole = read_codes(g, &state);
	if (g->pixels < (uint64_t)g->width * g->height) {
		g->d->answer->row = first ? (uint32_t)(g->pixels / g->width) : g->d->answer->row;
		decoding_note(g->d, !first ? RENDER_LATER_FRAME : whole ? RENDER_DAMAGED : RENDER_TRUNCATED);
		return false;
	}
	if (g->animation != NULL)
		return show_frame(g) && whole;
	if (first)
		end_first(g);
	return whole;
}

/* The number says how often it is played after the first time; 0: for ever. */
static void read_loops(struct gif *g, const uint8_t *block)
{
	uint32_t again = block[sizeof LOOP_HEAD - 1] | (uint32_t)block[sizeof LOOP_HEAD] << 8;
	animation_loops(g->animation, again == 0 ? 0 : again + 1);
}

static bool read_extension(struct gif *g)
{
	uint8_t label, control[6], loop[sizeof LOOP_HEAD + 1];
	if (!read_bytes(g, &label, 1))
		return false;
	if (label == LABEL_CONTROL && input_read(g->d->in, g->next, control, sizeof control) && control[0] == 4) {
		g->transparent_given = (control[1] & 1) != 0;
		g->transparent = control[4];
		g->dispose = control[1] >> 2 & 7;
		g->delay_ms = (control[2] | (uint32_t)control[3] << 8) * TICK_MS;
	}
	if (label == LABEL_APPLICATION && g->animation != NULL && input_read(g->d->in, g->next, loop, sizeof loop) &&
		memcmp(loop, LOOP_HEAD, sizeof LOOP_HEAD - 1) == 0)
		read_loops(g, loop);
	return skip_blocks(g);
}

/* false: the end, or an impossible block, which is noted. */
static bool read_block(struct gif *g)
{
	uint8_t kind;
	if (!read_bytes(g, &kind, 1))
		return false;
	switch (kind) {
	case BLOCK_IMAGE: {
		bool more = read_frame(g);
		g->transparent_given = false;
		g->dispose = g->delay_ms = 0;
		return more;
	}
	case BLOCK_EXTENSION:
		return read_extension(g);
	case BLOCK_TRAILER:
		return false;
	}
	decoding_note(g->d, g->d->answer->frames > 0 ? RENDER_LATER_FRAME : RENDER_DAMAGED);
	return false;
}

/* The screen, and its colors. false: no GIF, or one that is cut. */
static bool read_screen(struct gif *g)
{
	unsigned char head[13];
	if (!read_bytes(g, head, sizeof head) || memcmp(head, "GIF8", 4) != 0)
		return false;
	for (size_t i = 0; i < COLORS_MAX; i++)
		g->global[i][3] = 255;
	g->screen_width = head[6] | (uint32_t)head[7] << 8;
	g->screen_height = head[8] | (uint32_t)head[9] << 8;
	g->screen_read = true;
	return (head[10] & 0x80) == 0 || read_colors(g, g->global, head[10]);
}

void gif_decode(struct decoding *d)
{
	struct gif *g = decoding_alloc(d, sizeof *g);
	if (g == NULL)
		return;
	g->d = d;
	bool more = read_screen(g);
	if (!g->screen_read) {
		decoding_note(d, g->ended ? RENDER_TRUNCATED : RENDER_HEADER);
		return;
	}
	while (more && (d->answer->frames == 0 || decoding_wants_frames(d)))
		more = read_block(g);
	if (more) /* the rest is not wanted */
		return;
	if (g->ended)
		decoding_note(d, d->answer->frames == 0 || d->answer->row < d->answer->height ? RENDER_TRUNCATED : RENDER_END_MISSING);
	else if (d->answer->frames == 0)
		decoding_note(d, RENDER_HEADER);
	else if (d->answer->code == RENDER_NONE && g->next < d->in->size_bytes)
		decoding_note(d, RENDER_TRAILING_BYTES);
}

void gif_play(const struct decoding *d, struct animation *m)
{
	struct render_answer unseen = { .width = d->answer->width, .height = d->answer->height };
	struct decoding own = *d; /* all findings were noted by the first pass */
	own.answer = &unseen;
	own.area = 0;
	struct gif *g = arena_alloc(d->arena, sizeof *g);
	if (g == NULL)
		return;
	*g = (struct gif){ .d = &own, .animation = m, .canvas = { unseen.width, unseen.height, true, NULL } };
	g->line = arena_alloc(d->arena, SIDE_BYTES);
	g->canvas.rgba = arena_alloc(d->arena, canvas_bytes(g));
	g->before = arena_alloc(d->arena, canvas_bytes(g));
	if (!arena_ok(d->arena) || !read_screen(g))
		return;
	while (read_block(g))
		;
}
