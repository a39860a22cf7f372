/* See jpeg_codes.h. Bits are taken from a word of 64, the next one highest. One look-up by the next LOOK bits gives a code's length, its
 * run of zeros and the size of its value, for most codes also the value. Bytes come from libjpeg's source until
 * there is a marker, which is left where libjpeg expects it. */
#include "render/jpeg_codes.h"

#include <endian.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <jpegint.h> /* needs jpeglib.h before it */

#define LOOK 9
#define SKIP_LOOK 12
#define SKIPS_AT_ONCE 4 /* between two looks whether there are enough bits */
#define LENGTH_MAX 16
#define BITS_LEAST 32 /* of one code and its value */
#define TABLES 4
#define RUN_MAX 15   /* without a value: 16 zeros */
#define LOWEST_2X2 5 /* coefficients until those of 2 x 2 are there */
#define FIRST_RESTART 0xd0

/* What the next bits are, in one word: bits 0 to 5 the length of the code and its value, 0 if the code is longer than LOOK bits or
 * invalid; 6 whether the value is there; 8 to 11 its size; 12 to 19 how many coefficients it takes; from 20 on the value. A shift of 64 bits
 * looks at 6 bits of its length, so that those need not be taken out of the word. */
#define TOTAL_BITS 6
#define TOTAL_MASK 63U
#define HAS_VALUE 0x40U
#define VALUE_SHIFT 20
#define END_OF_BLOCK 128U /* added to the number of coefficients */
#define STEPS_MAX 15U     /* of codes that are skipped together, but for the last */

static inline unsigned total_of(uint32_t code)
{
	return code & TOTAL_MASK;
}

static inline unsigned size_of(uint32_t code)
{
	return code >> 8 & 15;
}

static inline unsigned step_of(uint32_t code)
{
	return code >> 12 & 255;
}

struct code_table {
	uint32_t codes[1 << LOOK];
	/* All codes in the next bits: bits 0 to 5 the length of them and their values, from 6 on the coefficients; 0: see codes. */
	uint16_t skips[1 << SKIP_LOOK];
	int32_t last[LENGTH_MAX + 1], offset[LENGTH_MAX + 1]; /* by length: the last code, -1: none; from a code to its symbol */
	JHUFF_TBL made_of;
	bool made, has_skips;
};

/* By their numbers in the file. They are kept for the next picture: most have the same tables, those of ITU T.81 annex K, and making
 * them takes as long as a check of 3 KB. */
static struct code_table dc_tables[TABLES], ac_tables[TABLES];

/* The next bits, of which n are valid and the others 0; n is below 0 when more were taken than there were. By value, so that
 * it stays in registers. */
struct bits {
	uint64_t word;
	int64_t n;
};

/* A block of an MCU. */
struct block_codes {
	const struct code_table *dc, *ac;
	int *last_dc;
	unsigned end; /* the first coefficient that does not matter */
};

struct code_reader {
	struct jpeg_entropy_decoder pub; /* libjpeg's view of it */
	jpeg_codes_give_up_fn give_up;
	struct bits bits; /* between two blocks */
	unsigned restarts_left, next_restart;
	uint64_t mcus_left;
	int last_dc[MAX_COMPS_IN_SCAN];
	struct block_codes blocks[D_MAX_BLOCKS_IN_MCU];
};

/* ITU T.81 figure A.6; an index is at most 63. */
static const uint8_t NATURAL_ORDER[DCTSIZE2] = { 0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27,
	20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61,
	54, 47, 55, 62, 63 };

static const struct bits NO_BITS = { 0, -1 }; /* after too many coefficients too */

/* Tables */

/* ITU T.81 F.2.2.1: a value of `size` bits whose highest bit is 0 is negative. */
static inline int extend(unsigned value, unsigned size)
{
	return (int)value - ((value >> (size - 1)) == 0 ? (1 << size) - 1 : 0);
}

static uint32_t pack_code(unsigned length, unsigned symbol)
{
	unsigned size = symbol & 15, run = symbol >> 4, step = size == 0 && run != RUN_MAX ? END_OF_BLOCK : run + 1;
	return step << 12 | size << 8 | (length + size);
}

static void fill_codes(struct code_table *t, unsigned code, unsigned length, unsigned symbol)
{
	unsigned free_bits = LOOK - length, size = symbol & 15;
	for (unsigned more = 0; more < 1U << free_bits; more++) {
		uint32_t *c = &t->codes[code << free_bits | more];
		*c = pack_code(length, symbol);
		if (size > 0 && size <= free_bits)
			*c |= HAS_VALUE | (uint32_t)extend(more >> (free_bits - size), size) << VALUE_SHIFT;
	}
}

/* After codes: as many of them as there are in SKIP_LOOK bits, with their values. */
static void fill_skips(struct code_table *t)
{
	if (t->has_skips)
		return;
	t->has_skips = true;
	for (unsigned bits = 0; bits < 1U << SKIP_LOOK; bits++) {
		unsigned total = 0, steps = 0;
		while (steps <= STEPS_MAX) {
			uint32_t code = t->codes[(bits << total & ((1U << SKIP_LOOK) - 1)) >> (SKIP_LOOK - LOOK)];
			if (code == 0 || total + total_of(code) > SKIP_LOOK)
				break;
			total += total_of(code);
			steps += step_of(code);
		}
		t->skips[bits] = (uint16_t)(steps << TOTAL_BITS | total);
	}
}

/* libjpeg has checked the counts: the codes fit into their lengths. */
static void make_table(struct code_table *t, const JHUFF_TBL *from)
{
	unsigned code = 0, symbol = 0;
	if (t->made && memcmp(t->made_of.bits, from->bits, sizeof from->bits) == 0 &&
		memcmp(t->made_of.huffval, from->huffval, sizeof from->huffval) == 0)
		return;
	*t = (struct code_table){ .made_of = *from, .made = true };
	for (unsigned length = 1; length <= LENGTH_MAX; length++, code <<= 1) {
		t->offset[length] = (int32_t)symbol - (int32_t)code;
		for (unsigned i = 0; i < from->bits[length]; i++, code++, symbol++)
			if (length <= LOOK)
				fill_codes(t, code, length, from->huffval[symbol]);
		t->last[length] = from->bits[length] > 0 ? (int32_t)code - 1 : -1;
	}
}

/* Bits */

static unsigned next_byte(j_decompress_ptr cinfo)
{
	struct jpeg_source_mgr *source = cinfo->src;
	if (source->bytes_in_buffer == 0)
		(void)source->fill_input_buffer(cinfo); /* at the end of the file it gives a marker */
	source->bytes_in_buffer--;
	return *source->next_input_byte++;
}

/* One byte at a time, since there is FF or the end of the buffer: until the word is full or a marker comes. */
static __attribute__((noinline)) struct bits add_bytes(j_decompress_ptr cinfo, struct bits b)
{
	while (b.n <= 56 && cinfo->unread_marker == 0) {
		unsigned byte = next_byte(cinfo), after = 0;
		if (byte == 0xff) {
			do
				after = next_byte(cinfo);
			while (after == 0xff);
			cinfo->unread_marker = (int)after;
		}
		if (after == 0) {
			b.word |= (uint64_t)byte << (56 - b.n);
			b.n += 8;
		}
	}
	return b;
}

static inline struct bits refill(j_decompress_ptr cinfo, struct bits b)
{
	struct jpeg_source_mgr *source = cinfo->src;
	uint64_t next;
	if (b.n < 0)
		return b;
	if (source->bytes_in_buffer < sizeof next || cinfo->unread_marker != 0)
		return add_bytes(cinfo, b);
	memcpy(&next, source->next_input_byte, sizeof next);
	if ((next & ~(next + 0x0101010101010101U) & 0x8080808080808080U) != 0) /* a byte may be FF */
		return add_bytes(cinfo, b);
	unsigned bytes = (unsigned)(63 - b.n) >> 3;
	b.word |= be64toh(next) >> b.n;
	b.n += (int64_t)bytes * 8;
	b.word &= ~(uint64_t)0 << (64 - b.n);
	source->next_input_byte += bytes;
	source->bytes_in_buffer -= bytes;
	return b;
}

static inline struct bits take_bits(struct bits b, int64_t n)
{
	return (struct bits){ b.word << n, b.n - n };
}

static uint32_t find_long_code(j_decompress_ptr cinfo, struct bits b, const struct code_table *t)
{
	for (unsigned length = LOOK + 1; length <= LENGTH_MAX; length++) {
		int32_t code = (int32_t)(b.word >> (64 - length));
		if (code <= t->last[length])
			return pack_code(length, t->made_of.huffval[code + t->offset[length]]);
	}
	((const struct code_reader *)cinfo->entropy)->give_up(cinfo);
}

/* The next code. At least BITS_LEAST bits are there then, or all that there are. */
static inline uint32_t next_code(j_decompress_ptr cinfo, struct bits *b, const struct code_table *t)
{
	if (b->n < BITS_LEAST)
		*b = refill(cinfo, *b);
	uint32_t code = t->codes[b->word >> (64 - LOOK)];
	return __builtin_expect(code == 0, 0) ? find_long_code(cinfo, *b, t) : code;
}

/* Of a code whose size is not 0. */
static inline int value_of(struct bits b, uint32_t code)
{
	unsigned size = size_of(code);
	if (code & HAS_VALUE)
		return (int32_t)code >> VALUE_SHIFT;
	return extend((unsigned)(b.word << (total_of(code) - size) >> (64 - size)), size);
}

/* Blocks */

static struct bits read_dc(j_decompress_ptr cinfo, struct bits b, const struct code_table *t, int *dc)
{
	uint32_t code = next_code(cinfo, &b, t);
	*dc += size_of(code) > 0 ? value_of(b, code) : 0;
	return take_bits(b, total_of(code));
}

/* The coefficients before `end` in the order of the file, in a block of zeros, and the codes of the others. */
static struct bits read_ac(j_decompress_ptr cinfo, struct bits b, const struct code_table *t, JCOEF *block, unsigned end)
{
	unsigned k = 1;
	while (k < end) {
		uint32_t code = next_code(cinfo, &b, t);
		k += step_of(code);
		if (size_of(code) > 0 && k <= DCTSIZE2)
			block[NATURAL_ORDER[k - 1]] = (JCOEF)value_of(b, code);
		b = take_bits(b, total_of(code));
	}
	while (k < DCTSIZE2) {
		unsigned skip = 0;
		if (b.n < SKIPS_AT_ONCE * SKIP_LOOK)
			b = refill(cinfo, b);
		for (int i = 0; i < SKIPS_AT_ONCE && k < DCTSIZE2 - STEPS_MAX; i++) {
			skip = t->skips[b.word >> (64 - SKIP_LOOK)];
			k += skip >> TOTAL_BITS;
			b = take_bits(b, skip & TOTAL_MASK);
		}
		if (skip != 0)
			continue;
		uint32_t code = next_code(cinfo, &b, t);
		k += step_of(code);
		b = take_bits(b, total_of(code));
	}
	return k == DCTSIZE2 || k > END_OF_BLOCK ? b : NO_BITS;
}

/* Segments between markers */

/* After the last block the marker comes, and no whole byte before it. */
static void end_segment(j_decompress_ptr cinfo, struct code_reader *r)
{
	if (add_bytes(cinfo, r->bits).n >= 8)
		r->give_up(cinfo);
}

static void begin_segment(j_decompress_ptr cinfo, struct code_reader *r)
{
	r->bits = (struct bits){ 0 };
	r->restarts_left = cinfo->restart_interval > 0 ? cinfo->restart_interval : UINT_MAX;
	memset(r->last_dc, 0, sizeof r->last_dc);
}

static void restart(j_decompress_ptr cinfo, struct code_reader *r)
{
	end_segment(cinfo, r);
	if (cinfo->unread_marker != (int)(FIRST_RESTART + r->next_restart))
		r->give_up(cinfo);
	cinfo->unread_marker = 0;
	r->next_restart = (r->next_restart + 1) & 7;
	begin_segment(cinfo, r);
}

/* How many coefficients matter. For 2 x 2 pixels libjpeg would take higher ones too, whose detail is not in a smaller picture. */
static unsigned wanted_end(const jpeg_component_info *component)
{
	if (!component->component_needed || component->DCT_scaled_size == 1)
		return 1;
	return component->DCT_scaled_size == 2 ? LOWEST_2X2 : DCTSIZE2;
}

/* In place of libjpeg's function. */
static boolean decode_mcu(j_decompress_ptr cinfo, JBLOCKROW *blocks)
{
	struct code_reader *r = (struct code_reader *)cinfo->entropy;
	if (r->restarts_left == 0)
		restart(cinfo, r);
	struct bits b = r->bits;
	for (int i = 0; i < cinfo->blocks_in_MCU; i++) {
		const struct block_codes *codes = &r->blocks[i];
		b = read_dc(cinfo, b, codes->dc, codes->last_dc);
		int dc = *codes->last_dc;
		(*blocks[i])[0] = (JCOEF)dc;
		b = read_ac(cinfo, b, codes->ac, *blocks[i], codes->end);
		if (b.n < 0 || dc != (JCOEF)dc)
			r->give_up(cinfo);
	}
	r->bits = b;
	r->restarts_left--;
	if (--r->mcus_left == 0)
		end_segment(cinfo, r);
	return TRUE;
}

void jpeg_codes_use(j_decompress_ptr cinfo, struct arena *a, jpeg_codes_give_up_fn give_up)
{
	assert(give_up != NULL);
	if (cinfo->progressive_mode || cinfo->arith_code || cinfo->comps_in_scan != cinfo->num_components)
		return;
	struct code_reader *r = ARENA_NEW(a, struct code_reader);
	if (r == NULL)
		return;
	for (int i = 0; i < cinfo->comps_in_scan; i++) {
		const jpeg_component_info *component = cinfo->cur_comp_info[i];
		make_table(&dc_tables[component->dc_tbl_no], cinfo->dc_huff_tbl_ptrs[component->dc_tbl_no]);
		make_table(&ac_tables[component->ac_tbl_no], cinfo->ac_huff_tbl_ptrs[component->ac_tbl_no]);
		if (wanted_end(component) < DCTSIZE2)
			fill_skips(&ac_tables[component->ac_tbl_no]);
	}
	for (int i = 0; i < cinfo->blocks_in_MCU; i++) {
		int member = cinfo->MCU_membership[i];
		const jpeg_component_info *component = cinfo->cur_comp_info[member];
		r->blocks[i] = (struct block_codes){ &dc_tables[component->dc_tbl_no], &ac_tables[component->ac_tbl_no], &r->last_dc[member],
			wanted_end(component) };
	}
	r->pub = *cinfo->entropy;
	r->pub.decode_mcu = decode_mcu;
	r->give_up = give_up;
	r->mcus_left = (uint64_t)cinfo->MCUs_per_row * cinfo->MCU_rows_in_scan;
	begin_segment(cinfo, r);
	cinfo->entropy = &r->pub;
}
