/* PATCH /images/{imageId}: what an application says of an image. Runs on workers.
 *
 * Two editors who read the same record and send its ETag in If-Match do not overwrite each other: the table changes the row
 * only while it has that version. Without If-Match the last change stays. */
#include "api/access.h"
#include "api/body.h"
#include "api/record.h"
#include "base/log/log.h"
#include "http/text.h"
#include "image/publication.h"
#include "image/slot.h"

static enum status refuse_stale(const struct image_row *now, struct fault *why)
{
	return fault_set(why, PRECONDITION,
		"The record is at version %llu, which If-Match does not name: read it again, and repeat the change on what it says now.",
		(unsigned long long)now->version);
}

/* Find the version that If-Match requires; 0: any. Source: RFC 9110 13.1.1 */
static enum status read_condition(struct api_call *c, uint64_t *version, struct fault *why)
{
	struct str list = request_header(&c->x->request, STR("If-Match"));
	struct image_row row;

	*version = 0;
	if (list.p == NULL || str_equal(str_trim(list), STR("*")))
		return OK;
	TRY(table_get(c->api->product->table, c->at.segment, c->arena, &row, why));
	if (!http_etag_listed(list, str_decimal(c->arena, row.version), false))
		return refuse_stale(&row, why);
	*version = row.version;
	return OK;
}

enum status images_patch(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_change change;
	struct image_row row;

	TRY(body_read_change(c->arena, buf_str(&c->body), &change, why));
	if (change.has_visibility)
		TRY(access_visibility(c, change.is_public, why));
	if (change.has_file_name)
		TRY(file_name_check(change.file_name, why));
	change.image_id = c->at.segment;
	TRY(read_condition(c, &change.if_version, why));
	enum status st = table_change(c->api->product->table, &change, c->arena, &row, why);
	if (st != OK)
		return why->code == F_PRECONDITION ? refuse_stale(&row, why) : st;
	if (change.has_visibility || change.has_file_name)
		TRY(publication_update(
			c->api->product, &row, change.has_visibility && !row.is_public ? PUBLICATION_HIDDEN : PUBLICATION_NAMED, why));
	LOG(IMAGE_CHANGED, c->x->request.id, LOG_S("imageId", row.image_id), LOG_I("version", row.version),
		LOG_S("visibility", image_visibility_name(row.is_public)));
	return record_answer(c, &row, why);
}
