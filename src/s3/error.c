/* The table that maps faults to errors of S3, and their XML.
 *
 * A fault of the client is described by its own text. For failures of the server the message is fixed here, so that it
 * cannot reveal internals.
 * Source: Amazon S3 API, "Error responses". */
#include "s3/error.h"

#include "s3/wire/text.h"

#include <assert.h>

struct error_row {
	const char *code;
	const char *message; /* NULL: the fault's text */
	int http;            /* where the status of S3 differs from that of fault.def; 0: it does not */
};

#define INTERNAL_MESSAGE "We encountered an internal error. Please try again."
#define TOO_MUCH_MESSAGE "The request's head is too large."
#define SLOW_MESSAGE "The store is unavailable. Please try again later."

static const struct error_row rows[FAULT_CODES] = {
	[F_NONE] = { "InternalError", INTERNAL_MESSAGE, 500 },
	[F_INVALID_INPUT] = { "InvalidArgument" },
	[F_OUT_OF_MEMORY] = { "InternalError", INTERNAL_MESSAGE, 500 },
	[F_TOO_MUCH] = { "InvalidRequest", TOO_MUCH_MESSAGE, 400 },
	[F_INTERNAL] = { "InternalError", INTERNAL_MESSAGE },
	[F_STORAGE_FAILED] = { "SlowDown", SLOW_MESSAGE },
	[F_DISK_FULL] = { "SlowDown", "The store is full. Please try again later." },
	[F_OVERLOADED] = { "SlowDown", "Please reduce your request rate." },
	[F_READ_ONLY] = { "ServiceUnavailable" },
	[F_UPSTREAM_FAILED] = { "SlowDown", SLOW_MESSAGE, 503 },
	[F_DEADLINE] = { "RequestTimeout", NULL, 400 },

	[F_BAD_FRAMING] = { "InvalidRequest" },
	[F_TARGET_TOO_LONG] = { "URITooLong" },
	[F_BAD_CODING] = { "NotImplemented" },
	[F_HEAD_SLOW] = { "RequestTimeout", NULL, 400 },
	[F_HEAD_TOO_LARGE] = { "RequestHeaderSectionTooLarge" },
	[F_BAD_VERSION] = { "HttpVersionNotSupported" },
	[F_BAD_HOST] = { "AccessDenied" },
	[F_MISDIRECTED] = { "MisdirectedRequest" },
	[F_CROSS_SITE] = { "AccessDenied" },
	[F_TOO_MANY_REQUESTS] = { "SlowDown", NULL, 503 },
	[F_BODY_TOO_LARGE] = { "EntityTooLarge", NULL, 400 },
	[F_BODY_CUT] = { "IncompleteBody" },
	[F_BODY_SLOW] = { "RequestTimeout", NULL, 400 },

	[F_BAD_JSON] = { "InvalidRequest" },
	[F_BAD_FIELD] = { "InvalidArgument" },
	[F_BAD_CURSOR] = { "InvalidArgument" },
	[F_NO_SUCH_ROUTE] = { "NoSuchKey" },
	[F_BAD_METHOD] = { "MethodNotAllowed", "The specified method is not allowed against this resource." },
	[F_KEY_NEEDED] = { "AccessDenied", NULL, 403 },
	[F_KEY_WRONG] = { "AccessDenied" },

	[F_NO_SUCH_IMAGE] = { "AccessDenied", NULL, 403 },
	[F_TYPE_NOT_ALLOWED] = { "InvalidRequest", NULL, 400 },
	[F_IMAGE_TOO_LARGE] = { "EntityTooLarge", NULL, 400 },
	[F_IMAGE_EMPTY] = { "InvalidRequest" },
	[F_IMAGE_REJECTED] = { "InvalidRequest", NULL, 400 },
	[F_SLOT_ENDED] = { "AccessDenied", NULL, 403 },
	[F_SLOT_TAKEN] = { "PreconditionFailed", NULL, 412 },
	[F_NOT_ARRIVED] = { "NoSuchKey", NULL, 404 },
	[F_SLOTS_FULL] = { "SlowDown" },
	[F_IMAGE_EXISTS] = { "PreconditionFailed", NULL, 412 },
	[F_STATE_CHANGED] = { "PreconditionFailed", NULL, 412 },

	[F_NOT_SIGNED] = { "AccessDenied" },
	[F_AUTH_MALFORMED] = { "AuthorizationQueryParametersError" },
	[F_AUTH_HEADER_MALFORMED] = { "AuthorizationHeaderMalformed" },
	[F_SESSION_TOKEN_INVALID] = { "InvalidToken", "The provided token is malformed or otherwise invalid." },
	[F_ACCESS_KEY_UNKNOWN] = { "InvalidAccessKeyId" },
	[F_SIGNATURE_WRONG] = { "SignatureDoesNotMatch" },
	[F_SIGNATURE_EXPIRED] = { "AccessDenied" },
	[F_HEADER_UNSIGNED] = { "AccessDenied" },
	[F_ACCESS_DENIED] = { "AccessDenied" },
	[F_POLICY_MALFORMED] = { "InvalidPolicyDocument" },
	[F_POLICY_VIOLATED] = { "AccessDenied" },
	[F_POLICY_EXPIRED] = { "AccessDenied" },

	[F_NO_SUCH_KEY] = { "NoSuchKey", "The specified key does not exist." },
	[F_NO_SUCH_BUCKET] = { "NoSuchBucket", "The specified bucket does not exist." },
	[F_BUCKET_EXISTS] = { "BucketAlreadyExists",
		"The requested bucket name is not available. The bucket namespace is shared "
		"by all users of the system. Select a different name and try again." },
	[F_BUCKET_NOT_EMPTY] = { "BucketNotEmpty", "The bucket you tried to delete is not empty." },
	[F_BUCKET_NAME_INVALID] = { "InvalidBucketName" },
	[F_NO_SUCH_UPLOAD] = { "NoSuchUpload",
		"The specified multipart upload does not exist. The upload ID might be invalid, "
		"or the multipart upload might have been aborted or completed." },
	[F_PART_INVALID] = { "InvalidPart" },
	[F_PART_ORDER] = { "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number." },
	[F_PART_TOO_SMALL] = { "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size" },
	[F_XML_MALFORMED] = { "MalformedXML" },
	[F_NOT_IMPLEMENTED] = { "NotImplemented" },
	[F_CLOCK_SKEWED] = { "RequestTimeTooSkewed", "The difference between the request time and the current time is too large." },
	[F_CHUNK_INVALID] = { "IncompleteBody" },
	[F_CHUNK_TOO_SMALL] = { "InvalidChunkSizeError", "Only the last chunk is allowed to have a size less than 8192 bytes" },
	[F_TRAILER_MALFORMED] = { "MalformedTrailerError",
		"The request contained trailing data that was not well-formed or did not conform "
		"to our published schema." },
	[F_CHECKSUM_INVALID] = { "InvalidRequest" },
	[F_CHECKSUM_WRONG] = { "BadDigest" },
	[F_PAYLOAD_HASH_WRONG] = { "XAmzContentSHA256Mismatch",
		"The provided 'x-amz-content-sha256' header does not match what was computed." },
	[F_CORS_FORBIDDEN] = { "AccessForbidden" },
	[F_NO_SUCH_VERSION] = { "NoSuchVersion", "The specified version does not exist." },
	[F_LOCATION_INVALID] = { "InvalidLocationConstraint" },
	[F_ACL_UNSUPPORTED] = { "AccessControlListNotSupported" },
	[F_BUCKET_ACL_UNSUPPORTED] = { "InvalidBucketAclWithObjectOwnership" },
	[F_STORAGE_CLASS_INVALID] = { "InvalidStorageClass" },
	[F_META_TOO_LARGE] = { "MetadataTooLarge" },
	[F_NOT_CONFIGURED] = { "NoSuchConfiguration" },
	[F_NO_SUCH_CORS] = { "NoSuchCORSConfiguration", "The CORS configuration does not exist" },
	[F_KEY_TOO_LONG] = { "KeyTooLongError" },
	[F_KEY_INVALID] = { "InvalidArgument" },
	[F_OBJECT_TOO_SMALL] = { "EntityTooSmall" },
	[F_LENGTH_MISSING] = { "MissingContentLength" },
	[F_DIGEST_INVALID] = { "InvalidDigest" },
	[F_DIGEST_WRONG] = { "BadDigest" },
	[F_PART_OUT_OF_RANGE] = { "InvalidPartNumber", "The requested partnumber is not satisfiable" },
	[F_RANGE_INVALID] = { "InvalidRange" },
	[F_PRECONDITION] = { "PreconditionFailed" },
	[F_NOT_MODIFIED] = { "NotModified" },
	[F_FORM_MALFORMED] = { "MalformedPOSTRequest" },
	[F_ARGUMENT_INVALID] = { "InvalidArgument" },
	[F_REQUEST_INVALID] = { "InvalidRequest" },

	[F_DIR_LOCKED] = { "InternalError", INTERNAL_MESSAGE },
	[F_ADDRESS_TAKEN] = { "InternalError", INTERNAL_MESSAGE },
	[F_BAD_SETTING] = { "InternalError", INTERNAL_MESSAGE },
	[F_SCHEMA_UNKNOWN] = { "SlowDown", SLOW_MESSAGE },
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
	const struct error_row *row = row_of(code);
	return row->http != 0 ? row->http : fault_http_status((unsigned)code < FAULT_CODES ? code : F_INTERNAL);
}

struct str error_message(const struct fault *why)
{
	assert(why != NULL);
	const struct error_row *row = row_of(why->code);
	return str_of(row->message != NULL ? row->message : why->text);
}

/* Room for the canonical request and its bytes in hex, in development mode. */
#define ERROR_BODY_MAX (96 * 1024)

/* {NULL, 0}: it does not fit the arena. */
static struct str make_body(struct request_context *x, const struct s3_call *c, const struct fault *why)
{
	struct buf b;
	buf_init_arena(&b, &x->arena, ERROR_BODY_MAX);
	bool named = why->code == F_NOT_CONFIGURED && c != NULL && c->s3_code != NULL;
	buf_put(&b, STR(XML_PROLOG "<Error>"));
	xml_element(&b, "Code", str_of(named ? c->s3_code : row_of(why->code)->code));
	xml_element(&b, "Message", error_message(why));
	for (size_t i = 0; c != NULL && i < c->n_details; i++)
		xml_element(&b, c->details[i].element, c->details[i].value);
	xml_element(&b, "Resource", x->request.path);
	xml_element(&b, "RequestId", x->request.id);
	buf_put(&b, STR("<HostId>" HOST_ID "</HostId></Error>"));
	return buf_ok(&b) ? buf_str(&b) : (struct str){ 0 };
}

void error_answer(struct request_context *x, const struct s3_call *c, const struct fault *why)
{
	assert(x != NULL);
	assert(why != NULL && why->code != F_NONE);
	const char *route = x->answer.route;
	struct str image_id = x->answer.image_id;
	struct fault lack = { .code = F_TOO_MUCH };
	answer_reset(&x->answer);
	x->answer.route = route;
	x->answer.image_id = image_id;
	struct str body = make_body(x, c, why);
	if (body.n == 0 && c != NULL)
		body = make_body(x, NULL, why); /* the details were too long */
	if (body.n == 0) {
		(void)fault_write(&lack, x->arena.starved ? F_OUT_OF_MEMORY : F_TOO_MUCH, "out of memory for the request");
		why = &lack;
		body = why->code == F_OUT_OF_MEMORY
			? STR(XML_PROLOG "<Error><Code>InternalError</Code><Message>" INTERNAL_MESSAGE "</Message></Error>")
			: STR(XML_PROLOG "<Error><Code>InvalidRequest</Code><Message>" TOO_MUCH_MESSAGE "</Message></Error>");
	}
	struct answer *ans = &x->answer;
	ans->status = error_http_status(why->code);
	ans->fault = *why;
	answer_header(ans, STR("Content-Type"), STR("application/xml"));
	if (ans->status == 503)
		answer_header(ans, STR("Retry-After"), STR("5"));
	if (ans->status == 405)
		answer_header(ans, STR("Allow"), STR("GET, HEAD, PUT, POST, DELETE, OPTIONS"));
	if (why->code == F_RANGE_INVALID) {
		/* RFC 9110 15.5.17: the length of the object, where the range is not satisfiable */
		for (size_t i = 0; c != NULL && i < c->n_details; i++)
			if (str_equal(str_of(c->details[i].element), STR("ActualObjectSize")))
				answer_header(ans, STR("Content-Range"), str_printf(&x->arena, "bytes */%.*s", STRF(c->details[i].value)));
	}
	x->answer.body = body;
}
