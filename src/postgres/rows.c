/* See rows.h. */
#include "postgres/rows.h"

#include <string.h>

/* images */

struct str pg_rows_uuid(const PGresult *r, int i, int column, struct arena *a)
{
	return uuid_dup(a, (const unsigned char *)libpq.getvalue(r, i, column));
}

struct image_row pg_rows_read_image(const PGresult *r, int i, struct arena *a)
{
	int c = 0;
#define NUMBER() pg_column_number(r, i, c++)
#define TEXT() str_dup(a, pg_column_text(r, i, c++))
	struct image_row row = { .image_id = pg_rows_uuid(r, i, c++, a) };
	row.status = (enum image_status)NUMBER();
	row.owner = TEXT();
	row.issuer = TEXT();
	row.subject = TEXT();
	row.key = TEXT();
	row.file_name = TEXT();
	row.file_type = TEXT();
	row.file_size = (uint64_t)NUMBER();
	row.max_bytes = (uint64_t)NUMBER();
	row.etag = TEXT();
	row.modified_ms = NUMBER();
	row.width = (uint32_t)NUMBER();
	row.height = (uint32_t)NUMBER();
	row.orientation = (uint32_t)NUMBER();
	row.frames = (uint32_t)NUMBER();
	row.created_ms = NUMBER();
	row.expires_ms = NUMBER();
	row.uploaded_ms = NUMBER();
	row.ends_ms = NUMBER();
	row.reason = TEXT();
	row.verdict = TEXT();
	row.damage = TEXT();
	row.placeholder = TEXT();
	row.color = TEXT();
	row.delete_hash = TEXT();
	row.is_public = NUMBER() != 0;
	row.received_size = (uint64_t)NUMBER();
	row.received_sha256 = TEXT();
	row.stripped = NUMBER() != 0;
	row.removed = (uint32_t)NUMBER();
	row.kept_metadata = TEXT();
	row.metadata = TEXT();
	row.thumbs = TEXT();
	row.request_hash = TEXT();
	row.version = (uint64_t)NUMBER();
#undef NUMBER
#undef TEXT
	assert(c == PG_IMAGE_VALUES - 2);
	return row;
}

void pg_rows_read(const PGresult *r, int i, struct arena *a, struct pg_image *out)
{
	out->row = pg_rows_read_image(r, i, a);
	out->slot_us = pg_column_number(r, i, PG_IMAGE_VALUES - 2);
	out->feed_us = pg_column_number(r, i, PG_IMAGE_VALUES - 1);
}

void pg_rows_image_values(const struct pg_image *image, struct pg_value out[PG_IMAGE_VALUES + 1])
{
	const struct image_row *row = &image->row;
	const struct pg_value values[] = { pg_uuid(image->id), pg_number(row->status), pg_text(row->owner), pg_text(row->issuer),
		pg_text(row->subject), pg_text(row->key), pg_text(row->file_name), pg_text(row->file_type), pg_number((int64_t)row->file_size),
		pg_number((int64_t)row->max_bytes), pg_text(row->etag), pg_number(row->modified_ms), pg_number(row->width), pg_number(row->height),
		pg_number(row->orientation), pg_number(row->frames), pg_number(row->created_ms), pg_number(row->expires_ms),
		pg_number(row->uploaded_ms), pg_number(row->ends_ms), pg_text(row->reason), pg_text(row->verdict), pg_text(row->damage),
		pg_text(row->placeholder), pg_text(row->color), pg_text(row->delete_hash), pg_number(row->is_public),
		pg_number((int64_t)row->received_size), pg_text(row->received_sha256), pg_number(row->stripped), pg_number(row->removed),
		pg_text(row->kept_metadata), pg_text(row->metadata), pg_text(row->thumbs), pg_text(row->request_hash),
		pg_number((int64_t)row->version), pg_number(image->slot_us), image->feed_us > 0 ? pg_number(image->feed_us) : pg_null(),
		{ PG_END } };

	_Static_assert(COUNT_OF(values) == PG_IMAGE_VALUES + 1, "a value for each column");
	memcpy(out, values, sizeof values);
}

/* owners */

void pg_rows_read_owner(const PGresult *r, int i, struct arena *a, struct pg_owner *out)
{
#define NUMBER(c) pg_column_number(r, i, (c))
#define COUNT(c) ((uint64_t)NUMBER(c))
	*out = (struct pg_owner){
		.user = {
			.owner = str_dup(a, pg_column_text(r, i, 0)),
			.issuer = str_dup(a, pg_column_text(r, i, 1)),
			.subject = str_dup(a, pg_column_text(r, i, 2)),
			.usage = { COUNT(3), COUNT(4), COUNT(5), COUNT(6), COUNT(7) },
			.has_quota = NUMBER(8) != 0,
			.quota = { COUNT(9), COUNT(10), COUNT(11), COUNT(12) },
			.blocked = NUMBER(13) != 0,
			.first_ms = NUMBER(14),
			.seen_ms = NUMBER(15),
		},
		.minute = NUMBER(16),
		.minute_slots = COUNT(17),
		.is_there = true,
		.is_stored = true,
	};
#undef NUMBER
#undef COUNT
}

void pg_rows_owner_values(const struct pg_owner *o, struct pg_value out[PG_OWNER_VALUES + 1])
{
	const struct user_row *u = &o->user;
	const struct owner_usage *s = &u->usage;
	const struct owner_quota *q = &u->quota;
	const struct pg_value values[] = { pg_text(u->owner), pg_text(u->issuer), pg_text(u->subject), pg_number((int64_t)s->bytes),
		pg_number((int64_t)s->images), pg_number((int64_t)s->pending), pg_number((int64_t)s->reserved_bytes),
		pg_number((int64_t)s->derived_bytes), pg_number(u->has_quota), pg_number((int64_t)q->bytes), pg_number((int64_t)q->images),
		pg_number((int64_t)q->pending), pg_number((int64_t)q->slots_per_minute), pg_number(u->blocked), pg_number(u->first_ms),
		pg_number(u->seen_ms), pg_number(o->minute), pg_number((int64_t)o->minute_slots), { PG_END } };

	_Static_assert(COUNT_OF(values) == PG_OWNER_VALUES + 1, "a value for each column");
	memcpy(out, values, sizeof values);
}
