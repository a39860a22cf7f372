/* What all tables share: the names of the states, and the blocking form of an insert. An adapter implements only the form
 * that does not wait; a caller that may block waits here. */
#include "port/image_table.h"

#include <errno.h>
#include <semaphore.h>

#define START_MAX_BYTES 4096

struct image_row image_row_dup(const struct image_row *row, struct arena *a)
{
	struct image_row copy = *row;
	struct str *texts[] = { &copy.image_id, &copy.owner, &copy.key, &copy.file_name, &copy.file_type, &copy.etag, &copy.reason,
		&copy.verdict, &copy.damage, &copy.placeholder, &copy.color, &copy.delete_hash, &copy.received_sha256, &copy.kept_metadata,
		&copy.metadata, &copy.thumbs, &copy.issuer, &copy.subject, &copy.request_hash };
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = str_dup(a, *texts[i]);
	return copy;
}

struct waiter {
	struct write_completion wait;
	enum status status;
	sem_t finished;
};

static void on_inserted(struct write_completion *w, enum status status)
{
	struct waiter *waiter = (struct waiter *)w;

	waiter->status = status;
	sem_post(&waiter->finished);
}

enum status table_insert(struct image_table *t, const struct image_row *row, struct fault *why)
{
	struct waiter w = { .wait = { .done = on_inserted } };
	struct arena a;

	sem_init(&w.finished, 0, 0);
	arena_init(&a, START_MAX_BYTES);
	table_start_insert(t, row, &a, &w.wait);
	while (sem_wait(&w.finished) != 0)
		assert(errno == EINTR);
	sem_destroy(&w.finished);
	arena_deinit(&a);
	if (w.status != OK)
		*why = w.wait.why;
	return w.status;
}

void image_row_resolve(struct image_row *row, const struct resolution *s, struct arena *a)
{
	row->status = s->status;
	row->version++;
	row->file_type = str_dup(a, s->file_type);
	row->file_size = s->file_size;
	row->etag = str_dup(a, s->etag);
	row->modified_ms = s->modified_ms;
	row->width = s->width;
	row->height = s->height;
	row->orientation = s->orientation;
	row->frames = s->frames;
	row->uploaded_ms = s->uploaded_ms;
	row->ends_ms = s->ends_ms;
	row->reason = str_dup(a, s->reason);
	row->received_size = s->received_size;
	row->received_sha256 = str_dup(a, s->received_sha256);
	row->stripped = s->stripped;
	row->removed = s->removed;
	row->verdict = str_dup(a, s->verdict);
	row->damage = str_dup(a, s->damage);
	row->placeholder = str_dup(a, s->placeholder);
	row->color = str_dup(a, s->color);
	row->kept_metadata = str_dup(a, s->kept_metadata);
	if (!resolution_keeps_thumbs(s))
		row->thumbs = STR("");
}

enum status table_remove_many(struct image_table *t, const struct str *ids, size_t n, bool *removed, struct fault *why)
{
	enum status st = OK;

	assert(t != NULL && ids != NULL && removed != NULL);
	for (size_t i = 0; i < n; i++)
		removed[i] = false;
	if (t->ops->remove_many != NULL)
		return t->ops->remove_many(t, ids, n, removed, why);
	for (size_t i = 0; i < n && (st == OK || st == NOT_FOUND); i++) {
		st = table_remove(t, ids[i], 0, why);
		removed[i] = st == OK;
	}
	return st == NOT_FOUND ? OK : st;
}

bool image_filter_matches(const struct image_filter *f, const struct image_row *row)
{
	const bool is_dated = f->uploaded_from != 0 || f->uploaded_to != 0;

	if (is_dated && (row->uploaded_ms == 0 || row->uploaded_ms < f->uploaded_from))
		return false;
	if (f->uploaded_to != 0 && row->uploaded_ms >= f->uploaded_to)
		return false;
	if (f->type.n > 0 && !str_starts_with_nocase(row->file_type, f->type))
		return false;
	return f->name.n == 0 || str_find_nocase(row->file_name, f->name) < row->file_name.n;
}

enum status no_such_image(struct fault *why)
{
	return fault_set(why, NO_SUCH_IMAGE, "There is no image with this id.");
}

enum status image_exists(struct fault *why)
{
	return fault_set(why, IMAGE_EXISTS, "An image with this id already exists.");
}

enum status image_slots_full(struct fault *why)
{
	return fault_set(why, SLOTS_FULL, "Too many uploads are pending; try again later.");
}

enum status image_not_pending(struct fault *why)
{
	return fault_set(why, STATE_CHANGED, "The image is no longer pending.");
}

enum status image_was_replaced(struct fault *why)
{
	return fault_set(why, STATE_CHANGED, "The image was replaced in the meantime.");
}

enum status image_other_version(struct fault *why)
{
	return fault_set(why, PRECONDITION, "The record has another version.");
}

enum status image_not_ended(struct fault *why)
{
	return fault_set(why, STATE_CHANGED, "The image has not expired.");
}

enum status owner_too_long(struct fault *why)
{
	return fault_set(why, INVALID_INPUT, "The name of an owner has at most %d bytes.", OWNER_MAX_BYTES);
}

enum status image_row_check_new(const struct image_row *row, unsigned char id[UUID_BYTES], struct fault *why)
{
	if (!uuid_to_bytes(row->image_id, id))
		return fault_set(why, INVALID_INPUT, "The id of an image must be a UUID of version 4.");
	if (row->owner.n > OWNER_MAX_BYTES)
		return owner_too_long(why);
	return OK;
}

enum status image_row_check_resolution(const struct image_row *row, const struct resolution *s, struct fault *why)
{
	if (s->replaces.n == 0)
		return row->status == IMAGE_PENDING ? OK : image_not_pending(why);
	return row->status == IMAGE_UPLOADED && str_equal(row->etag, s->replaces) ? OK : image_was_replaced(why);
}

enum status image_row_check_ended(const struct image_row *row, int64_t ended_by_ms, struct fault *why)
{
	bool ended = row->ends_ms != 0 && row->ends_ms <= ended_by_ms;

	return ended_by_ms == 0 || ended ? OK : image_not_ended(why);
}

enum status image_row_change(struct image_row *row, const struct image_change *c, struct arena *a, struct fault *why)
{
	if (c->if_version != 0 && c->if_version != row->version)
		return image_other_version(why);
	row->version++;
	if (c->has_visibility)
		row->is_public = c->is_public;
	if (c->has_file_name)
		row->file_name = str_dup(a, c->file_name);
	if (c->has_metadata)
		row->metadata = str_dup(a, c->metadata);
	return fault_check_arena(a, why);
}

enum status image_row_set_thumbs(struct image_row *row, struct str etag, struct str thumbs, struct arena *a, struct fault *why)
{
	if (row->status != IMAGE_UPLOADED || !str_equal(row->etag, etag))
		return image_was_replaced(why);
	row->version++;
	row->thumbs = str_dup(a, thumbs);
	return fault_check_arena(a, why);
}

void image_counts_add(struct image_counts *c, const struct image_row *row, int by)
{
	assert(by == 1 || by == -1);
	if (row == NULL)
		return;
	switch (row->status) {
	case IMAGE_PENDING:
		c->pending += (uint64_t)by;
		return;
	case IMAGE_UPLOADED:
		c->uploaded += (uint64_t)by;
		c->stored_bytes += (uint64_t)by * row->file_size;
		return;
	case IMAGE_REJECTED:
		c->rejected += (uint64_t)by;
		return;
	}
}

struct str image_status_name(enum image_status status)
{
	static const char *const names[] = { [IMAGE_PENDING] = "pending", [IMAGE_UPLOADED] = "uploaded", [IMAGE_REJECTED] = "rejected" };

	return (size_t)status < COUNT_OF(names) ? str_of(names[status]) : STR("unknown");
}

struct str image_visibility_name(bool is_public)
{
	return is_public ? STR("public") : STR("private");
}

bool image_visibility_parse(struct str text, bool *is_public)
{
	*is_public = str_equal(text, image_visibility_name(true));
	return *is_public || str_equal(text, image_visibility_name(false));
}

struct resolution resolution_of(const struct image_row *row)
{
	assert(row != NULL && row->status == IMAGE_UPLOADED);
	return (struct resolution){ .image_id = row->image_id,
		.status = IMAGE_UPLOADED,
		.file_type = row->file_type,
		.file_size = row->file_size,
		.etag = row->etag,
		.modified_ms = row->modified_ms,
		.width = row->width,
		.height = row->height,
		.orientation = row->orientation,
		.frames = row->frames,
		.uploaded_ms = row->uploaded_ms,
		.reason = STR(""),
		.received_size = row->received_size,
		.received_sha256 = row->received_sha256,
		.stripped = row->stripped,
		.removed = row->removed,
		.kept_metadata = row->kept_metadata,
		.verdict = row->verdict,
		.damage = row->damage,
		.placeholder = row->placeholder,
		.color = row->color,
		.replaces = row->etag };
}
