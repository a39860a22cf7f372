/* WebP by libwebp. The file is read whole, because libwebp asks for it. Its frames are decoded one by one as the
 * demultiplexer cuts them out: WebPDecode of a whole file does not look at all of a frame when chunks follow. Frames are
 * decoded in about twice the size that is wanted, and later ones of an animation in 1 x 1, so that a lossy picture of 50
 * million pixels takes a few MB. The first frame is shown on its canvas, which is transparent where the frame is not. */
#include "render/animation.h"

#include "image/probe/formats.h"

#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

#define CHANNELS 4
#define BASE_BYTES ((uint64_t)1 << 20)
#define RIFF_HEAD 8
#define MACROBLOCK_ROW_BYTES 64 /* a pixel of width that lossy decoding keeps, about */

struct webp {
	struct decoding *d;
	WebPDemuxer *demuxer;
	WebPDecoderConfig config;
	struct str bytes;
	unsigned char *row; /* of the canvas */
};

static uint32_t ceil_divide(uint64_t a, uint64_t b)
{
	return (uint32_t)((a + b - 1) / b);
}

/* An orientation is not looked for: no browser applies it. */
static void read_profile(struct webp *w)
{
	WebPChunkIterator chunk;
	if (WebPDemuxGetChunk(w->demuxer, "ICCP", 1, &chunk)) {
		if (chunk.chunk.size <= PROFILE_BYTES_MAX)
			w->d->profile = (struct str){ (const char *)chunk.chunk.bytes, chunk.chunk.size };
		WebPDemuxReleaseChunkIterator(&chunk);
	}
}

/* Decode one frame into an RGBA of this size, in w->config. What is in the first is of use; the caller frees it. */
static VP8StatusCode decode_frame(struct webp *w, const WebPIterator *frame, uint32_t width, uint32_t height)
{
	WebPDecoderConfig *config = &w->config;
	assert(width >= 1 && width <= (uint32_t)frame->width && height >= 1 && height <= (uint32_t)frame->height);
	if (!WebPInitDecoderConfig(config))
		return VP8_STATUS_OUT_OF_MEMORY;
	config->output.colorspace = MODE_RGBA;
	config->options.use_scaling = width != (uint32_t)frame->width || height != (uint32_t)frame->height;
	config->options.scaled_width = (int)width;
	config->options.scaled_height = (int)height;
	config->options.bypass_filtering = width == 1 && height == 1;
	return WebPDecode(frame->fragment.bytes, frame->fragment.size, config);
}

/* Memory for a frame that is decoded to `out_pixels`. Lossless and alpha keep all their pixels. */
static uint64_t frame_memory(const WebPIterator *frame, const WebPBitstreamFeatures *features, uint64_t out_pixels)
{
	uint64_t pixels = (uint64_t)frame->width * (uint64_t)frame->height, bytes = out_pixels * CHANNELS;
	if (features->format == 2)
		return bytes + pixels * 4 + (uint64_t)frame->width * 16 * 4;
	return bytes + (uint64_t)frame->width * MACROBLOCK_ROW_BYTES + (features->has_alpha ? pixels * 2 : 0);
}

static void note_status(struct webp *w, VP8StatusCode status, enum render_code damaged)
{
	if (status == VP8_STATUS_OUT_OF_MEMORY)
		decoding_note(w->d, RENDER_TOO_MUCH_MEMORY);
	else if (status == VP8_STATUS_UNSUPPORTED_FEATURE)
		decoding_note(w->d, damaged == RENDER_DAMAGED ? RENDER_UNSUPPORTED : damaged);
	else if (status != VP8_STATUS_OK)
		decoding_note(w->d, damaged == RENDER_DAMAGED && status == VP8_STATUS_NOT_ENOUGH_DATA ? RENDER_TRUNCATED : damaged);
}

/* Send the canvas with the frame on it, row by row; both already in the size of the rows. */
static void send_canvas(struct webp *w, uint32_t width, uint32_t height, const WebPIterator *frame)
{
	const WebPRGBABuffer *from = &w->config.output.u.RGBA;
	uint32_t frame_width = (uint32_t)w->config.output.width, frame_height = (uint32_t)w->config.output.height;
	if (frame_width == width && frame_height == height) {
		for (uint32_t y = 0; y < height; y++)
			decoding_row(w->d, from->rgba + (size_t)y * (size_t)from->stride);
		return;
	}
	uint32_t left = (uint32_t)frame->x_offset, top = (uint32_t)frame->y_offset;
	assert(left + frame_width <= width && top + frame_height <= height); /* the demultiplexer has checked it */
	for (uint32_t y = 0; y < height; y++) {
		memset(w->row, 0, (size_t)width * CHANNELS);
		if (y >= top && y - top < frame_height)
			memcpy(w->row + (size_t)left * CHANNELS, from->rgba + (size_t)(y - top) * (size_t)from->stride, (size_t)frame_width * CHANNELS);
		decoding_row(w->d, w->row);
	}
}

/* The size of the rows: about twice what is wanted if the frame is the whole canvas, else the canvas as it is. */
static void choose_size(const struct webp *w, const WebPIterator *frame, uint32_t *width, uint32_t *height)
{
	const struct render_answer *answer = w->d->answer;
	uint32_t want_width, want_height;
	bool whole = (uint32_t)frame->width == answer->width && (uint32_t)frame->height == answer->height;
	if (!decoding_wants(w->d, &want_width, &want_height)) {
		*width = *height = 1;
		return;
	}
	*width = answer->width;
	*height = answer->height;
	if (whole && (uint64_t)want_width * 3 < *width && (uint64_t)want_height * 3 < *height) {
		*height = ceil_divide((uint64_t)*height * want_width * 2, *width);
		*width = want_width * 2;
		*height = *height < want_height ? want_height : *height;
	}
}

static void decode_first(struct webp *w, const WebPIterator *frame, const WebPBitstreamFeatures *features)
{
	struct render_answer *answer = w->d->answer;
	uint32_t width, height, want_width, want_height;
	bool wanted = decoding_wants(w->d, &want_width, &want_height);
	choose_size(w, frame, &width, &height);
	bool whole = (uint32_t)frame->width == answer->width && (uint32_t)frame->height == answer->height;
	uint64_t out_pixels = (uint64_t)width * height;
	if (!decoding_memory(w->d, BASE_BYTES + w->bytes.n + frame_memory(frame, features, out_pixels)))
		return;
	if (wanted && !decoding_begin(w->d, width, height, features->has_alpha || !whole))
		return;
	w->row = decoding_alloc(w->d, wanted ? (size_t)width * CHANNELS : 1);
	if (w->row == NULL)
		return;
	bool to_size = whole || !wanted; /* else the frame as it is, on its place */
	VP8StatusCode status = decode_frame(w, frame, to_size ? width : (uint32_t)frame->width, to_size ? height : (uint32_t)frame->height);
	note_status(w, status, RENDER_DAMAGED);
	if (status == VP8_STATUS_OK) {
		answer->row = answer->height;
		if (wanted)
			send_canvas(w, width, height, frame);
	}
	WebPFreeDecBuffer(&w->config.output);
}

/* false: nothing more is to be decoded. */
static bool decode_one(struct webp *w, const WebPIterator *frame)
{
	WebPBitstreamFeatures features;
	bool first = w->d->answer->frames == 0;
	enum render_code damaged = first ? RENDER_DAMAGED : RENDER_LATER_FRAME;
	if (!decoding_frame(w->d, (uint32_t)frame->width, (uint32_t)frame->height))
		return false;
	VP8StatusCode status = WebPGetFeatures(frame->fragment.bytes, frame->fragment.size, &features);
	if (status != VP8_STATUS_OK) {
		note_status(w, status, damaged);
		return decoding_goes_on(w->d);
	}
	if (first) {
		decode_first(w, frame, &features);
	} else if (decoding_memory(w->d, BASE_BYTES + w->bytes.n + frame_memory(frame, &features, 1))) {
		note_status(w, decode_frame(w, frame, 1, 1), damaged);
		WebPFreeDecBuffer(&w->config.output);
	}
	return decoding_goes_on(w->d);
}

static void decode_frames(struct webp *w)
{
	WebPIterator frame;
	if (!WebPDemuxGetFrame(w->demuxer, 1, &frame)) {
		decoding_note(w->d, RENDER_TRUNCATED);
		return;
	}
	bool all = decoding_wants_frames(w->d);
	while (decode_one(w, &frame) && all && WebPDemuxNextFrame(&frame))
		;
	WebPDemuxReleaseIterator(&frame);
	if (all && decoding_goes_on(w->d) && w->d->answer->frames < WebPDemuxGetI(w->demuxer, WEBP_FF_FRAME_COUNT))
		decoding_note(w->d, RENDER_LATER_FRAME);
}

/* A whole file, or one that is cut after the first frame. */
static void decode(struct webp *w)
{
	WebPDemuxState state;
	WebPData data = { (const uint8_t *)w->bytes.p, w->bytes.n };
	w->demuxer = WebPDemuxPartial(&data, &state);
	if (w->demuxer == NULL) {
		decoding_note(w->d, state == WEBP_DEMUX_PARSE_ERROR ? RENDER_HEADER : RENDER_TRUNCATED);
		return;
	}
	uint32_t width = WebPDemuxGetI(w->demuxer, WEBP_FF_CANVAS_WIDTH), height = WebPDemuxGetI(w->demuxer, WEBP_FF_CANVAS_HEIGHT);
	if (decoding_canvas(w->d, width, height)) {
		read_profile(w);
		decode_frames(w);
		bool animated = (WebPDemuxGetI(w->demuxer, WEBP_FF_FORMAT_FLAGS) & ANIMATION_FLAG) != 0;
		if (state != WEBP_DEMUX_DONE)
			decoding_note(w->d, w->d->answer->row < height ? RENDER_TRUNCATED : animated ? RENDER_LATER_FRAME : RENDER_END_MISSING);
		else if (w->bytes.n >= RIFF_HEAD && w->bytes.n - RIFF_HEAD > (uint64_t)le32(w->bytes, 4) + (le32(w->bytes, 4) & 1))
			decoding_note(w->d, RENDER_TRAILING_BYTES);
	}
	WebPDemuxDelete(w->demuxer);
}

/* Each frame on its canvas, as the library composes it. */
static void play(WebPAnimDecoder *decoder, struct animation *m)
{
	WebPAnimInfo info;
	uint8_t *rgba;
	int ends_ms, ended_ms = 0;
	if (!WebPAnimDecoderGetInfo(decoder, &info))
		return;
	animation_loops(m, info.loop_count);
	while (WebPAnimDecoderHasMoreFrames(decoder) && WebPAnimDecoderGetNext(decoder, &rgba, &ends_ms)) {
		struct picture canvas = { info.canvas_width, info.canvas_height, true, rgba };
		uint32_t ms = ends_ms > ended_ms ? (uint32_t)(ends_ms - ended_ms) : 0;
		ended_ms = ends_ms;
		if (!animation_frame(m, &canvas, ms))
			return;
	}
}

void webp_play(const struct decoding *d, struct animation *m)
{
	WebPAnimDecoderOptions options;
	size_t n = (size_t)d->in->size_bytes;
	uint8_t *bytes = arena_alloc(d->arena, n);
	if (bytes == NULL || !input_read(d->in, 0, bytes, n) || !WebPAnimDecoderOptionsInit(&options))
		return;
	options.color_mode = MODE_RGBA;
	WebPAnimDecoder *decoder = WebPAnimDecoderNew(&(WebPData){ bytes, n }, &options);
	if (decoder == NULL)
		return;
	play(decoder, m);
	WebPAnimDecoderDelete(decoder);
}

void webp_decode(struct decoding *d)
{
	struct webp *w = decoding_alloc(d, sizeof *w);
	if (w == NULL)
		return;
	w->d = d;
	if (decoding_whole(d, BASE_BYTES, &w->bytes))
		decode(w);
}
