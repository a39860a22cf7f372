/* The Authorization header, parsed for signature_verify, which checks it like a presigned URL.
 *
 *   AWS4-HMAC-SHA256 Credential=KEY/DAY/REGION/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=...
 *
 * The three components come in any order, with or without blanks after the commas: s3cmd sends none. The time is
 * that of x-amz-date, else of Date, and either may be an HTTP date too. x-amz-content-sha256 has
 * the hash of the body, or says that it is not signed, or signed in chunks. */
#include "sigv4/verify.h"
#include "sigv4/scope.h"

#define ALGORITHM STR("AWS4-HMAC-SHA256")

enum component { C_CREDENTIAL, C_SIGNED_HEADERS, C_SIGNATURE, COMPONENTS };

static const struct str COMPONENT_NAMES[COMPONENTS] = {
	[C_CREDENTIAL] = { "Credential", 10 },
	[C_SIGNED_HEADERS] = { "SignedHeaders", 13 },
	[C_SIGNATURE] = { "Signature", 9 },
};

static const struct {
	struct str word;
	enum sigv4_payload payload;
} PAYLOADS[] = {
	{ { "UNSIGNED-PAYLOAD", 16 }, PAYLOAD_UNSIGNED },
	{ { "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 34 }, PAYLOAD_UNSIGNED_TRAILER },
	{ { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 34 }, PAYLOAD_CHUNKS },
	{ { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 42 }, PAYLOAD_CHUNKS_TRAILER },
};

bool auth_header_present(const struct request *r)
{
	return str_trim(request_header(r, STR("authorization"))).n > 0;
}

static bool take_component(struct str piece, struct str values[COMPONENTS])
{
	struct str name = str_trim(str_cut(&piece, '='));
	for (size_t i = 0; i < COMPONENTS; i++) {
		if (!str_equal(name, COMPONENT_NAMES[i]))
			continue;
		if (values[i].n > 0)
			return false;
		values[i] = str_trim(piece);
		return values[i].n > 0;
	}
	return false;
}

static enum status read_components(struct str list, struct str values[COMPONENTS], struct fault *why)
{
	for (struct str rest = list; rest.p != NULL;) {
		struct str piece = str_trim(str_cut(&rest, ','));
		if (!take_component(piece, values))
			return scope_malformed(STR(""), why, "the authorization component \"%.*s\" is malformed.", STRF(str_slice(piece, 0, 64)));
	}
	for (size_t i = 0; i < COMPONENTS; i++)
		if (values[i].n == 0)
			return scope_malformed(
				STR(""), why, "the authorization header requires three components: Credential, SignedHeaders, and Signature.");
	return OK;
}

/* An HTTP date is converted to the basic form, which is signed in either case. */
static bool read_date(struct arena *a, struct str text, struct parsed_signature *out)
{
	char basic[AMZ_DATE_CHARS + 1];
	if (clock_parse_amz_date(text, &out->date_ms)) {
		out->amz_date = text;
		return true;
	}
	if (!clock_parse_http_date(text, &out->date_ms))
		return false;
	clock_amz_date(out->date_ms, basic);
	out->amz_date = str_dup(a, (struct str){ basic, AMZ_DATE_CHARS });
	return true;
}

enum status auth_header_parse(const struct request *r, struct parsed_signature *out, struct fault *why)
{
	assert(r != NULL);
	assert(out != NULL);
	struct str values[COMPONENTS] = { 0 };
	struct str rest = str_trim(request_header(r, STR("authorization")));
	*out = (struct parsed_signature){ .in_header = true };
	if (rest.n == 0)
		return fault_set(why, NOT_SIGNED, "Access Denied");
	struct str algorithm = str_slice(rest, 0, ALGORITHM.n), blank = str_slice(rest, ALGORITHM.n, ALGORITHM.n + 1);
	if (!str_equal(algorithm, ALGORITHM) || (blank.n > 0 && blank.p[0] != ' ' && blank.p[0] != '\t')) {
		if (!str_starts_with(rest, STR("AWS ")))
			return fault_set(why, ARGUMENT_INVALID, "Unsupported Authorization Type");
		if (str_find_char(rest, ':') == rest.n)
			return fault_set(why, ARGUMENT_INVALID, "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature");
		return fault_set(
			why, REQUEST_INVALID, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
	}
	TRY(read_components(str_slice(rest, ALGORITHM.n, rest.n), values, why));
	TRY(credential_parse(values[C_CREDENTIAL], STR(""), out, why));
	TRY(signed_list_check(values[C_SIGNED_HEADERS], STR(""), why));
	out->signed_headers = values[C_SIGNED_HEADERS];
	out->signature = values[C_SIGNATURE];
	struct str text = request_header(r, STR("x-amz-date"));
	if (text.p == NULL)
		text = request_header(r, STR("date"));
	out->date_text = str_trim(text);
	/* S3 accepts none before 1970 */
	if (!read_date(r->arena, out->date_text, out) || out->date_ms < 0)
		return fault_set(why, NOT_SIGNED, "AWS authentication requires a valid Date or x-amz-date header");
	out->payload_hash = str_trim(request_header(r, STR("x-amz-content-sha256")));
	for (size_t i = 0; i < COUNT_OF(PAYLOADS); i++) {
		if (!str_equal(out->payload_hash, PAYLOADS[i].word))
			continue;
		out->payload = PAYLOADS[i].payload;
		return OK;
	}
	out->payload = PAYLOAD_HASH;
	if (out->payload_hash.n > 0 && !payload_is_hash(out->payload_hash))
		return fault_set(why, ARGUMENT_INVALID,
			"x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
			"STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.");
	return OK;
}
