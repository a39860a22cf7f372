/* POST /images: an image in one request, for clients that cannot ask for a slot first: curl, ShareX, Shortcuts.
 *
 * The body is a multipart form, with the image in the part `file` and texts in others, or the image itself, with the texts in
 * the query. The image is streamed to storage as it comes (image/direct_upload.h); the fields may precede or follow it, since its row
 * is made at the end. What is known from the head alone, as the caller's quota, is checked before any of it is read. Every field that this file does not know is refused by its name, for a client that sends one expects
 * something of it. Browsers send such requests for any page without asking first, so pages of other origins are refused. */
#include "api/call.h"

#include "api/access.h"
#include "api/body.h"
#include "api/cors.h"
#include "api/record.h"
#include "api/request_key.h"
#include "base/writer.h"
#include "http/form_parser.h"
#include "http/text.h"
#include "image/direct_upload.h"

#define FIELD_BYTES_MAX BODY_MAX_BYTES        /* of all texts */
#define FORM_SPARE_BYTES ((uint64_t)64 << 10) /* what a form may have around its file */
#define TRAILING_MAX 1024                     /* after the last boundary */
#define RECORD_MAX_BYTES 65536

enum form_at { IN_FIELD, IN_FILE, AT_FORM_END };

struct direct_call {
	struct direct_upload upload;
	bool is_form, has_file;
	struct form_parser parser;
	enum form_at at;
	struct buf value; /* of the field that is being read */
	size_t field_bytes, trailing;
	struct str *field; /* where it goes */
	struct str file_name, metadata, on_behalf_of, sent_name, type;
	struct str request_key; /* "": none */
};

/* The texts, in a form or in the query. NULL: there is no such one. */
static struct str *find_field(struct direct_call *d, struct str name)
{
	const struct {
		const char *name;
		struct str *value;
	} fields[] = { { "fileName", &d->file_name }, { "metadata", &d->metadata }, { "onBehalfOf", &d->on_behalf_of } };
	for (size_t i = 0; i < COUNT_OF(fields); i++)
		if (str_equal(name, str_of(fields[i].name)))
			return fields[i].value;
	return NULL;
}

#define FIELD_NAMES "fileName, metadata and onBehalfOf"

static enum status refuse_unknown(struct str name, const char *what, struct fault *why)
{
	return fault_set(why, BAD_FIELD, "Unknown %s \"%.*s\". Send the image as %s and the texts as " FIELD_NAMES ".", what,
		STRF(str_slice(name, 0, 60)), what[0] == 'f' ? "file" : "the body");
}

static enum status refuse_twice(struct str name, struct fault *why)
{
	return fault_set(why, BAD_FIELD, "%.*s is given twice; give it once.", STRF(str_slice(name, 0, 60)));
}

/* the head */

static enum status read_query(struct api_call *c, struct fault *why)
{
	const struct query *q = &c->x->request.query;
	for (size_t i = 0; i < q->n; i++) {
		struct str name = q->pairs[i].name, *value = find_field(c->direct, name);
		if (str_equal(name, STR("onBehalfOf")))
			continue; /* see access.h */
		if (c->direct->is_form)
			return fault_set(why, BAD_FIELD, "With a form, send %.*s as a field of it, not in the query.", STRF(str_slice(name, 0, 60)));
		if (value == NULL)
			return refuse_unknown(name, "parameter", why);
		if (value->p != NULL)
			return refuse_twice(name, why);
		*value = q->pairs[i].value.n > 0 ? q->pairs[i].value : STR("");
	}
	return OK;
}

static enum status check_length(const struct api_call *c, struct fault *why)
{
	const struct request *r = &c->x->request;
	const uint64_t most = c->api->product->rules.max_size_bytes;
	if (r->has_length && r->length > most + (c->direct->is_form ? FORM_SPARE_BYTES : 0))
		return refuse_size(most, why);
	if (r->chunked || r->length > 0)
		return OK;
	return fault_set(
		why, IMAGE_EMPTY, "The request has no body: send the image, as the body or as the field file of a multipart/form-data form.");
}

/* Whether an image of the declared length may fit, before it is received: the quota is checked again, and taken, when its row is made.
 * With an Idempotency-Key the image may be there already, and takes nothing then. */
static enum status check_quota(const struct api_call *c, struct fault *why)
{
	const struct request *r = &c->x->request;
	const uint64_t around = c->direct->is_form ? FORM_SPARE_BYTES : 0;
	struct user_row user;
	if (c->caller.owner.n == 0 || c->direct->request_key.n > 0)
		return OK;
	TRY(users_read_own(c, &user, why));
	if (user.blocked)
		return owner_blocked(why);
	return owner_quota_check(&user.quota, &user.usage, r->length > around ? r->length - around : 0, why);
}

static enum status begin_upload(struct api_call *c, struct fault *why)
{
	struct direct_call *d = c->direct;
	d->has_file = true;
	return direct_upload_begin(&d->upload, c->x->request.length, why);
}

static enum status begin_body(struct api_call *c, struct str content_type, struct fault *why)
{
	struct direct_call *d = c->direct;
	struct str boundary, type = content_type;
	if (d->is_form) {
		if (!form_boundary(content_type, &boundary))
			return fault_set(
				why, FORM_MALFORMED, "The Content-Type of the form must name one boundary of 1 to %d characters.", MULTIPART_BOUNDARY_MAX);
		form_parser_init(&d->parser, boundary);
		return OK;
	}
	d->type = str_trim(str_cut(&type, ';'));
	if (str_equal_nocase(d->type, STR("application/json")))
		return fault_set(why, BAD_FIELD, "Send the image's own bytes here; JSON that asks for an upload URL goes to POST /prod/upload.");
	return begin_upload(c, why);
}

static enum status begin_direct(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->direct == NULL);
	const struct api_options *o = &c->api->options;
	const struct request *r = &c->x->request;
	struct str content_type = request_header(r, STR("Content-Type"));
	if (cors_is_foreign(r, o->cors_origins))
		return fault_set(why, CROSS_SITE,
			"Pages of other origins may not send images here: name the page's origin in --cors-origins, or request a slot by POST "
			"/prod/upload.");
	if (o->direct == DIRECT_NONE)
		return fault_set(
			why, USE_SLOT, "This server takes no images itself: request a slot by POST /prod/upload, and send the image to its uploadUrl.");
	struct direct_call *d = c->direct = ARENA_NEW(c->arena, struct direct_call);
	if (d == NULL)
		return fault_too_much(why);
	assert((o->direct == DIRECT_STORE) == (o->buckets != NULL));
	d->upload = (struct direct_upload){
		.product = c->api->product, .buckets = o->buckets, .bucket = o->bucket, .arena = c->arena, .reserve_bytes = o->spool_reserve_bytes
	};
	d->is_form = str_starts_with_nocase(content_type, STR("multipart/form-data"));
	c->x->slow_body_is_rate = true;
	TRY(read_query(c, why));
	TRY(check_length(c, why));
	TRY(request_key_read(c, &d->request_key, why));
	TRY(check_quota(c, why));
	return begin_body(c, content_type, why);
}

/* the form */

static enum status begin_part(struct api_call *c, struct fault *why)
{
	struct direct_call *d = c->direct;
	if (str_equal(d->parser.name, STR("file"))) {
		struct str type = d->parser.content_type;
		if (d->has_file)
			return fault_set(why, BAD_FIELD, "The form has more than one file; send one in each request.");
		d->at = IN_FILE;
		d->sent_name = str_dup(c->arena, form_file_name(&d->parser));
		d->type = str_dup(c->arena, str_trim(str_cut(&type, ';')));
		return begin_upload(c, why);
	}
	d->field = find_field(d, d->parser.name);
	if (d->field == NULL)
		return refuse_unknown(d->parser.name, "field", why);
	if (d->field->p != NULL)
		return refuse_twice(d->parser.name, why);
	d->at = IN_FIELD;
	buf_init_arena(&d->value, c->arena, FIELD_BYTES_MAX);
	return OK;
}

static enum status take_bytes(struct direct_call *d, struct str bytes, struct fault *why)
{
	if (d->at == IN_FILE)
		return direct_upload_write(&d->upload, bytes, why);
	d->field_bytes += bytes.n;
	if (d->field_bytes > FIELD_BYTES_MAX)
		return fault_set(why, BAD_FIELD, "The form's texts are over %d bytes.", FIELD_BYTES_MAX);
	buf_put(&d->value, bytes);
	return OK;
}

static enum status handle_event(struct api_call *c, enum form_event event, struct str bytes, struct fault *why)
{
	struct direct_call *d = c->direct;
	switch (event) {
	case MULTIPART_PART:
		return begin_part(c, why);
	case MULTIPART_DATA:
		return take_bytes(d, bytes, why);
	case MULTIPART_PART_END:
		if (d->at == IN_FIELD)
			*d->field = d->value.n > 0 ? buf_str(&d->value) : STR("");
		return OK;
	case MULTIPART_END:
		d->at = AT_FORM_END;
		return OK;
	case MULTIPART_BAD:
		return fault_set(why, FORM_MALFORMED, "The body is not well-formed multipart/form-data: %s.", d->parser.why);
	case MULTIPART_MORE:
		break;
	}
	return OK;
}

static enum status take_form(struct api_call *c, struct str piece, struct fault *why)
{
	struct direct_call *d = c->direct;
	while (piece.n > 0) {
		struct str bytes = { 0 };
		size_t before = piece.n;
		enum form_event event = form_parser_next(&d->parser, &piece, &bytes);
		if (d->at == AT_FORM_END)
			d->trailing += before - piece.n;
		if (d->trailing > TRAILING_MAX)
			return fault_set(why, FORM_MALFORMED, "Too much follows the last boundary of the form.");
		TRY(handle_event(c, event, bytes, why));
	}
	return OK;
}

static enum status take_piece(struct api_call *c, struct str piece, struct fault *why)
{
	assert(c->direct != NULL);
	return c->direct->is_form ? take_form(c, piece, why) : direct_upload_write(&c->direct->upload, piece, why);
}

static void drop_direct(struct api_call *c)
{
	if (c->direct != NULL)
		direct_upload_drop(&c->direct->upload);
}

const struct api_stream direct_stream = { begin_direct, take_piece, drop_direct };

/* the end */

static enum status check_form(const struct direct_call *d, struct fault *why)
{
	if (!d->is_form)
		return OK;
	if (d->at != AT_FORM_END)
		return fault_set(why, FORM_MALFORMED, "The form ends before its last boundary.");
	if (!d->has_file)
		return fault_set(why, BAD_FIELD, "file is missing: send the image as the field file of the form.");
	return OK;
}

static enum status answer_image(struct api_call *c, const struct slot *slot, const struct image_row *row, struct fault *why)
{
	struct buf text;
	unsigned form = record_form_for(c, RECORD_ALONE);
	buf_init_arena(&text, c->arena, RECORD_MAX_BYTES);
	writer_open(&text, (struct str){ 0 }, '{');
	TRY(record_write_members(c->api->product, row, form, &text, why));
	if (slot->delete_token.n > 0)
		writer_text(&text, STR("deleteToken"), slot->delete_token);
	writer_close(&text, '}');
	TRY(call_json(c, &text, why));
	record_tag(c, row);
	return OK;
}

static enum status answer_created(struct api_call *c, const struct slot *slot, const struct image_row *row, struct fault *why)
{
	TRY(answer_image(c, slot, row, why));
	c->x->answer.status = 201;
	answer_header(&c->x->answer, STR("Location"), STR_CONCAT(c->arena, STR("/prod/images/"), row->image_id));
	return fault_check_arena(c->arena, why);
}

/* What an earlier request with the same Idempotency-Key has made. */
static enum status answer_first(struct api_call *c, const struct slot *slot, const struct image_row *first, struct fault *why)
{
	direct_upload_repeated(&c->direct->upload);
	switch (first->status) {
	case IMAGE_UPLOADED:
		return answer_image(c, slot, first, why);
	case IMAGE_REJECTED:
		return fault_set(why, IMAGE_REJECTED, "%.*s", STRF(first->reason));
	case IMAGE_PENDING:
		break;
	}
	return fault_set(why, STATE_CHANGED, "The first request with this Idempotency-Key has not ended yet; try again.");
}

/* The image is looked up before its pixels are decoded. If it appears only after that, two requests ran at the same time. */
static enum status store_once(struct api_call *c, const struct slot *slot, struct fault *why)
{
	struct direct_upload *u = &c->direct->upload;
	struct image_row first = { .image_id = STR("") }, now;
	bool has_key = c->direct->request_key.n > 0;
	if (has_key)
		TRY(request_key_find_first(c, &slot->row, OK, &first, why));
	bool resumes = first.image_id.n > 0 && first.status == IMAGE_PENDING && u->buckets == NULL;
	if (first.image_id.n > 0 && !resumes)
		return answer_first(c, slot, &first, why);
	enum status st = direct_upload_store(u, resumes ? &first : &slot->row, resumes, &now, why);
	c->x->answer.image_id = slot->row.image_id;
	if (st != OK && has_key && (why->code == F_IMAGE_EXISTS || why->code == F_STATE_CHANGED)) {
		TRY(request_key_find_first(c, &slot->row, st, &first, why));
		return answer_first(c, slot, &first, why);
	}
	TRY(st);
	return answer_created(c, slot, &now, why);
}

enum status direct_run(struct api_call *c, struct fault *why)
{
	assert(c != NULL && c->direct != NULL);
	struct direct_call *d = c->direct;
	struct slot slot = { 0 };
	TRY(check_form(d, why));
	struct str name = d->file_name.p != NULL ? d->file_name : d->sent_name;
	if (d->file_name.p != NULL || name.n > 0)
		TRY(file_name_check(name, why));
	struct str metadata = STR("");
	if (d->metadata.p != NULL)
		TRY(body_read_metadata(c->arena, d->metadata, &metadata, why));
	struct direct_request r = { .slot = { .file_name = name, .file_type = d->type, .metadata = metadata, .request_key = d->request_key },
		.caller = c->x->request.client,
		.request_id = c->x->request.id };
	if (d->on_behalf_of.p != NULL) /* in a query it was read before */
		TRY(access_act_as(c, d->on_behalf_of, why));
	access_name_owner(c, &r.slot);
	TRY(direct_upload_end(&d->upload, &r, &slot, why));
	return store_once(c, &slot, why);
}
