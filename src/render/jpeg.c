/* JPEG by libjpeg-turbo: rows come at 1/1, 1/2, 1/4 or 1/8 of the size, by what is wanted; a decode at 1/8 finds the same
 * damage as a full one. Entropy-coded data that is intact is read by jpeg_codes.c. libjpeg repairs what it can and warns: each
 * warning has its place in the table below, and from the first one that means broken pixels on nothing more is decoded. libjpeg
 * reports an error by a call that must not return: it jumps back to decode_with, so what changes after setjmp is in
 * `struct jpeg`. */
#include "render/jpeg_codes.h"
#include "render/jpeg_markers.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* in this order: jpeglib.h needs stdio.h, whose configuration decides what the numbers of jerror.h are */
#include <jpeglib.h>

#include <jerror.h>

#define ROWS_AT_ONCE 4 /* what libjpeg gives at most in one call */
#define CHANNELS 4
#define EXTRA_BYTES_MAX 64
#define BLOCK_BYTES 128                /* coefficients of 8 x 8 samples */
#define SCANS_MAX 40                   /* over the whole picture */
#define SMALL_WORK ((uint64_t)2000000) /* blocks; any number of scans over so few is decoded in a moment */
#define BASE_BYTES ((uint64_t)1 << 20) /* what libjpeg takes besides rows and coefficients */

struct jpeg {
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr error;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	jmp_buf stop;
	struct decoding *d;
	uint64_t next;       /* offset after what libjpeg was given */
	uint64_t blocks;     /* of the picture */
	uint64_t work;       /* blocks of all scans so far */
	int scan;            /* the last scan that was counted */
	unsigned components; /* a bit for each that was in a scan */
	bool ended;          /* the file ended before the picture did */
	bool own_reader;     /* jpeg_codes.h */
	bool gave_up;        /* it did */
};

static const struct {
	int message;
	enum render_code code;
} WARNINGS[] = {
	{ JWRN_NOT_SEQUENTIAL, RENDER_SCAN_NUMBERS },
	{ JWRN_JFIF_MAJOR, RENDER_MARKER_VERSION },
	{ JWRN_ADOBE_XFORM, RENDER_MARKER_VERSION },
	{ JWRN_BOGUS_ICC, RENDER_PROFILE },
	{ JWRN_JPEG_EOF, RENDER_END_MISSING },
	{ JWRN_HIT_MARKER, RENDER_DAMAGED },
	{ JWRN_HUFF_BAD_CODE, RENDER_DAMAGED },
	{ JWRN_ARITH_BAD_CODE, RENDER_DAMAGED },
	{ JWRN_MUST_RESYNC, RENDER_DAMAGED },
	{ JWRN_BOGUS_PROGRESSION, RENDER_DAMAGED },
}, ERRORS[] = {
	{ JERR_OUT_OF_MEMORY, RENDER_TOO_MUCH_MEMORY },
	{ JERR_NO_BACKING_STORE, RENDER_TOO_MUCH_MEMORY },
	{ JERR_BAD_PRECISION, RENDER_UNSUPPORTED },
	{ JERR_SOF_UNSUPPORTED, RENDER_UNSUPPORTED },
	{ JERR_CONVERSION_NOTIMPL, RENDER_UNSUPPORTED },
	{ JERR_CCIR601_NOTIMPL, RENDER_UNSUPPORTED },
	{ JERR_FRACT_SAMPLE_NOTIMPL, RENDER_UNSUPPORTED },
};

static struct jpeg *jpeg_of(j_common_ptr cinfo)
{
	return cinfo->client_data;
}

/* Messages from libjpeg */

static void note(struct jpeg *j, enum render_code code)
{
	if (code == RENDER_DAMAGED && j->ended)
		code = RENDER_TRUNCATED;
	decoding_note(j->d, j->d->in->failed ? RENDER_UNREADABLE : code);
	if (!decoding_goes_on(j->d))
		longjmp(j->stop, 1);
}

/* The extra bytes end where libjpeg reads on. Cameras leave some, or fill up with zeros. */
static enum render_code judge_extra_bytes(struct jpeg *j)
{
	assert(j->ended || j->source.bytes_in_buffer <= j->next);
	uint64_t n = (uint64_t)j->error.msg_parm.i[0], at = j->next - j->source.bytes_in_buffer;
	if (n <= EXTRA_BYTES_MAX || (!j->ended && n <= at && input_is_padding(j->d->in, at - n, at)))
		return RENDER_EXTRA_BYTES;
	return RENDER_DAMAGED;
}

/* level: -1 is a warning, all others are of no interest. */
static void take_warning(j_common_ptr cinfo, int level)
{
	struct jpeg *j = jpeg_of(cinfo);
	if (level >= 0)
		return;
	if (j->error.msg_code == JWRN_EXTRANEOUS_DATA)
		note(j, judge_extra_bytes(j));
	for (size_t i = 0; i < COUNT_OF(WARNINGS); i++)
		if (WARNINGS[i].message == j->error.msg_code)
			note(j, WARNINGS[i].code);
}

static _Noreturn void take_error(j_common_ptr cinfo)
{
	struct jpeg *j = jpeg_of(cinfo);
	enum render_code code = j->d->answer->width == 0 && !j->ended ? RENDER_HEADER : RENDER_DAMAGED;
	for (size_t i = 0; i < COUNT_OF(ERRORS); i++)
		if (ERRORS[i].message == j->error.msg_code)
			code = ERRORS[i].code;
	note(j, code);
	longjmp(j->stop, 1);
}

static void say_nothing(j_common_ptr cinfo)
{
}

static __attribute__((noreturn)) void give_up(j_decompress_ptr cinfo)
{
	struct jpeg *j = jpeg_of((j_common_ptr)cinfo);
	j->gave_up = true;
	longjmp(j->stop, 1);
}

/* Bytes for libjpeg */

static void begin_input(j_decompress_ptr cinfo)
{
}

/* The next piece of the file; at its end a marker that ends the picture. */
static boolean fill_input(j_decompress_ptr cinfo)
{
	static const JOCTET END[] = { 0xff, JPEG_EOI };
	struct jpeg *j = jpeg_of((j_common_ptr)cinfo);
	struct str piece = input_at(j->d->in, j->next);
	j->next += piece.n;
	if (piece.n == 0) {
		j->ended = true;
		WARNMS(cinfo, JWRN_JPEG_EOF);
		piece = (struct str){ (const char *)END, sizeof END };
	}
	j->source.next_input_byte = (const JOCTET *)piece.p;
	j->source.bytes_in_buffer = piece.n;
	return TRUE;
}

static void skip_input(j_decompress_ptr cinfo, long n)
{
	struct jpeg *j = jpeg_of((j_common_ptr)cinfo);
	if (n <= 0)
		return;
	if ((size_t)n <= j->source.bytes_in_buffer) {
		j->source.next_input_byte += n;
		j->source.bytes_in_buffer -= (size_t)n;
		return;
	}
	j->next += (uint64_t)n - j->source.bytes_in_buffer;
	j->source.bytes_in_buffer = 0;
}

static void end_input(j_decompress_ptr cinfo)
{
}

/* Limits */

/* Called often while scans are read: a picture of 200 KB may have a thousand scans over 50 million pixels. */
static void count_scans(j_common_ptr common)
{
	struct jpeg *j = jpeg_of(common);
	const struct jpeg_decompress_struct *cinfo = &j->cinfo;
	if (cinfo->input_scan_number == j->scan)
		return;
	j->scan = cinfo->input_scan_number;
	for (int i = 0; i < cinfo->comps_in_scan; i++) {
		const jpeg_component_info *c = cinfo->cur_comp_info[i];
		j->components |= 1U << c->component_index;
		j->work += (uint64_t)c->width_in_blocks * c->height_in_blocks;
	}
	if (j->work > j->blocks * SCANS_MAX && j->work > SMALL_WORK)
		note(j, RENDER_TOO_MANY_SCANS);
}

static uint64_t count_blocks(const struct jpeg_decompress_struct *cinfo)
{
	uint64_t blocks = 0;
	for (int i = 0; i < cinfo->num_components; i++)
		blocks += (uint64_t)cinfo->comp_info[i].width_in_blocks * cinfo->comp_info[i].height_in_blocks;
	return blocks;
}

static bool check_limits(struct jpeg *j)
{
	const struct jpeg_decompress_struct *cinfo = &j->cinfo;
	j->blocks = count_blocks(cinfo);
	uint64_t bytes = BASE_BYTES + (uint64_t)cinfo->image_width * CHANNELS * 8;
	if (jpeg_has_multiple_scans(&j->cinfo))
		bytes += j->blocks * BLOCK_BYTES;
	return decoding_canvas(j->d, cinfo->image_width, cinfo->image_height) &&
		decoding_frame(j->d, cinfo->image_width, cinfo->image_height) && decoding_memory(j->d, bytes);
}

/* Decoding */

/* The smallest size of 1/8, 1/4, 1/2, 1/1 that leaves 1.5 times what is wanted. (Only these have fast code in libjpeg.) */
static void choose_scale(struct jpeg *j)
{
	uint32_t width, height;
	bool wanted = decoding_wants(j->d, &width, &height);
	for (j->cinfo.scale_num = 1, j->cinfo.scale_denom = 8; wanted && j->cinfo.scale_denom > 1; j->cinfo.scale_denom /= 2) {
		jpeg_calc_output_dimensions(&j->cinfo);
		if (2 * j->cinfo.output_width >= 3 * width && 2 * j->cinfo.output_height >= 3 * height)
			break;
	}
	jpeg_calc_output_dimensions(&j->cinfo);
}

/* Red, green and blue, or CMYK. For a check alone luminance: then libjpeg reads the codes of the color components too, and warns about
 * them, but keeps no coefficients. */
static void choose_color_space(struct jpeg *j)
{
	struct jpeg_decompress_struct *cinfo = &j->cinfo;
	uint32_t width, height;
	bool cmyk = cinfo->jpeg_color_space == JCS_CMYK || cinfo->jpeg_color_space == JCS_YCCK;
	cinfo->out_color_space = cmyk ? JCS_CMYK : JCS_EXT_RGBX;
	if (!decoding_wants(j->d, &width, &height) && cinfo->jpeg_color_space == JCS_YCbCr)
		cinfo->out_color_space = JCS_GRAYSCALE;
}

/* A row of CMYK as RGBA, in place. Adobe writes it inverted. */
static void convert_cmyk(unsigned char *row, uint32_t width, bool inverted)
{
	for (unsigned char *px = row; px < row + (size_t)width * CHANNELS; px += CHANNELS) {
		unsigned flip = inverted ? 0 : 255, k = px[3] ^ flip;
		for (int c = 0; c < 3; c++)
			px[c] = (unsigned char)(((px[c] ^ flip) * k + 127) / 255);
		px[3] = 255;
	}
}

static void read_rows(struct jpeg *j)
{
	struct jpeg_decompress_struct *cinfo = &j->cinfo;
	JSAMPROW rows[ROWS_AT_ONCE];
	size_t row_bytes = (size_t)cinfo->output_width * CHANNELS;
	unsigned char *bytes = decoding_alloc(j->d, row_bytes * ROWS_AT_ONCE);
	if (bytes == NULL)
		longjmp(j->stop, 1);
	for (size_t i = 0; i < ROWS_AT_ONCE; i++)
		rows[i] = bytes + i * row_bytes;
	while (cinfo->output_scanline < cinfo->output_height) {
		JDIMENSION n = jpeg_read_scanlines(cinfo, rows, ROWS_AT_ONCE);
		for (JDIMENSION i = 0; i < n; i++) {
			if (cinfo->out_color_space == JCS_CMYK)
				convert_cmyk(rows[i], cinfo->output_width, cinfo->saw_Adobe_marker);
			decoding_row(j->d, rows[i]);
		}
		j->d->answer->row = (uint32_t)((uint64_t)cinfo->output_scanline * cinfo->image_height / cinfo->output_height);
	}
}

/* Whether all scans came: a file that ends between two of them decodes without a warning, at lower quality. */
static bool has_all_scans(const struct jpeg *j)
{
	const struct jpeg_decompress_struct *cinfo = &j->cinfo;
	if (j->components != (1U << cinfo->num_components) - 1)
		return false;
	for (int i = 0; j->ended && cinfo->progressive_mode && i < cinfo->num_components; i++)
		for (int k = 0; k < DCTSIZE2; k++)
			if (cinfo->coef_bits[i][k] != 0)
				return false;
	return true;
}

static void decode(struct jpeg *j)
{
	struct jpeg_decompress_struct *cinfo = &j->cinfo;
	(void)jpeg_read_header(cinfo, TRUE);
	if (!check_limits(j))
		return;
	choose_color_space(j);
	cinfo->do_fancy_upsampling = FALSE;
	cinfo->do_block_smoothing = FALSE;
	cinfo->mem->max_memory_to_use = (long)(j->d->job->max_memory < (uint64_t)INT64_MAX ? j->d->job->max_memory : (uint64_t)INT64_MAX);
	choose_scale(j);
	if (!decoding_begin(j->d, cinfo->output_width, cinfo->output_height, false))
		return;
	(void)jpeg_start_decompress(cinfo);
	for (int i = 0; j->d->resize == NULL && i < cinfo->num_components; i++)
		cinfo->comp_info[i].component_needed = FALSE; /* only the codes are read: no pixels are computed */
	if (j->own_reader)
		jpeg_codes_use(cinfo, j->d->arena, give_up);
	read_rows(j);
	count_scans((j_common_ptr)cinfo);
	assert(cinfo->output_scanline == cinfo->output_height);
	bool whole = has_all_scans(j);
	(void)jpeg_finish_decompress(cinfo);
	if (!whole)
		note(j, RENDER_TRUNCATED);
	if (!j->ended && j->next - j->source.bytes_in_buffer < j->d->in->size_bytes)
		note(j, RENDER_TRAILING_BYTES);
}

/* false: jpeg_codes.c gave up. */
static bool decode_with(struct decoding *d, bool own_reader)
{
	struct jpeg *j = decoding_alloc(d, sizeof *j);
	if (j == NULL)
		return true;
	j->d = d;
	j->own_reader = own_reader;
	jpeg_read_markers(d);
	j->cinfo.err = jpeg_std_error(&j->error);
	j->cinfo.client_data = j;
	j->error.error_exit = take_error;
	j->error.emit_message = take_warning;
	j->error.output_message = say_nothing;
	if (setjmp(j->stop) == 0) {
		jpeg_create_decompress(&j->cinfo);
		j->cinfo.src = &j->source;
		j->cinfo.progress = &j->progress;
		j->progress.progress_monitor = count_scans;
		j->source = (struct jpeg_source_mgr){ .init_source = begin_input,
			.fill_input_buffer = fill_input,
			.skip_input_data = skip_input,
			.resync_to_restart = jpeg_resync_to_restart,
			.term_source = end_input };
		decode(j);
	}
	jpeg_destroy_decompress(&j->cinfo);
	return !j->gave_up;
}

void jpeg_decode(struct decoding *d)
{
	if (decode_with(d, true))
		return;
	decoding_restart(d);
	(void)decode_with(d, false);
}
