/* See commit.h. Conditions are checked in the commit itself, so that of two at once one whole object
 * wins. apply runs on the commit thread, the rest on the caller's. */
#include "store/tables/commit.h"

#include "base/object_key.h"
#include "store/engine.h"
#include "store/tables/objects.h"
#include "store/tables/uploads.h"

#include <assert.h>

static enum status apply_part(struct writer *w, struct commit_change *cc, const struct object_place *at)
{
	struct upload_id id;

	if (!upload_id_read(cc->commit->upload_id, &id))
		return no_such_upload(cc->change.why);
	TRY(uploads_find(w, &id, at, cc->change.why));
	return uploads_put_part(w, &id, cc->commit, &cc->arrival);
}

static enum status apply_commit(struct writer *w, struct change *c)
{
	struct commit_change *cc = (struct commit_change *)c;
	struct object_place at = { .key = cc->commit->key, .content_type = cc->commit->content_type };

	TRY(rows_need_bucket(w, cc->commit->bucket, &at.bucket, c->why));
	if (cc->commit->upload_id.n > 0)
		return apply_part(w, cc, &at);
	struct stored old;
	TRY(rows_find_object(w, &at, &cc->commit->condition, &old, c->why));
	if (cc->commit->insert != NULL) {
		if (old.there)
			return fault_set(c->why, STATE_CHANGED, "An object with this key already exists.");
		TRY(images_insert_resolved(w, cc->commit->insert, &cc->resolving, c->why));
	} else if (cc->commit->resolve != NULL) {
		TRY(images_find_resolved(w, &cc->resolving, c->why));
		if (old.there != (cc->commit->resolve->replaces.n > 0))
			return fault_set(c->why, STATE_CHANGED, old.there ? "An object with this key already exists." : "The object is gone.");
		TRY(images_resolve(w, &cc->resolving, c->why));
	}
	return rows_put_object(w, &at, &cc->arrival, &old);
}

enum status commit_prepare(struct commit_change *cc, const struct object_commit *c, const struct new_body *arrival, struct fault *why)
{
	/* A rejected body is not kept: its row is resolved by table_resolve and the body abandoned. */
	assert(c->bucket.n > 0 && c->key.n > 0 && c->key.n <= OBJECT_KEY_MAX_BYTES && arrival->etag.n > 0);
	assert(c->resolve == NULL || (c->resolve->status == IMAGE_UPLOADED && c->arena != NULL && c->now != NULL));
	assert(c->insert == NULL || c->resolve != NULL);
	assert(c->upload_id.n == 0 || (c->part_number >= 1 && c->part_number <= PART_NUMBER_MAX));
	*cc = (struct commit_change){
		.change = { .apply = apply_commit, .why = why, .names_file = !arrival->inlined },
		.commit = c,
		.arrival = *arrival,
		.resolving = { .s = c->resolve, .arena = c->arena, .now = c->now },
	};
	buf_init(&cc->meta, META_MAX_BYTES);
	cc->arrival.checksum_flags = meta_flags(&c->meta);
	if (c->upload_id.n == 0)
		meta_encode(&c->meta, &cc->meta);
	cc->arrival.meta = buf_str(&cc->meta);
	if (buf_ok(&cc->meta))
		return OK;
	bool starved = cc->meta.starved;
	buf_deinit(&cc->meta);
	return starved ? fault_no_memory(why) : fault_set(why, TOO_MUCH, "The object has more metadata than can be stored.");
}

void commit_end(struct engine *e, struct commit_change *cc)
{
	if (cc->change.status == OK && !cc->arrival.inlined)
		publisher_add_file(&e->publisher, cc->arrival.file);
	buf_deinit(&cc->meta);
}

enum status commit_run(struct engine *e, const struct object_commit *c, const struct new_body *arrival, struct fault *why)
{
	struct commit_change cc;

	TRY(commit_prepare(&cc, c, arrival, why));
	enum status status = group_commit_run(&e->group_commit, &cc.change);
	commit_end(e, &cc);
	return status;
}
