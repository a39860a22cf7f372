/* The entropy-coded data of a JPEG with one sequential scan, in place of libjpeg's own reader, in half of its time: it does only what
 * intact data needs. At anything else it gives up, and the picture is decoded again with libjpeg's, which repairs what it
 * can and says what it found. So what is accepted, and every coefficient, is the same with both. One thread. */
#ifndef RENDER_JPEG_CODES_H
#define RENDER_JPEG_CODES_H

#include "base/arena.h"

#include <stdio.h>

#include <jpeglib.h> /* needs stdio.h before it */

/* Called in jpeg_read_scanlines; does not return. */
typedef __attribute__((noreturn)) void (*jpeg_codes_give_up_fn)(j_decompress_ptr);

/* Read the scan that jpeg_start_decompress has begun, instead of libjpeg. Nothing happens when it is not a sequential one of all
 * components with Huffman codes, or memory is missing.
 * a       outlives the decompression
 * Source  ITU T.81 F.2.2, B.1.1.5 */
void jpeg_codes_use(j_decompress_ptr cinfo, struct arena *a, jpeg_codes_give_up_fn give_up);

#endif
