/* Opening a slot: validate the request, generate an id and a delete token, compute the URL or the form,
 * and only then commit the row. Computing needs no disk, so if it fails nothing was written; and
 * the URL is not returned before its row is durable. */
#include "image/slot.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/metrics.h"
#include "base/writer.h"

#define TOKEN_BYTES 32
#define TOKEN_CHARS 43
#define OLD_TOKEN_CHARS 32 /* of versions before owners */
#define ID_TEXT_BYTES 512  /* of an owner and a key */
#define CANONICAL_MAX_BYTES 65536

/* The most that may be uploaded where the size is not declared. */
static uint64_t max_bytes(const struct image_rules *rules, const struct slot_request *r)
{
	return r->max_size > 0 && r->max_size < rules->max_size_bytes ? r->max_size : rules->max_size_bytes;
}

static enum status check_size(const struct image_rules *rules, const struct slot_request *r, struct fault *why)
{
	if (!r->has_size && rules->require_size)
		return fault_set(why, BAD_FIELD, "fileSize is missing: this server requires it");
	if (!r->has_size)
		return OK;
	if (r->file_size == 0)
		return fault_set(why, BAD_FIELD, "fileSize must be at least 1");
	uint64_t most = max_bytes(rules, r);
	if (r->file_size > most)
		return refuse_size(most, why);
	return OK;
}

static enum status check_type(const struct slot_request *r, struct str file_type, struct fault *why)
{
	if (r->allowed_types.n == 0 || media_type_listed(r->allowed_types, file_type))
		return OK;
	char shown[MEDIA_TYPES_SHOWN_BYTES];
	return fault_set(why, TYPE_NOT_ALLOWED, "fileType %.*s is not one of the allowedTypes of this request: %.*s", STRF(file_type),
		STRF(media_types_shown(r->allowed_types, shown)));
}

static uint32_t url_life_s(const struct image_rules *rules, const struct slot_request *r)
{
	return r->expires_in_s > 0 && r->expires_in_s < rules->url_ttl_s ? r->expires_in_s : rules->url_ttl_s;
}

bool delete_token_valid(struct str s)
{
	return (s.n == TOKEN_CHARS || s.n == OLD_TOKEN_CHARS) && base64url_chars(s);
}

void slot_set_secret(struct product *p, struct str key)
{
	assert(p != NULL && key.n > 0);
	hmac_sha256(key, STR("tintype idempotency"), p->request_secret);
	p->has_request_secret = true;
}

/* Derive the id of an image, or the delete token of an anonymous caller, from the caller and the key: the same for the same caller and key, and
 * unknown without the secret. Anonymous callers share one set of keys, separate from those of owners. No owner and no key has a NUL in it.
 * what  "id" or "token"; owners have ids only */
static void derive_bytes(const struct product *p, const struct slot_request *r, struct str what, unsigned char out[SHA256_BYTES])
{
	char text[ID_TEXT_BYTES];
	struct buf b;
	assert(p->has_request_secret);
	buf_init_fixed(&b, text, sizeof text);
	if (r->anonymous) {
		buf_put_char(&b, '\0');
		buf_put(&b, what);
	} else
		buf_put(&b, r->owner);
	buf_put_char(&b, '\0');
	buf_put(&b, r->request_key);
	assert(buf_ok(&b));
	hmac_sha256((struct str){ (const char *)p->request_secret, sizeof p->request_secret }, buf_str(&b), out);
}

/* Only the token's digest is stored: the table's content does not allow a delete. With an Idempotency-Key the token is derived, so that a
 * repeated request gets the same one. */
static void make_delete_token(const struct product *p, const struct slot_request *r, struct arena *a, struct slot *s)
{
	char hex[2 * SHA256_BYTES + 1];
	unsigned char raw[TOKEN_BYTES];
	_Static_assert(sizeof raw == SHA256_BYTES, "a derived token is an HMAC-SHA256");
	struct buf b;
	if (r->request_key.n > 0)
		derive_bytes(p, r, STR("token"), raw);
	else
		random_bytes(raw, sizeof(raw));
	buf_init_arena(&b, a, TOKEN_CHARS + 1);
	base64url_encode(&b, (struct str){ (const char *)raw, sizeof(raw) });
	s->delete_token = buf_str(&b);
	sha256_hex(s->delete_token, hex);
	s->row.delete_hash = str_dup(a, str_of(hex));
	secret_wipe(raw, sizeof(raw));
}

/* Of everything that the request says, in one form. {NULL, 0}: the arena is full. */
static struct str hash_request(const struct slot_request *r, struct str file_type, struct arena *a)
{
	struct buf b;
	char hex[2 * SHA256_BYTES + 1];
	buf_init_arena(&b, a, CANONICAL_MAX_BYTES);
	writer_open(&b, STR(""), '[');
	writer_text(&b, STR(""), r->file_name);
	writer_text(&b, STR(""), file_type);
	writer_number(&b, STR(""), r->has_size ? r->file_size : 0);
	writer_bool(&b, STR(""), r->form);
	writer_text(&b, STR(""), r->has_visibility ? image_visibility_name(r->is_public) : STR(""));
	writer_text(&b, STR(""), r->metadata);
	writer_number(&b, STR(""), r->max_size);
	writer_text(&b, STR(""), r->allowed_types);
	writer_number(&b, STR(""), r->expires_in_s);
	if (r->body_sha256.n > 0)
		writer_text(&b, STR(""), r->body_sha256);
	writer_close(&b, ']');
	if (!buf_ok(&b))
		return (struct str){ 0 };
	sha256_hex(buf_str(&b), hex);
	return str_dup(a, str_of(hex));
}

static void fill_row(const struct product *p, const struct slot_request *r, struct arena *a, struct slot *s)
{
	struct image_row *row = &s->row;
	char id[UUID_CHARS + 1];
	unsigned char mac[SHA256_BYTES];
	if (r->request_key.n > 0) {
		derive_bytes(p, r, STR("id"), mac);
		uuid_of_bytes(mac, id);
	} else
		uuid_v4(id);
	row->image_id = str_dup(a, str_of(id));
	row->status = IMAGE_PENDING;
	row->version = 1;
	row->owner = r->owner.n > 0 ? r->owner : STR("");
	row->issuer = r->owner.n > 0 ? r->issuer : STR("");
	row->subject = r->owner.n > 0 ? r->subject : STR("");
	row->key = STR_CONCAT(a, IMAGE_PREFIX, row->image_id, STR("."), media_type_extension(row->file_type));
	row->file_name = r->file_name;
	row->file_size = r->has_size ? r->file_size : 0;
	row->metadata = r->metadata;
	row->etag = row->reason = STR("");
	row->created_ms = s->signed_ms = clock_now_ms();
	s->delete_token = row->delete_hash = row->request_hash = STR("");
	if (r->request_key.n > 0)
		row->request_hash = hash_request(r, row->file_type, a);
	if (r->anonymous)
		make_delete_token(p, r, a, s);
}

/* Content-Length is signed where the size was given, but not listed: browsers set it themselves and do not
 * let a page do it. */
static enum status make_url(struct product *p, uint32_t life_s, struct arena *a, struct slot *s, struct fault *why)
{
	struct presigned url;
	struct header *headers = arena_array(a, 2, sizeof(*headers));
	bool sized = s->row.file_size > 0;
	TRY(fault_check_arena(a, why));
	headers[0] = (struct header){ STR("Content-Type"), s->row.file_type };
	headers[1] = (struct header){ STR("Content-Length"), str_decimal(a, s->row.file_size) };
	const struct presign_request r = {
		.method = STR("PUT"), .key = s->row.key, .now_ms = s->signed_ms, .expires_s = life_s, .headers = headers, .n_headers = sized ? 2 : 1
	};
	TRY(store_presign(p->store, &r, a, &url, why));
	s->url = url.url;
	s->address = url.address;
	s->expires_ms = url.expires_ms;
	/* What the client must send by itself: the type, and what the store added. */
	struct header *listed = arena_array(a, 1 + url.n_added, sizeof(*listed));
	TRY(fault_check_arena(a, why));
	listed[0] = headers[0];
	for (size_t i = 0; i < url.n_added; i++)
		listed[1 + i] = url.added[i];
	s->headers = listed;
	s->n_headers = 1 + url.n_added;
	return OK;
}

static enum status make_form(struct product *p, uint32_t life_s, struct arena *a, struct slot *s, struct fault *why)
{
	struct post_form form;
	uint64_t size = s->row.file_size;
	const struct form_request r = { .key = s->row.key,
		.content_type = s->row.file_type,
		.min_size = size > 0 ? size : 1,
		.max_size = s->row.max_bytes,
		.now_ms = s->signed_ms,
		.expires_s = life_s };
	TRY(store_form(p->store, &r, a, &form, why));
	s->url = form.url;
	s->address = form.address;
	s->headers = form.fields;
	s->n_headers = form.n_fields;
	s->expires_ms = form.expires_ms;
	return OK;
}

static void set_expiry(const struct product *p, struct slot *s, int64_t expires_ms)
{
	s->row.expires_ms = s->expires_ms = expires_ms;
	s->row.ends_ms = expires_ms + (int64_t)p->rules.pending_ttl_s * 1000;
}

enum status slot_prepare_row(struct product *p, const struct slot_request *r, struct arena *a, struct slot *out, struct fault *why)
{
	assert(p != NULL);
	assert(r != NULL);
	assert(a != NULL);
	assert(out != NULL);
	struct slot s = { 0 };
	TRY(file_name_check(r->file_name, why));
	TRY(media_type_read(&p->rules, r->file_type, a, &s.row.file_type, why));
	TRY(check_type(r, s.row.file_type, why));
	TRY(check_size(&p->rules, r, why));
	fill_row(p, r, a, &s);
	s.row.max_bytes = r->has_size ? r->file_size : max_bytes(&p->rules, r);
	s.row.is_public = r->has_visibility ? r->is_public : p->rules.is_public;
	TRY(fault_check_arena(a, why));
	set_expiry(p, &s, s.row.created_ms + (int64_t)url_life_s(&p->rules, r) * 1000);
	*out = s;
	return OK;
}

static enum status sign_slot(struct product *p, bool form, uint32_t life_s, struct arena *a, struct slot *s, struct fault *why)
{
	TRY(form ? make_form(p, life_s, a, s, why) : make_url(p, life_s, a, s, why));
	if (p->cdn != NULL)
		s->address = cdn_address(p->cdn, s->row.key, a);
	return fault_check_arena(a, why);
}

enum status slot_prepare(struct product *p, const struct slot_request *r, struct arena *a, struct slot *out, struct fault *why)
{
	struct slot s;
	TRY(slot_prepare_row(p, r, a, &s, why));
	TRY(sign_slot(p, r->form, url_life_s(&p->rules, r), a, &s, why));
	set_expiry(p, &s, s.expires_ms);
	*out = s;
	return OK;
}

enum status slot_renew(
	struct product *p, const struct slot_request *r, const struct image_row *row, struct arena *a, struct slot *out, struct fault *why)
{
	assert(p != NULL && r != NULL && a != NULL && out != NULL);
	assert(row != NULL && row->status == IMAGE_PENDING);
	struct slot s = { .row = *row, .delete_token = STR(""), .signed_ms = clock_now_ms() };
	int64_t left_s = (row->ends_ms - s.signed_ms) / 1000, life_s = url_life_s(&p->rules, r);
	if (left_s < 1)
		return fault_set(why, SLOT_ENDED, "The slot has expired: request a new one.");
	TRY(sign_slot(p, r->form, (uint32_t)(life_s < left_s ? life_s : left_s), a, &s, why));
	*out = s;
	return OK;
}
