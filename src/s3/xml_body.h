/* XML documents, in both directions: the body of a request, collected and checked against its digests, and
 * the body of a response. */
#ifndef S3_XML_BODY_H
#define S3_XML_BODY_H

#include "base/fault.h"
#include "s3/call.h"

#define DOCUMENT_MAX ((size_t)2 * 1024 * 1024)         /* of a request: 1000 keys of 1024 bytes, escaped */
#define DOCUMENT_ANSWER_MAX ((size_t)16 * 1024 * 1024) /* of a response: as many, in the longest form */
/* Of all responses that their clients have not read yet: beyond it no more than DOCUMENT_SMALL is made for one. */
#define DOCUMENTS_HELD_MAX ((size_t)128 * 1024 * 1024)
#define DOCUMENT_SMALL ((size_t)64 * 1024)

enum document_digest {
	DIGEST_OPTIONAL,
	DIGEST_NEEDED,    /* one of Content-MD5 and x-amz-checksum-* */
	DIGEST_OF_OBJECT, /* x-amz-checksum-* are of an object and not of this body */
};
/* The body, whole and with the digests that were given: Content-MD5, x-amz-content-sha256, x-amz-checksum-*.
 * Errors  BODY_CUT; DIGEST_INVALID; DIGEST_WRONG; PAYLOAD_HASH_WRONG; CHECKSUM_INVALID; CHECKSUM_WRONG; REQUEST_INVALID
 *         no digest, or several checksums; TOO_MUCH */
enum status document_read(struct s3_call *c, enum document_digest rule, struct str *body, struct fault *why) MUST_CHECK;

/* Begin a response's document: <root xmlns="...">. The buffer lives in the call's arena. */
void document_open(struct s3_call *c, struct buf *b, const char *root);
/* The same for a long one, on the heap, so that no old copies remain while it grows. The caller frees it by buf_deinit
 * unless document_answer has taken it over. */
void document_open_large(struct buf *b, const char *root);
/* End it and make it the response, with status 200.
 * Errors  TOO_MUCH; OUT_OF_MEMORY; OVERLOADED see DOCUMENTS_HELD_MAX */
enum status document_answer(struct s3_call *c, struct buf *b, const char *root, struct fault *why) MUST_CHECK;

#endif
