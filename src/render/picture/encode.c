/* See encode.h. Each library writes through window_put, so that nothing is allocated for the result. libjpeg and libpng
 * report an error by a call that must not return: it jumps back here. */
#include "render/picture/encode.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <webp/encode.h>

#include <jpeglib.h> /* needs stdio.h before it */

#define CHANNELS 4
#define PIECE_BYTES 4096

void window_put(struct window *w, const void *bytes, size_t n)
{
	assert(w->used <= w->max);
	if (n > w->max - w->used)
		w->full = true;
	if (!w->full)
		memcpy(w->bytes + w->used, bytes, n);
	w->used += w->full ? 0 : n;
}

/* WebP */

static int put_webp(const uint8_t *bytes, size_t n, const WebPPicture *picture)
{
	struct window *w = picture->custom_ptr;
	window_put(w, bytes, n);
	return !w->full;
}

static bool encode_webp(const struct picture *p, const struct render_preset *preset, struct window *w)
{
	WebPConfig config;
	WebPPicture picture;
	if (!WebPConfigInit(&config) || !WebPPictureInit(&picture))
		return false;
	config.quality = preset->quality;
	config.method = preset->effort;
	picture.width = (int)p->width;
	picture.height = (int)p->height;
	picture.writer = put_webp;
	picture.custom_ptr = w;
	bool good = (p->alpha ? WebPPictureImportRGBA : WebPPictureImportRGBX)(&picture, p->rgba, (int)p->width * CHANNELS) &&
		WebPEncode(&config, &picture);
	WebPPictureFree(&picture);
	return good;
}

/* JPEG */

struct jpeg_writer {
	struct jpeg_compress_struct cinfo;
	struct jpeg_error_mgr error;
	struct jpeg_destination_mgr destination;
	jmp_buf stop;
	struct window *window;
	unsigned char piece[PIECE_BYTES];
};

static void stop_jpeg(j_common_ptr cinfo)
{
	longjmp(((struct jpeg_writer *)cinfo->client_data)->stop, 1);
}

static void say_nothing(j_common_ptr cinfo)
{
}

static void begin_piece(j_compress_ptr cinfo)
{
	struct jpeg_writer *writer = cinfo->client_data;
	writer->destination.next_output_byte = writer->piece;
	writer->destination.free_in_buffer = sizeof writer->piece;
}

static boolean put_piece(j_compress_ptr cinfo)
{
	struct jpeg_writer *writer = cinfo->client_data;
	window_put(writer->window, writer->piece, sizeof writer->piece);
	if (writer->window->full)
		stop_jpeg((j_common_ptr)cinfo);
	begin_piece(cinfo);
	return TRUE;
}

static void put_last_piece(j_compress_ptr cinfo)
{
	struct jpeg_writer *writer = cinfo->client_data;
	window_put(writer->window, writer->piece, sizeof writer->piece - writer->destination.free_in_buffer);
}

static void lay_over_white(unsigned char *to, const unsigned char *from, uint32_t width)
{
	for (size_t i = 0; i < (size_t)width * CHANNELS; i++) {
		unsigned alpha = from[i | 3];
		to[i] = (unsigned char)((from[i] * alpha + 255 * (255 - alpha) + 127) / 255);
	}
}

static void write_jpeg(struct jpeg_writer *writer, const struct picture *p, const struct render_preset *preset)
{
	struct jpeg_compress_struct *cinfo = &writer->cinfo;
	jpeg_create_compress(cinfo);
	cinfo->dest = &writer->destination;
	cinfo->image_width = p->width;
	cinfo->image_height = p->height;
	cinfo->input_components = CHANNELS;
	cinfo->in_color_space = JCS_EXT_RGBX;
	jpeg_set_defaults(cinfo);
	jpeg_set_quality(cinfo, preset->quality, TRUE);
	cinfo->optimize_coding = preset->effort > 0;
	jpeg_start_compress(cinfo, TRUE);
	unsigned char *over_white = cinfo->mem->alloc_large((j_common_ptr)cinfo, JPOOL_IMAGE, (size_t)p->width * CHANNELS);
	while (cinfo->next_scanline < cinfo->image_height) {
		unsigned char *row = p->rgba + (size_t)cinfo->next_scanline * p->width * CHANNELS;
		if (p->alpha) {
			lay_over_white(over_white, row, p->width);
			row = over_white;
		}
		(void)jpeg_write_scanlines(cinfo, &row, 1);
	}
	jpeg_finish_compress(cinfo);
}

static bool encode_jpeg(const struct picture *p, const struct render_preset *preset, struct window *w)
{
	struct jpeg_writer writer = { .window = w };
	writer.cinfo.err = jpeg_std_error(&writer.error);
	writer.cinfo.client_data = &writer;
	writer.error.error_exit = stop_jpeg;
	writer.error.output_message = say_nothing;
	writer.destination.init_destination = begin_piece;
	writer.destination.empty_output_buffer = put_piece;
	writer.destination.term_destination = put_last_piece;
	if (setjmp(writer.stop) != 0) {
		jpeg_destroy_compress(&writer.cinfo);
		return false;
	}
	write_jpeg(&writer, p, preset);
	jpeg_destroy_compress(&writer.cinfo);
	return !w->full;
}

/* PNG */

static void put_png(png_structp png, png_bytep bytes, size_t n)
{
	struct window *w = png_get_io_ptr(png);
	window_put(w, bytes, n);
	if (w->full)
		png_error(png, "full");
}

static void flush_png(png_structp png)
{
}

static _Noreturn void stop_png(png_structp png, png_const_charp why)
{
	png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp why)
{
}

static bool encode_png(const struct picture *p, const struct render_preset *preset, struct window *w)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, stop_png, ignore_warning);
	png_infop info = png == NULL ? NULL : png_create_info_struct(png);
	if (info == NULL || setjmp(png_jmpbuf(png)) != 0) {
		png_destroy_write_struct(&png, &info);
		return false;
	}
	png_set_write_fn(png, w, put_png, flush_png);
	png_set_compression_level(png, preset->effort);
	png_set_IHDR(png, info, p->width, p->height, 8, p->alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	if (!p->alpha)
		png_set_filler(png, 0, PNG_FILLER_AFTER);
	for (uint32_t y = 0; y < p->height; y++)
		png_write_row(png, p->rgba + (size_t)y * p->width * CHANNELS);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	return true;
}

bool encode_picture(const struct picture *p, const struct render_preset *preset, struct window *w)
{
	static bool (*const encoders[])(const struct picture *, const struct render_preset *, struct window *) = {
		[RENDER_TO_WEBP] = encode_webp, [RENDER_TO_JPEG] = encode_jpeg, [RENDER_TO_PNG] = encode_png, [RENDER_TO_ANIMATION] = encode_webp
	};
	assert(p->rgba != NULL && preset->format >= RENDER_TO_WEBP && preset->format <= RENDER_TO_ANIMATION);
	return encoders[preset->format](p, preset, w);
}
