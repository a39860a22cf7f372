/* Checksums of S3's five kinds.
 *
 * The CRCs are of one family: reflected, initialized with all ones, finally inverted. So one loop serves all three, whatever
 * their width: eight bytes a step over eight tables of what each byte does from its distance to the end
 * ("slicing by 8"). The tables are made at the first use. Where the processor has an instruction for CRC32C, that is
 * used; and where it multiplies without carry, long runs are folded 64 bytes a step. What it has is asked once, when the
 * tables are made.
 * The SHAs are hash.c's.
 *
 * To combine, the sum of the first bytes is carried over as many zero bytes as the second has: a multiplication by
 * x^(8n) modulo the polynomial, by squaring.
 * Source: RFC 3720 B.4 (CRC32C); NVM Express, "64b CRC"; Sarwate 1988, Kounavis and Berry 2005 (the tables). */
#include "base/checksum.h"

#include <pthread.h>
#include <string.h>

#define SLICES 8

static const struct checksum_kind_info infos[CHECKSUM_KINDS] = {
	[CHECKSUM_CRC32] = { "CRC32", "x-amz-checksum-crc32", "ChecksumCRC32", 4, true },
	[CHECKSUM_CRC32C] = { "CRC32C", "x-amz-checksum-crc32c", "ChecksumCRC32C", 4, true },
	[CHECKSUM_CRC64NVME] = { "CRC64NVME", "x-amz-checksum-crc64nvme", "ChecksumCRC64NVME", 8, true },
	[CHECKSUM_SHA1] = { "SHA1", "x-amz-checksum-sha1", "ChecksumSHA1", SHA1_BYTES, false },
	[CHECKSUM_SHA256] = { "SHA256", "x-amz-checksum-sha256", "ChecksumSHA256", SHA256_BYTES, false },
};

/* The polynomials with their bits reversed: the lowest bit is the highest power. */
static const uint64_t polynomials[CHECKSUM_KINDS] = {
	[CHECKSUM_CRC32] = 0xedb88320,
	[CHECKSUM_CRC32C] = 0x82f63b78,
	[CHECKSUM_CRC64NVME] = 0x9a6c9329ac4bc9b5,
};

typedef uint64_t (*crc_fn)(enum checksum_kind kind, uint64_t crc, const unsigned char *p, size_t n);

static uint64_t tables[CHECKSUM_KINDS][SLICES][256];
static crc_fn fastest[CHECKSUM_KINDS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint64_t all_ones(enum checksum_kind kind)
{
	return infos[kind].bytes == 8 ? UINT64_MAX : UINT32_MAX;
}

static uint64_t load_8(const unsigned char *p)
{
	uint64_t x;
	memcpy(&x, p, sizeof x);
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? x : __builtin_bswap64(x);
}

static uint64_t crc_by_tables(enum checksum_kind kind, uint64_t crc, const unsigned char *p, size_t n)
{
	const uint64_t(*t)[256] = (const uint64_t(*)[256])tables[kind];
	for (; n >= 8; n -= 8, p += 8) {
		uint64_t x = crc ^ load_8(p);
		crc = t[7][x & 255] ^ t[6][x >> 8 & 255] ^ t[5][x >> 16 & 255] ^ t[4][x >> 24 & 255] ^ t[3][x >> 32 & 255] ^ t[2][x >> 40 & 255] ^
			t[1][x >> 48 & 255] ^ t[0][x >> 56];
	}
	for (; n > 0; n--)
		crc = crc >> 8 ^ t[0][(crc ^ *p++) & 255];
	return crc;
}

/* a * b modulo the polynomial. x^0 is the highest bit. */
static uint64_t multiply_polynomials(enum checksum_kind kind, uint64_t a, uint64_t b)
{
	uint64_t product = 0;
	for (uint64_t bit = (all_ones(kind) >> 1) + 1; bit != 0; bit >>= 1) {
		if (a & bit)
			product ^= b;
		b = b & 1 ? b >> 1 ^ polynomials[kind] : b >> 1;
	}
	return product;
}

/* x^n modulo the polynomial. */
static uint64_t power_of_x(enum checksum_kind kind, uint64_t n)
{
	uint64_t one = (all_ones(kind) >> 1) + 1, square = one >> 1, power = one;
	for (; n > 0; n >>= 1) {
		if (n & 1)
			power = multiply_polynomials(kind, power, square);
		square = multiply_polynomials(kind, square, square);
	}
	return power;
}

#if defined(__x86_64__)
#include <immintrin.h>

/* What moves the two halves of 16 bytes on by 64 bytes and by 16. A product without carry of two 64-bit numbers in this
 * order of bits comes out with one x too many, so one is left out here. A polynomial of 32 is in the upper half. */
static struct {
	uint64_t far[2], near[2];
} folds[CHECKSUM_KINDS];

static void make_folds(enum checksum_kind kind)
{
	unsigned shift = infos[kind].bytes == 8 ? 0 : 32;
	folds[kind].far[0] = power_of_x(kind, 512 + 64 - 1) << shift;
	folds[kind].far[1] = power_of_x(kind, 512 - 1) << shift;
	folds[kind].near[0] = power_of_x(kind, 128 + 64 - 1) << shift;
	folds[kind].near[1] = power_of_x(kind, 128 - 1) << shift;
}

#define FOLDING __attribute__((target("pclmul,sse4.1")))

FOLDING static inline __m128i fold(__m128i x, __m128i by, __m128i onto)
{
	return _mm_xor_si128(onto, _mm_xor_si128(_mm_clmulepi64_si128(x, by, 0x00), _mm_clmulepi64_si128(x, by, 0x11)));
}

FOLDING static inline __m128i load_16(const unsigned char *p)
{
	return _mm_loadu_si128((const void *)p);
}

FOLDING static uint64_t crc_by_folding(enum checksum_kind kind, uint64_t crc, const unsigned char *p, size_t n)
{
	unsigned char rest[16];
	if (n < 128)
		return crc_by_tables(kind, crc, p, n);
	__m128i far = load_16((const void *)folds[kind].far), near = load_16((const void *)folds[kind].near);
	__m128i a = _mm_xor_si128(load_16(p), _mm_set_epi64x(0, (long long)crc)), b = load_16(p + 16), c = load_16(p + 32), d = load_16(p + 48);
	for (n -= 64, p += 64; n >= 64; n -= 64, p += 64) {
		a = fold(a, far, load_16(p));
		b = fold(b, far, load_16(p + 16));
		c = fold(c, far, load_16(p + 32));
		d = fold(d, far, load_16(p + 48));
	}
	a = fold(fold(fold(a, near, b), near, c), near, d);
	_mm_storeu_si128((void *)rest, a);
	return crc_by_tables(kind, crc_by_tables(kind, 0, rest, sizeof rest), p, n);
}

__attribute__((target("sse4.2"))) static uint64_t crc32c_by_instruction(
	enum checksum_kind kind, uint64_t crc, const unsigned char *p, size_t n)
{
	for (; n >= 8; n -= 8, p += 8)
		crc = __builtin_ia32_crc32di(crc, load_8(p));
	for (; n > 0; n--)
		crc = __builtin_ia32_crc32qi((uint32_t)crc, *p++);
	return crc;
}

static void set_instructions(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
		make_folds(CHECKSUM_CRC32);
		make_folds(CHECKSUM_CRC64NVME);
		fastest[CHECKSUM_CRC32] = fastest[CHECKSUM_CRC64NVME] = crc_by_folding;
	}
	if (__builtin_cpu_supports("sse4.2"))
		fastest[CHECKSUM_CRC32C] = crc32c_by_instruction;
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

__attribute__((target("+crc"))) static uint64_t crc32c_by_instruction(
	enum checksum_kind kind, uint64_t crc, const unsigned char *p, size_t n)
{
	uint32_t sum = (uint32_t)crc;
	for (; n >= 8; n -= 8, p += 8)
		sum = __crc32cd(sum, load_8(p));
	for (; n > 0; n--)
		sum = __crc32cb(sum, *p++);
	return sum;
}

static void set_instructions(void)
{
	if ((getauxval(AT_HWCAP) & HWCAP_CRC32) != 0)
		fastest[CHECKSUM_CRC32C] = crc32c_by_instruction;
}
#else
static void set_instructions(void)
{
}
#endif

static void make_table(enum checksum_kind kind)
{
	uint64_t(*t)[256] = tables[kind];
	for (unsigned i = 0; i < 256; i++) {
		uint64_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ polynomials[kind] : crc >> 1;
		t[0][i] = crc;
	}
	for (int slice = 1; slice < SLICES; slice++) {
		for (unsigned i = 0; i < 256; i++)
			t[slice][i] = t[slice - 1][i] >> 8 ^ t[0][t[slice - 1][i] & 255];
	}
	fastest[kind] = crc_by_tables;
}

static void make_tables(void)
{
	make_table(CHECKSUM_CRC32);
	make_table(CHECKSUM_CRC32C);
	make_table(CHECKSUM_CRC64NVME);
	set_instructions();
}

const struct checksum_kind_info *checksum_info(enum checksum_kind kind)
{
	assert(kind > CHECKSUM_NONE && kind < CHECKSUM_KINDS);
	return &infos[kind];
}

enum checksum_kind checksum_by_name(struct str name)
{
	for (enum checksum_kind k = CHECKSUM_CRC32; k < CHECKSUM_KINDS; k++)
		if (str_equal_nocase(name, str_of(infos[k].name)))
			return k;
	return CHECKSUM_NONE;
}

enum checksum_kind checksum_by_header(struct str header)
{
	for (enum checksum_kind k = CHECKSUM_CRC32; k < CHECKSUM_KINDS && str_starts_with_nocase(header, STR("x-amz-")); k++)
		if (str_equal_nocase(header, str_of(infos[k].header)))
			return k;
	return CHECKSUM_NONE;
}

void checksum_init(struct checksum *c, enum checksum_kind kind)
{
	assert(c != NULL);
	*c = (struct checksum){ .kind = kind };
	if (infos[kind].linear) {
		pthread_once(&once, make_tables);
		c->crc = all_ones(kind);
	} else if (kind != CHECKSUM_NONE) {
		hash_init(&c->hash, kind == CHECKSUM_SHA1 ? HASH_SHA1 : HASH_SHA256);
	}
}

void checksum_update(struct checksum *c, const void *p, size_t n)
{
	assert(c != NULL);
	if (infos[c->kind].linear)
		c->crc = fastest[c->kind](c->kind, c->crc, p, n);
	else if (c->kind != CHECKSUM_NONE)
		hash_update(&c->hash, p, n);
}

static void put_big_endian(uint64_t value, unsigned char *out, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned char)(value >> 8 * (n - 1 - i));
}

static uint64_t get_big_endian(const unsigned char *p, size_t n)
{
	uint64_t value = 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return value;
}

void checksum_final(struct checksum *c, unsigned char *out)
{
	assert(c != NULL && out != NULL);
	if (infos[c->kind].linear)
		put_big_endian(c->crc ^ all_ones(c->kind), out, infos[c->kind].bytes);
	else
		hash_final(&c->hash, out);
}

void checksum_combine(enum checksum_kind kind, unsigned char *sum, const unsigned char *sum_b, uint64_t bytes_b)
{
	assert(sum != NULL);
	assert(sum_b != NULL);
	size_t n = checksum_info(kind)->bytes;
	uint64_t power = power_of_x(kind, 8), carried = get_big_endian(sum, n); /* x^8: one zero byte */
	assert(infos[kind].linear);
	for (; bytes_b > 0; bytes_b >>= 1) {
		if (bytes_b & 1)
			carried = multiply_polynomials(kind, carried, power);
		power = multiply_polynomials(kind, power, power);
	}
	put_big_endian(carried ^ get_big_endian(sum_b, n), sum, n);
}
