/* The images: get, file, links, complete, delete. Each handler asks the product or its table and
 * writes the record; the rules themselves are in image/image_service.h. Runs on workers. */
#include "api/access.h"
#include "api/body.h"
#include "api/record.h"
#include "base/clock.h"
#include "base/writer.h"
#include "base/log/log.h"
#include "http/text.h"
#include "image/image_service.h"
#include "image/thumbnails.h"

#define RECORD_MAX_BYTES 65536
#define THUMBNAIL_REDIRECT_S 300 /* at most; the link that it leads to lives longer */

enum status images_get(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct image_row row;

	TRY(image_service_read(c->api->product, c->at.segment, c->arena, &row, why));
	return record_answer(c, &row, why);
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
	TRY(call_parameter(&c->x->request.query, STR("size"), &name, why));
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
	size_t n = thumbnails_offered(p->thumbnails, preset, &row, formats), i = 0;
	if (n == 0)
		return fault_set(why, NO_SUCH_IMAGE, "This thumbnail has not been made yet. Try again in a moment.");
	while (i + 1 < n && http_preference(request_header(&c->x->request, STR("Accept")), thumbnails_media_type(formats[i])) != HTTP_ACCEPTED)
		i++;
	int64_t kept_s = p->delivery.ttl_s / 2 < THUMBNAIL_REDIRECT_S ? p->delivery.ttl_s / 2 : THUMBNAIL_REDIRECT_S;
	struct str url;
	TRY(image_service_link(p, &row, thumbnails_variant(p->thumbnails, preset, formats[i]), 0, c->arena, &url, why));
	c->x->answer.status = 302;
	answer_header(&c->x->answer, STR("Location"), url);
	answer_header(&c->x->answer, STR("Cache-Control"), str_printf(c->arena, "private, max-age=%lld", (long long)kept_s));
	answer_header(&c->x->answer, STR("Vary"), STR("Accept, Authorization"));
	return fault_check_arena(c->arena, why);
}

/* A link with a life of the caller's choice is signed, whatever the image's visibility: it ends when it says. */
enum status images_link(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL && c->arena != NULL);
	struct product *p = c->api->product;
	struct link_request want;
	struct image_row row;
	struct str url;
	struct buf b;

	TRY(body_read_link(c->arena, buf_str(&c->body), &want, why));
	if (!image_service_has_links(p))
		return fault_set(why, NO_LINKS, "This server makes no delivery links: set TINTYPE_DELIVERY_KEYS and TINTYPE_DELIVERY_URL.");
	TRY(image_service_read(p, c->at.segment, c->arena, &row, why));
	TRY(check_uploaded(&row, why));
	if (!image_service_has_variant(p, &row, want.variant))
		return fault_set(why, BAD_FIELD, "This image has no such variant; use the last part of one of its links.");
	int64_t expires_s = clock_now_ms() / 1000 + (want.expires_in_s > 0 ? want.expires_in_s : p->delivery.ttl_s);
	TRY(image_service_link(p, &row, want.variant, expires_s, c->arena, &url, why));
	buf_init_arena(&b, c->arena, RECORD_MAX_BYTES);
	writer_open(&b, (struct str){ 0 }, '{');
	writer_text(&b, STR("url"), url);
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
	return record_answer(c, &row, why);
}

enum status images_delete(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->x != NULL);
	TRY(image_service_remove(c->api->product, c->at.segment, why));
	LOG(IMAGE_DELETED, c->x->request.id, LOG_S("imageId", c->at.segment), LOG_C("by", caller_kind_name(&c->caller)));
	c->x->answer.status = 204;
	return OK;
}
