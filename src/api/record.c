/* The record: imageId, fileName, fileUrl, fileSize, fileType and uploadedAt always under these
 * names, and what else is known. Unknown members are left out rather than null: a pending
 * row has its declared values and no uploadedAt, a rejected one its reason and no downloadUrl. */
#include "api/record.h"

#include "base/writer.h"
#include "image/image_service.h"
#include "image/strip/strip.h"
#include "image/thumbnails.h"

#define SIGNING_MAX_BYTES 65536
#define RECORD_MAX_BYTES 65536

static void write_known(struct buf *b, struct str name, uint64_t value)
{
	if (value > 0)
		writer_number(b, name, value);
}

static void write_removed(struct buf *b, uint32_t removed)
{
	if (removed == 0)
		return;
	writer_open(b, STR("removed"), '[');
	for (unsigned i = 0; i < STRIP_REMOVED_KINDS; i++)
		if ((removed & 1U << i) != 0)
			writer_text(b, STR(""), str_of(strip_removed_word((enum strip_removed)(1U << i))));
	writer_close(b, ']');
}

static void write_text(struct buf *b, struct str name, struct str value)
{
	if (value.n > 0)
		writer_text(b, name, value);
}

static enum status write_link(
	struct product *p, const struct image_row *row, struct str name, struct str variant, struct buf *b, struct fault *why)
{
	struct arena scratch CLEANUP(arena_deinit);
	struct str url;
	arena_init(&scratch, SIGNING_MAX_BYTES);
	TRY(fault_blame_arena(&scratch, image_service_link(p, row, variant, 0, &scratch, &url, why), why));
	writer_text(b, name, url);
	return OK;
}

/* Each preset in the formats that a page needs for <picture>, with the size for its srcset. */
static enum status write_thumbnails(struct product *p, const struct image_row *row, struct buf *b, struct fault *why)
{
	enum render_format formats[2];
	for (size_t i = 0; i < thumbnails_count(p->thumbnails); i++) {
		size_t n = thumbnails_offered(p->thumbnails, i, row, formats);
		if (n == 0)
			continue;
		struct render_size size = thumbnails_size(p->thumbnails, row, i);
		writer_open(b, thumbnails_name(p->thumbnails, i), '{');
		write_known(b, STR("width"), size.crop_width);
		write_known(b, STR("height"), size.crop_height);
		for (size_t f = 0; f < n; f++) {
			struct str subtype = thumbnails_media_type(formats[f]);
			(void)str_cut(&subtype, '/');
			TRY(write_link(p, row, subtype, thumbnails_variant(p->thumbnails, i, formats[f]), b, why));
		}
		writer_close(b, '}');
	}
	return OK;
}

static enum status write_links(struct product *p, const struct image_row *row, struct buf *b, struct fault *why)
{
	writer_open(b, STR("links"), '{');
	if (image_service_has_original(p, row))
		TRY(write_link(p, row, STR("original"), STR("original"), b, why));
	if (p->thumbnails != NULL && thumbnails_possible(row))
		TRY(write_thumbnails(p, row, b, why));
	writer_close(b, '}');
	return OK;
}

/* What is known of an image from its bytes, in the order of the documents. */
static void write_uploaded(const struct image_row *row, unsigned form, struct buf *b)
{
	writer_time(b, STR("uploadedAt"), row->uploaded_ms);
	write_known(b, STR("width"), row->width);
	write_known(b, STR("height"), row->height);
	write_known(b, STR("orientation"), row->orientation);
	write_known(b, STR("frames"), row->frames);
	writer_text(b, STR("etag"), row->etag);
	writer_bool(b, STR("stripped"), row->stripped);
	write_known(b, STR("receivedSize"), row->received_size);
	write_removed(b, row->removed);
	if ((form & RECORD_KEPT) != 0 && row->kept_metadata.n > 0)
		writer_raw(b, STR("keptMetadata"), row->kept_metadata);
	writer_bool(b, STR("verified"), row->verdict.n > 0);
	write_text(b, STR("placeholder"), row->placeholder);
	write_text(b, STR("color"), row->color);
}

enum status record_write_members(struct product *p, const struct image_row *row, unsigned form, struct buf *b, struct fault *why)
{
	assert(p != NULL);
	assert(row != NULL);
	assert(b != NULL);
	struct arena scratch CLEANUP(arena_deinit);
	struct presigned read = { 0 };
	bool event = (form & RECORD_IN_EVENT) != 0, alone = (form & RECORD_IN_LIST) == 0, with_urls = !event && (form & RECORD_NO_URLS) == 0;
	bool with_links = (form & RECORD_NO_LINKS) == 0 && (!event || row->is_public);
	bool readable = row->status == IMAGE_UPLOADED && (form & RECORD_UNREADABLE) == 0;

	assert(with_urls || event || !alone);

	arena_init(&scratch, SIGNING_MAX_BYTES);
	if (with_urls)
		TRY(fault_blame_arena(&scratch, image_service_download(p, row, STR("GET"), &scratch, &read, why), why));
	writer_text(b, STR("imageId"), row->image_id);
	writer_number(b, STR("version"), row->version);
	if (alone || (form & RECORD_STATUS) != 0)
		writer_text(b, STR("status"), image_status_name(row->status));
	if ((form & RECORD_OWNER) != 0) {
		write_text(b, STR("owner"), row->owner);
		write_text(b, STR("issuer"), row->issuer);
		write_text(b, STR("subject"), row->subject);
	}
	writer_text(b, STR("fileName"), row->file_name);
	if (with_urls)
		writer_text(b, STR("fileUrl"), read.address);
	writer_text(b, STR("visibility"), image_visibility_name(row->is_public));
	if (readable && with_urls)
		writer_text(b, STR("downloadUrl"), read.url);
	if (readable && with_links && image_service_has_links(p))
		TRY(write_links(p, row, b, why));
	if (row->metadata.n > 0)
		writer_raw(b, STR("metadata"), row->metadata);
	write_known(b, STR("fileSize"), row->file_size);
	write_text(b, STR("fileType"), row->file_type);
	if (row->status == IMAGE_UPLOADED)
		write_uploaded(row, form, b);
	write_text(b, STR("verdict"), row->verdict);
	write_text(b, STR("damage"), row->damage);
	if (alone && with_urls && readable)
		writer_time(b, STR("expiresAt"), read.expires_ms);
	if (row->status == IMAGE_PENDING)
		writer_time(b, STR("expiresAt"), row->expires_ms);
	if (row->status == IMAGE_REJECTED)
		writer_text(b, STR("reason"), row->reason);
	return OK;
}

enum status record_write(struct product *p, const struct image_row *row, unsigned form, struct buf *b, struct fault *why)
{
	writer_open(b, (struct str){ 0 }, '{');
	TRY(record_write_members(p, row, form, b, why));
	writer_close(b, '}');
	return OK;
}

unsigned record_form_for(const struct api_call *c, unsigned form)
{
	assert(c != NULL);
	const struct caller *caller = &c->caller;
	if (caller->kind == CALLER_ANONYMOUS)
		return form | (c->api->options.images == ACCESS_OPEN ? 0U : RECORD_UNREADABLE);
	bool reads = (caller->scopes & (SCOPE_READ | SCOPE_ADMIN)) != 0;
	return form | RECORD_KEPT | (reads ? 0U : RECORD_UNREADABLE) | ((caller->scopes & SCOPE_ADMIN) != 0 ? RECORD_OWNER : 0U);
}

void record_tag(struct api_call *c, const struct image_row *row)
{
	assert(c != NULL && row->version > 0);
	answer_header(&c->x->answer, STR("ETag"), STR_CONCAT(c->arena, STR("\""), str_decimal(c->arena, row->version), STR("\"")));
}

enum status record_answer(struct api_call *c, const struct image_row *row, struct fault *why)
{
	assert(c != NULL && row != NULL);
	struct buf text;

	buf_init_arena(&text, c->arena, RECORD_MAX_BYTES);
	TRY(record_write(c->api->product, row, record_form_for(c, RECORD_ALONE), &text, why));
	TRY(call_json(c, &text, why));
	record_tag(c, row);
	return OK;
}
