/* An object was written. What is done depends on the row:
 *
 *   none       the object is deleted: nothing may be in the store without a row. The row is
 *              durable before the URL is returned, so the row is not merely late.
 *   pending    it is verified and resolved
 *   uploaded   of the object with this ETag and time: these bytes are known. Of another: the object was written
 *              again, through a URL that was still valid; it is verified like the first
 *   rejected   the object is deleted: a rejected slot is closed
 *
 * Each step may be repeated, and each decision is made on what is there now. */
#include "image/reconcile.h"

#include "image/publication.h"
#include "image/thumb_set.h"
#include "image/verdict.h"
#include "image/verify.h"

static const char *const names[RECONCILE_OUTCOMES] = { "accepted", "rejected", "known", "gone", "unexplained", "unwanted" };

const char *reconcile_outcome_name(enum reconcile_outcome outcome)
{
	assert((size_t)outcome < RECONCILE_OUTCOMES);
	return names[outcome];
}

static enum status delete_object(struct product *p, struct str key, enum reconcile_outcome what, struct reconciled *out, struct fault *why)
{
	TRY(store_remove(p->store, key, why));
	if (out->image_id.n > 0) /* a crash may have left some */
		thumbnails_remove(p->thumbnails, &(struct image_row){ .image_id = out->image_id });
	out->outcome = what;
	return OK;
}

/* An image that is accepted gets its thumbnails; one that was accepted before and has none yet, because asking failed, as well. */
static enum status ask_for_thumbnails(struct product *p, const struct image_row *row, struct fault *why)
{
	return row->status == IMAGE_UPLOADED ? thumb_set_request(p->thumbnails, row, why) : OK;
}

static enum status verify_row(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct reconciled *out, struct fault *why)
{
	struct image_row now = { 0 };
	enum status end = verify_object(p, row, now_ms, a, &now, why);
	if (end == NOT_FOUND && why->code == F_NO_SUCH_KEY) {
		out->outcome = RECONCILE_GONE;
		return OK;
	}
	if (end == NOT_FOUND) /* the row was deleted in the meantime */
		return delete_object(p, row->key, RECONCILE_ORPHAN, out, why);
	TRY(end);
	out->outcome = now.status == IMAGE_REJECTED ? RECONCILE_REJECTED : RECONCILE_ACCEPTED;
	out->reason = now.reason;
	return ask_for_thumbnails(p, &now, why);
}

/* The row is resolved: compare the object that is there with it. */
static enum status compare_object(
	struct product *p, const struct image_row *row, int64_t now_ms, struct arena *a, struct reconciled *out, struct fault *why)
{
	struct object_info there;
	enum status got = store_head(p->store, row->key, a, &there, why);
	if (got == NOT_FOUND) {
		out->outcome = RECONCILE_GONE;
		return OK;
	}
	TRY(got);
	if (verify_is_current(p, row, &there)) {
		TRY(publication_update(p, row, PUBLICATION_CHECK, why));
		out->outcome = RECONCILE_KNOWN;
		return ask_for_thumbnails(p, row, why);
	}
	struct image_row now = { 0 };
	TRY(verify_row(p, row, now_ms, a, out, why));
	if (out->outcome != RECONCILE_ACCEPTED)
		return OK;
	TRY(table_get(p->table, row->image_id, a, &now, why));
	if (now.status != IMAGE_UPLOADED || str_equal(now.etag, there.etag))
		return OK;
	TRY(store_head(p->store, row->key, a, &there, why)); /* verifying may have replaced it */
	if (str_equal(now.etag, there.etag))
		return OK;
	return fault_set(why, STATE_CHANGED, "the object was overwritten while it was being verified");
}

static enum status confirm_row(struct product *p, const struct image_row *row, const struct written_object *what, struct arena *a,
	struct reconciled *out, struct fault *why)
{
	switch (row->status) {
	case IMAGE_PENDING:
		return verify_row(p, row, what->now_ms, a, out, why);
	case IMAGE_REJECTED:
		return delete_object(p, row->key, RECONCILE_REJECTED_BEFORE, out, why);
	case IMAGE_UPLOADED:
		break;
	}
	return compare_object(p, row, what->now_ms, a, out, why);
}

enum status reconcile_object(
	struct product *p, const struct written_object *what, struct arena *a, struct reconciled *out, struct fault *why)
{
	assert(p != NULL);
	assert(what != NULL);
	assert(a != NULL);
	assert(out != NULL);
	struct image_row row;
	struct reconciled made = { .image_id = image_id_of_key(what->key) };
	struct fault lost = { 0 };
	if (!str_starts_with(what->key, IMAGE_PREFIX))
		return fault_set(why, KEY_INVALID, "the object is not under images/");
	if (why == NULL)
		why = &lost;
	enum status got = made.image_id.n == 0 ? NOT_FOUND : table_get(p->table, made.image_id, a, &row, why);
	if (got == NOT_FOUND || (got == OK && !str_equal(row.key, what->key)))
		got = delete_object(p, what->key, RECONCILE_ORPHAN, &made, why);
	else if (got == OK)
		got = confirm_row(p, &row, what, a, &made, why);
	if (got == OK)
		*out = made;
	return got;
}
