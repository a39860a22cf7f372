/* Remove the metadata that can identify a person from an image while it is received, without changing a pixel: the container is
 * rewritten, and the compressed pixel data are passed on as slices of the input. JPEG, PNG, GIF, WebP, HEIC and AVIF; other types pass
 * unchanged, and the result has PROBE_UNKNOWN. Pure: no clock, no log, no socket. Memory is bounded: at most one segment or
 * chunk of 64 KB is held, pixel data never are. The output does not depend on how the input is split into pieces.
 * Stripping the output again gives the same output. One thread at a time per struct strip.
 *
 *   strip_init(&s, NULL);
 *   for each piece:  while (strip_next(&s, &piece, &out)) write(out);
 *   at the end:      if (strip_end(&s, &out)) write(out);  then read strip_result
 *
 * Removed: EXIF, XMP, IPTC and other Photoshop data, maker notes, comments, embedded thumbnails, MPF, text and time chunks;
 * application segments, extensions and ancillary chunks of any other kind; all bytes after the end of the image.
 * Kept: what determines how the pixels look (tables, colour profile, gamma, transparency, density, animation), and the
 * orientation where browsers apply it, as an EXIF block with this tag alone: the first EXIF of a JPEG before its scans,
 * the first eXIf of a PNG before its image data. EXIF of more than 64 KB (PNG, WebP) is removed unread.
 *
 * HEIC and AVIF keep their size, since their index has the place of each item: the picture with its tiles and its alpha stays, and
 * all other items and boxes are overwritten with zeros. A file whose index has more than 64 KB, or comes after the data, is broken.
 *
 * Damage. The output is verified, not the input, so a broken container must stay broken: probe_image returns for the output
 * what it returns for the input, with the same type, size, frames and, except for WebP, orientation.
 *  - Cut: the output is cut too. Of a segment or chunk that is incomplete, at most the marker is written.
 *  - The container cannot be parsed further (a JPEG segment that no decoder accepts, an impossible chunk): a marker or
 *    header that every decoder refuses is written in its place, and nothing after it; `broken` is set.
 *  - JPEG bytes between segments, which decoders skip and count, are replaced: 00 stays, any other byte becomes 01. If a segment
 *    in front of them was removed from the middle of a scan, an empty comment (ff fe 00 02) ends the scan as it did.
 *  - What the container declares as pixel data is passed on without parsing. If a length or an end marker is damaged, metadata
 *    may be part of it. So nothing of a refused image may be stored or served.
 *  - Damage inside what is removed, such as a wrong checksum, is removed with it and not found by later verification.
 *
 * The size of a WebP file is at its start, before it is known what will be removed: the result has a patch, to be written over
 * the stored bytes; digests of the output must then be computed again. A caller that cannot do so sets `append_only`:
 * removed chunks are then renamed JUNK and filled with zeros, and the size stays. */
#ifndef IMAGE_STRIP_STRIP_H
#define IMAGE_STRIP_STRIP_H

#include "base/buf.h"
#include "base/fault.h"
#include "image/probe/probe.h"

enum strip_removed {
	STRIP_EXIF = 1 << 0,
	STRIP_XMP = 1 << 1,
	STRIP_IPTC = 1 << 2,
	STRIP_COMMENT = 1 << 3,
	STRIP_TEXT = 1 << 4,
	STRIP_TIME = 1 << 5,
	STRIP_THUMBNAIL = 1 << 6,
	STRIP_PICTURES = 1 << 7, /* further pictures of a multi-picture file */
	STRIP_GAIN_MAP = 1 << 8, /* what made it an HDR picture */
	STRIP_VIDEO = 1 << 9,    /* of a motion photo */
	STRIP_TRAILER = 1 << 10, /* bytes after the end; PICTURES or VIDEO are set too if they were recognised */
	STRIP_OTHER = 1 << 11,
};
#define STRIP_REMOVED_KINDS 12

/* Values of the first EXIF block, for a caller that stores them. Not verified: a file can claim anything. */
struct strip_facts {
	uint32_t orientation; /* 1..8; 0: none. Set even where browsers ignore it (WebP, eXIf after the image data) */
	char taken_at[26];    /* "2024-05-06T07:08:09", with "+02:00" where the offset is known; "" */
	char make[64];        /* printable ASCII; "" */
	char model[64];
	bool has_position;
	double latitude, longitude; /* degrees, north and east positive */
};

/* Write these n bytes over the stored ones at offset `at`. */
struct strip_patch {
	uint64_t at;
	size_t n; /* 0: nothing is to be patched */
	unsigned char bytes[4];
};

struct strip_options {
	bool append_only; /* never ask for a patch */
	bool facts;       /* read facts */
};

struct strip_result {
	enum probe_type type; /* by signature; PROBE_UNKNOWN: nothing was removed */
	uint32_t removed;     /* a set of enum strip_removed */
	bool broken;          /* the container could not be parsed to its end; the rest was dropped */
	uint64_t received_bytes, stored_bytes;
	struct strip_patch patch;
	struct strip_facts facts; /* zeros unless asked for */
};

/* The rest is private to image/strip. */

enum strip_mode {
	STRIP_MODE_HOLD, /* until `want` bytes are held, then judge */
	STRIP_MODE_PASS, /* `left` bytes, as they are */
	STRIP_MODE_FILL, /* `left` bytes, as zeros */
	STRIP_MODE_DROP, /* `left` bytes */
	STRIP_MODE_WALK, /* the format finds the end itself */
	STRIP_MODE_OVER, /* drop the rest */
};

struct strip_format;

struct strip_jpeg {
	bool ff;         /* an FF was read and not written yet */
	bool data;       /* in the data of a scan; else between segments */
	bool after_data; /* the held segment ends the data of a scan */
	bool scan, exif; /* one was found */
	bool restart;    /* there is a restart interval */
	bool gap;        /* a marker was removed: bytes outside of segments need an empty comment before them */
	uint32_t profile_left;
};

struct strip_png {
	bool signature, begun; /* the signature, IHDR was read */
	bool exif;
	bool data, data_over; /* image data were read; another chunk followed */
};

struct strip_gif {
	int state; /* what is held, or follows: enum gif_state */
	bool keep; /* sub-blocks are image data; else they are removed */
	uint32_t block_left;
};

struct strip_webp {
	int state; /* what is held: enum webp_state */
	bool animated, exif;
	uint32_t size;       /* as received */
	uint64_t left;       /* bytes of the RIFF part from the next chunk on */
	uint64_t frame_left; /* of an ANMF chunk's content, the same */
	bool frame_odd;      /* a pad byte follows it */
	uint64_t removed;    /* bytes of removed chunk headers */
};

struct strip_heif {
	int state;                    /* what is held, or follows: enum heif_state */
	uint64_t at;                  /* in the file: of what is held, or follows */
	uint64_t box_end;             /* of the mdat box that is passing */
	size_t next, box_next;        /* of s->ranges: the first that was not passed, the first that is not in the box */
	uint64_t exif_at, exif_bytes; /* what is collected; 0: nothing */
};

struct strip {
	const struct strip_format *format;
	struct strip_options options;
	enum strip_mode mode;
	size_t want;
	uint64_t left;
	uint64_t dropped; /* in STRIP_MODE_DROP */
	struct buf held;
	bool spent;   /* the held bytes were judged; they may still be borrowed as output */
	bool collect; /* hold what is dropped or filled */
	bool trailer; /* STRIP_MODE_OVER: the image ended as it should */
	bool starved;
	struct buf ranges; /* HEIC and AVIF: struct heif_range, what is kept of the data */
	char insert[64];   /* output that is not in the input */
	union {
		struct strip_jpeg jpeg;
		struct strip_png png;
		struct strip_gif gif;
		struct strip_webp webp;
		struct strip_heif heif;
	};
	struct strip_result result;
};

/* options   NULL: none */
void strip_init(struct strip *s, const struct strip_options *options);
/* Safe on a zeroed one. */
void strip_deinit(struct strip *s);
/* Take bytes from the front of *in until there is a piece of output. false: *in is empty and there is no output.
 * out   borrowed from the input, from s or static: until the next call */
bool strip_next(struct strip *s, struct str *in, struct str *out);
/* End the input; call once. true: *out is the last piece of output, borrowed as above. */
bool strip_end(struct strip *s, struct str *out);
/* What was removed; call after strip_end.
 * out      lives in s
 * Errors   IO out of memory: the output is not complete and must not be used */
enum status strip_result(const struct strip *s, const struct strip_result **out, struct fault *why) MUST_CHECK;

/* Strip a whole image in memory: append the output to `out`, with the patch applied.
 * result   written only on OK
 * Errors   IO out of memory; LIMIT over the maximum of `out`, which may be a few bytes more than those of `in` */
enum status strip_bytes(
	struct str in, const struct strip_options *options, struct buf *out, struct strip_result *result, struct fault *why) MUST_CHECK;

/* The word of one bit for a record, such as "gain-map". */
const char *strip_removed_word(enum strip_removed bit);

#endif
