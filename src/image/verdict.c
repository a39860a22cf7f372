/* The rules for bytes that reach images/: which keys are slots, which slots accept bytes, and the verdict
 * on a whole body. Content decides; the declared type must agree with it. */
#include "image/verdict.h"

#include "base/hash.h"
#include "image/probe/probe.h"
#include "image/slot.h"

#define EXTENSION_MAX_CHARS 16

struct str image_id_of_key(struct str key)
{
	struct str none = { NULL, 0 };
	if (!str_starts_with(key, IMAGE_PREFIX))
		return none;
	struct str rest = str_slice(key, IMAGE_PREFIX.n, key.n);
	struct str id = str_cut(&rest, '.');
	return uuid_valid(id) && rest.n <= EXTENSION_MAX_CHARS && str_consists_of_lower(rest, STR("")) ? id : none;
}

static enum status no_slot(struct fault *why)
{
	return fault_set(why, SLOT_ENDED, "No upload slot for this key, or it has expired: request a new one.");
}

enum status verdict_check_slot(
	struct product *p, struct str id, struct str key, int64_t now_ms, struct arena *a, struct image_row *row, struct fault *why)
{
	assert(p != NULL);
	assert(a != NULL);
	assert(row != NULL);
	struct image_row found;
	if (id.n == 0)
		return no_slot(why);
	enum status got = table_get(p->table, id, a, &found, why);
	if (got == NOT_FOUND || (got == OK && !str_equal(found.key, key)))
		return no_slot(why);
	TRY(got);
	if (found.status == IMAGE_REJECTED)
		return fault_set(why, SLOT_ENDED, "This upload was rejected and its slot is closed: request a new one. %.*s", STRF(found.reason));
	if (found.status == IMAGE_PENDING && found.ends_ms != 0 && found.ends_ms <= now_ms)
		return no_slot(why);
	*row = found;
	return OK;
}

/* Whether the probe can recognize this type. */
static bool is_known(struct str media_type)
{
	for (enum probe_type t = PROBE_JPEG; t <= PROBE_WEBP; t++)
		if (str_equal(probe_media_type(t), media_type))
			return true;
	return false;
}

/* A reason that does not fit in the arena must not turn the rejection into an acceptance. */
static struct str reject_reason(struct str formatted)
{
	return formatted.n > 0 ? formatted : STR("The image does not pass the checks.");
}

static struct str judge_size(const struct image_rules *rules, uint64_t size, struct arena *a)
{
	if (size == 0)
		return STR("The upload is empty: send the image's bytes.");
	if (size > rules->max_size_bytes)
		return reject_reason(str_printf(a, "The file is %llu bytes, over the limit of %llu: send a smaller image.",
			(unsigned long long)size, (unsigned long long)rules->max_size_bytes));
	return STR("");
}

/* "" when the bytes pass. */
static struct str judge_bytes(
	const struct image_rules *rules, const struct image_row *row, struct str bytes, struct arena *a, struct probe *p)
{
	enum probe_result result = probe_image(bytes, p);
	if (result == PROBE_NOT_IMAGE && !is_known(row->file_type))
		return STR("");
	if (result == PROBE_NOT_IMAGE)
		return reject_reason(str_printf(a, "The bytes are not %.*s: %s.", STRF(row->file_type), p->why));
	struct str type = probe_media_type(p->type);
	if (!str_equal(type, row->file_type))
		return reject_reason(str_printf(
			a, "The file is %.*s, but the slot is for %.*s: request a new slot with the real fileType.", STRF(type), STRF(row->file_type)));
	if (!media_type_allowed(rules, type))
		return reject_reason(str_printf(a, "Images of type %.*s are not allowed.", STRF(type)));
	if (result != PROBE_OK)
		return reject_reason(str_printf(a, "The file looks like %.*s, but %s: it is damaged.", STRF(type), p->why));
	if ((uint64_t)p->width * p->height <= rules->max_pixels)
		return STR("");
	return reject_reason(str_printf(a, "The image is %u x %u pixels, but %llu pixels in all are allowed: send a smaller one.", p->width,
		p->height, (unsigned long long)rules->max_pixels));
}

void verdict_of_bytes(const struct image_rules *rules, const struct image_row *row, const struct received_bytes *what, struct arena *a,
	struct resolution *out)
{
	assert(rules != NULL);
	assert(row != NULL);
	assert(a != NULL);
	assert(out != NULL);
	struct probe p = { 0 };
	uint64_t size = what->size > 0 ? what->size : what->bytes.n;
	struct str reason = judge_size(rules, size, a);
	assert(reason.n > 0 || size == what->bytes.n);
	if (reason.n == 0)
		reason = judge_bytes(rules, row, what->bytes, a, &p);
	bool rejected = reason.n > 0;
	*out = (struct resolution){ .image_id = row->image_id,
		.status = rejected ? IMAGE_REJECTED : IMAGE_UPLOADED,
		.file_type = row->file_type,
		.file_size = size,
		.etag = what->etag,
		.modified_ms = what->modified_ms,
		.width = p.width,
		.height = p.height,
		.orientation = p.orientation,
		.frames = p.frames,
		.uploaded_ms = what->now_ms,
		.ends_ms = rejected ? what->now_ms + (int64_t)rules->rejected_ttl_s * 1000 : 0,
		.reason = reason };
}

enum status verdict_taken(struct fault *why)
{
	return fault_set(why, SLOT_TAKEN, "Another image was uploaded here before, and images never change: request a new slot.");
}

enum status verdict_of_repeat(const struct image_row *now, uint64_t size, struct str etag, struct fault *why)
{
	assert(now != NULL);
	switch (now->status) {
	case IMAGE_UPLOADED:
		if (now->file_size == size && str_equal(now->etag, etag))
			return OK;
		return verdict_taken(why);
	case IMAGE_PENDING:
		return fault_set(why, SLOT_TAKEN, "Another file was uploaded here and is waiting to be verified.");
	case IMAGE_REJECTED:
		break;
	}
	return fault_set(why, SLOT_ENDED, "This upload was rejected and its slot is closed: request a new one.");
}
