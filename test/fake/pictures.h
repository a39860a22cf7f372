/* Small pictures for tests, built from pieces, and the probe's verdicts on them. Everything lives in
 * one arena between picture_set_up and picture_tear_down (a test group's or a test's). One thread. */
#ifndef FAKE_PICTURES_H
#define FAKE_PICTURES_H

#include "base/arena.h"
#include "image/probe/probe.h"

extern struct arena *const picture_arena;
int picture_set_up(void **state);
int picture_tear_down(void **state);

/* The bytes of a literal, NULs inside and all. */
#define BYTES(literal) ((struct str){ literal, sizeof(literal) - 1 })
struct str picture_join(const struct str *parts, size_t n);
#define JOIN(...) picture_join((struct str[]){ __VA_ARGS__ }, COUNT_OF(((struct str[]){ __VA_ARGS__ })))

/* A quantisation table of 64 ones; compressed data of no bytes. */
#define ONES8 "\1\1\1\1\1\1\1\1"
#define PICTURE_JPEG_TABLE BYTES("\xff\xdb\x00\x43\x00" ONES8 ONES8 ONES8 ONES8 ONES8 ONES8 ONES8 ONES8)
/* A frame header of 16 x 8, two Huffman tables of one code, and a scan header. */
#define ZEROS15 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define PICTURE_JPEG_FRAME BYTES("\xff\xc0\x00\x0b\x08\x00\x08\x00\x10\x01\x01\x11\x00")
#define PICTURE_JPEG_HUFFMAN BYTES("\xff\xc4\x00\x14\x00\x01" ZEROS15 "\0\xff\xc4\x00\x14\x10\x01" ZEROS15 "\0")
#define PICTURE_JPEG_SCAN BYTES("\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00")
/* Of a WebP of 4 x 2: the lossy one has scale bits, and one byte in the first of its two parts. */
#define PICTURE_WEBP_LOSSY picture_riff_chunk("VP8 ", BYTES("\x30\0\0\x9d\x01\x2a\x04\x40\x02\xc0zz"))
#define PICTURE_WEBP_LOSSLESS picture_riff_chunk("VP8L", BYTES("\x2f\x03\x40\x00\x00z"))
#define PICTURE_WEBP_ALPHA picture_riff_chunk("ALPH", BYTES("\x01zz"))
#define PICTURE_ZLIB BYTES("\x78\x9c\x03\0\0\0\0\x01")

/* A small picture of each kind that the probe accepts; sides of 1..65535 (JPEG: 65500, WebP: 16383). */
struct str picture_jpeg(uint32_t width, uint32_t height);
struct str picture_png(uint32_t width, uint32_t height);
struct str picture_gif(uint32_t width, uint32_t height);
struct str picture_webp(uint32_t width, uint32_t height);

struct str picture_be32(uint32_t n);
/* A PNG chunk with its length and checksum. */
struct str picture_chunk(const char *name, struct str data);
/* A RIFF chunk, padded; and a WebP file of such chunks. */
struct str picture_riff_chunk(const char *name, struct str data);
struct str picture_riff(struct str chunks);

/* All of a file of less than 8 MB; fails the test if it cannot be read. */
struct str picture_read_file(const char *folder, const char *name);

/* Probe a copy on a heap block of exactly its size, so that the sanitizer sees a read beyond the end. */
enum probe_result probe_exactly(struct str bytes, struct probe *out);
/* Fail the test unless it is accepted; or bad for this reason. */
struct probe accept_picture(struct str bytes);
void refuse_picture(struct str bytes, const char *why);

#endif
