/* Shared by the parsers of the four formats: bounded reads, their common signature, and the rules of a format that the
 * probe and the strip (image/strip) both keep. Private to these two. Reading beyond the bytes is a bug of the parser and
 * fails an assertion, so check `has`. */
#ifndef IMAGE_PROBE_FORMATS_H
#define IMAGE_PROBE_FORMATS_H

#include "image/probe/probe.h"

/* Each gets a whole file that begins with its signature and an `out` with the type filled in. */
enum probe_result probe_jpeg(struct str bytes, struct probe *out);
enum probe_result probe_png(struct str bytes, struct probe *out);
enum probe_result probe_gif(struct str bytes, struct probe *out);
enum probe_result probe_webp(struct str bytes, struct probe *out);
enum probe_result probe_heif(struct str bytes, struct probe *out); /* HEIC and AVIF: sets out->type */

/* Of which format the bytes have the signature; PROBE_UNKNOWN: of none, or there are too few of them. */
#define SIGNATURE_BYTES_MAX 12
enum probe_type probe_signature(struct str bytes);

enum exif_tag {
	EXIF_MAKE = 0x010f,
	EXIF_MODEL = 0x0110,
	EXIF_ORIENTATION = 0x0112,
	EXIF_DIRECTORY = 0x8769, /* where the directory of the picture's own tags is */
	EXIF_GPS_DIRECTORY = 0x8825,
	EXIF_TAKEN = 0x9003,
	EXIF_TAKEN_OFFSET = 0x9011,
	GPS_LATITUDE_REF = 1,
	GPS_LATITUDE = 2,
	GPS_LONGITUDE_REF = 3,
	GPS_LONGITUDE = 4,
};
enum exif_type { EXIF_ASCII = 2, EXIF_SHORT = 3, EXIF_LONG = 4, EXIF_RATIONAL = 5 };

struct exif_value {
	uint32_t type, count;
	struct str bytes; /* of a known type: all of them are there; else the four of the entry */
	bool big_endian;
};

/* Where the first directory of a TIFF structure is; 0: none. */
size_t exif_first_directory(struct str tiff);
/* The first entry of a tag in the directory at `at`. false: it is missing, or its values are not in the structure. */
bool exif_find(struct str tiff, size_t at, enum exif_tag tag, struct exif_value *out) MUST_CHECK;
/* The i-th number of a SHORT or LONG; of a RATIONAL the numerator of the i/2-th, or its denominator where i is odd. */
uint32_t exif_number(const struct exif_value *v, uint32_t i);
/* The orientation in the first directory of a TIFF structure; 0 when it is missing or malformed. */
uint32_t exif_orientation(struct str tiff);

/* Set why and return PROBE_BAD. why: static */
static inline enum probe_result probe_bad(struct probe *out, const char *why)
{
	out->why = why;
	return PROBE_BAD;
}

static inline enum probe_result probe_cut(struct probe *out)
{
	out->is_cut = true;
	return probe_bad(out, "it ends too early");
}

/* Whether n bytes are at `at`. */
static inline bool has(struct str s, size_t at, size_t n)
{
	return at <= s.n && n <= s.n - at;
}

static inline uint32_t byte_at(struct str s, size_t at)
{
	assert(has(s, at, 1));
	return (unsigned char)s.p[at];
}

static inline uint32_t be16(struct str s, size_t at)
{
	return byte_at(s, at) << 8 | byte_at(s, at + 1);
}

static inline uint32_t be32(struct str s, size_t at)
{
	return be16(s, at) << 16 | be16(s, at + 2);
}

static inline uint32_t le16(struct str s, size_t at)
{
	return byte_at(s, at) | byte_at(s, at + 1) << 8;
}

static inline uint32_t le24(struct str s, size_t at)
{
	return le16(s, at) | byte_at(s, at + 2) << 16;
}

static inline uint32_t le32(struct str s, size_t at)
{
	return le16(s, at) | le16(s, at + 2) << 16;
}

enum jpeg_marker {
	TEM = 0x01,
	SOF0 = 0xc0,
	SOF1 = 0xc1,
	SOF2 = 0xc2,
	DHT = 0xc4,
	JPG = 0xc8,
	SOF9 = 0xc9,
	SOF10 = 0xca,
	DAC = 0xcc,
	RST0 = 0xd0,
	RST7 = 0xd7,
	SOI = 0xd8,
	EOI = 0xd9,
	SOS = 0xda,
	DQT = 0xdb,
	DNL = 0xdc,
	DRI = 0xdd,
	APP0 = 0xe0,
	APP1 = 0xe1,
	APP2 = 0xe2,
	APP13 = 0xed,
	APP14 = 0xee,
	APP15 = 0xef,
	COM = 0xfe
};

/* SOF0..SOF15: 0xc0..0xcf except DHT, JPG and DAC, which are no frames. */
static inline bool jpeg_is_frame(uint32_t marker)
{
	return (marker & 0xf0) == 0xc0 && marker != DHT && marker != JPG && marker != DAC;
}

/* Without a length; 0 is the escape of a byte of data. In scans with restart intervals a decoder that looks for the next RST
 * skips the reserved markers too. */
static inline bool jpeg_is_alone(uint32_t marker, bool restarts)
{
	return marker == 0 || marker == TEM || (marker >= RST0 && marker <= RST7) || (restarts && marker < SOF0);
}

/* Segments whose content is not of the image. */
static inline bool jpeg_is_free(uint32_t marker)
{
	return (marker >= APP0 && marker <= APP15) || marker == COM;
}

/* Segments that decoders skip by their length, of which one below 2 counts as 2. */
static inline bool jpeg_is_skipped(uint32_t marker)
{
	return jpeg_is_free(marker) || marker == DNL;
}

/* A bit for each Huffman table: 0 to 3 for DC, JPEG_HUFFMAN_AC and up for AC, as class and number are in a DHT. */
#define JPEG_HUFFMAN_AC 16
struct jpeg_huffman {
	uint32_t defined, broken; /* broken: those of them that are no code */
};

/* The content of a DQT segment; adds a bit to *tables for each that is defined. */
bool jpeg_quantisation_valid(struct str data, uint32_t *tables);
/* The content of a DHT segment; adds its tables. A table that is not a prefix code is valid here: it may be replaced before a scan uses it. */
bool jpeg_huffman_valid(struct str data, struct jpeg_huffman *tables);
/* The content of a DAC segment. */
bool jpeg_conditioning_valid(struct str data);

#define PNG_NAME(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
#define PNG_LENGTH_MAX 0x7fffffffu
#define PNG_FRAME_BYTES 12 /* length, name and CRC around a chunk's data */
#define PNG_IHDR_BYTES 13
#define PNG_ANCILLARY 0x20000000u /* bit 5 of a name's first letter */

/* Four letters. */
bool png_is_name(uint32_t name);
/* Of a chunk's name and data. */
uint32_t png_crc(struct str named);

/* The bytes of the colour table that a packed field of GIF announces. */
static inline size_t gif_colour_table(uint32_t packed)
{
	return packed & 0x80 ? (size_t)3 << ((packed & 7) + 1) : 0;
}

enum gif_block { GIF_EXTENSION = 0x21, GIF_IMAGE = 0x2c, GIF_TRAILER = 0x3b };
#define GIF_SCREEN_BYTES 13
#define GIF_DESCRIPTOR_BYTES 9 /* after its first byte */

#define WEBP_NAME(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
#define WEBP_VP8 WEBP_NAME('V', 'P', '8', ' ')
#define WEBP_VP8L WEBP_NAME('V', 'P', '8', 'L')
#define WEBP_VP8X WEBP_NAME('V', 'P', '8', 'X')
#define WEBP_ALPH WEBP_NAME('A', 'L', 'P', 'H')
#define WEBP_ANIM WEBP_NAME('A', 'N', 'I', 'M')
#define WEBP_ANMF WEBP_NAME('A', 'N', 'M', 'F')
#define WEBP_EXIF WEBP_NAME('E', 'X', 'I', 'F')
#define WEBP_ICCP WEBP_NAME('I', 'C', 'C', 'P')
#define WEBP_FLAG_ANIMATION 0x02

#endif
