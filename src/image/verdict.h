/* The rules for bytes that reach images/: which keys accept them, whether they pass, and what a second upload
 * means. What is done by these rules, on either engine, is in verify.h. */
#ifndef IMAGE_VERDICT_H
#define IMAGE_VERDICT_H

#include "base/fault.h"
#include "image/product.h"

/* The id in an image key (images/<uuid>.<extension>), borrowed from it; "" for any other key. */
struct str image_id_of_key(struct str key);
/* The id in the key of a thumbnail or a public copy (<folder><uuid>/<variant>), borrowed from it; "" for any other key.
 * folder  THUMB_PREFIX or PUBLIC_PREFIX */
struct str image_id_of_variant(struct str folder, struct str key);
/* The most bytes that a slot takes. */
uint64_t verdict_max_bytes(const struct image_rules *rules, const struct image_row *row);
/* Read the row of this id and check that the key may be uploaded to. An uploaded row is accepted, since the
 * same bytes may be sent again.
 * id      image_id_of_key of the key
 * Errors  SLOT_ENDED no such slot, rejected, or past its ends_ms; STORAGE_FAILED */
enum status verdict_check_slot(
	struct product *p, struct str id, struct str key, int64_t now_ms, struct arena *a, struct image_row *row, struct fault *why) MUST_CHECK;
/* What was received, complete and with correct digests. */
struct received_bytes {
	struct str bytes;
	uint64_t size;   /* of an object over the limit, whose bytes were not read; 0: bytes.n */
	struct str etag; /* hex MD5 of `bytes`; borrowed by the resolution */
	/* Of what was received, where `bytes` are what is stored of it; as in the row, borrowed by the resolution */
	uint64_t received_size;
	struct str received_sha256;
	bool stripped;
	uint32_t removed;
	struct str kept_metadata;
	struct client_addr caller; /* who sent them; all zero: read from a store */
	struct str request_id;     /* "": none */
	int64_t modified_ms;       /* of the object, by its store; 0: not certain */
	int64_t now_ms;
};

/* Verify a whole body and fill in the resolution: uploaded, or rejected with a sentence that says why.
 * A type that the probe does not know is accepted as declared if the rules name it as unverified, unless the bytes
 * are an image that it knows. Pure but for the sentence, which lives in `a`.
 * row     the slot, borrowed by the resolution */
void verdict_of_bytes(const struct image_rules *rules, const struct image_row *row, const struct received_bytes *what, struct arena *a,
	struct resolution *out);
/* The kind that a renderer must be told. false: decoding cannot change the verdict of the headers, since the size, or what they are
 * at all, is against the rules.
 * is_cut  whether the headers refuse it because it is cut */
bool verdict_kind(const struct image_rules *rules, const struct image_row *row, const struct received_bytes *what, enum render_kind *out,
	bool *is_cut) MUST_CHECK;
/* The same once the pixels were decoded: fills in verdict, damage, placeholder and color, and rejects what is broken, with a sentence.
 * What the headers alone make damaged passes if it is one of the faults that every browser shows: a JPEG or PNG without its
 * end, and a GIF that is cut after its first whole frame.
 * is_cut       of verdict_kind
 * s            as verdict_of_bytes left it
 * memory_most  of the renderer, for the sentence
 * Pure; the texts live in `a` */
void verdict_of_answer(const struct image_rules *rules, const struct render_answer *answer, bool is_cut, uint64_t memory_most,
	struct arena *a, struct resolution *s);
/* What decoding says of an image that is stored already: only verdict, damage and, where it is whole, what it shows are written. Nothing
 * is rejected, since what is stored may be all that there is of it. Pure; the texts live in `a` */
void verdict_of_stored(const struct render_answer *answer, struct arena *a, struct resolution *s);
/* Whether an uploaded image is fit to be shown as it is stored: what can identify a person was removed from it, or the rules leave it in, or
 * nobody can look for it in a type. An image of an older version is not, until it is stripped; nor is one that was found to be damaged. */
bool verdict_is_shown(const struct image_rules *rules, const struct image_row *row);
/* The kind of the four types that are decoded. false: it is another type */
bool verdict_media_kind(struct str media_type, enum render_kind *out) MUST_CHECK;
/* Whether it was found to be damaged after it had been stored. */
bool verdict_is_corrupt(const struct image_row *row);
/* SLOT_TAKEN: another image was uploaded here. */
enum status verdict_taken(struct fault *why);
/* The result of an upload whose row is not pending any more. OK: an image that was received with this size and SHA-256 is
 * there, or, where the row does not have that, one of this size and MD5, which may still have other bytes.
 * Errors  SLOT_TAKEN another file is there, verified or not; SLOT_ENDED it was rejected */
enum status verdict_of_repeat(const struct image_row *now, const struct received_bytes *what, struct fault *why) MUST_CHECK;

#endif
