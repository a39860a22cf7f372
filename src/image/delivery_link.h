/* Delivery links: the paths of pictures, in a form that any cache or CDN can store.
 *
 *   /i/{imageId}/{variant}              a public image
 *   /i/{sig}.{exp}/{imageId}/{variant}  a private one: the signature is in the path, since caches may drop a query
 *
 * exp is a Unix time in seconds. sig is the first 16 bytes, in base64url, of HMAC-SHA256 over the lines
 * "tintype-delivery-1", exp, imageId and variant, separated by line feeds. variant is `original`, or a preset with a hash of
 * its options and the format: `small-1a2b3c4d.webp`, so the content of a path never changes.
 * Each part has one valid spelling; the raw path of the request is matched, without percent-decoding.
 * Pure; the clock is the caller's. Any thread. */
#ifndef IMAGE_DELIVERY_LINK_H
#define IMAGE_DELIVERY_LINK_H

#include "base/buf.h"

#define DELIVERY_KEYS_MAX 2
#define DELIVERY_KEY_MIN 32 /* characters */
#define DELIVERY_KEY_MAX 256
#define DELIVERY_EXPIRY_MAX INT64_C(99999999999) /* 11 digits */
#define DELIVERY_PRESET_MAX 32
#define DELIVERY_HASH_CHARS 8

/* The first one signs; both are accepted, so that keys can be rotated. */
struct delivery_keys {
	struct str keys[DELIVERY_KEYS_MAX];
	size_t n; /* 0: only public links */
};

/* Read TINTYPE_DELIVERY_KEYS: one or two keys, different ones, with a comma between them, each of 32 to 256 of A-Za-z0-9-._~+/=.
 * out    borrows from the text; written only if it is right
 * false  it is of another form, or empty */
bool delivery_keys_parse(struct str text, struct delivery_keys *out) MUST_CHECK;

struct delivery_variant {
	struct str preset; /* "" for the original; else 1..32 of a-z0-9 and inner '-' */
	struct str hash;   /* eight hex digits in lower case */
	struct str format; /* the extension: "jpg", "png" or "webp" */
};

/* false: it is none. */
bool delivery_variant_parse(struct str text, struct delivery_variant *out) MUST_CHECK;
/* v  as delivery_variant_parse gives it */
void delivery_variant_write(struct buf *b, const struct delivery_variant *v);
/* The hash of a variant, eight digits and a NUL.  how: the preset's options and the renderer's version, as text */
void delivery_variant_hash(struct str how, char out[DELIVERY_HASH_CHARS + 1]);

struct delivery_link {
	struct str image_id; /* a UUID as uuid_v4 gives it */
	struct str variant;  /* of the form above */
	bool is_signed;      /* of a private image */
	int64_t expires_s;   /* if it is signed; 1..DELIVERY_EXPIRY_MAX */
};

/* Append the path of a link. key: of a signed one; else ignored */
void delivery_link_write(struct buf *b, const struct delivery_link *link, struct str key);

enum delivery_answer {
	DELIVERY_VALID,   /* an unsigned link is valid for a public image only: check that */
	DELIVERY_EXPIRED, /* its signature is right */
	DELIVERY_UNKNOWN, /* not a delivery link, or its signature is wrong: answer as for a missing image */
};

/* Whether a path is one of delivery: it begins with "/i/". */
bool delivery_link_is_path(struct str path);
/* out  written unless it is unknown; borrows from the path */
enum delivery_answer delivery_link_read(
	struct str path, const struct delivery_keys *keys, int64_t now_s, struct delivery_link *out) MUST_CHECK;

/* When a link expires: at least `life_s` from now, rounded up to a daily boundary. So all links of an image that are made in one
 * day are equal, and caches see one path. The boundary is offset by a hash of the id, so that not all links change at once.
 * now_s, life_s  0 or more */
int64_t delivery_link_expiry(struct str image_id, int64_t now_s, int64_t life_s);

#endif
