/* The rules for bytes that reach images/: which keys are slots, which slots accept bytes, and the verdict
 * on a whole body. Content decides; the declared type must agree with it. */
#include "image/verdict.h"

#include "base/codec.h"
#include "base/hash.h"
#include "image/probe/probe.h"
#include "image/slot.h"

#define EXTENSION_MAX_CHARS 16
#define CORRUPT STR("corrupt")

struct str image_id_of_key(struct str key)
{
	struct str none = { NULL, 0 };
	if (!str_starts_with(key, IMAGE_PREFIX))
		return none;
	struct str rest = str_slice(key, IMAGE_PREFIX.n, key.n);
	struct str id = str_cut(&rest, '.');
	return uuid_valid(id) && rest.n <= EXTENSION_MAX_CHARS && str_consists_of_lower(rest, STR("")) ? id : none;
}

struct str image_id_of_variant(struct str folder, struct str key)
{
	if (!str_starts_with(key, folder))
		return STR("");
	struct str rest = str_slice(key, folder.n, key.n);
	struct str id = str_cut(&rest, '/');
	return uuid_valid(id) && rest.n > 0 ? id : STR("");
}

uint64_t verdict_max_bytes(const struct image_rules *rules, const struct image_row *row)
{
	assert(rules != NULL && row != NULL);
	return row->max_bytes > 0 && row->max_bytes < rules->max_size_bytes ? row->max_bytes : rules->max_size_bytes;
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

bool verdict_media_kind(struct str media_type, enum render_kind *out)
{
	static const enum render_kind KINDS[PROBE_TYPES] = { [PROBE_JPEG] = RENDER_JPEG,
		[PROBE_PNG] = RENDER_PNG,
		[PROBE_GIF] = RENDER_GIF,
		[PROBE_WEBP] = RENDER_WEBP,
		[PROBE_HEIC] = RENDER_HEIF,
		[PROBE_AVIF] = RENDER_HEIF };
	for (enum probe_type t = PROBE_JPEG; t < PROBE_TYPES; t++)
		if (str_equal(probe_media_type(t), media_type)) {
			*out = KINDS[t];
			return true;
		}
	return false;
}

/* A reason that does not fit in the arena must not turn the rejection into an acceptance. */
static struct str reject_reason(struct str formatted)
{
	return formatted.n > 0 ? formatted : STR("The image does not pass the checks.");
}

static struct str judge_size(uint64_t most, uint64_t size, struct arena *a)
{
	if (size == 0)
		return STR("The upload is empty: send the image's bytes.");
	if (size > most)
		return reject_reason(str_printf(a, "The file is %llu bytes, over the limit of %llu: send a smaller image.",
			(unsigned long long)size, (unsigned long long)most));
	return STR("");
}

/* "" when the bytes pass. */
static struct str judge_bytes(
	const struct image_rules *rules, const struct image_row *row, struct str bytes, struct arena *a, struct probe *p)
{
	enum probe_result result = probe_image(bytes, p);
	bool known = media_type_verifiable(row->file_type);
	if (result == PROBE_NOT_IMAGE && !known && media_type_unverified(rules, row->file_type))
		return STR("");
	if (result == PROBE_NOT_IMAGE && !known)
		return reject_reason(str_printf(a, "Files of type %.*s cannot be verified here and are not accepted.", STRF(row->file_type)));
	if (result == PROBE_NOT_IMAGE)
		return reject_reason(str_printf(a, "The file is not %.*s: %s.", STRF(row->file_type), p->why));
	struct str type = probe_media_type(p->type);
	if (!str_equal(type, row->file_type))
		return reject_reason(str_printf(
			a, "The file is %.*s, but the slot is for %.*s: request a new slot with the real fileType.", STRF(type), STRF(row->file_type)));
	if (!media_type_allowed(rules, type))
		return reject_reason(str_printf(a, "Images of type %.*s are not allowed.", STRF(type)));
	if (result != PROBE_OK)
		return reject_reason(str_printf(a, "The file looks like %.*s, but %s: it is damaged.", STRF(type), p->why));
	if (p->width > RENDER_SIDE_MAX || p->height > RENDER_SIDE_MAX)
		return reject_reason(str_printf(
			a, "The image is %u x %u pixels, but a side may have %u at most: send a smaller one.", p->width, p->height, RENDER_SIDE_MAX));
	if ((uint64_t)p->width * p->height <= rules->max_pixels)
		return STR("");
	return reject_reason(str_printf(a, "The image is %u x %u pixels, but %llu pixels in all are allowed: send a smaller one.", p->width,
		p->height, (unsigned long long)rules->max_pixels));
}

/* Of what was received, before anything was removed from it. */
static uint64_t received_bytes_size(const struct received_bytes *what)
{
	if (what->received_size > 0)
		return what->received_size;
	return what->size > 0 ? what->size : what->bytes.n;
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
	uint64_t received = received_bytes_size(what);
	struct str reason = judge_size(verdict_max_bytes(rules, row), received, a);
	assert(reason.n > 0 || size == what->bytes.n);
	if (reason.n == 0)
		reason = judge_bytes(rules, row, what->bytes, a, &p);
	bool rejected = reason.n > 0;
	*out = (struct resolution){ .image_id = row->image_id,
		.status = rejected ? IMAGE_REJECTED : IMAGE_UPLOADED,
		.file_type = row->file_type,
		.file_size = rejected ? received : size,
		.etag = what->etag,
		.modified_ms = what->modified_ms,
		.width = p.width,
		.height = p.height,
		.orientation = p.orientation,
		.frames = p.frames,
		.uploaded_ms = what->now_ms,
		.ends_ms = rejected ? what->now_ms + (int64_t)rules->rejected_ttl_s * 1000 : 0,
		.reason = reason,
		.received_size = received,
		.received_sha256 = what->received_sha256,
		.stripped = what->stripped,
		.removed = what->removed,
		.kept_metadata = what->kept_metadata,
		.verdict = STR(""),
		.damage = STR(""),
		.placeholder = STR(""),
		.color = STR("") };
}

bool verdict_kind(
	const struct image_rules *rules, const struct image_row *row, const struct received_bytes *what, enum render_kind *out, bool *is_cut)
{
	struct probe p = { 0 };
	uint64_t size = received_bytes_size(what);
	if (size == 0 || size > verdict_max_bytes(rules, row) || probe_image(what->bytes, &p) == PROBE_NOT_IMAGE)
		return false;
	*is_cut = p.is_cut;
	return str_equal(probe_media_type(p.type), row->file_type) && media_type_allowed(rules, row->file_type) &&
		!media_type_unverified(rules, row->file_type) && verdict_media_kind(row->file_type, out);
}

/* Whether browsers show what the headers refuse because it is cut. */
static bool is_shown(const struct resolution *s, const struct render_answer *answer)
{
	bool gif = str_equal(s->file_type, STR("image/gif")), webp = str_equal(s->file_type, STR("image/webp"));
	return (answer->code == RENDER_END_MISSING && !webp) || (answer->code == RENDER_LATER_FRAME && gif);
}

static void reject(const struct image_rules *rules, struct str reason, struct resolution *s)
{
	s->status = IMAGE_REJECTED;
	s->ends_ms = s->uploaded_ms + (int64_t)rules->rejected_ttl_s * 1000;
	s->reason = reject_reason(reason);
}

static struct str limit_reason(const struct render_answer *answer, uint64_t memory_most, struct arena *a)
{
	const uint64_t mib = 1 << 20;
	struct str sentence = render_code_sentence(answer->code);
	if (answer->code != RENDER_TOO_MUCH_MEMORY || answer->memory == 0)
		return str_printf(a, "The image %.*s: send a simpler or smaller one.", STRF(sentence));
	return str_printf(a, "The image needs %llu MiB of memory to decode, and --render-memory allows %llu: send a smaller or simpler one.",
		(unsigned long long)((answer->memory + mib - 1) / mib), (unsigned long long)(memory_most / mib));
}

static void put_findings(const struct render_answer *answer, struct arena *a, struct resolution *s)
{
	struct buf b;
	buf_init_arena(&b, a, 2 * RENDER_HASH_MAX);
	base64_encode(&b, (struct str){ (const char *)answer->hash, answer->hash_bytes });
	s->placeholder = buf_str(&b);
	if (answer->hash_bytes > 0)
		s->color = str_printf(a, "#%06x", answer->dominant >> 8);
	s->width = answer->width;
	s->height = answer->height;
	if (s->frames == 0)
		s->frames = answer->frames;
}

static void put_verdict(const struct render_answer *answer, struct arena *a, struct resolution *s)
{
	const struct str verdicts[] = {
		[RENDER_INTACT] = STR("ok"), [RENDER_BLEMISHED] = STR("recoverable"), [RENDER_BROKEN] = CORRUPT, [RENDER_LIMIT] = STR("")
	};
	s->verdict = verdicts[answer->verdict];
	s->damage = answer->code == RENDER_NONE || answer->verdict == RENDER_LIMIT ? STR("") : str_lower(a, render_code_name(answer->code));
}

void verdict_of_answer(const struct image_rules *rules, const struct render_answer *answer, bool is_cut, uint64_t memory_most,
	struct arena *a, struct resolution *s)
{
	assert(rules != NULL && answer != NULL && s != NULL);
	bool refused = s->status == IMAGE_REJECTED, good = answer->verdict <= RENDER_BLEMISHED;
	struct str sentence = render_code_sentence(answer->code);
	put_verdict(answer, a, s);
	if (refused && good && !(is_cut && is_shown(s, answer))) { /* the headers' reason stays */
		s->verdict = CORRUPT;
		return;
	}
	if (answer->verdict == RENDER_LIMIT && !refused)
		reject(rules, limit_reason(answer, memory_most, a), s);
	else if (!good && !refused)
		reject(rules, str_printf(a, "The image %.*s: it is damaged. Export it again, and upload the result.", STRF(sentence)), s);
	else if (good && answer->code != RENDER_NONE && rules->check == CHECK_STRICT)
		reject(rules, str_printf(a, "The image %.*s, and only images without any damage are accepted.", STRF(sentence)), s);
	else if (good) {
		s->status = IMAGE_UPLOADED;
		s->ends_ms = 0;
		s->reason = STR("");
		put_findings(answer, a, s);
	}
}

void verdict_of_stored(const struct render_answer *answer, struct arena *a, struct resolution *s)
{
	assert(answer != NULL && s != NULL);
	put_verdict(answer, a, s);
	if (answer->verdict <= RENDER_BLEMISHED)
		put_findings(answer, a, s);
}

bool verdict_is_corrupt(const struct image_row *row)
{
	return row->status == IMAGE_UPLOADED && str_equal(row->verdict, CORRUPT);
}

bool verdict_is_shown(const struct image_rules *rules, const struct image_row *row)
{
	return row->status == IMAGE_UPLOADED && !verdict_is_corrupt(row) &&
		(row->stripped || !rules->strip || !media_type_verifiable(row->file_type));
}

enum status verdict_taken(struct fault *why)
{
	return fault_set(why, SLOT_TAKEN, "Another image was uploaded here before, and images never change: request a new slot.");
}

enum status verdict_of_repeat(const struct image_row *now, const struct received_bytes *what, struct fault *why)
{
	assert(now != NULL && what != NULL);
	bool same = now->received_sha256.n > 0
		? now->received_size == what->received_size && str_equal(now->received_sha256, what->received_sha256)
		: now->file_size == what->bytes.n && str_equal(now->etag, what->etag);
	switch (now->status) {
	case IMAGE_UPLOADED:
		return same ? OK : verdict_taken(why);
	case IMAGE_PENDING:
		return fault_set(why, SLOT_TAKEN, "Another file was uploaded here and is waiting to be verified.");
	case IMAGE_REJECTED:
		break;
	}
	return fault_set(why, SLOT_ENDED, "This upload was rejected and its slot is closed: request a new one.");
}
