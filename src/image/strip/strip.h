/* Remove from an image what can identify a person, while its bytes come in and without touching a pixel: the container is
 * rewritten, the compressed pixels go through as slices of the input. JPEG, PNG, GIF, WebP; any other bytes pass unchanged,
 * and the result says so. Pure: no clock, no log, no socket. Memory is bounded: one segment or chunk of at most 64 KB is held
 * at a time, and pixel data never. The output does not depend on how the input is cut into pieces. Stripping twice
 * gives what stripping once gives. One thread at a time per struct strip.
 *
 *   strip_init(&s, NULL);
 *   for each piece:  while (strip_next(&s, &piece, &out)) write(out);
 *   at the end:      if (strip_end(&s, &out)) write(out);  then ask strip_result
 *
 * Removed: EXIF, XMP, IPTC and other Photoshop data, maker notes, comments, embedded thumbnails, MPF, text and time chunks, application
 * segments, extensions and ancillary chunks that are not known to be harmless, all bytes behind the end of the image.
 * Kept: what decides how the pixels look (tables, colour profile, gamma, transparency, density, animation), and the
 * orientation where browsers apply it, as an EXIF block with that tag alone: the first EXIF of a JPEG before its scans,
 * the first eXIf of a PNG before its image data. EXIF of more than 64 KB (PNG, WebP) is removed unread.
 *
 * Damage. The output is verified, not the input, so a broken container stays broken: probe_image gives PROBE_BAD for the
 * output if and only if it does for the input, and the same type, size and frames; and the orientation but for WebP.
 *  - Cut: the output is cut too; of the segment or chunk that is not whole at most its first bytes are given (its marker).
 *  - The container cannot be followed (a JPEG segment that a decoder cannot use, an impossible chunk): a marker or
 *    header that every decoder refuses is given in its place, and nothing after it; `broken` is set.
 *  - JPEG bytes between segments, which decoders skip and count, are given as 00 where they are 00, else as 01. Where a
 *    segment before them was removed from the middle of a scan, an empty comment (ff fe 00 02) ends the scan as it did.
 *  - What the container declares to be pixel data passes unread. Where damage makes a length or an end marker wrong, other
 *    bytes may be among them. So nothing of an image that is refused may be kept or shown.
 *  - A wrong checksum or the like of what is removed is gone with it, and is no longer found by who verifies the output.
 *
 * WebP has its size at the head, before it is known what will be removed: the result has a patch to be written over
 * the stored bytes. Digests of the output must then be computed again. A caller that cannot do that sets `append_only`: what is
 * removed from the RIFF part is then overwritten with zeros, in chunks named JUNK, and the size stays. */
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
	STRIP_TRAILER = 1 << 10, /* bytes behind the end; what they are may be told by another bit too */
	STRIP_OTHER = 1 << 11,
};
#define STRIP_REMOVED_KINDS 12

/* What the first EXIF said, for a caller that keeps it; all of it is as the file has it and may be untrue. */
struct strip_facts {
	uint32_t orientation; /* 1..8; 0: none. Also where no browser applies it and it was removed: WebP, late eXIf. */
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
	bool broken;          /* the container could not be followed; the rest was not given */
	uint64_t received_bytes, stored_bytes;
	struct strip_patch patch;
	struct strip_facts facts; /* zeros unless asked for */
};

/* Below here only image/strip looks. */

enum strip_mode {
	STRIP_MODE_HOLD, /* until `want` bytes are held, then judge */
	STRIP_MODE_PASS, /* `left` bytes, as they are */
	STRIP_MODE_FILL, /* `left` bytes, as zeros */
	STRIP_MODE_DROP, /* `left` bytes */
	STRIP_MODE_WALK, /* the format finds the end itself */
	STRIP_MODE_OVER, /* nothing more is given */
};

struct strip_format;

struct strip_jpeg {
	bool ff;         /* an FF was taken that is not given yet */
	bool data;       /* in the data of a scan; else between segments */
	bool after_data; /* the held segment ends the data of a scan */
	bool scan, exif; /* one was there */
	bool gap;        /* bytes that belong to no segment need an empty comment before them, since a marker was removed there */
	uint32_t profile_left;
};

struct strip_png {
	bool signature, begun; /* the signature, IHDR were there */
	bool exif;
	bool data, data_over; /* image data were there; another chunk came after them */
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
	uint64_t left;       /* of the RIFF part, behind what was judged */
	uint64_t frame_left; /* of an ANMF chunk's content, the same */
	bool frame_odd;      /* it is followed by a pad byte */
	uint64_t removed;    /* bytes of heads that were not given */
};

struct strip {
	const struct strip_format *format;
	struct strip_options options;
	enum strip_mode mode;
	size_t want;
	uint64_t left;
	uint64_t dropped; /* in STRIP_MODE_DROP */
	struct buf held;
	bool spent;   /* what is held was judged, and may still be borrowed as output */
	bool collect; /* hold what is dropped or filled */
	bool trailer; /* STRIP_MODE_OVER: behind the end of an image that is whole */
	bool starved;
	char insert[64]; /* output that is not in the input */
	union {
		struct strip_jpeg jpeg;
		struct strip_png png;
		struct strip_gif gif;
		struct strip_webp webp;
	};
	struct strip_result result;
};

/* options   NULL: none */
void strip_init(struct strip *s, const struct strip_options *options);
/* Safe on a zeroed one. */
void strip_deinit(struct strip *s);
/* Take bytes from the front of *in until there is a piece of output.  false: *in is empty, and there is none.
 * out   borrowed from the input, from s or static: until the next call */
bool strip_next(struct strip *s, struct str *in, struct str *out);
/* Say that the input has ended. To be called once; true: there is a last piece of output, as above. */
bool strip_end(struct strip *s, struct str *out);
/* What was done; after strip_end.
 * out      lives in s
 * Errors   IO out of memory: the output is not complete and must not be used */
enum status strip_result(const struct strip *s, const struct strip_result **out, struct fault *why) MUST_CHECK;

/* The same for bytes that are all there: append what is left of them to `out`, patched if a patch is needed.
 * result   written only on OK
 * Errors   IO out of memory; LIMIT over the maximum of `out`, which may be a few bytes more than those of `in` */
enum status strip_bytes(
	struct str in, const struct strip_options *options, struct buf *out, struct strip_result *result, struct fault *why) MUST_CHECK;

/* The word of one bit for a record, such as "gain-map". */
const char *strip_removed_word(enum strip_removed bit);

#endif
