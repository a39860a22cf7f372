/* The strip on pictures of tests. Results live in picture_arena (fake/pictures.h). One thread. */
#ifndef FAKE_STRIPPED_H
#define FAKE_STRIPPED_H

#include "fake/pictures.h"
#include "image/strip/strip.h"

struct stripped {
	struct str bytes; /* patched */
	struct strip_result result;
};

/* In pieces of this many bytes, each on a heap block of its own that is gone when the next one comes. options: NULL: none */
struct stripped strip_in_pieces(struct str in, size_t piece_bytes, const struct strip_options *options);
/* Strip, and fail the test unless
 *  - pieces of one byte and of other sizes give the same,
 *  - stripping once more changes nothing,
 *  - the probe's verdict, type, size and frames are the input's; and the orientation, but for WebP. */
struct stripped strip_checked(struct str in, const struct strip_options *options);

/* Fail the test unless exactly these bytes are left, and these kinds (a set of enum strip_removed) were removed. */
void expect_stripped(struct str in, struct str want, uint32_t removed);

/* Fail the test if, wherever the file ends, the start of the word SECRET is left of it. */
void expect_no_secret_if_cut(struct str all, const struct strip_options *options);

/* A TIFF structure with this tag as a SHORT, in the byte order of the mark, "II" or "MM". */
struct str picture_tiff(const char *order, uint32_t tag, uint32_t value);

#endif
