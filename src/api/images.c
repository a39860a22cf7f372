/* The images: list, get, change, file, links, complete, delete. Each handler asks the product or its table and
 * writes the record; the rules themselves are in image/image_service.h. Runs on workers. */
#include "api/access.h"
#include "api/body.h"
#include "api/record.h"
#include "base/clock.h"
#include "base/writer.h"
#include "base/log.h"
#include "http/text.h"
#include "image/image_service.h"
#include "image/thumbnails.h"

#define LIST_DEFAULT 50
#define RECORD_MAX_BYTES 65536
#define THUMBNAIL_REDIRECT_S 300 /* at most; the link that it leads to lives longer */

/* The value of a parameter that may appear once; "" if it does not. */
static enum status read_once(const struct query *q, struct str name, struct str *out, struct fault *why)
{
	size_t found = 0;

	*out = (struct str){ 0 };
	for (size_t i = 0; i < q->n; i++) {
		if (!str_equal(q->pairs[i].name, name))
			continue;
		*out = q->pairs[i].value;
		found++;
	}
	if (found > 1)
		return fault_set(why, BAD_FIELD, "%.*s must be given once", STRF(name));
	return OK;
}

static enum status read_limit(const struct query *q, uint32_t *limit, struct fault *why)
{
	struct str text;
	uint64_t n;

	TRY(read_once(q, STR("limit"), &text, why));
	*limit = LIST_DEFAULT;
	if (query_find(q, STR("limit")) == NULL)
		return OK;
	if (!str_to_u64(text, &n) || n < 1 || n > TABLE_LIST_MAX)
		return fault_set(why, BAD_FIELD, "limit must be an integer from 1 to %d", TABLE_LIST_MAX);
	*limit = (uint32_t)n;
	return OK;
}

/* Whether the records of a list have URLs of the store: unless "false" is asked for. */
static enum status read_urls(const struct query *q, bool *wanted, struct fault *why)
{
	struct str text;

	TRY(read_once(q, STR("urls"), &text, why));
	*wanted = !str_equal(text, STR("false"));
	if (*wanted && query_find(q, STR("urls")) != NULL && !str_equal(text, STR("true")))
		return fault_set(why, BAD_FIELD, "urls must be true or false");
	return OK;
}

static unsigned form_for(const struct api_call *c, unsigned form)
{
	if (c->sent_key)
		form |= RECORD_KEPT;
	return form;
}

enum status images_list(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_page page;
	struct str cursor;
	uint32_t limit;
	bool with_urls;
	struct buf text CLEANUP(buf_deinit) = { 0 };

	TRY(read_limit(&c->x->request.query, &limit, why));
	TRY(read_once(&c->x->request.query, STR("cursor"), &cursor, why));
	TRY(read_urls(&c->x->request.query, &with_urls, why));
	TRY(table_list(c->api->product->table, &(struct image_query){ .limit = limit, .cursor = cursor }, c->arena, &page, why));
	/* On the heap, since a buffer that grows in the arena would leave its old copies there. */
	buf_init(&text, c->api->handler.arena_bytes);
	writer_open(&text, (struct str){ 0 }, '{');
	writer_open(&text, STR("images"), '[');
	for (size_t i = 0; i < page.n; i++)
		TRY(record_write(c->api->product, &page.rows[i], form_for(c, RECORD_IN_LIST | (with_urls ? 0 : RECORD_NO_URLS)), &text, why));
	writer_close(&text, ']');
	writer_number(&text, STR("count"), page.n);
	if (page.next_cursor.n > 0)
		writer_text(&text, STR("nextCursor"), page.next_cursor);
	writer_close(&text, '}');
	return call_json(c, &text, why);
}

static enum status answer_record(struct api_call *c, const struct image_row *row, struct fault *why)
{
	struct buf text;

	buf_init_arena(&text, c->arena, RECORD_MAX_BYTES);
	TRY(record_write(c->api->product, row, form_for(c, RECORD_ALONE), &text, why));
	return call_json(c, &text, why);
}

enum status images_get(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_row row;

	TRY(image_service_read(c->api->product, c->at.segment, c->arena, &row, why));
	return answer_record(c, &row, why);
}

static enum status check_uploaded(const struct image_row *row, struct fault *why)
{
	if (row->status == IMAGE_PENDING)
		return fault_set(why, NO_SUCH_IMAGE, "The image is pending: it has not been uploaded yet.");
	if (row->status == IMAGE_REJECTED)
		return fault_set(why, NO_SUCH_IMAGE, "The image was rejected: %.*s", STRF(row->reason));
	return OK;
}

/* There is a file only once it has passed verification; until then 404, with the reason. A browser may keep the redirect until
 * shortly before its URL expires, of which a HEAD's is not worth keeping. */
enum status images_file(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_row row;
	struct presigned read;

	TRY(image_service_read(c->api->product, c->at.segment, c->arena, &row, why));
	TRY(check_uploaded(&row, why));
	TRY(image_service_download(c->api->product, &row, c->x->request.method, c->arena, &read, why));
	int64_t left_s = image_service_redirect_age(&read);
	bool kept = str_equal(c->x->request.method, STR("GET")) && left_s > 0;
	c->x->answer.status = 302;
	answer_header(&c->x->answer, STR("Location"), read.url);
	if (kept) {
		answer_header(&c->x->answer, STR("Cache-Control"), str_printf(c->arena, "private, max-age=%lld", (long long)left_s));
		answer_header(&c->x->answer, STR("Vary"), STR("Authorization"));
	}
	return OK;
}

/* The preset that is asked for by its name. */
static enum status read_size(const struct api_call *c, const struct thumbnails *t, size_t *preset, struct fault *why)
{
	struct str name;
	struct buf names;
	TRY(read_once(&c->x->request.query, STR("size"), &name, why));
	if (thumbnails_preset(t, name, preset))
		return OK;
	buf_init_arena(&names, c->arena, RECORD_MAX_BYTES);
	for (size_t i = 0; i < thumbnails_count(t); i++)
		buf_printf(&names, "%s%.*s", i > 0 ? ", " : "", STRF(thumbnails_name(t, i)));
	return fault_set(why, BAD_FIELD, "size must be one of %.*s", STRF(buf_str(&names)));
}

/* A redirect to the delivery link, in the format that the client accepts. */
enum status images_thumbnail(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct product *p = c->api->product;
	struct image_row row;
	size_t preset = 0;
	if (!image_service_has_links(p))
		return fault_set(why, NO_LINKS, "This server makes no delivery links: set TINTYPE_DELIVERY_KEYS and TINTYPE_DELIVERY_URL.");
	if (p->thumbnails == NULL)
		return fault_set(why, NO_SUCH_IMAGE, "This server makes no thumbnails.");
	TRY(read_size(c, p->thumbnails, &preset, why));
	TRY(image_service_read(p, c->at.segment, c->arena, &row, why));
	TRY(check_uploaded(&row, why));
	if (!thumbnails_possible(&row))
		return fault_set(why, NO_SUCH_IMAGE, "There are no thumbnails of images of this type.");
	enum render_format formats[2];
	size_t n = thumbnails_formats(p->thumbnails, preset, &row, formats), i = 0;
	while (i + 1 < n && http_preference(request_header(&c->x->request, STR("Accept")), thumbnails_media_type(formats[i])) != HTTP_ACCEPTED)
		i++;
	int64_t kept_s = p->delivery.ttl_s / 2 < THUMBNAIL_REDIRECT_S ? p->delivery.ttl_s / 2 : THUMBNAIL_REDIRECT_S;
	struct str variant = thumbnails_variant(p->thumbnails, preset, formats[i]);
	c->x->answer.status = 302;
	answer_header(&c->x->answer, STR("Location"), image_service_link(p, &row, variant, 0, c->arena));
	answer_header(&c->x->answer, STR("Cache-Control"), str_printf(c->arena, "private, max-age=%lld", (long long)kept_s));
	answer_header(&c->x->answer, STR("Vary"), STR("Accept, Authorization"));
	return fault_check_arena(c->arena, why);
}

enum status images_patch(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_row row;
	bool is_public;

	TRY(body_read_visibility(buf_str(&c->body), &is_public, why));
	TRY(access_visibility(c, is_public, why));
	TRY(table_change(c->api->product->table,
		&(struct image_change){ .image_id = c->at.segment, .has_visibility = true, .is_public = is_public }, c->arena, &row, why));
	LOG(IMAGE_VISIBILITY, c->x->request.id, LOG_S("imageId", c->at.segment), LOG_S("visibility", image_visibility_name(is_public)));
	return answer_record(c, &row, why);
}

/* A link with a life of the caller's choice is signed, whatever the image's visibility: it ends when it says. */
enum status images_link(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct product *p = c->api->product;
	struct link_request want;
	struct image_row row;
	struct buf b;

	TRY(body_read_link(c->arena, buf_str(&c->body), &want, why));
	if (!image_service_has_links(p))
		return fault_set(why, NO_LINKS, "This server makes no delivery links: set TINTYPE_DELIVERY_KEYS and TINTYPE_DELIVERY_URL.");
	TRY(image_service_read(p, c->at.segment, c->arena, &row, why));
	TRY(check_uploaded(&row, why));
	if (!image_service_has_variant(p, &row, want.variant))
		return fault_set(why, BAD_FIELD, "variant names nothing that this image has; take the last part of one of its links.");
	int64_t expires_s = clock_now_ms() / 1000 + (want.expires_in_s > 0 ? want.expires_in_s : p->delivery.ttl_s);
	buf_init_arena(&b, c->arena, RECORD_MAX_BYTES);
	writer_open(&b, (struct str){ 0 }, '{');
	writer_text(&b, STR("url"), image_service_link(p, &row, want.variant, expires_s, c->arena));
	writer_text(&b, STR("variant"), want.variant);
	writer_time(&b, STR("expiresAt"), expires_s * 1000);
	writer_close(&b, '}');
	return call_json(c, &b, why);
}

enum status images_complete(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_row row;

	TRY(image_service_complete(c->api->product, c->at.segment, c->arena, &row, why));
	return answer_record(c, &row, why);
}

enum status images_delete(struct api_call *c, struct fault *why)
{
	struct image_row row;

	if (!c->has_key) {
		TRY(table_get(c->api->product->table, c->at.segment, c->arena, &row, why));
		TRY(access_token(c, &row, why));
	}
	TRY(image_service_remove(c->api->product, c->at.segment, why));
	LOG(IMAGE_DELETED, c->x->request.id, LOG_S("imageId", c->at.segment), LOG_C("by", access_name(c)));
	c->x->answer.status = 204;
	return OK;
}
