/* The own reader of entropy-coded data against libjpeg's: the same pixels of what is intact, however the bytes come; and it gives
 * up on whatever libjpeg warns about. */
#include "render/jpeg_codes.h"

#include "render/run.h"
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS 3
#define END_BYTES 2

enum outcome { INTACT, WARNED, FAILED, GAVE_UP };

struct decode {
	struct jpeg_decompress_struct cinfo;
	struct jpeg_error_mgr error;
	struct jpeg_source_mgr source;
	struct str left;
	size_t piece; /* bytes at once */
	jmp_buf stop;
	enum outcome outcome;
	unsigned char *pixels;
	size_t n;
};

static _Noreturn void stop_with(struct decode *d, enum outcome outcome)
{
	d->outcome = outcome;
	longjmp(d->stop, 1);
}

static _Noreturn void take_error(j_common_ptr cinfo)
{
	stop_with(cinfo->client_data, FAILED);
}

static void take_warning(j_common_ptr cinfo, int level)
{
	struct decode *d = cinfo->client_data;
	if (level < 0)
		d->outcome = WARNED;
}

static _Noreturn void give_up(j_decompress_ptr cinfo)
{
	stop_with(cinfo->client_data, GAVE_UP);
}

static void do_nothing(j_decompress_ptr cinfo)
{
}

static boolean fill_input(j_decompress_ptr cinfo)
{
	static const JOCTET END[END_BYTES] = { 0xff, JPEG_EOI };
	struct decode *d = cinfo->client_data;
	size_t n = d->left.n < d->piece ? d->left.n : d->piece;
	d->source.next_input_byte = n > 0 ? (const JOCTET *)d->left.p : END;
	d->source.bytes_in_buffer = n > 0 ? n : END_BYTES;
	d->left = str_slice(d->left, n, d->left.n);
	if (n == 0)
		d->outcome = WARNED;
	return TRUE;
}

static void skip_input(j_decompress_ptr cinfo, long n)
{
	for (struct decode *d = cinfo->client_data; n > 0; n--) {
		if (d->source.bytes_in_buffer == 0)
			(void)fill_input(cinfo);
		d->source.bytes_in_buffer--;
		d->source.next_input_byte++;
	}
}

static void read_all(struct decode *d, bool own_reader)
{
	struct jpeg_decompress_struct *cinfo = &d->cinfo;
	(void)jpeg_read_header(cinfo, TRUE);
	(void)jpeg_start_decompress(cinfo);
	if (own_reader)
		jpeg_codes_use(cinfo, run_arena, give_up);
	size_t row_bytes = (size_t)cinfo->output_width * (size_t)cinfo->output_components;
	d->n = row_bytes * cinfo->output_height;
	d->pixels = arena_alloc(run_arena, d->n);
	while (cinfo->output_scanline < cinfo->output_height) {
		JSAMPROW row = d->pixels + cinfo->output_scanline * row_bytes;
		(void)jpeg_read_scanlines(cinfo, &row, 1);
	}
	(void)jpeg_finish_decompress(cinfo);
}

static void decode(struct decode *d, struct str bytes, size_t piece, bool own_reader)
{
	*d = (struct decode){ .left = bytes, .piece = piece };
	d->cinfo.err = jpeg_std_error(&d->error);
	d->cinfo.client_data = d;
	d->error.error_exit = take_error;
	d->error.emit_message = take_warning;
	if (setjmp(d->stop) == 0) {
		jpeg_create_decompress(&d->cinfo);
		d->source = (struct jpeg_source_mgr){ .init_source = do_nothing,
			.fill_input_buffer = fill_input,
			.skip_input_data = skip_input,
			.resync_to_restart = jpeg_resync_to_restart,
			.term_source = do_nothing };
		d->cinfo.src = &d->source;
		read_all(d, own_reader);
	}
	jpeg_destroy_decompress(&d->cinfo);
}

/* What it is encoded with. */
struct how {
	int quality, across, down; /* luminance samples for one of color */
	unsigned restart;          /* blocks; 0: none */
	bool optimized, gray;
	JDIMENSION width, height;
};

static struct str encode(const struct how *how, unsigned noise)
{
	struct jpeg_compress_struct cinfo;
	struct jpeg_error_mgr error;
	unsigned char *bytes = NULL, row[CHANNELS * 200], *rows[] = { row };
	unsigned long n = 0;
	cinfo.err = jpeg_std_error(&error);
	jpeg_create_compress(&cinfo);
	jpeg_mem_dest(&cinfo, &bytes, &n);
	cinfo.image_width = how->width;
	cinfo.image_height = how->height;
	cinfo.input_components = how->gray ? 1 : CHANNELS;
	cinfo.in_color_space = how->gray ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(&cinfo);
	jpeg_set_quality(&cinfo, how->quality, TRUE);
	cinfo.optimize_coding = how->optimized;
	cinfo.restart_interval = how->restart;
	if (!how->gray) {
		cinfo.comp_info[0].h_samp_factor = how->across;
		cinfo.comp_info[0].v_samp_factor = how->down;
	}
	jpeg_start_compress(&cinfo, TRUE);
	assert_true(how->width <= 200);
	while (cinfo.next_scanline < cinfo.image_height) {
		for (size_t i = 0; i < sizeof row; i++)
			row[i] = (unsigned char)((i + cinfo.next_scanline * 2 + (noise > 0 ? (unsigned)rand() % noise : 0)) & 255);
		(void)jpeg_write_scanlines(&cinfo, rows, 1);
	}
	jpeg_finish_compress(&cinfo);
	jpeg_destroy_compress(&cinfo);
	char *copy = arena_alloc(run_arena, n);
	memcpy(copy, bytes, n);
	free(bytes);
	return (struct str){ copy, n };
}

static const struct how HOWS[] = {
	{ 100, 1, 1, 0, false, false, 61, 47 },
	{ 85, 2, 2, 0, false, false, 200, 150 },
	{ 85, 2, 1, 3, true, false, 123, 77 },
	{ 50, 1, 2, 1, false, false, 97, 33 },
	{ 5, 2, 2, 9, true, false, 200, 90 },
	{ 75, 1, 1, 0, true, true, 64, 64 },
	{ 98, 4, 1, 2, false, false, 150, 40 },
	{ 90, 2, 2, 0, true, false, 1, 1 },
};

static void test_codes_intact_then_the_same_pixels(void **state)
{
	static const size_t PIECES[] = { 1, 2, 7, 64, 1 << 20 };
	static const unsigned NOISES[] = { 0, 20, 256 };
	struct decode own, theirs;
	for (size_t i = 0; i < COUNT_OF(HOWS) * COUNT_OF(NOISES); i++) {
		struct str bytes = encode(&HOWS[i % COUNT_OF(HOWS)], NOISES[i / COUNT_OF(HOWS)]);
		decode(&theirs, bytes, bytes.n, false);
		assert_int_equal(theirs.outcome, INTACT);
		for (size_t p = 0; p < COUNT_OF(PIECES); p++) {
			decode(&own, bytes, PIECES[p], true);
			assert_int_equal(own.outcome, INTACT);
			assert_int_equal(own.n, theirs.n);
			assert_memory_equal(own.pixels, theirs.pixels, own.n);
		}
	}
}

static void test_codes_damaged_then_given_up_or_the_same(void **state)
{
	struct decode own, theirs;
	size_t given_up = 0, same = 0;
	srand(1);
	for (size_t i = 0; i < 1500; i++) {
		struct str bytes = encode(&HOWS[i % COUNT_OF(HOWS)], 60);
		char *p = arena_alloc(run_arena, bytes.n);
		memcpy(p, bytes.p, bytes.n);
		for (int changes = 1 + rand() % 3; changes > 0; changes--)
			p[(size_t)rand() % bytes.n] = (char)(rand() % 4 == 0 ? 0xff : rand());
		bytes = (struct str){ p, rand() % 4 == 0 ? 1 + (size_t)rand() % bytes.n : bytes.n };
		decode(&own, bytes, 1 + (size_t)rand() % 300, true);
		decode(&theirs, bytes, bytes.n, false);
		given_up += own.outcome == GAVE_UP;
		if (own.outcome == GAVE_UP)
			continue;
		assert_int_equal(own.outcome, theirs.outcome);
		if (own.outcome != INTACT)
			continue;
		assert_int_equal(own.n, theirs.n);
		assert_memory_equal(own.pixels, theirs.pixels, own.n);
		same++;
	}
	assert_true(given_up > 100 && same > 100);
}

/* The file without its codes of AC coefficients: its table, renumbered to 3, is empty. */
static struct str without_codes(struct str bytes)
{
	static const unsigned char TABLE[] = { 0xff, 0xc4, 0, 181, 0x10 },
							   EMPTY[] = { 0xff, 0xc4, 0, 19, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const unsigned char SCAN[] = { 0xff, 0xda, 0, 8, 1, 1, 0x00 };
	size_t from = str_find(bytes, (struct str){ (const char *)TABLE, sizeof TABLE }),
		   scan = str_find(bytes, (struct str){ (const char *)SCAN, sizeof SCAN });
	assert_true(from < bytes.n && scan < bytes.n && from < scan);
	char *p = arena_alloc(run_arena, bytes.n);
	size_t rest = from + 2 + 181;
	memcpy(p, bytes.p, from);
	memcpy(p + from, EMPTY, sizeof EMPTY);
	memcpy(p + from + sizeof EMPTY, bytes.p + rest, bytes.n - rest);
	p[from + sizeof EMPTY + scan - rest + sizeof SCAN - 1] = 3;
	return (struct str){ p, from + sizeof EMPTY + bytes.n - rest };
}

static void test_codes_table_empty_then_given_up(void **state)
{
	static const struct how GRAY = { 75, 1, 1, 0, false, true, 64, 64 };
	struct decode own, theirs;
	struct str bytes = without_codes(encode(&GRAY, 20));
	decode(&theirs, bytes, bytes.n, false);
	assert_int_equal(theirs.outcome, WARNED);
	for (int times = 0; times < 2; times++) {
		decode(&own, bytes, bytes.n, true);
		assert_int_equal(own.outcome, GAVE_UP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(test_codes_intact_then_the_same_pixels),
		RUN_TEST(test_codes_damaged_then_given_up_or_the_same),
		RUN_TEST(test_codes_table_empty_then_given_up),
	};
	return cmocka_run_group_tests_name("jpeg_codes", tests, NULL, NULL);
}
