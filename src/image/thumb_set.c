/* See thumb_set.h. The object is read once, and decoded once for RENDER_PRESETS_MAX thumbnails. What is kept has the names of the
 * presets, not of the bytes: so when the row turns out to be of other bytes, all are made again of those. */
#include "image/thumb_set.h"

#include "base/log/log.h"
#include "base/metrics.h"
#include "image/publication.h"
#include "image/verdict.h"

#define ROUNDS_MAX 3 /* as often as the bytes may be replaced while their thumbnails are made */
#define MEMBERS_MAX ((size_t)THUMBNAIL_PRESETS_MAX * 2)
#define ROW_BYTES ((size_t)64 << 10)
#define OBJECT_SPARE ((size_t)256 << 10) /* what is read next to the object's own bytes */
#define ANSWER_BYTES ((size_t)5 << 20)   /* of one job: the renderer's output window, and texts */

static const char *const names[THUMB_SET_OUTCOMES] = { "made", "complete", "none", "broken", "stale", "gone" };

const char *thumb_set_outcome_name(enum thumb_set_outcome outcome)
{
	assert((size_t)outcome < THUMB_SET_OUTCOMES);
	return names[outcome];
}

struct member {
	size_t preset;
	enum render_format format;
	bool is_there;
};

struct thumb_set {
	struct thumbnails *t;
	struct product *product;
	struct arena a; /* of the row and the object */
	struct image_row row;
	struct member members[MEMBERS_MAX];
	size_t n;
	uint64_t bytes, made; /* of those that were made in this round */
};

static struct str variant_of(const struct thumb_set *s, size_t i)
{
	return thumbnails_variant(s->t, s->members[i].preset, s->members[i].format);
}

/* What an image is to have, and what of it the row has. */
static void list_members(struct thumb_set *s, bool trusts_row)
{
	enum render_format formats[2];
	s->n = 0;
	for (size_t p = 0; p < thumbnails_count(s->t); p++)
		for (size_t f = 0, n = thumbnails_formats(s->t, p, &s->row, formats); f < n; f++) {
			s->members[s->n] = (struct member){ .preset = p, .format = formats[f] };
			s->members[s->n].is_there = trusts_row && thumbnails_recorded(&s->row, variant_of(s, s->n));
			s->n++;
		}
}

static bool is_complete(const struct thumb_set *s)
{
	size_t i = 0;
	while (i < s->n && s->members[i].is_there)
		i++;
	return i == s->n;
}

enum status thumb_set_request(struct thumbnails *t, const struct image_row *row, struct fault *why)
{
	struct thumb_set s = { .t = t, .row = *row };
	if (t == NULL || thumbnails_queue(t) == NULL || !thumbnails_possible(row))
		return OK;
	list_members(&s, true);
	return is_complete(&s) ? OK : thumb_queue_send(thumbnails_queue(t), row->image_id, row->etag, why);
}

/* Bytes that were written over those that were verified are not decoded here.
 * out  n = 0: they are not there */
static enum status read_verified(struct thumb_set *s, struct str *out, struct fault *why)
{
	struct object object;
	*out = STR("");
	enum status got = store_get(s->product->store, s->row.key, s->row.file_size, &s->a, &object, why);
	if (got != OK && (why->code == F_NO_SUCH_KEY || why->code == F_IMAGE_TOO_LARGE))
		return OK;
	TRY(got);
	if (str_equal(object.info.etag, s->row.etag))
		*out = object.body;
	return OK;
}

/* The thumbnails of one job, and which members they are. */
struct portion {
	struct render_preset presets[RENDER_PRESETS_MAX];
	size_t of[RENDER_PRESETS_MAX], n;
};

/* The next members that are missing. */
static struct portion next_portion(const struct thumb_set *s, size_t from)
{
	struct portion p = { .n = 0 };
	for (size_t i = from; i < s->n && p.n < RENDER_PRESETS_MAX; i++)
		if (!s->members[i].is_there) {
			p.presets[p.n] = *thumbnails_as(s->t, s->members[i].preset, s->members[i].format);
			p.of[p.n++] = i;
		}
	return p;
}

/* whole  false: the picture could not be rendered */
static enum status make_portion(struct thumb_set *s, struct str bytes, const struct portion *p, bool *whole, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct renderer_result made;
	struct renderer_job job = { .ops = RENDER_THUMB, .fd = -1, .bytes = bytes, .preset = p->presets, .presets = p->n };
	arena_init(&a, ANSWER_BYTES);
	*whole = verdict_media_kind(s->row.file_type, &job.kind);
	assert(*whole && s->product->renderer != NULL);
	TRY(renderer_run(s->product->renderer, &job, &a, &made, why));
	*whole = made.answer.presets == p->n;
	if (!*whole)
		LOG(THUMBS_BROKEN, STR(""), LOG_S("imageId", s->row.image_id), LOG_S("code", render_code_name(made.answer.code)));
	for (size_t i = 0; i < p->n && *whole; i++) {
		TRY(thumbnails_keep(s->t, &s->row, variant_of(s, p->of[i]), made.thumb[i], why));
		s->members[p->of[i]].is_there = true;
		s->bytes += made.thumb[i].n;
		s->made++;
	}
	return OK;
}

static enum status make_missing(struct thumb_set *s, struct str bytes, bool *whole, struct fault *why)
{
	*whole = true;
	for (struct portion p = next_portion(s, 0); *whole && p.n > 0; p = next_portion(s, p.of[p.n - 1] + 1))
		TRY(make_portion(s, bytes, &p, whole, why));
	return OK;
}

/* What this call has put, or one that was ended before it could record; the owner was not charged for it. */
static void remove_made(struct thumb_set *s, struct str image_id)
{
	thumbnails_remove(s->t, &(struct image_row){ .image_id = image_id });
}

/* In the row, where it is still of these bytes.
 * Errors  STATE_CHANGED it is of others */
static enum status record(struct thumb_set *s, bool whole, enum thumb_set_outcome *out, struct fault *why)
{
	struct image_row now;
	struct buf list;
	*out = whole ? THUMB_SET_MADE : THUMB_SET_BROKEN;
	metric_add(M_THUMBS_MADE, (int64_t)s->made);
	metric_add(M_THUMBS_FAILED, whole ? 0 : 1);
	if (s->made == 0)
		return OK;
	buf_init_arena(&list, &s->a, MEMBERS_MAX * (THUMB_NAME_MAX + 1));
	for (size_t i = 0; i < s->n; i++)
		if (s->members[i].is_there)
			buf_printf(&list, "%s%.*s", list.n > 0 ? "," : "", STRF(variant_of(s, i)));
	TRY(fault_check_buf(&list, why));
	enum status st = table_set_thumbs(s->product->table, s->row.image_id, s->row.etag, buf_str(&list), &s->a, &now, why);
	if (st == OK) {
		thumbnails_charge(s->t, &s->row, (int64_t)s->bytes);
		st = publication_update(s->product, &now, PUBLICATION_THUMBS, why);
	}
	if (st != NOT_FOUND)
		return st;
	remove_made(s, s->row.image_id);
	*out = THUMB_SET_GONE;
	return OK;
}

/* trusts_row  false: those that are recorded may be of other bytes */
static enum status make_once(struct thumb_set *s, bool trusts_row, enum thumb_set_outcome *out, struct fault *why)
{
	struct str bytes;
	bool whole;
	s->bytes = s->made = 0;
	list_members(s, trusts_row);
	*out = !thumbnails_possible(&s->row) || s->n == 0 ? THUMB_SET_NONE : THUMB_SET_COMPLETE;
	if (s->row.status == IMAGE_REJECTED)
		remove_made(s, s->row.image_id);
	if (*out == THUMB_SET_NONE)
		return OK;
	if (is_complete(s)) /* the call that made them may have ended before they were copied */
		return publication_update(s->product, &s->row, PUBLICATION_THUMBS, why);
	TRY(read_verified(s, &bytes, why));
	if (bytes.n == 0) {
		*out = THUMB_SET_STALE;
		return OK;
	}
	struct fault failed = { 0 };
	enum status st = make_missing(s, bytes, &whole, &failed);
	if (st == OK || s->made > 0) /* the next call goes on from there */
		TRY(record(s, whole, out, why));
	if (st != OK)
		*why = failed;
	return st;
}

static void thumb_set_deinit(struct thumb_set *s)
{
	arena_deinit(&s->a);
}

static enum status read_row(struct thumb_set *s, struct str image_id, struct fault *why)
{
	struct arena row CLEANUP(arena_deinit);
	struct image_row found;
	arena_init(&row, ROW_BYTES);
	TRY(fault_blame_arena(&row, table_get(s->product->table, image_id, &row, &found, why), why));
	arena_deinit(&s->a);
	arena_init(&s->a, (size_t)found.file_size + OBJECT_SPARE + 2 * ROW_BYTES);
	s->row = image_row_dup(&found, &s->a);
	return fault_check_arena(&s->a, why);
}

enum status thumb_set_make(struct thumbnails *t, struct str image_id, struct str etag, enum thumb_set_outcome *out, struct fault *why)
{
	assert(t != NULL && out != NULL);
	struct thumb_set s CLEANUP(thumb_set_deinit) = { .t = t, .product = thumbnails_product(t) };
	enum status st = CONFLICT;
	for (int round = 0; round < ROUNDS_MAX && st == CONFLICT; round++) {
		st = read_row(&s, image_id, why);
		if (st == NOT_FOUND) {
			remove_made(&s, image_id);
			*out = THUMB_SET_GONE;
			return OK;
		}
		TRY(st);
		st = make_once(&s, round == 0 && str_equal(s.row.etag, etag), out, why);
	}
	return st;
}
