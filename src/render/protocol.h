/* The packets between the server and tintype-render over a SOCK_SEQPACKET socket: jobs one way, a READY message and
 * answers the other, each a packet of a fixed size with a version, little-endian.
 *
 * A job comes with one read-only descriptor of the picture (SCM_RIGHTS). Thumbnails are not in the answer but in the
 * output window, memory that both have mapped; the answer has their place. The server must not trust what it receives: the
 * decoder may have been taken over by the picture. So it copies a packet out and decodes the copy, and copies a thumbnail
 * out of the window before it looks at it. Every field is checked here, at both ends. Pure; any thread. */
#ifndef RENDER_PROTOCOL_H
#define RENDER_PROTOCOL_H

#include "base/str.h"

#define RENDER_VERSION 1
#define RENDER_JOB_BYTES 128
#define RENDER_ANSWER_BYTES 256
#define RENDER_READY_BYTES 16
#define RENDER_PRESETS_MAX 4
#define RENDER_HASH_MAX 32
#define RENDER_BOX_MAX 4096          /* px */
#define RENDER_PIXELS_MAX (1u << 30) /* of a picture, whatever the job allows */
#define RENDER_SIDE_MAX 65535u       /* px of a picture; the sums of resize.c have 32 bits */

/* Processor time of a worker in its whole life; then it is killed (SIGXCPU). The server, which knows how long its jobs took,
 * replaces it before. */
#define RENDER_WORKER_CPU_S 60

/* The descriptors that tintype-render is started with. */
#define RENDER_SOCKET_FD 3
#define RENDER_WINDOW_FD 4

/* How tintype-render ends when it does so by itself. */
enum render_exit {
	RENDER_EXIT_OK = 0,      /* the server closed its end */
	RENDER_EXIT_USAGE = 64,  /* the command line is wrong */
	RENDER_EXIT_SETUP = 70,  /* a descriptor is not what it must be, or memory is missing */
	RENDER_EXIT_FILTER = 71, /* the system-call filter cannot be installed, and was not switched off */
	RENDER_EXIT_JOB = 72,    /* a packet that is not a job */
	RENDER_EXIT_SOCKET = 73, /* the socket failed */
};

enum render_kind { RENDER_JPEG = 1, RENDER_PNG, RENDER_GIF, RENDER_WEBP, RENDER_HEIF };

/* What is asked for; any of them together. */
enum render_op {
	RENDER_CHECK = 1, /* decode everything, and report whether it is intact */
	RENDER_HASH = 2,  /* a placeholder and two colors */
	RENDER_THUMB = 4, /* the presets */
};

enum render_fit {
	RENDER_FIT = 1, /* the whole picture fits into the box */
	RENDER_COVER,   /* fills the box; the excess is cut off at both sides */
};

enum render_format {
	RENDER_TO_WEBP = 1,
	RENDER_TO_JPEG,
	RENDER_TO_PNG,
	RENDER_TO_ANIMATION, /* WebP: all frames of a GIF or a WebP where that is not too much, else as RENDER_TO_WEBP */
};

enum render_verdict { RENDER_INTACT, RENDER_BLEMISHED, RENDER_BROKEN, RENDER_LIMIT };

enum render_code {
#define RENDER_CODE(code, verdict, sentence) RENDER_##code,
#include "render/verdict.def"
#undef RENDER_CODE
	RENDER_CODES
};

/* A thumbnail that is asked for. A picture is never enlarged. */
struct render_preset {
	uint16_t width, height; /* px of the upright picture; 1..RENDER_BOX_MAX */
	uint8_t fit;            /* enum render_fit */
	uint8_t format;         /* enum render_format */
	uint8_t quality;        /* 1..100; PNG: ignored */
	uint8_t effort;         /* WebP: method 0..6; PNG: zlib level 0..9; JPEG: 0, or 1 for optimized tables */
};

struct render_size {
	uint32_t width, height;           /* px of the whole picture at the preset's scale */
	uint32_t crop_width, crop_height; /* what is kept of it, its middle: the thumbnail */
};

struct render_job {
	uint64_t number;     /* returned in the answer */
	uint64_t size_bytes; /* of the file that comes with it */
	uint8_t ops;         /* of enum render_op, at least one */
	uint8_t kind;        /* enum render_kind, as the probe found it */
	uint8_t presets;     /* 0..RENDER_PRESETS_MAX; some exactly when RENDER_THUMB is asked for */
	uint32_t max_frames; /* at least 1 */
	uint64_t max_pixels; /* of the canvas; 1..RENDER_PIXELS_MAX */
	uint64_t max_area;   /* pixels of all frames together; at least 1 */
	uint64_t max_memory; /* bytes; at least 1 */
	uint32_t max_output; /* bytes of all thumbnails; no more than the window has */
	struct render_preset preset[RENDER_PRESETS_MAX];
};

struct render_thumb {
	uint32_t offset, length; /* in the window */
	uint16_t width, height;
};

struct render_answer {
	uint64_t number;     /* of the job */
	uint8_t verdict;     /* enum render_verdict: the code's own */
	uint8_t code;        /* enum render_code */
	uint8_t orientation; /* EXIF 1..8; 0: none */
	uint8_t alpha;       /* 1 when pixels are not opaque (known with HASH and THUMB alone), else 0 */
	uint8_t presets;     /* thumbnails made: all that were asked for, or 0 */
	uint8_t hash_bytes;
	uint32_t row;               /* complete rows before the decoder stopped */
	uint32_t width, height;     /* as stored; 0 when the header could not be read */
	uint32_t frames;            /* checked */
	uint64_t memory;            /* bytes: with TOO_MUCH_MEMORY what decoding needs, 0 when unknown */
	uint32_t average, dominant; /* 0xRRGGBBAA, 0xRRGGBB00 */
	uint8_t hash[RENDER_HASH_MAX];
	struct render_thumb thumb[RENDER_PRESETS_MAX]; /* in the order of the presets */
};

/* Layers of confinement that are in place, for the log. */
enum render_layer {
	RENDER_FILTERED = 1,   /* system calls outside the filter kill */
	RENDER_NO_NETWORK = 2, /* a network namespace of its own */
	RENDER_NO_FILES = 4,   /* an empty root directory */
};

struct render_ready {
	uint32_t layers;       /* of enum render_layer */
	uint64_t window_bytes; /* of the output window, as it is mapped */
};

/* job: within the ranges above (asserted). */
void render_encode_job(const struct render_job *job, unsigned char out[RENDER_JOB_BYTES]);
/* false: not a job, or a field out of range. out is written only on true. */
bool render_decode_job(struct str packet, struct render_job *out) MUST_CHECK;
void render_encode_answer(const struct render_answer *answer, unsigned char out[RENDER_ANSWER_BYTES]);
/* false: not an answer to `job`: another number, values that contradict each other, a thumbnail outside the
 * job's max_output, larger than its box or over another. out is written only on true. */
bool render_decode_answer(struct str packet, const struct render_job *job, struct render_answer *out) MUST_CHECK;
void render_encode_ready(const struct render_ready *ready, unsigned char out[RENDER_READY_BYTES]);
bool render_decode_ready(struct str packet, struct render_ready *out) MUST_CHECK;

/* What a preset makes of an upright picture of width x height, both at least 1; at least 1 px. */
struct render_size render_preset_size(const struct render_preset *p, uint32_t width, uint32_t height);

enum render_verdict render_code_verdict(enum render_code code);
/* Completes "The image ..."; static. */
struct str render_code_sentence(enum render_code code);
/* "END_MISSING"; static. */
struct str render_code_name(enum render_code code);

#endif
