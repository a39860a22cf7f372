/* The boxes of HEIC and AVIF files, as the probe and the strip (image/strip) read them: which items a file has, which of them
 * make its picture, and where their data are. Private to these two. Pure; memory is the caller's; bounded work per file.
 *
 * A file is `ftyp`, then one `meta` (the index), then `mdat` with the data of its items. What is not needed to show the picture is not
 * kept: metadata, thumbnails, depth and gain maps, further pictures, and bytes that no item has.
 * Source: ISO/IEC 14496-12, 4.2, 8.11 (boxes, meta); ISO/IEC 23008-12, 6 and 9 (HEIF); AV1 Image File Format. */
#ifndef IMAGE_PROBE_HEIF_H
#define IMAGE_PROBE_HEIF_H

#include "image/probe/formats.h"

#define HEIF_HEAD_BYTES 8       /* size and type */
#define HEIF_LONG_HEAD_BYTES 16 /* with a size of 64 bits */
#define HEIF_FTYP_BYTES_MIN 16
#define HEIF_FTYP_BYTES_MAX 1024
#define HEIF_META_BYTES_MAX ((size_t)64 << 10) /* held by the strip */
#define HEIF_ITEMS_MAX 1024
#define HEIF_PROPERTIES_MAX 256
#define HEIF_REFERENCES_MAX 4096
#define HEIF_EXTENTS_MAX 1024

#define HEIF_NAME(a, b, c, d) PNG_NAME(a, b, c, d)
#define HEIF_FTYP HEIF_NAME('f', 't', 'y', 'p')
#define HEIF_META HEIF_NAME('m', 'e', 't', 'a')
#define HEIF_MDAT HEIF_NAME('m', 'd', 'a', 't')
#define HEIF_MOOV HEIF_NAME('m', 'o', 'o', 'v')
#define HEIF_FREE HEIF_NAME('f', 'r', 'e', 'e')
#define HEIF_HDLR HEIF_NAME('h', 'd', 'l', 'r')
#define HEIF_PITM HEIF_NAME('p', 'i', 't', 'm')
#define HEIF_IINF HEIF_NAME('i', 'i', 'n', 'f')
#define HEIF_INFE HEIF_NAME('i', 'n', 'f', 'e')
#define HEIF_ILOC HEIF_NAME('i', 'l', 'o', 'c')
#define HEIF_IPRP HEIF_NAME('i', 'p', 'r', 'p')
#define HEIF_IPCO HEIF_NAME('i', 'p', 'c', 'o')
#define HEIF_IPMA HEIF_NAME('i', 'p', 'm', 'a')
#define HEIF_IREF HEIF_NAME('i', 'r', 'e', 'f')
#define HEIF_IDAT HEIF_NAME('i', 'd', 'a', 't')
#define HEIF_EXIF HEIF_NAME('E', 'x', 'i', 'f')
#define HEIF_MIME HEIF_NAME('m', 'i', 'm', 'e')

struct heif_box {
	uint32_t type;
	size_t head;   /* bytes of the header */
	uint64_t size; /* with the header; 0: to the end of the file */
};

/* Bytes start..end of the meta box. */
struct heif_part {
	size_t start, end;
};

struct heif_item {
	uint32_t id, type;
	struct heif_part rest; /* of its infe box: the type and what follows it */
	bool kept;             /* it is the picture, or part of it */
	bool alpha, gain_map;  /* what it is for, as an auxiliary picture */
	bool thumbnail;
	bool located; /* iloc has data of it */
};

struct heif_index {
	struct heif_part hdlr, pitm, iinf, iloc, iprp, ipco, ipma, iref, idat; /* contents, after their headers; empty: missing */
	struct heif_part property[HEIF_PROPERTIES_MAX];                        /* of ipco: whole boxes */
	size_t properties;
	struct heif_item item[HEIF_ITEMS_MAX];
	size_t items;
	uint32_t width, height; /* px, upright */
};

/* Where a piece of an item's data is. */
struct heif_extent {
	const struct heif_item *item;
	bool in_index; /* an offset in the content of idat; else in the file */
	uint64_t at, n;
};

struct heif_range {
	uint64_t at, end;
};

/* What is kept of the data, sorted and joined. */
struct heif_ranges {
	struct heif_range range[HEIF_EXTENTS_MAX];
	size_t n;
};

struct heif_plan {
	struct heif_index index;
	struct heif_extent extent[HEIF_EXTENTS_MAX]; /* of all items */
	size_t extents;
	struct heif_ranges in_file, in_index;
};

/* A box's header at the front of `bytes`. false: there are too few bytes, or the size is impossible. */
bool heif_box(struct str bytes, struct heif_box *out) MUST_CHECK;
/* Which of the two a whole ftyp box announces; PROBE_UNKNOWN: neither, or a sequence of pictures. */
enum probe_type heif_brand(struct str ftyp);
/* Read a whole meta box. NULL, or a static sentence that says what is wrong. */
const char *heif_read(struct str meta, struct heif_plan *out);
/* A box after the index, at `at` in the file: its kept ranges from number *next on, which is advanced behind them.
 * false: one is not where data may be, or the box is one of a sequence. */
bool heif_data_box(const struct heif_range *kept, size_t n, const struct heif_box *box, uint64_t at, size_t *next) MUST_CHECK;

#endif
