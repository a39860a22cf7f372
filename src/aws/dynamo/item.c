/* A row as an attribute map: one table has each attribute's name, type and place in the row, and
 * both directions walk it. A number is read back with the bounds of the field it goes to, since what
 * is in the table may have been put there by other programs.
 * Source: Amazon DynamoDB API reference, AttributeValue. */
#include "aws/dynamo/item.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/json.h"
#include "base/writer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum kind { TEXT, UINT32, UINT64, MS, TIME, STATUS, VISIBILITY, FLAG };

struct field {
	const char *name;
	enum kind kind;
	bool settles; /* a resolution changes it */
	size_t offset;
};

#define FIELD(name, kind, settles, member) \
	{ \
		name, kind, settles, offsetof(struct image_row, member) \
	}

static const struct field FIELDS[] = {
	FIELD("imageId", TEXT, false, image_id),
	FIELD("status", STATUS, true, status),
	FIELD("owner", TEXT, false, owner),
	FIELD("issuer", TEXT, false, issuer),
	FIELD("subject", TEXT, false, subject),
	FIELD("version", UINT64, false, version),
	FIELD("maxBytes", UINT64, false, max_bytes),
	FIELD("objectKey", TEXT, false, key),
	FIELD(DYNAMO_FILE_NAME, TEXT, false, file_name),
	FIELD("fileType", TEXT, true, file_type),
	FIELD("fileSize", UINT64, true, file_size),
	FIELD("etag", TEXT, true, etag),
	FIELD("modifiedMs", MS, true, modified_ms),
	FIELD("width", UINT32, true, width),
	FIELD("height", UINT32, true, height),
	FIELD("orientation", UINT32, true, orientation),
	FIELD("frames", UINT32, true, frames),
	FIELD("createdAt", TIME, false, created_ms),
	FIELD("expiresMs", MS, false, expires_ms),
	FIELD("uploadedAt", TIME, true, uploaded_ms),
	FIELD("endsMs", MS, true, ends_ms),
	FIELD("reason", TEXT, true, reason),
	FIELD("deleteHash", TEXT, false, delete_hash),
	FIELD(DYNAMO_VISIBILITY, VISIBILITY, false, is_public),
	FIELD("receivedSize", UINT64, true, received_size),
	FIELD("receivedSha256", TEXT, true, received_sha256),
	FIELD("stripped", FLAG, true, stripped),
	FIELD("removed", UINT32, true, removed),
	FIELD("verdict", TEXT, true, verdict),
	FIELD("damage", TEXT, true, damage),
	FIELD("placeholder", TEXT, true, placeholder),
	FIELD("color", TEXT, true, color),
	FIELD("metadata", TEXT, true, kept_metadata),
	FIELD(DYNAMO_METADATA, TEXT, false, metadata),
	FIELD(DYNAMO_THUMBS, TEXT, false, thumbs),
	FIELD(DYNAMO_REQUEST, TEXT, false, request_hash),
};

/* to an item */

static void add_attribute(struct dynamo_item *item, const char *name, struct str value)
{
	assert(item->n < DYNAMO_ATTRIBUTES_MAX);
	item->attributes[item->n++] = (struct dynamo_attribute){ name, value };
}

void dynamo_item_text(struct dynamo_item *item, const char *name, struct str text, struct arena *a)
{
	struct buf b;
	if (text.n == 0) {
		add_attribute(item, name, STR(""));
		return;
	}
	buf_init_arena(&b, a, 8 * text.n + 16);
	writer_open(&b, STR(""), '{');
	writer_text(&b, STR("S"), text);
	writer_close(&b, '}');
	add_attribute(item, name, buf_ok(&b) ? buf_str(&b) : STR(""));
}

void dynamo_item_number(struct dynamo_item *item, const char *name, uint64_t number, struct arena *a)
{
	add_attribute(item, name, number == 0 ? STR("") : str_printf(a, "{\"N\":\"%" PRIu64 "\"}", number));
}

void dynamo_item_signed(struct dynamo_item *item, const char *name, int64_t number, struct arena *a)
{
	add_attribute(item, name, str_printf(a, "{\"N\":\"%" PRId64 "\"}", number));
}

static void add_field(struct dynamo_item *item, const struct field *f, const struct image_row *row, struct arena *a)
{
	const void *at = (const char *)row + f->offset;
	char time[ISO8601_CHARS + 1] = "";
	switch (f->kind) {
	case TEXT:
		dynamo_item_text(item, f->name, *(const struct str *)at, a);
		return;
	case UINT32:
		dynamo_item_number(item, f->name, *(const uint32_t *)at, a);
		return;
	case UINT64:
		dynamo_item_number(item, f->name, *(const uint64_t *)at, a);
		return;
	case MS:
		assert(*(const int64_t *)at >= 0);
		dynamo_item_number(item, f->name, (uint64_t) * (const int64_t *)at, a);
		return;
	case TIME:
		if (*(const int64_t *)at > 0)
			clock_iso8601(*(const int64_t *)at, time);
		dynamo_item_text(item, f->name, str_of(time), a);
		return;
	case STATUS:
		dynamo_item_text(item, f->name, image_status_name(row->status), a);
		return;
	case VISIBILITY:
		dynamo_item_text(item, f->name, row->is_public ? image_visibility_name(true) : STR(""), a);
		return;
	case FLAG:
		dynamo_item_number(item, f->name, *(const bool *)at ? 1 : 0, a);
		return;
	}
}

void dynamo_item_of(const struct image_row *row, bool resolved_only, struct arena *a, struct dynamo_item *out)
{
	assert(row != NULL && a != NULL && out != NULL);
	out->n = 0;
	for (size_t i = 0; i < COUNT_OF(FIELDS); i++)
		if (FIELDS[i].settles || !resolved_only)
			add_field(out, &FIELDS[i], row, a);
}

void dynamo_item_resolve(struct image_row *row, const struct image_row *resolved)
{
	static const size_t sizes[] = { [TEXT] = sizeof(struct str),
		[UINT32] = sizeof(uint32_t),
		[UINT64] = sizeof(uint64_t),
		[MS] = sizeof(int64_t),
		[TIME] = sizeof(int64_t),
		[STATUS] = sizeof(enum image_status),
		[VISIBILITY] = sizeof(bool),
		[FLAG] = sizeof(bool) };
	for (size_t i = 0; i < COUNT_OF(FIELDS); i++)
		if (FIELDS[i].settles)
			memcpy((char *)row + FIELDS[i].offset, (const char *)resolved + FIELDS[i].offset, sizes[FIELDS[i].kind]);
}

void dynamo_item_put(const struct dynamo_item *item, struct str name, const char *prefix, struct buf *out)
{
	assert(item->n <= DYNAMO_ATTRIBUTES_MAX);
	const char *before = "";
	writer_open(out, name, '{');
	for (size_t i = 0; i < item->n; i++) {
		const struct dynamo_attribute *at = &item->attributes[i];
		if (at->value.n == 0)
			continue;
		buf_printf(out, "%s\"%s%s\":%.*s", before, prefix, at->name, STRF(at->value));
		before = ",";
	}
	writer_close(out, '}');
}

/* from an item */

static struct str typed_value(const json_t *item, const char *name, const char *type)
{
	return json_text(json_object_get(json_object_get(item, name), type));
}

struct str dynamo_item_get_text(const json_t *item, const char *name)
{
	return typed_value(item, name, "S");
}

struct str dynamo_item_get_number(const json_t *item, const char *name)
{
	return typed_value(item, name, "N");
}

int64_t dynamo_item_get_i64(const json_t *item, const char *name)
{
	uint64_t n;
	return str_to_u64(dynamo_item_get_number(item, name), &n) && n <= INT64_MAX ? (int64_t)n : 0;
}

static bool read_number(const json_t *item, const char *name, uint64_t most, uint64_t *out)
{
	struct str text = dynamo_item_get_number(item, name);
	return str_to_u64(text, out) && *out <= most;
}

static bool read_status(struct str text, enum image_status *out)
{
	static const enum image_status all[] = { IMAGE_PENDING, IMAGE_UPLOADED, IMAGE_REJECTED };
	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (str_equal(text, image_status_name(all[i]))) {
			*out = all[i];
			return true;
		}
	return false;
}

static bool read_field(const json_t *item, const struct field *f, struct arena *a, struct image_row *row)
{
	void *at = (char *)row + f->offset;
	struct str text = dynamo_item_get_text(item, f->name);
	uint64_t n;
	switch (f->kind) {
	case TEXT:
		*(struct str *)at = text.n == 0 ? STR("") : str_dup(a, text);
		return text.p != NULL && arena_ok(a);
	case UINT32:
		return read_number(item, f->name, UINT32_MAX, &n) && (*(uint32_t *)at = (uint32_t)n, true);
	case UINT64:
		return read_number(item, f->name, UINT64_MAX, at);
	case MS:
		return read_number(item, f->name, INT64_MAX, &n) && (*(int64_t *)at = (int64_t)n, true);
	case TIME:
		return clock_parse_iso8601(text, at) && *(int64_t *)at >= 0;
	case STATUS:
		return read_status(text, &row->status);
	case VISIBILITY:
		return image_visibility_parse(text, &row->is_public);
	case FLAG:
		return read_number(item, f->name, 1, &n) && (*(bool *)at = n == 1, true);
	}
	return false;
}

static enum status item_unreadable(const json_t *item, const char *what, struct fault *why)
{
	struct str id = dynamo_item_get_text(item, "imageId");
	enum status end = fault_set(why, UPSTREAM_FAILED, "A row of the image table cannot be read.");
	fault_cause(why, "DynamoDB item \"%.64s\": %s", id.n > 0 ? id.p : "", what);
	return end;
}

enum status dynamo_item_read(const json_t *item, struct arena *a, struct image_row *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	struct image_row row = { .image_id = STR(""),
		.owner = STR(""),
		.key = STR(""),
		.file_name = STR(""),
		.file_type = STR(""),
		.etag = STR(""),
		.reason = STR(""),
		.delete_hash = STR(""),
		.received_sha256 = STR(""),
		.verdict = STR(""),
		.damage = STR(""),
		.placeholder = STR(""),
		.color = STR(""),
		.kept_metadata = STR(""),
		.version = 1, /* of rows from before there were versions */
		.issuer = STR(""),
		.subject = STR(""),
		.metadata = STR(""),
		.request_hash = STR("") };
	for (size_t i = 0; i < COUNT_OF(FIELDS); i++) {
		if (json_object_get(item, FIELDS[i].name) == NULL)
			continue;
		if (read_field(item, &FIELDS[i], a, &row))
			continue;
		TRY(fault_check_arena(a, why));
		return item_unreadable(item, FIELDS[i].name, why);
	}
	if (row.image_id.n == 0 || row.key.n == 0 || json_object_get(item, "status") == NULL)
		return item_unreadable(item, "imageId, objectKey or status is missing", why);
	*out = row;
	return OK;
}
