/* See md5_lanes.h. The code is the same for all processors, with GCC's vectors of eight words. On x86-64 it is compiled for AVX-512VL, which
 * rotates in one instruction, for AVX2 and for SSE2; the variant is chosen once, by what the processor supports.
 *
 * Each lane has a piece of its input in memory, the last one with MD5's padding. All lanes hash as many blocks as the lane with the fewest
 * has left. Then the lanes that have none left read the next piece, or store their digest and take the next input. The result of a lane
 * without an input is ignored. A single input is hashed by OpenSSL, which is faster for one. */
#include "base/md5_lanes.h"

#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#define BLOCK_BYTES 64
#define LENGTH_BYTES 8
#define PIECE_BYTES ((size_t)8192)
/* With one block for the padding, which also keeps the pieces of different lanes out of the same cache sets. */
#define ROOM_BYTES (PIECE_BYTES + BLOCK_BYTES)

typedef uint32_t lanes __attribute__((vector_size(4 * MD5_LANES)));
typedef void (*load_fn)(lanes w[16], const unsigned char *const at[MD5_LANES], size_t k);
typedef void (*run_fn)(uint32_t state[4][MD5_LANES], const unsigned char *const at[MD5_LANES], size_t blocks);

struct lane {
	struct md5_input *input; /* NULL: none */
	unsigned char *piece;
	size_t at, n; /* of the piece, padding included */
	uint64_t size;
	bool is_last;
};

struct hasher {
	struct lane lanes[MD5_LANES];
	uint32_t state[4][MD5_LANES]; /* A, B, C and D of each lane */
	unsigned char pieces[MD5_LANES][ROOM_BYTES];
};

static const uint32_t initial[4] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476 };

/* RFC 1321 3.4: 2^32 times the sine of 1 to 64 radians. */
static const uint32_t sines[64] = { 0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
	0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340, 0x265e5a51,
	0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
	0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6,
	0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039,
	0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
	0xeb86d391 };

#define ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define F(b, c, d) ((((c) ^ (d)) & (b)) ^ (d))
#define G(b, c, d) ((((b) ^ (c)) & (d)) ^ (c))
#define H(b, c, d) ((b) ^ (c) ^ (d))
#define I(b, c, d) ((c) ^ ((b) | ~(d)))
/* The i-th step, with the given word of the block: A, B, C and D change places in each. */
#define STEP(f, i, word, n) \
	s[-(i)&3] += w[(word)&15] + sines[i]; \
	s[-(i)&3] += f(s[(1 - (i)) & 3], s[(2 - (i)) & 3], s[(3 - (i)) & 3]); \
	s[-(i)&3] = ROTATE(s[-(i)&3], n) + s[(1 - (i)) & 3];
#define STEPS_4(f, i, by, from, n0, n1, n2, n3) \
	STEP(f, i, (i) * (by) + (from), n0) \
	STEP(f, (i) + 1, ((i) + 1) * (by) + (from), n1) \
	STEP(f, (i) + 2, ((i) + 2) * (by) + (from), n2) \
	STEP(f, (i) + 3, ((i) + 3) * (by) + (from), n3)
#define ROUND(f, i, ...) \
	STEPS_4(f, i, __VA_ARGS__) STEPS_4(f, (i) + 4, __VA_ARGS__) STEPS_4(f, (i) + 8, __VA_ARGS__) STEPS_4(f, (i) + 12, __VA_ARGS__)

#define INLINE __attribute__((always_inline)) static inline

INLINE uint32_t load_4(const unsigned char *p)
{
	uint32_t x;
	memcpy(&x, p, sizeof x);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? x : __builtin_bswap32(x);
}

/* The sixteen words of a block of each lane. */
INLINE void load_words(lanes w[16], const unsigned char *const at[MD5_LANES], size_t k)
{
	for (size_t i = 0; i < 16; i++)
		for (size_t l = 0; l < MD5_LANES; l++)
			w[i][l] = load_4(at[l] + k + 4 * i);
}

INLINE void run_blocks(uint32_t state[4][MD5_LANES], const unsigned char *const at[MD5_LANES], size_t blocks, load_fn load)
{
	lanes s[4];
	memcpy(s, state, sizeof s);
	for (size_t k = 0; k < blocks * BLOCK_BYTES; k += BLOCK_BYTES) {
		lanes w[16], before[4] = { s[0], s[1], s[2], s[3] };
		load(w, at, k);
		ROUND(F, 0, 1, 0, 7, 12, 17, 22)
		ROUND(G, 16, 5, 1, 5, 9, 14, 20)
		ROUND(H, 32, 3, 5, 4, 11, 16, 23)
		ROUND(I, 48, 7, 0, 6, 10, 15, 21)
		for (size_t i = 0; i < 4; i++)
			s[i] += before[i];
	}
	memcpy(state, s, sizeof s);
}

static void run_generic(uint32_t state[4][MD5_LANES], const unsigned char *const at[MD5_LANES], size_t blocks)
{
	run_blocks(state, at, blocks, load_words);
}

#if defined(__x86_64__)
/* Load eight words of each lane at once and transpose them: a quarter faster on processors with registers of eight words. */
INLINE void load_words_transposed(lanes w[16], const unsigned char *const at[MD5_LANES], size_t k)
{
	for (size_t half = 0; half < 16; half += 8) {
		lanes rows[8], pairs[8], fours[8];
		for (size_t l = 0; l < 8; l++)
			memcpy(&rows[l], at[l] + k + 4 * half, sizeof rows[l]);
		for (size_t i = 0; i < 8; i += 2) {
			pairs[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
			pairs[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
		}
		for (size_t i = 0; i < 8; i += 4)
			for (size_t j = 0; j < 2; j++) {
				fours[i + 2 * j] = __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
				fours[i + 2 * j + 1] = __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
			}
		for (size_t i = 0; i < 4; i++) {
			w[half + i] = __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
			w[half + i + 4] = __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
		}
	}
}

__attribute__((target("avx2"))) static void run_avx2(uint32_t state[4][MD5_LANES], const unsigned char *const at[MD5_LANES], size_t blocks)
{
	run_blocks(state, at, blocks, load_words_transposed);
}

__attribute__((target("avx2,avx512f,avx512vl"))) static void run_avx512(
	uint32_t state[4][MD5_LANES], const unsigned char *const at[MD5_LANES], size_t blocks)
{
	run_blocks(state, at, blocks, load_words_transposed);
}

static run_fn choose_fastest(void)
{
	if (__builtin_cpu_supports("avx512vl"))
		return run_avx512;
	return __builtin_cpu_supports("avx2") ? run_avx2 : run_generic;
}
#else
static run_fn choose_fastest(void)
{
	return run_generic;
}
#endif

static run_fn fastest;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose_once(void)
{
	fastest = choose_fastest();
}

/* RFC 1321 3.1 and 3.2: a one, zeros, and the number of bits. */
static void pad_piece(struct lane *lane)
{
	size_t whole = (lane->n + 1 + LENGTH_BYTES + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
	memset(lane->piece + lane->n, 0, whole - lane->n);
	lane->piece[lane->n] = 0x80;
	for (size_t i = 0; i < LENGTH_BYTES; i++)
		lane->piece[whole - LENGTH_BYTES + i] = (unsigned char)(lane->size << 3 >> 8 * i);
	lane->n = whole;
	lane->is_last = true;
}

static bool read_piece(struct lane *lane)
{
	lane->at = 0;
	if (!lane->input->read(lane->input, lane->piece, PIECE_BYTES, &lane->n)) {
		lane->input->failed = true;
		return false;
	}
	assert(lane->n <= PIECE_BYTES);
	lane->size += lane->n;
	if (lane->n < PIECE_BYTES)
		pad_piece(lane);
	return true;
}

static void put_digest(const struct hasher *h, size_t l)
{
	unsigned char *out = h->lanes[l].input->digest;
	for (size_t i = 0; i < MD5_BYTES; i++)
		out[i] = (unsigned char)(h->state[i / 4][l] >> 8 * (i % 4));
}

/* Read the next piece of the lane's input, or take the next input from `first`.  false: no input is left for it */
static bool feed_lane(struct hasher *h, size_t l, struct md5_input *const **first, struct md5_input *const *end)
{
	struct lane *lane = &h->lanes[l];
	if (lane->input != NULL && lane->at < lane->n)
		return true;
	if (lane->input != NULL && !lane->is_last && read_piece(lane))
		return true;
	if (lane->input != NULL && lane->is_last)
		put_digest(h, l);
	while (*first < end) {
		*lane = (struct lane){ .input = *(*first)++, .piece = h->pieces[l] };
		for (size_t i = 0; i < 4; i++)
			h->state[i][l] = initial[i];
		if (read_piece(lane))
			return true;
	}
	lane->input = NULL;
	return false;
}

static void run_lanes(struct hasher *h, struct md5_input *const *first, size_t n)
{
	struct md5_input *const *end = first + n;
	for (;;) {
		const unsigned char *at[MD5_LANES] = { NULL };
		size_t least = SIZE_MAX, some = MD5_LANES;
		for (size_t l = 0; l < MD5_LANES; l++) {
			if (!feed_lane(h, l, &first, end))
				continue;
			size_t left = h->lanes[l].n - h->lanes[l].at;
			at[l] = h->lanes[l].piece + h->lanes[l].at;
			least = left < least ? left : least;
			some = l;
		}
		if (some == MD5_LANES)
			return;
		for (size_t l = 0; l < MD5_LANES; l++) {
			at[l] = at[l] != NULL ? at[l] : at[some];
			h->lanes[l].at += least;
		}
		fastest(h->state, at, least / BLOCK_BYTES);
	}
}

static bool hash_alone(struct md5_input *input, unsigned char *piece)
{
	struct hash h;
	size_t got = PIECE_BYTES;
	bool good = true;
	hash_init(&h, HASH_MD5);
	while (good && got == PIECE_BYTES) {
		good = input->read(input, piece, PIECE_BYTES, &got);
		if (good)
			hash_update(&h, piece, got);
	}
	hash_final(&h, input->digest);
	return good;
}

void md5_inputs(struct md5_input *const inputs[], size_t n)
{
	struct hasher *h = mem_new(1, sizeof *h);
	pthread_once(&once, choose_once);
	for (size_t i = 0; i < n; i++)
		inputs[i]->failed = h == NULL;
	if (h != NULL && n == 1)
		inputs[0]->failed = !hash_alone(inputs[0], h->pieces[0]);
	else if (h != NULL)
		run_lanes(h, inputs, n);
	mem_free(h);
}
