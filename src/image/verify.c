/* Verify an object whose row is pending. See verify.h. The object is read into an arena of its own,
 * so that the memory of a request or of a sweep's step need not hold an image. */
#include "image/verify.h"

#include "base/metrics.h"
#include "image/verdict.h"

#define CLOCKS_APART_MS 5000
#define BESIDE_BYTES ((size_t)64 << 10) /* what is read next to the object's own bytes */

/* Stores give the time of a write in whole seconds, by clocks of their own. Only when that second is over can no
 * later write have the same time. */
static int64_t certain_time(int64_t modified_ms, int64_t now_ms)
{
	return now_ms - modified_ms > CLOCKS_APART_MS ? modified_ms : 0;
}

/* An object over the limit is not read: its size is enough for the verdict. A LIMIT for any other reason
 * (no memory for it) says nothing about the object and must not end in one. */
static enum status read_object(struct product *p, struct str key, struct arena *a, struct received_bytes *out, struct fault *why)
{
	struct object o = { 0 };
	enum status got = store_get(p->store, key, p->rules.max_size_bytes, a, &o, why);
	if (got == LIMIT) {
		TRY(store_head(p->store, key, a, &o.info, why));
		if (o.info.size <= p->rules.max_size_bytes)
			return fault_too_much(why);
		got = OK;
	}
	TRY(got);
	*out = (struct received_bytes){ .bytes = o.body, .size = o.info.size, .etag = o.info.etag, .modified_ms = o.info.modified_ms };
	return OK;
}

static enum status resolve_row(struct product *p, const struct resolution *s, struct arena *a, struct image_row *now, struct fault *why)
{
	enum status end = table_resolve(p->table, s, a, now, why);
	if (end == CONFLICT) /* another call resolved it first, which is fine */
		return OK;
	if (end == OK)
		metric_add(s->status == IMAGE_UPLOADED ? M_UPLOADS_ACCEPTED : M_UPLOADS_REJECTED, 1);
	return end;
}

enum status verify_object(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why)
{
	assert(p != NULL);
	assert(row != NULL);
	assert(a != NULL);
	assert(now != NULL);
	struct arena scratch CLEANUP(arena_deinit);
	struct received_bytes what;
	struct resolution s;
	arena_init(&scratch, (size_t)p->rules.max_size_bytes + BESIDE_BYTES);
	TRY(read_object(p, row->key, &scratch, &what, why));
	what.now_ms = now_ms;
	what.modified_ms = certain_time(what.modified_ms, now_ms);
	verdict_of_bytes(&p->rules, row, &what, &scratch, &s);
	s.replaces = row->status == IMAGE_UPLOADED ? row->etag : STR("");
	if (s.status == IMAGE_UPLOADED && str_equal(s.replaces, s.etag))
		s.uploaded_ms = row->uploaded_ms; /* most likely the same bytes */
	TRY(resolve_row(p, &s, a, now, why));
	return now->status == IMAGE_REJECTED ? store_remove(p->store, row->key, why) : OK;
}

bool look_is_current(const struct product *p, const struct image_row *row, const struct object_info *there)
{
	bool same_time = row->modified_ms != 0 && row->modified_ms / 1000 == there->modified_ms / 1000;
	return str_equal(row->etag, there->etag) && (same_time || !p->objects_change);
}

enum status look_again(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct image_row *now, struct fault *why)
{
	struct object_info there;
	TRY(store_head(p->store, row->key, a, &there, why));
	if (!look_is_current(p, row, &there))
		return verify_object(p, row, now_ms, a, now, why);
	*now = *row;
	return OK;
}
