/* PNG by libpng. The rows of the default image come here, in 8 bits with alpha; libpng checks the checksum of every chunk,
 * whatever is in it. The frames of an animation, which libpng does not know, are in apng.c. An error after the last row is a
 * blemish, since browsers show the picture whole; but not one of the compressed pixels' own checksum, which says that
 * some of the rows are wrong. libpng reports an error by a call that must not return: it jumps back to png_decode, so what
 * changes after setjmp is in `struct png`. */
#include "render/apng.h"

#include "image/probe/formats.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

#define CHANNELS 4
#define BASE_BYTES ((uint64_t)256 << 10) /* what libpng and zlib take besides the rows */
#define CHUNKS_KEPT_MAX 16

struct png {
	png_structp read;
	png_infop info;
	struct decoding *d;
	uint64_t next; /* offset */
	bool ended;    /* the file ended before the picture did */
	bool all_rows;
	bool animated; /* has an acTL chunk */
	bool exif;     /* has an eXIf chunk */
	unsigned char *row, *rows;
};

/* Messages from libpng */

static void note(struct png *p, enum render_code code)
{
	decoding_note(p->d, p->d->in->failed ? RENDER_UNREADABLE : code);
}

static bool contains(const char *text, struct str words)
{
	struct str s = str_of(text);
	return str_find(s, words) < s.n;
}

static _Noreturn void take_error(png_structp read, png_const_charp why)
{
	struct png *p = png_get_error_ptr(read);
	if (contains(why, STR("out of memory")) || contains(why, STR("nsufficient memory")))
		note(p, RENDER_TOO_MUCH_MEMORY);
	else if (p->all_rows)
		note(p, p->ended ? RENDER_END_MISSING : RENDER_METADATA);
	else if (p->ended)
		note(p, RENDER_TRUNCATED);
	else
		note(p, p->d->answer->width == 0 ? RENDER_HEADER : RENDER_DAMAGED);
	png_longjmp(read, 1);
}

/* Of the compressed pixels: anything but too many of them. */
static void take_warning(png_structp read, png_const_charp what)
{
	struct png *p = png_get_error_ptr(read);
	if (contains(what, STR("chunk data is too large")) || contains(what, STR("exceeds memory limits"))) /* it is skipped */
		return;
	bool pixels = contains(what, STR("IDAT")) && !contains(what, STR("Too much")) && !contains(what, STR("Extra compressed"));
	note(p, pixels ? RENDER_DAMAGED : contains(what, STR("iCCP")) ? RENDER_PROFILE : RENDER_METADATA);
}

static void read_bytes(png_structp read, png_bytep to, size_t n)
{
	struct png *p = png_get_io_ptr(read);
	if (!input_read(p->d->in, p->next, to, n)) {
		p->ended = true;
		png_error(read, "the file ends");
	}
	p->next += n;
	assert(p->next <= p->d->in->size_bytes);
}

/* Setting up */

/* Each chunk that libpng does not look into. */
static int take_chunk(png_structp read, png_unknown_chunkp chunk)
{
	struct png *p = png_get_user_chunk_ptr(read);
	struct str data = { (const char *)chunk->data, chunk->size };
	bool exif = memcmp(chunk->name, "eXIf", 4) == 0;
	if (exif && !p->exif && (chunk->location & PNG_AFTER_IDAT) == 0) /* a later one no browser applies */
		p->d->answer->orientation = (uint8_t)exif_orientation(data);
	p->exif = p->exif || exif;
	p->animated = p->animated || memcmp(chunk->name, "acTL", 4) == 0;
	return 1; /* do not keep it */
}

/* What is not needed libpng must not look into: it would open compressed text, and take memory for as many bytes as a chunk
 * of these says to have. EXIF comes to take_chunk. */
static void limit_chunks(struct png *p)
{
	static const unsigned char UNSEEN[] = "tEXt\0zTXt\0iTXt\0eXIf\0sPLT\0hIST\0tIME\0pCAL\0sCAL";
	png_structp read = p->read;
	png_set_keep_unknown_chunks(read, PNG_HANDLE_CHUNK_NEVER, UNSEEN, (sizeof UNSEEN) / 5);
	png_set_read_user_chunk_fn(read, p, take_chunk);
	png_set_user_limits(read, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* decoding_canvas has the job's */
	png_set_chunk_malloc_max(read, METADATA_BYTES_MAX);
	png_set_chunk_cache_max(read, CHUNKS_KEPT_MAX);
}

static bool check_limits(struct png *p)
{
	uint32_t width = png_get_image_width(p->read, p->info), height = png_get_image_height(p->read, p->info), w, h;
	uint64_t row_bytes = (uint64_t)width * 8, bytes = BASE_BYTES + row_bytes * 3;
	if (!decoding_canvas(p->d, width, height) || !decoding_frame(p->d, width, height))
		return false;
	if (png_get_interlace_type(p->read, p->info) != PNG_INTERLACE_NONE && decoding_wants(p->d, &w, &h))
		bytes += (uint64_t)width * height * CHANNELS;
	return decoding_memory(p->d, bytes);
}

static bool has_alpha(const struct png *p)
{
	return (png_get_color_type(p->read, p->info) & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(p->read, p->info, PNG_INFO_tRNS) != 0;
}

/* Every kind as 8 bits of red, green, blue and alpha. */
static void set_transforms(struct png *p)
{
	if (p->d->resize == NULL) /* they cost a third of a check */
		return;
	png_set_expand(p->read);
	png_set_scale_16(p->read);
	png_set_gray_to_rgb(p->read);
	png_set_add_alpha(p->read, 255, PNG_FILLER_AFTER);
}

static void read_profile(struct png *p)
{
	png_charp name;
	png_bytep bytes;
	png_uint_32 n;
	int method;
	if (png_get_iCCP(p->read, p->info, &name, &method, &bytes, &n) == PNG_INFO_iCCP && n <= PROFILE_BYTES_MAX) {
		char *copy = arena_alloc(p->d->arena, n);
		if (copy != NULL)
			p->d->profile = (struct str){ memcpy(copy, bytes, n), n };
	}
}

/* Decoding */

static bool read_plain(struct png *p, uint32_t width, uint32_t height)
{
	if (p->d->resize != NULL && (p->row = decoding_alloc(p->d, (size_t)width * CHANNELS)) == NULL)
		return false;
	for (uint32_t y = 0; y < height; y++) {
		png_read_row(p->read, p->row, NULL);
		if (p->row != NULL)
			decoding_row(p->d, p->row);
		p->d->answer->row = y + 1;
	}
	return true;
}

/* All rows are there when the last pass is: so all must be kept, unless no rows are wanted. */
static bool read_interlaced(struct png *p, uint32_t width, uint32_t height)
{
	size_t row_bytes = (size_t)width * CHANNELS;
	bool wanted = p->d->resize != NULL;
	int passes = png_set_interlace_handling(p->read);
	png_start_read_image(p->read);
	p->rows = decoding_alloc(p->d, wanted ? row_bytes * height : 1);
	if (p->rows == NULL)
		return false;
	for (int pass = 0; pass < passes; pass++)
		for (uint32_t y = 0; y < height; y++)
			png_read_row(p->read, wanted ? p->rows + y * row_bytes : NULL, NULL);
	for (uint32_t y = 0; wanted && y < height; y++)
		decoding_row(p->d, p->rows + y * row_bytes);
	p->d->answer->row = height;
	return true;
}

static void decode(struct png *p)
{
	limit_chunks(p);
	png_set_read_fn(p->read, p, read_bytes);
	png_read_info(p->read, p->info);
	if (!check_limits(p))
		return;
	uint32_t width = p->d->answer->width, height = p->d->answer->height;
	bool interlaced = png_get_interlace_type(p->read, p->info) != PNG_INTERLACE_NONE;
	read_profile(p);
	if (!decoding_begin(p->d, width, height, has_alpha(p)))
		return;
	set_transforms(p);
	if (!(interlaced ? read_interlaced : read_plain)(p, width, height))
		return;
	p->all_rows = true;
	png_read_end(p->read, p->info);
	if (p->next < p->d->in->size_bytes)
		note(p, RENDER_TRAILING_BYTES);
}

void png_decode(struct decoding *d)
{
	struct png *p = decoding_alloc(d, sizeof *p);
	if (p == NULL)
		return;
	p->d = d;
	p->read = png_create_read_struct(PNG_LIBPNG_VER_STRING, p, take_error, take_warning);
	p->info = p->read == NULL ? NULL : png_create_info_struct(p->read);
	if (p->info == NULL)
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
	else if (setjmp(png_jmpbuf(p->read)) == 0)
		decode(p);
	png_destroy_read_struct(&p->read, &p->info, NULL);
	if (decoding_goes_on(d) && p->animated && decoding_wants_frames(d))
		apng_check(d);
}
