/* The one table from our faults to the errors of S3, and the XML that carries them.
 *
 * What the client did wrong is told in the fault's own sentence; for the failures that are ours the
 * sentence is fixed here, so that nothing of the inside can get out.
 * Source: Amazon S3 API, "Error responses". */
#include "s3/error.h"

#include "s3/text.h"

#include <assert.h>

struct error_row {
	const char *code;
	int http;
	const char *message;   /* NULL: the fault's text */
};

#define INTERNAL_MESSAGE "We encountered an internal error. Please try again."
#define TOO_MUCH_MESSAGE "The request's head is too large."
#define SLOW_MESSAGE "The store cannot take this now. Please try again later."

static const struct error_row rows[FAULT_CODES] = {
	[F_NONE] = { "InternalError", 500, INTERNAL_MESSAGE },
	[F_INVALID_INPUT] = { "InvalidArgument", 400, NULL },
	[F_OUT_OF_MEMORY] = { "InternalError", 500, INTERNAL_MESSAGE },
	[F_TOO_MUCH] = { "InvalidRequest", 400, TOO_MUCH_MESSAGE },
	[F_INTERNAL] = { "InternalError", 500, INTERNAL_MESSAGE },
	[F_STORAGE_FAILED] = { "SlowDown", 503, SLOW_MESSAGE },
	[F_DISK_FULL] = { "SlowDown", 503, "The store has no room for this now. Please try again later." },
	[F_OVERLOADED] = { "SlowDown", 503, "Please reduce your request rate." },
	[F_UPSTREAM_FAILED] = { "SlowDown", 503, SLOW_MESSAGE },
	[F_DEADLINE] = { "RequestTimeout", 400, NULL },

	[F_BAD_FRAMING] = { "InvalidRequest", 400, NULL },
	[F_TARGET_TOO_LONG] = { "URITooLong", 414, NULL },
	[F_HEAD_TOO_LARGE] = { "RequestHeaderSectionTooLarge", 431, NULL },
	[F_BAD_VERSION] = { "HttpVersionNotSupported", 505, NULL },
	[F_BAD_HOST] = { "AccessDenied", 403, NULL },
	[F_CROSS_SITE] = { "AccessDenied", 403, NULL },
	[F_BODY_TOO_LARGE] = { "EntityTooLarge", 400, NULL },
	[F_BODY_CUT] = { "IncompleteBody", 400, NULL },
	[F_BODY_SLOW] = { "RequestTimeout", 400, NULL },

	[F_BAD_JSON] = { "InvalidRequest", 400, NULL },
	[F_BAD_FIELD] = { "InvalidArgument", 400, NULL },
	[F_BAD_CURSOR] = { "InvalidArgument", 400, NULL },
	[F_NO_SUCH_ROUTE] = { "NoSuchKey", 404, NULL },
	[F_BAD_METHOD] = { "MethodNotAllowed", 405, "The specified method is not allowed against this resource." },
	[F_KEY_NEEDED] = { "AccessDenied", 403, NULL },
	[F_KEY_WRONG] = { "AccessDenied", 403, NULL },

	[F_NO_SUCH_IMAGE] = { "AccessDenied", 403, NULL },
	[F_TYPE_NOT_ALLOWED] = { "InvalidRequest", 400, NULL },
	[F_IMAGE_TOO_LARGE] = { "EntityTooLarge", 400, NULL },
	[F_IMAGE_EMPTY] = { "InvalidRequest", 400, NULL },
	[F_IMAGE_REJECTED] = { "InvalidRequest", 400, NULL },
	[F_SLOT_ENDED] = { "AccessDenied", 403, NULL },
	[F_SLOT_TAKEN] = { "PreconditionFailed", 412, NULL },
	[F_NOT_ARRIVED] = { "NoSuchKey", 404, NULL },
	[F_SLOTS_FULL] = { "SlowDown", 503, NULL },
	[F_IMAGE_EXISTS] = { "PreconditionFailed", 412, NULL },
	[F_STATE_CHANGED] = { "PreconditionFailed", 412, NULL },

	[F_NOT_SIGNED] = { "AccessDenied", 403, NULL },
	[F_AUTH_MALFORMED] = { "AuthorizationQueryParametersError", 400, NULL },
	[F_AUTH_HEADER_MALFORMED] = { "AuthorizationHeaderMalformed", 400, NULL },
	[F_TOKEN_INVALID] = { "InvalidToken", 400, "The provided token is malformed or otherwise invalid." },
	[F_ACCESS_KEY_UNKNOWN] = { "InvalidAccessKeyId", 403, NULL },
	[F_SIGNATURE_WRONG] = { "SignatureDoesNotMatch", 403, NULL },
	[F_SIGNATURE_EXPIRED] = { "AccessDenied", 403, NULL },
	[F_HEADER_UNSIGNED] = { "AccessDenied", 403, NULL },
	[F_ACCESS_DENIED] = { "AccessDenied", 403, NULL },
	[F_POLICY_MALFORMED] = { "InvalidPolicyDocument", 400, NULL },
	[F_POLICY_VIOLATED] = { "AccessDenied", 403, NULL },
	[F_POLICY_EXPIRED] = { "AccessDenied", 403, NULL },

	[F_NO_SUCH_KEY] = { "NoSuchKey", 404, "The specified key does not exist." },
	[F_NO_SUCH_BUCKET] = { "NoSuchBucket", 404, "The specified bucket does not exist." },
	[F_BUCKET_EXISTS] = { "BucketAlreadyExists", 409, "The requested bucket name is not available. The bucket namespace is shared "
		"by all users of the system. Select a different name and try again." },
	[F_BUCKET_NOT_EMPTY] = { "BucketNotEmpty", 409, "The bucket you tried to delete is not empty." },
	[F_BUCKET_NAME_INVALID] = { "InvalidBucketName", 400, NULL },
	[F_NO_SUCH_UPLOAD] = { "NoSuchUpload", 404, "The specified multipart upload does not exist. The upload ID might be invalid, "
		"or the multipart upload might have been aborted or completed." },
	[F_PART_INVALID] = { "InvalidPart", 400, NULL },
	[F_PART_ORDER] = { "InvalidPartOrder", 400, "The list of parts was not in ascending order. Parts must be ordered by part number." },
	[F_PART_TOO_SMALL] = { "EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size" },
	[F_XML_MALFORMED] = { "MalformedXML", 400, NULL },
	[F_NOT_IMPLEMENTED] = { "NotImplemented", 501, NULL },
	[F_CLOCK_SKEWED] = { "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large." },
	[F_CHUNK_INVALID] = { "IncompleteBody", 400, NULL },
	[F_CHUNK_TOO_SMALL] = { "InvalidChunkSizeError", 403, "Only the last chunk is allowed to have a size less than 8192 bytes" },
	[F_TRAILER_MALFORMED] = { "MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not conform "
		"to our published schema." },
	[F_CHECKSUM_INVALID] = { "InvalidRequest", 400, NULL },
	[F_CHECKSUM_WRONG] = { "BadDigest", 400, NULL },
	[F_PAYLOAD_HASH_WRONG] = { "XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed." },
	[F_CORS_FORBIDDEN] = { "AccessForbidden", 403, NULL },
	[F_NO_SUCH_VERSION] = { "NoSuchVersion", 404, "The specified version does not exist." },
	[F_LOCATION_INVALID] = { "InvalidLocationConstraint", 400, NULL },
	[F_ACL_UNSUPPORTED] = { "AccessControlListNotSupported", 400, NULL },
	[F_STORAGE_CLASS_INVALID] = { "InvalidStorageClass", 400, NULL },
	[F_META_TOO_LARGE] = { "MetadataTooLarge", 400, NULL },
	[F_NOT_CONFIGURED] = { "NoSuchConfiguration", 404, NULL },
	[F_NO_SUCH_CORS] = { "NoSuchCORSConfiguration", 404, "The CORS configuration does not exist" },
	[F_KEY_TOO_LONG] = { "KeyTooLongError", 400, NULL },
	[F_KEY_INVALID] = { "InvalidArgument", 400, NULL },
	[F_OBJECT_TOO_SMALL] = { "EntityTooSmall", 400, NULL },
	[F_LENGTH_MISSING] = { "MissingContentLength", 411, NULL },
	[F_DIGEST_INVALID] = { "InvalidDigest", 400, NULL },
	[F_DIGEST_WRONG] = { "BadDigest", 400, NULL },
	[F_PART_OUT_OF_RANGE] = { "InvalidPartNumber", 416, "The requested partnumber is not satisfiable" },
	[F_RANGE_INVALID] = { "InvalidRange", 416, NULL },
	[F_PRECONDITION] = { "PreconditionFailed", 412, NULL },
	[F_NOT_MODIFIED] = { "NotModified", 304, NULL },
	[F_FORM_MALFORMED] = { "MalformedPOSTRequest", 400, NULL },
	[F_ARGUMENT_INVALID] = { "InvalidArgument", 400, NULL },
	[F_REQUEST_INVALID] = { "InvalidRequest", 400, NULL },

	[F_DIR_LOCKED] = { "InternalError", 500, INTERNAL_MESSAGE },
	[F_ADDRESS_TAKEN] = { "InternalError", 500, INTERNAL_MESSAGE },
	[F_BAD_SETTING] = { "InternalError", 500, INTERNAL_MESSAGE },
	[F_SCHEMA_UNKNOWN] = { "InternalError", 500, INTERNAL_MESSAGE },
};

static const struct error_row *row_of(enum fault_code code)
{
	const struct error_row *row = &rows[(unsigned)code < FAULT_CODES ? code : F_NONE];
	return row->code != NULL ? row : &rows[F_NONE];
}

const char *error_code(enum fault_code code)
{
	return row_of(code)->code;
}

int error_http_status(enum fault_code code)
{
	return row_of(code)->http;
}

struct str error_message(const struct fault *why)
{
	const struct error_row *row = row_of(why->code);
	return str_of(row->message != NULL ? row->message : why->text);
}

/* Room for the canonical request and its bytes in hex, in development mode. */
#define ERROR_BODY_MAX (96 * 1024)

static void write_body(struct buf *b, const struct exchange *x, const struct call *c, const struct fault *why)
{
	bool named = why->code == F_NOT_CONFIGURED && c != NULL && c->s3_code != NULL;
	buf_put(b, STR(XML_PROLOG "<Error>"));
	xml_element(b, "Code", str_of(named ? c->s3_code : row_of(why->code)->code));
	xml_element(b, "Message", error_message(why));
	for (size_t i = 0; c != NULL && i < c->n_details; i++)
		xml_element(b, c->details[i].element, c->details[i].value);
	xml_element(b, "Resource", x->request.path);
	xml_element(b, "RequestId", x->request.id);
	buf_put(b, STR("<HostId>" HOST_ID "</HostId></Error>"));
}

/* RFC 9110 15.5.17: of a range that is not there, the length that is. */
static void tell_length(struct answer *ans, struct arena *a, const struct call *c)
{
	for (size_t i = 0; c != NULL && i < c->n_details; i++) {
		if (str_equal(str_of(c->details[i].element), STR("ActualObjectSize")))
			answer_header(ans, STR("Content-Range"), str_printf(a, "bytes */%.*s", STRF(c->details[i].value)));
	}
}

static void describe(struct exchange *x, const struct call *c, const struct fault *why)
{
	struct answer *ans = &x->answer;
	ans->status = error_http_status(why->code);
	ans->fault = *why;
	answer_header(ans, STR("Content-Type"), STR("application/xml"));
	if (ans->status == 503)
		answer_header(ans, STR("Retry-After"), STR("5"));
	if (ans->status == 405)
		answer_header(ans, STR("Allow"), STR("GET, HEAD, PUT, POST, DELETE, OPTIONS"));
	if (why->code == F_RANGE_INVALID)
		tell_length(ans, &x->arena, c);
}

/* What goes out when there is no memory for more. */
static struct str fixed_body(const struct fault *why)
{
	if (why->code == F_OUT_OF_MEMORY)
		return STR(XML_PROLOG "<Error><Code>InternalError</Code><Message>" INTERNAL_MESSAGE "</Message></Error>");
	return STR(XML_PROLOG "<Error><Code>InvalidRequest</Code><Message>" TOO_MUCH_MESSAGE "</Message></Error>");
}

/* {NULL, 0}: it does not fit the arena. */
static struct str make_body(struct exchange *x, const struct call *c, const struct fault *why)
{
	struct buf b;
	buf_init_arena(&b, &x->arena, ERROR_BODY_MAX);
	write_body(&b, x, c, why);
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

void error_answer(struct exchange *x, const struct call *c, const struct fault *why)
{
	const char *route = x->answer.route;
	struct str image_id = x->answer.image_id;
	struct fault lack = { .code = F_TOO_MUCH };
	answer_reset(&x->answer);
	x->answer.route = route;
	x->answer.image_id = image_id;
	struct str body = make_body(x, c, why);
	if (body.n == 0 && c != NULL)
		body = make_body(x, NULL, why);   /* the details were too long */
	if (body.n == 0) {
		(void)fault_write(&lack, x->arena.starved ? F_OUT_OF_MEMORY : F_TOO_MUCH, "there is no memory for the request");
		why = &lack;
		body = fixed_body(why);
	}
	describe(x, c, why);
	x->answer.body = body;
}
