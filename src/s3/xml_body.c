/* Bodies of XML are gathered in the call's arena, which has room for them only after the signature was
 * checked. What is too long is refused as soon as that is known, unread. */
#include "s3/xml_body.h"

#include "base/checksum.h"
#include "base/codec.h"
#include "base/hash.h"
#include "base/mem.h"
#include "s3/wire/text.h"

#include <stddef.h>
#include <string.h>

enum status later_begin(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	*step = HANDLER_RUN;
	return OK;
}

static enum status too_large(struct fault *why)
{
	return fault_set(why, BODY_TOO_LARGE, "Your request's XML exceeds the maximum allowed size of %zu bytes.", DOCUMENT_MAX);
}

enum status document_begin(struct s3_call *c, enum handler_step *step, struct fault *why)
{
	const struct request *r = &c->x->request;
	if (str_starts_with(c->auth.payload_hash, STR("STREAMING-")))
		return fault_set(why, REQUEST_INVALID, "A body of XML cannot be sent aws-chunked.");
	if (r->has_length && r->length > DOCUMENT_MAX)
		return too_large(why);
	buf_init_arena(&c->document, &c->x->arena, DOCUMENT_MAX);
	*step = HANDLER_READ_BODY;
	return OK;
}

enum status document_data(struct s3_call *c, struct str piece, struct fault *why)
{
	if (piece.n > DOCUMENT_MAX - c->document.n)
		return too_large(why);
	buf_put(&c->document, piece);
	return buf_ok(&c->document) ? OK : fault_too_much(why);
}

static enum status check_md5(struct s3_call *c, struct str body, bool *seen, struct fault *why)
{
	struct str value = request_header(&c->x->request, STR("content-md5")), given = { 0 };
	unsigned char md5[MD5_BYTES];
	struct hash h;
	if (value.p == NULL)
		return OK;
	*seen = true;
	if (!base64_decode(&c->x->arena, str_trim(value), &given) || given.n != MD5_BYTES)
		return fault_set(why, DIGEST_INVALID, "The Content-MD5 you specified is not valid: it must be the base64 of 16 bytes.");
	hash_init(&h, HASH_MD5);
	hash_update(&h, body.p, body.n);
	if (!hash_final(&h, md5))
		return fault_no_memory(why);
	if (memcmp(md5, given.p, MD5_BYTES) != 0)
		return fault_set(why, DIGEST_WRONG, "The Content-MD5 you specified did not match what we received.");
	return OK;
}

static enum status check_payload_hash(const struct s3_call *c, struct str body, struct fault *why)
{
	char hex[2 * SHA256_BYTES + 1];
	struct str given = c->auth.payload_hash;
	if (given.n != 2 * SHA256_BYTES)
		return OK;
	sha256_hex(body, hex);
	if (!str_equal_nocase(given, str_of(hex)))
		return fault_set(why, PAYLOAD_HASH_WRONG, "the body does not have the hash that was signed");
	return OK;
}

static enum status check_sum(struct s3_call *c, enum checksum_kind kind, struct str value, struct str body, struct fault *why)
{
	const struct checksum_kind_info *info = checksum_info(kind);
	unsigned char sum[CHECKSUM_BYTES_MAX];
	struct checksum running;
	struct str given = { 0 };
	if (!base64_decode(&c->x->arena, str_trim(value), &given) || given.n != info->bytes)
		return fault_set(why, CHECKSUM_INVALID, "Value for %s header is invalid.", info->header);
	checksum_init(&running, kind);
	checksum_update(&running, body.p, body.n);
	if (!checksum_final(&running, sum))
		return fault_no_memory(why);
	if (memcmp(sum, given.p, given.n) != 0)
		return fault_set(why, CHECKSUM_WRONG, "The %s you specified did not match the calculated checksum.", info->name);
	return OK;
}

static enum status check_sums(struct s3_call *c, struct str body, bool *seen, struct fault *why)
{
	const struct request *r = &c->x->request;
	for (size_t i = 0; i < r->n_headers; i++) {
		enum checksum_kind kind = checksum_by_header(r->headers[i].name);
		if (kind == CHECKSUM_NONE)
			continue;
		*seen = true;
		TRY(check_sum(c, kind, r->headers[i].value, body, why));
	}
	return OK;
}

static enum status read_document(struct s3_call *c, struct str *body, bool *seen, struct fault *why)
{
	const struct request *r = &c->x->request;
	*body = buf_str(&c->document);
	if (r->has_length && body->n != r->length)
		return fault_set(why, BODY_CUT, "You did not provide the number of bytes specified by the Content-Length HTTP header");
	TRY(check_payload_hash(c, *body, why));
	return check_md5(c, *body, seen, why);
}

enum status document_read(struct s3_call *c, bool digest_needed, struct str *body, struct fault *why)
{
	bool seen = false;
	TRY(read_document(c, body, &seen, why));
	TRY(check_sums(c, *body, &seen, why));
	if (digest_needed && !seen)
		return fault_set(why, REQUEST_INVALID, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
	return OK;
}

enum status document_read_unsummed(struct s3_call *c, struct str *body, struct fault *why)
{
	bool seen = false;
	return read_document(c, body, &seen, why);
}

static void open_root(struct buf *b, const char *root)
{
	buf_printf(b, XML_PROLOG "<%s xmlns=\"" XML_NAMESPACE "\">", root);
}

void document_open(struct s3_call *c, struct buf *b, const char *root)
{
	buf_init_arena(b, &c->x->arena, DOCUMENT_ANSWER_MAX);
	open_root(b, root);
}

void document_open_large(struct buf *b, const char *root)
{
	buf_init(b, DOCUMENT_ANSWER_MAX);
	open_root(b, root);
}

/* A document on the heap, for as long as it is sent. */
struct large_document {
	struct body_hold hold;
	struct buf text;
};

static void release_body(struct body_hold *hold)
{
	struct large_document *d = (struct large_document *)((char *)hold - offsetof(struct large_document, hold));

	buf_deinit(&d->text);
	mem_free(d);
}

static enum status take_over(struct answer *ans, struct buf *b, struct fault *why)
{
	struct large_document *d = mem_new(1, sizeof(*d));
	char *exact = d == NULL ? NULL : mem_resize(b->p, b->n + 1, 1);

	if (exact == NULL) {
		mem_free(d);
		return fault_no_memory(why);
	}
	b->p = exact;
	b->cap = b->n + 1;
	*d = (struct large_document){ .hold.release = release_body, .text = *b };
	*b = (struct buf){ 0 };
	ans->hold = &d->hold;
	ans->body = buf_str(&d->text);
	return OK;
}

enum status document_answer(struct s3_call *c, struct buf *b, const char *root, struct fault *why)
{
	struct answer *ans = &c->x->answer;

	buf_printf(b, "</%s>", root);
	if (!buf_ok(b))
		return fault_check_buf(b, why);
	if (b->arena == NULL)
		TRY(take_over(ans, b, why));
	else
		ans->body = buf_str(b);
	ans->status = 200;
	answer_header(ans, STR("Content-Type"), STR("application/xml"));
	return OK;
}
