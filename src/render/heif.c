/* HEIC and AVIF by libheif, in tintype-render-more. The file is read whole, and decoded whole to 8 bits a channel. libheif
 * rotates and crops the picture as its properties say; EXIF is ignored. Its threads for tiles are off; those of the decoders below
 * it are not. What decoding takes is computed from the header, and no decoder is started for more than the job allows. */
#include "render/decoding.h"

#include <libheif/heif.h>

#define BASE_BYTES ((uint64_t)8 << 20)
#define LIBHEIF_SIDE_MAX 32768 /* px; of the library */
#define CHANNELS 4

struct heif {
	struct decoding *d;
	struct str bytes;
	struct heif_context *context;
	struct heif_image_handle *handle;
	struct heif_decoding_options *options;
	struct heif_image *image;
};

static void note_error(struct heif *h, struct heif_error e, enum render_code otherwise)
{
	enum render_code code = otherwise;
	if (e.code == heif_error_Memory_allocation_error)
		code = RENDER_TOO_MUCH_MEMORY;
	else if (e.subcode == heif_suberror_Security_limit_exceeded)
		code = RENDER_TOO_MANY_PIXELS;
	else if (e.subcode == heif_suberror_End_of_data)
		code = RENDER_TRUNCATED;
	else if (e.code == heif_error_Unsupported_feature || e.code == heif_error_Unsupported_filetype)
		code = RENDER_UNSUPPORTED;
	decoding_note(h->d, code);
}

/* The result, and the planes that the decoder and libheif have at once: two of 8 bits, four of 16 while their colors are converted. */
static uint64_t memory_of(const struct heif *h, uint32_t width, uint32_t height)
{
	uint64_t pixels = (uint64_t)width * height;
	bool deep = heif_image_handle_get_luma_bits_per_pixel(h->handle) > 8;
	uint64_t planes = heif_image_handle_has_alpha_channel(h->handle) ? 4 : 3;
	return BASE_BYTES + h->bytes.n + pixels * (CHANNELS + planes * (deep ? 8 : 2));
}

static void read_profile(struct heif *h)
{
	struct decoding *d = h->d;
	struct heif_color_profile_nclx *coded = NULL;
	size_t n = heif_image_handle_get_raw_color_profile_size(h->handle);
	if (n > 0 && n <= PROFILE_BYTES_MAX) {
		char *bytes = decoding_alloc(d, n);
		if (bytes != NULL && heif_image_handle_get_raw_color_profile(h->handle, bytes).code == heif_error_Ok)
			d->profile = (struct str){ bytes, n };
		return;
	}
	if (heif_image_handle_get_nclx_color_profile(h->handle, &coded).code == heif_error_Ok && coded != NULL)
		d->coded = (struct icc_coded){ (uint8_t)coded->color_primaries, (uint8_t)coded->transfer_characteristics };
	if (coded != NULL)
		heif_nclx_color_profile_free(coded);
}

/* The picture of the size that was announced, row by row. */
static void send_rows(struct heif *h, uint32_t width, uint32_t height)
{
	int stride = 0;
	const uint8_t *rows = heif_image_get_plane_readonly(h->image, heif_channel_interleaved, &stride);
	if (rows == NULL || heif_image_get_width(h->image, heif_channel_interleaved) != (int)width ||
		heif_image_get_height(h->image, heif_channel_interleaved) != (int)height || stride < (int)(width * CHANNELS)) {
		decoding_note(h->d, RENDER_DAMAGED);
		return;
	}
	h->d->answer->row = height;
	if (!decoding_begin(h->d, width, height, heif_image_handle_has_alpha_channel(h->handle) != 0))
		return;
	for (uint32_t y = 0; y < height; y++)
		decoding_row(h->d, rows + (size_t)y * (size_t)stride);
}

static void decode_handle(struct heif *h)
{
	int width = heif_image_handle_get_width(h->handle), height = heif_image_handle_get_height(h->handle);
	if (!decoding_canvas(h->d, width > 0 ? (uint32_t)width : 0, height > 0 ? (uint32_t)height : 0))
		return;
	uint32_t w = (uint32_t)width, rows = (uint32_t)height;
	if (!decoding_frame(h->d, w, rows) || !decoding_memory(h->d, memory_of(h, w, rows)))
		return;
	read_profile(h);
	h->options = heif_decoding_options_alloc();
	if (h->options == NULL) {
		decoding_note(h->d, RENDER_TOO_MUCH_MEMORY);
		return;
	}
	h->options->convert_hdr_to_8bit = 1;
	h->options->strict_decoding = 1;
	struct heif_error e = heif_decode_image(h->handle, &h->image, heif_colorspace_RGB, heif_chroma_interleaved_RGBA, h->options);
	if (e.code != heif_error_Ok)
		note_error(h, e, RENDER_DAMAGED);
	else
		send_rows(h, w, rows);
}

static void decode_file(struct heif *h)
{
	heif_context_set_max_decoding_threads(h->context, 0);
	heif_context_set_maximum_image_size_limit(h->context, LIBHEIF_SIDE_MAX);
	struct heif_error e = heif_context_read_from_memory_without_copy(h->context, h->bytes.p, h->bytes.n, NULL);
	if (e.code == heif_error_Ok)
		e = heif_context_get_primary_image_handle(h->context, &h->handle);
	if (e.code == heif_error_Ok)
		decode_handle(h);
	else
		note_error(h, e, RENDER_HEADER);
}

void heif_decode(struct decoding *d)
{
	struct heif h = { .d = d };
	if (!decoding_whole(d, BASE_BYTES, &h.bytes))
		return;
	h.context = heif_context_alloc();
	if (h.context == NULL) {
		decoding_note(d, RENDER_TOO_MUCH_MEMORY);
		return;
	}
	decode_file(&h);
	heif_image_release(h.image);
	heif_decoding_options_free(h.options);
	heif_image_handle_release(h.handle);
	heif_context_free(h.context);
}
