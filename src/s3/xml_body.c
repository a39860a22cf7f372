/* Bodies of XML are collected in the call's arena, which has room for them only after the signature was
 * checked. One that is too long is refused as soon as its length is known. */
#include "s3/xml_body.h"

#include "base/mem.h"
#include "s3/wire/digests.h"
#include "s3/wire/text.h"

#include <stddef.h>

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
	assert(c->document.p == NULL);
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
	assert(c->document.n <= DOCUMENT_MAX);
	if (piece.n > DOCUMENT_MAX - c->document.n)
		return too_large(why);
	buf_put(&c->document, piece);
	return buf_ok(&c->document) ? OK : fault_too_much(why);
}

enum status document_read(struct s3_call *c, enum document_digest rule, struct str *body, struct fault *why)
{
	assert(body != NULL);
	const struct request *r = &c->x->request;
	struct digests d = { .sha256 = c->auth.payload == PAYLOAD_HASH ? c->auth.payload_hash : STR("") };
	struct object_checksum sum;
	unsigned char md5[MD5_BYTES];
	*body = buf_str(&c->document);
	if (r->has_length && body->n != r->length)
		return fault_set(why, BODY_CUT, "You did not provide the number of bytes specified by the Content-Length HTTP header");
	if (rule == DIGEST_OF_OBJECT)
		TRY(digests_read_md5(&c->x->arena, &r->by_name, &d, why));
	else
		TRY(digests_read(&c->x->arena, &r->by_name, &d, why));
	if (rule == DIGEST_NEEDED && !d.has_md5 && !d.given)
		return fault_set(why, REQUEST_INVALID, "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
	digests_start(&d, CHECKSUM_NONE);
	digests_update(&d, *body);
	if (d.has_md5) {
		struct hash h;
		hash_init(&h, HASH_MD5);
		hash_update(&h, body->p, body->n);
		hash_final(&h, md5);
	}
	return digests_check(&c->x->arena, &d, md5, &sum, why);
}

static void open_root(struct buf *b, const char *root)
{
	buf_printf(b, XML_PROLOG "<%s xmlns=\"" XML_NAMESPACE "\">", root);
}

void document_open(struct s3_call *c, struct buf *b, const char *root)
{
	assert(root != NULL);
	buf_init_arena(b, &c->x->arena, DOCUMENT_ANSWER_MAX);
	open_root(b, root);
}

void document_open_large(struct buf *b, const char *root)
{
	assert(root != NULL);
	buf_init(b, DOCUMENT_ANSWER_MAX);
	open_root(b, root);
}

/* A document on the heap, for as long as it is sent. */
struct large_document {
	struct body_hold hold;
	struct buf text;
	_Atomic size_t *held_bytes; /* of all of them */
};

static void release_body(struct body_hold *hold)
{
	struct large_document *d = (struct large_document *)((char *)hold - offsetof(struct large_document, hold));

	atomic_fetch_sub(d->held_bytes, d->text.cap);
	buf_deinit(&d->text);
	mem_free(d);
}

static enum status take_over(struct s3_call *c, struct buf *b, struct fault *why)
{
	_Atomic size_t *held_bytes = &c->s3->held_bytes;
	struct large_document *d = mem_new(1, sizeof(*d));
	char *exact = d == NULL ? NULL : mem_resize(b->p, b->n + 1, 1);

	if (exact == NULL) {
		mem_free(d);
		return fault_no_memory(why);
	}
	b->p = exact;
	b->cap = b->n + 1;
	*d = (struct large_document){ .hold.release = release_body, .text = *b, .held_bytes = held_bytes };
	*b = (struct buf){ 0 };
	size_t all = atomic_fetch_add(held_bytes, d->text.cap) + d->text.cap;
	if (all > DOCUMENTS_HELD_MAX && d->text.cap > DOCUMENT_SMALL) {
		release_body(&d->hold);
		return fault_set(why, OVERLOADED, "Too many long responses are waiting for their clients to read them; try again.");
	}
	c->x->answer.hold = &d->hold;
	c->x->answer.body = buf_str(&d->text);
	return OK;
}

enum status document_answer(struct s3_call *c, struct buf *b, const char *root, struct fault *why)
{
	assert(root != NULL);
	assert(c->x->answer.hold == NULL);
	struct answer *ans = &c->x->answer;

	buf_printf(b, "</%s>", root);
	if (!buf_ok(b))
		return fault_check_buf(b, why);
	if (b->arena == NULL)
		TRY(take_over(c, b, why));
	else
		ans->body = buf_str(b);
	ans->status = 200;
	answer_header(ans, STR("Content-Type"), STR("application/xml"));
	return OK;
}
