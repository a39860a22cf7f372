/* Thumbnails: a few presets and no free sizes, so that nobody can fill the disk. One is made when it is first asked for, or with the
 * check of the upload; requests for one that is being made wait for it together, without a thread. Its name is the variant of
 * its delivery link, which has a hash of all that decides about its bytes. */
#ifndef IMAGE_THUMBNAILS_H
#define IMAGE_THUMBNAILS_H

#include "image/product.h"
#include "image/thumb_makers.h"
#include "port/thumb_queue.h"
#include "port/thumb_store.h"

#define THUMBNAIL_PRESETS_MAX 8
#define THUMBNAIL_FORMATS 3 /* RENDER_TO_WEBP .. RENDER_TO_PNG */

struct thumbnails;

struct thumbnails_options {
	/* NAME:WIDTHxHEIGHT[:fit|:cover][:webp|:animated|:jpeg][:qQUALITY][:eEFFORT], separated by commas; the effort is WebP's, 0..6.
	 * "": no thumbnails. */
	struct str presets;
	struct str at_upload; /* the preset that is made then; "": none */
	struct product *product;
	struct thumb_store *store;
	struct bucket_store *buckets; /* of the images; NULL: they are read by product->store */
	struct str bucket;
	struct thumb_queue *queue; /* where they are made by whoever reads it, see image/thumb_set.h; else NULL: when they are asked for */
	unsigned makers;           /* threads; 0: there are none, and thumbnails_get makes what is missing itself */
};

/* Everything in the options is borrowed and outlives the thumbnails.
 * A product without a renderer can name thumbnails and find them, but not make them.
 * Errors  BAD_SETTING the presets or at_upload are malformed; OUT_OF_MEMORY; INTERNAL no thread */
enum status thumbnails_new(const struct thumbnails_options *o, struct thumbnails **out, struct fault *why) MUST_CHECK;
/* What waits is answered first, with OVERLOADED. Accepts NULL inside. */
void thumbnails_free(struct thumbnails **t);

/* The presets, in their order: the name of each, and which one has a name. false: none has. */
size_t thumbnails_count(const struct thumbnails *t);
struct str thumbnails_name(const struct thumbnails *t, size_t preset);
bool thumbnails_preset(const struct thumbnails *t, struct str name, size_t *preset) MUST_CHECK;

/* Whether there can be thumbnails of the image: it is uploaded, of a type that the renderer knows, and not known to be damaged. */
bool thumbnails_possible(const struct image_row *row);
/* What an image's thumbnails of this preset are made in: WebP, unless the preset says JPEG, and then what all clients show, PNG with
 * alpha, else JPEG. The last one suits all clients. Returns how many there are: 1 or 2. */
size_t thumbnails_formats(const struct thumbnails *t, size_t preset, const struct image_row *row, enum render_format out[2]);
/* The formats of a preset whose thumbnails links may name: all, or with a queue those that are there, perhaps none. */
size_t thumbnails_offered(const struct thumbnails *t, size_t preset, const struct image_row *row, enum render_format out[2]);
/* Whether the image has this variant under the current presets, and links may name it. */
bool thumbnails_has(const struct thumbnails *t, const struct image_row *row, struct str variant);
/* The pixels of a preset's thumbnail, upright: crop_width and crop_height; 0: the image's own are not known. */
struct render_size thumbnails_size(const struct thumbnails *t, const struct image_row *row, size_t preset);
/* The variant of a preset: "small-1a2b3c4d.webp". A borrowed text that outlives the call. */
struct str thumbnails_variant(const struct thumbnails *t, size_t preset, enum render_format format);
const struct render_preset *thumbnails_as(const struct thumbnails *t, size_t preset, enum render_format format);
struct str thumbnails_media_type(enum render_format format);

/* Open one that was made before.
 * row      uploaded
 * variant  of a link
 * out      info has size, etag (of these bytes), content_type and modified_ms; in `a`. On OK the caller closes it
 * Errors   NO_SUCH_IMAGE no such variant, or it cannot be made; NO_SUCH_KEY it was not made yet; those of the store
 * Threads  any; a reactor only if thumbnails_find_waits is false */
enum status thumbnails_find(struct thumbnails *t, const struct image_row *row, struct str variant, struct arena *a, struct object_file *out,
	struct fault *why) MUST_CHECK;
bool thumbnails_find_waits(const struct thumbnails *t);

/* Where there are makers: make one, or wait for whoever makes it. After OK thumbnails_find opens it. May call done before it returns.
 * Errors (of done)  OVERLOADED; NO_SUCH_IMAGE the image is gone, or the thumbnail cannot be made; those of the stores
 * Threads  any; does not wait */
void thumbnails_make(
	struct thumbnails *t, const struct image_row *row, struct str variant, const struct client_addr *caller, struct thumbnail_wait *w);
/* The same, and wait for it: workers only. */
enum status thumbnails_get(struct thumbnails *t, const struct image_row *row, struct str variant, const struct client_addr *caller,
	struct arena *a, struct object_file *out, struct fault *why) MUST_CHECK;

/* What the check of an upload makes with it. NULL: nothing. As a JPEG it is not to be kept of an image with alpha. */
const struct render_preset *thumbnails_at_upload(const struct thumbnails *t);
/* Store it; a failure is not reported, since the thumbnail is made again when it is asked for. */
void thumbnails_keep_upload(struct thumbnails *t, const struct image_row *row, struct str bytes);
/* Whether the row says that this variant is there. */
bool thumbnails_recorded(const struct image_row *row, struct str variant);
/* Store one.  Errors: those of thumb_keep */
enum status thumbnails_keep(
	struct thumbnails *t, const struct image_row *row, struct str variant, struct str bytes, struct fault *why) MUST_CHECK;
/* Count what thumbnails an owner's images have. A failure is left to the recount. */
void thumbnails_charge(const struct thumbnails *t, const struct image_row *row, int64_t bytes);
/* As in the options. */
struct thumb_queue *thumbnails_queue(const struct thumbnails *t);
struct product *thumbnails_product(const struct thumbnails *t);
/* The image is gone. */
void thumbnails_remove(struct thumbnails *t, const struct image_row *row);
/* How many bytes those of an image have together.  Errors: STORAGE_FAILED; UPSTREAM_FAILED */
enum status thumbnails_measure(struct thumbnails *t, struct str image_id, uint64_t *bytes, struct fault *why) MUST_CHECK;

#endif
