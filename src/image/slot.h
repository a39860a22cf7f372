/* Upload slots: a client announces what it is going to upload and gets a URL or a form for exactly that.
 * The caller inserts the row from slot_prepare, and returns the URL only when that is durable. */
#ifndef IMAGE_SLOT_H
#define IMAGE_SLOT_H

#include "base/fault.h"
#include "image/product.h"

#define FILE_NAME_MAX_BYTES 255

struct slot_request {
	struct str file_name; /* UTF-8, 1..255 bytes, not blank, no U+0000 */
	struct str file_type; /* media type; image/jpg and upper case are accepted, parameters refused */
	bool has_size;
	uint64_t file_size;
	bool form;                         /* a POST form in place of a PUT URL */
	struct str owner, issuer, subject; /* "": none */
	bool anonymous;                    /* the caller is not identified, and gets a token with which to delete the image */
	bool has_on_behalf_of;
	struct str on_behalf_of; /* of the request's body: the user in whose name it is made, as the application calls them */
	struct str metadata;     /* as the row's */
	/* What only tightens the rules; more than they allow has no effect. */
	uint64_t max_size;        /* bytes; 0: as the rules */
	struct str allowed_types; /* media types with commas, of which fileType must be one; "": as the rules */
	uint32_t expires_in_s;    /* of the URL; 0: as the rules */
	struct str body_sha256;   /* hex: of the image that came with the request; "": none did */
	/* The Idempotency-Key, from which with the owner the image's id is derived, and for anonymous requests the delete token; "": none. Requires
	 * the product's request secret. */
	struct str request_key;
	bool has_visibility;
	bool is_public; /* with has_visibility; else the rules say it */
};

struct slot {
	struct image_row row;
	struct str delete_token;      /* of an anonymous request; else "" */
	struct str url;               /* PUT: presigned; form: where to POST */
	struct str address;           /* fileUrl */
	const struct header *headers; /* PUT: what the client must set; form: the fields */
	size_t n_headers;
	int64_t signed_ms; /* when the URL or the form was made */
	int64_t expires_ms;
};

/* Derive the product's request secret from a key, of which nobody can find out anything by it.
 * key     the same on all servers of a table; not empty */
void slot_set_secret(struct product *p, struct str key);

/* Validate, generate id and token, compute the URL or the form; does no I/O. The slot must not be returned before
 * its row is in the table.
 * Errors  BAD_FIELD (text names the field); TYPE_NOT_ALLOWED; IMAGE_TOO_LARGE; TOO_MUCH */
enum status slot_prepare(struct product *p, const struct slot_request *r, struct arena *a, struct slot *out, struct fault *why) MUST_CHECK;
/* The row alone, with its id and token: for an image that comes without a slot.  Errors: those of slot_prepare */
enum status slot_prepare_row(
	struct product *p, const struct slot_request *r, struct arena *a, struct slot *out, struct fault *why) MUST_CHECK;
/* Compute the URL or the form of a row that is pending once more, as long as it has not ended.
 * r       as it was in slot_prepare
 * Errors  SLOT_ENDED; TOO_MUCH */
enum status slot_renew(struct product *p, const struct slot_request *r, const struct image_row *row, struct arena *a, struct slot *out,
	struct fault *why) MUST_CHECK;
/* Whether this has the form of a delete token, of those too that earlier versions made. */
bool delete_token_valid(struct str s);
/* Check a client's file name; a valid one is stored intact. Pure.
 * Errors  BAD_FIELD missing, empty, only blanks, too long, ill-formed UTF-8, or with U+0000 */
enum status file_name_check(struct str name, struct fault *why) MUST_CHECK;
/* The canonical form of a client's media type: lower case, image/jpg is image/jpeg.
 * Errors  BAD_FIELD not type/subtype, or with parameters; TYPE_NOT_ALLOWED */
enum status media_type_read(
	const struct image_rules *rules, struct str text, struct arena *a, struct str *out, struct fault *why) MUST_CHECK;
/* Whether a canonical media type is one of a list with commas; image/jpg in the list is image/jpeg, and case does not matter. */
bool media_type_listed(struct str list, struct str media_type);
#define MEDIA_TYPES_SHOWN_BYTES 160
/* A list with commas for a sentence, "image/jpeg, image/png"; what does not fit is cut off.
 * memory   lives as long as what is given back */
struct str media_types_shown(struct str list, char memory[MEDIA_TYPES_SHOWN_BYTES]);
/* Refuse a file of too many bytes, in words: IMAGE_TOO_LARGE. */
enum status refuse_size(uint64_t most, struct fault *why);
/* Whether a text is a media type, without parameters, in any case. */
bool media_type_valid(struct str text);
/* Whether the rules allow this canonical media type. */
bool media_type_allowed(const struct image_rules *rules, struct str media_type);
/* Whether files of this type can be verified, and stripped of metadata. */
bool media_type_verifiable(struct str media_type);
/* Whether the rules accept this type although files of it cannot be verified. */
bool media_type_unverified(const struct image_rules *rules, struct str media_type);
/* Whether the two lists of types in the rules go together; at the start of every program that accepts images.
 * Errors  BAD_SETTING a type that cannot be verified is allowed without being named as such, or the other way round */
enum status media_types_check(const struct image_rules *rules, struct fault *why) MUST_CHECK;
/* HEIC or AVIF, whose pixels only tintype-render-more decodes. */
bool media_type_is_heif(struct str media_type);
/* Whether the rules accept such images as verified ones. */
bool media_types_need_heif(const struct image_rules *rules);
/* Whether every browser shows bytes of this canonical type as an image. HEIC and AVIF are shown by their thumbnails; documents (SVG,
 * HTML, PDF) and what cannot be verified never are. All these are downloads. */
bool media_type_displayable(struct str media_type);
/* The Content-Type that an image is delivered with: that of unverified bytes says nothing about them. */
struct str media_type_served(const struct image_row *row);
/* "jpg" for image/jpeg; "bin" for a type without a known extension. */
struct str media_type_extension(struct str media_type);

#endif
