/* Rows for tests. See rows.h. */
#include "fake/rows.h"

#include <assert.h>

void row_dup(struct arena *a, const struct image_row *row, struct image_row *out)
{
	*out = image_row_dup(row, a);
	assert(arena_ok(a));
}

void row_resolve(struct arena *a, struct image_row *row, const struct resolution *s)
{
	image_row_resolve(row, s, a);
	assert(arena_ok(a));
}

static bool texts_equal(const struct image_row *x, const struct image_row *y)
{
	return str_equal(x->image_id, y->image_id) && str_equal(x->owner, y->owner) && str_equal(x->key, y->key) &&
		str_equal(x->file_name, y->file_name) && str_equal(x->file_type, y->file_type) && str_equal(x->etag, y->etag) &&
		str_equal(x->reason, y->reason) && str_equal(x->delete_hash, y->delete_hash) && str_equal(x->received_sha256, y->received_sha256) &&
		str_equal(x->verdict, y->verdict) && str_equal(x->damage, y->damage) && str_equal(x->placeholder, y->placeholder) &&
		str_equal(x->color, y->color) && str_equal(x->kept_metadata, y->kept_metadata) && str_equal(x->metadata, y->metadata) &&
		str_equal(x->thumbs, y->thumbs) && str_equal(x->issuer, y->issuer) && str_equal(x->subject, y->subject) &&
		str_equal(x->request_hash, y->request_hash);
}

bool row_equal(const struct image_row *x, const struct image_row *y)
{
	return texts_equal(x, y) && x->status == y->status && x->file_size == y->file_size && x->width == y->width && x->height == y->height &&
		x->orientation == y->orientation && x->frames == y->frames && x->modified_ms == y->modified_ms && x->created_ms == y->created_ms &&
		x->expires_ms == y->expires_ms && x->uploaded_ms == y->uploaded_ms && x->ends_ms == y->ends_ms && x->is_public == y->is_public &&
		x->received_size == y->received_size && x->stripped == y->stripped && x->removed == y->removed && x->version == y->version &&
		x->max_bytes == y->max_bytes;
}

struct str row_id(struct arena *a, unsigned n)
{
	return str_printf(a, "%08x-0000-4000-8000-%012x", n * 2654435761u, n);
}

struct image_row row_pending(struct arena *a, unsigned n)
{
	struct str id = row_id(a, n);
	int64_t created_ms = 1700000000000 + n;
	return (struct image_row){
		.image_id = id,
		.status = IMAGE_PENDING,
		.version = 1,
		.owner = STR(""),
		.key = str_printf(a, "images/%.*s.jpg", STRF(id)),
		.file_name = str_printf(a, "r\xc3\xa9sum\xc3\xa9 %u'\".jpg", n),
		.file_type = STR("image/jpeg"),
		.file_size = 1000 + n,
		.max_bytes = 1000 + n,
		.etag = STR(""),
		.created_ms = created_ms,
		.expires_ms = created_ms + 300000,
		.ends_ms = created_ms + 3900000,
		.reason = STR(""),
		.delete_hash = str_printf(a, "%064x", n),
		.received_sha256 = STR(""),
	};
}

struct resolution row_verdict(struct arena *a, unsigned n, int64_t uploaded_ms, struct str reason)
{
	bool rejected = reason.n > 0;
	return (struct resolution){
		.image_id = row_id(a, n),
		.status = rejected ? IMAGE_REJECTED : IMAGE_UPLOADED,
		.file_type = STR("image/jpeg"),
		.file_size = 2000 + n,
		.etag = str_printf(a, "%032x", n),
		.width = 640 + n,
		.height = 480,
		.orientation = 6,
		.frames = 1,
		.uploaded_ms = uploaded_ms,
		.ends_ms = rejected ? uploaded_ms + 1000 : 0,
		.reason = reason,
		.received_size = 3000 + n,
		.received_sha256 = str_printf(a, "%064x", n + 1),
		.stripped = true,
		.removed = 5,
		.verdict = rejected ? STR("corrupt") : STR("recoverable"),
		.damage = rejected ? STR("truncated") : STR("end_missing"),
		.placeholder = rejected ? STR("") : STR("HAgKDAQCd4iHd4iHd4h/eIeHiA=="),
		.color = rejected ? STR("") : STR("#a0b0c0"),
		.kept_metadata = rejected ? STR("") : STR("{\"camera\":\"a\"}"),
	};
}
