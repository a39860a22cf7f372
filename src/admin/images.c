/* Rows of the table. A whole id is read from the table itself, on any engine; all else
 * goes to the admin query, in bounded pages. All columns of a row are shown except the hash of its delete
 * token, and unknown values are null, so that each row has the same members. Images are deleted by the API's calls, which the console
 * passes on. */
#include "admin/call.h"

#include "base/hash.h"
#include "base/writer.h"
#include "image/image_service.h"
#include "image/maintenance/reverify.h"
#include "image/thumbnails.h"

#define IMAGES_LIMIT 50
#define TYPE_MAX 127
#define CURSOR_MAX 4096

static void write_number(struct buf *b, struct str name, uint64_t value)
{
	if (value > 0)
		writer_number(b, name, value);
	else
		writer_null(b, name);
}

static void write_text(struct buf *b, struct str name, struct str value)
{
	if (value.n > 0)
		writer_text(b, name, value);
	else
		writer_null(b, name);
}

static void write_time(struct buf *b, struct str name, int64_t ms)
{
	if (ms != 0)
		writer_time(b, name, ms);
	else
		writer_null(b, name);
}

static void write_members(struct buf *b, const struct image_row *row)
{
	writer_text(b, STR("imageId"), row->image_id);
	writer_text(b, STR("status"), image_status_name(row->status));
	writer_text(b, STR("fileName"), row->file_name);
	writer_text(b, STR("fileType"), row->file_type);
	write_number(b, STR("fileSize"), row->file_size);
	write_number(b, STR("width"), row->width);
	write_number(b, STR("height"), row->height);
	write_number(b, STR("orientation"), row->orientation);
	write_number(b, STR("frames"), row->frames);
	write_text(b, STR("etag"), row->etag);
	writer_text(b, STR("key"), row->key);
	write_text(b, STR("owner"), row->owner);
	write_text(b, STR("subject"), row->subject);
	write_time(b, STR("createdAt"), row->created_ms);
	write_time(b, STR("expiresAt"), row->expires_ms);
	write_time(b, STR("uploadedAt"), row->uploaded_ms);
	write_time(b, STR("endsAt"), row->ends_ms);
	write_text(b, STR("reason"), row->reason);
	write_text(b, STR("verdict"), row->verdict);
	write_text(b, STR("damage"), row->damage);
}

/* The path of a delivery link to its first thumbnail, or else to the image, which this listener serves too; "" if there is neither. */
static struct str picture_path(const struct product *p, const struct image_row *row, struct arena *a)
{
	enum render_format formats[THUMBNAIL_FORMATS];
	struct str variant = STR(""), url, own = p->delivery.url;
	struct fault unseen;
	if (row->status != IMAGE_UPLOADED || !image_service_has_links(p))
		return variant;
	if (p->thumbnails != NULL && thumbnails_possible(row) && thumbnails_offered(p->thumbnails, 0, row, formats) > 0)
		variant = thumbnails_variant(p->thumbnails, 0, formats[0]);
	else if (image_service_has_original(p, row))
		variant = STR("original");
	bool there = variant.n > 0 && image_service_link(p, row, variant, 0, a, &url, &unseen) == OK && str_starts_with(url, own);
	return there ? str_slice(url, own.n, url.n) : STR("");
}

static void write_row(struct console_call *c, const struct image_row *row)
{
	write_members(&c->body, row);
	write_text(&c->body, STR("picture"), picture_path(c->console->options.product, row, c->arena));
}

/* The one row of this id, unless the query asks for something else of it. */
static enum status find_one(
	struct console_call *c, const struct admin_query_filter *q, struct image_row *row, struct admin_query_page *page, struct fault *why)
{
	enum status status = table_get(c->console->options.product->table, q->text, c->arena, row, why);

	*page = (struct admin_query_page){ .rows = row, .looked = 1 };
	if (status == NOT_FOUND)
		return OK;
	page->n = status == OK && admin_query_matches(q, row);
	return status;
}

enum status console_images(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	static const struct {
		const char *name;
		enum admin_query_status status;
	} statuses[] = { { "pending", ADMIN_QUERY_PENDING }, { "uploaded", ADMIN_QUERY_UPLOADED }, { "rejected", ADMIN_QUERY_REJECTED } };
	struct str status = { 0 };
	uint64_t limit = IMAGES_LIMIT;
	struct admin_query_filter q = { 0 };
	struct admin_query_page page;
	struct image_row row;
	const struct param params[] = {
		{ "status", PARAM_CHOICE, .choices = "all|pending|uploaded|rejected", .text = &status },
		{ "text", PARAM_TEXT, .max = CONSOLE_TEXT_MAX, .text = &q.text },
		{ "reason", PARAM_TEXT, .max = CONSOLE_TEXT_MAX, .text = &q.reason },
		{ "owner", PARAM_TEXT, .max = CONSOLE_TEXT_MAX, .text = &q.owner },
		{ "type", PARAM_TEXT, .max = TYPE_MAX, .text = &q.type },
		{ "cursor", PARAM_TEXT, .max = CURSOR_MAX, .text = &q.cursor },
		{ "limit", PARAM_NUMBER, .min = 1, .max = ADMIN_QUERY_LIMIT_MAX, .number = &limit },
	};

	TRY(params_read(&c->x->request, params, COUNT_OF(params), why));
	for (size_t i = 0; i < COUNT_OF(statuses); i++)
		if (str_equal(str_of(statuses[i].name), status))
			q.status = statuses[i].status;
	q.limit = (uint32_t)limit;
	q.text = str_trim(q.text);
	q.owner = str_trim(q.owner);
	if (uuid_valid(str_lower(c->arena, q.text))) {
		q.text = str_lower(c->arena, q.text);
		TRY(find_one(c, &q, &row, &page, why));
	} else {
		TRY(admin_query_page(c->console->options.admin_query, &q, c->arena, &page, why));
	}
	writer_open(&c->body, (struct str){ 0 }, '{');
	writer_open(&c->body, STR("images"), '[');
	for (size_t i = 0; i < page.n; i++) {
		writer_open(&c->body, (struct str){ 0 }, '{');
		write_row(c, &page.rows[i]);
		writer_close(&c->body, '}');
	}
	writer_close(&c->body, ']');
	writer_number(&c->body, STR("looked"), page.looked);
	write_text(&c->body, STR("nextCursor"), page.next_cursor);
	writer_close(&c->body, '}');
	return OK;
}

static enum status read_id(struct console_call *c, struct fault *why)
{
	TRY(params_read(&c->x->request, NULL, 0, why));
	if (!uuid_valid(c->segment))
		return fault_set(why, NO_SUCH_IMAGE, "There is no image with this id; ids are UUIDs in lower case.");
	c->x->answer.image_id = c->segment;
	return OK;
}

static enum status answer_row(struct console_call *c, const struct image_row *row, struct fault *why)
{
	struct thumbnails *thumbnails = c->console->options.product->thumbnails;
	uint64_t thumbnail_bytes = 0;

	if (thumbnails != NULL)
		TRY(thumbnails_measure(thumbnails, row->image_id, &thumbnail_bytes, why));
	writer_open(&c->body, (struct str){ 0 }, '{');
	write_row(c, row);
	write_number(&c->body, STR("thumbnailBytes"), thumbnail_bytes);
	writer_close(&c->body, '}');
	return OK;
}

enum status console_image(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	struct image_row row;

	TRY(read_id(c, why));
	TRY(table_get(c->console->options.product->table, c->segment, c->arena, &row, why));
	return answer_row(c, &row, why);
}

enum status console_verify(struct console_call *c, struct fault *why)
{
	assert(c != NULL);
	const struct console_options *o = &c->console->options;
	struct reverify_options verify = { .product = o->product, .buckets = o->buckets, .bucket = str_of(o->settings->bucket) };
	struct image_row row;

	TRY(read_id(c, why));
	TRY(reverify_image(&verify, c->segment, c->arena, &row, why));
	return answer_row(c, &row, why);
}
