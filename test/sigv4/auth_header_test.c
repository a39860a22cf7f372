/* The Authorization header: the cases' signed requests, S3's own examples, what real clients sent, each altered; its
 * form, its time, what must be signed, and what the body is said to be. */
#include "sigv4/cases.h"

#include "sigv4/verify.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HELLO "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447" /* sha256("hello fixture\n") */
#define SCOPE "AKIAMAINMAINMAINMAIN/20261122/us-east-1/s3/aws4_request"

static struct arena arena;
static const struct verify_context CTX = { .region = { "us-east-1", 9 },
	.service = { "s3", 2 },
	.now_ms = 1795333166000,
	.secret = { "mainmainmainmainmainmainmainmainmainmain", 40 } };

static int set_up(void **state)
{
	arena_init(&arena, ARENA_BYTES);
	return 0;
}

static int tear_down(void **state)
{
	arena_deinit(&arena);
	return 0;
}

static enum status verify_with(const struct request *r, const struct verify_context *ctx, struct fault *why)
{
	struct parsed_signature auth;
	enum status parsed = auth_header_parse(r, &auth, why);
	return parsed != OK ? parsed : signature_verify(r, &auth, ctx, why);
}

static void assert_refused(const struct request *r, enum fault_code code, const char *words)
{
	struct fault why = { .code = F_NONE };
	assert_int_not_equal(verify_with(r, &CTX, &why), OK);
	if (why.code != code || strstr(why.text, words) == NULL)
		fail_msg("got %s \"%s\", expected %s \"%s\"", fault_name(why.code), why.text, fault_name(code), words);
}

static struct request request_of(const char *text)
{
	struct request r;
	request_parse_text(&arena, str_dup(&arena, str_of(text)), &r); /* tests write into it */
	return r;
}

/* As s3cmd, botocore and curl sent them. */
#define S3CMD(scope, names, signature) \
	"PUT /cmdbucket/hello.txt HTTP/1.1\nHost: 127.0.0.1:5556\nAccept-Encoding: identity\n" \
	"Authorization: AWS4-HMAC-SHA256 Credential=" scope ",SignedHeaders=" names ",Signature=" signature "\n" \
	"content-length: 12\ncontent-type: text/plain\nx-amz-content-sha256: " HELLO "\nx-amz-date: 20261122T074005Z\n" \
	"x-amz-meta-s3cmd-attrs: atime:1795333042/ctime:1795333039/gid:0/gname:root/md5:6f5902ac237024bdd0c176cb93063dc4/mode:33188" \
	"/mtime:1795333039/uid:0/uname:root\nx-amz-storage-class: STANDARD\n\n"
#define S3CMD_NAMES "content-length;content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-s3cmd-attrs;x-amz-storage-class"
#define S3CMD_SIGNATURE "52a2e820689e8d810110429a82b1a85dc55771db2bdb707400564e3b846f28fd"

static const char *const CLIENTS[] = {
	S3CMD(SCOPE, S3CMD_NAMES, S3CMD_SIGNATURE),
	"PUT /cli/k1 HTTP/1.1\nHost: 127.0.0.1:5556\nx-amz-meta-a: b\nExpect: 100-continue\nx-amz-checksum-crc32: rwg7LQ==\n"
	"x-amz-sdk-checksum-algorithm: CRC32\nX-Amz-Date: 20261122T073722Z\nX-Amz-Content-SHA256: " HELLO "\n"
	"Authorization: AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-checksum-crc32;x-amz-content-sha256;x-amz-date;"
	"x-amz-meta-a;x-amz-sdk-checksum-algorithm, Signature=96ebdc8102ceee8110c6f3154aada1c624599cef821ecdaf6c17b7c66890404a\n\n",
	"PUT /curlbucket/k2 HTTP/1.1\nHost: 127.0.0.1:5556\nAuthorization: AWS4-HMAC-SHA256 Credential=" SCOPE ", "
	"SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=b16f25bb11a2226fbde422e054516ef699a4cfe780efb9d763891288aaeeec8c\n"
	"X-Amz-Date: 20261122T074012Z\nx-amz-content-sha256: UNSIGNED-PAYLOAD\n\n",
	"PUT /cli/tls1 HTTP/1.1\nHost: 127.0.0.1:5557\nTransfer-Encoding: chunked\nContent-Encoding: aws-chunked\n"
	"X-Amz-Trailer: x-amz-checksum-crc32\nX-Amz-Decoded-Content-Length: 12\nx-amz-sdk-checksum-algorithm: CRC32\n"
	"X-Amz-Date: 20261122T073815Z\nX-Amz-Content-SHA256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\nAuthorization: AWS4-HMAC-SHA256 "
	"Credential=" SCOPE ", SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;"
	"x-amz-sdk-checksum-algorithm;x-amz-trailer, Signature=ea1c507f576a5fcca8747362ee9e9b2aca5a9e0c76f83184435d2c34aafdc5a1\n\n",
};

static void test_request_when_of_a_real_client_then_verifies(void **state)
{
	for (size_t i = 0; i < COUNT_OF(CLIENTS); i++) {
		struct request r = request_of(CLIENTS[i]);
		struct fault why = { 0 };
		if (verify_with(&r, &CTX, &why) != OK)
			fail_msg("client %zu: %s", i, why.text);
	}
}

/* Each byte of the value of each header that is signed, and of path and signature. */
static void test_request_when_a_bit_is_other_then_never_verifies(void **state)
{
	for (size_t i = 0; i < COUNT_OF(CLIENTS); i++) {
		struct request r = request_of(CLIENTS[i]);
		for (size_t h = 0; h < r.n_headers; h++) {
			struct str name = r.headers[h].name;
			if (str_equal_nocase(name, STR("accept-encoding")) || str_equal_nocase(name, STR("expect")) ||
				str_equal_nocase(name, STR("transfer-encoding")))
				continue;
			char *value = (char *)r.headers[h].value.p;
			size_t key = str_find(r.headers[h].value, STR("AKIA")); /* the key's name finds the secret, and is not signed */
			for (size_t at = 1; at < r.headers[h].value.n; at++) {
				if (at >= key && at < key + 20)
					continue;
				value[at] ^= 1;
				if (verify_with(&r, &CTX, NULL) == OK)
					fail_msg("%.*s", STRF(r.headers[h].value));
				value[at] ^= 1;
			}
		}
		for (size_t at = 1; at < r.path.n; at++) {
			((char *)r.path.p)[at] ^= 1;
			assert_int_not_equal(verify_with(&r, &CTX, NULL), OK);
			((char *)r.path.p)[at] ^= 1;
		}
		assert_int_equal(verify_with(&r, &CTX, NULL), OK);
	}
}

static void test_case_when_signed_in_headers_then_verifies(void **state)
{
	char *names[CASES_MAX];
	size_t n = case_names(&arena, names);
	for (size_t i = 0; i < n; i++) {
		struct sigv4_case c;
		struct parsed_signature auth;
		struct fault why = { 0 };
		case_load(&arena, names[i], &c);
		struct request r = case_signed_request(&arena, &c, MODE_HEADER);
		struct verify_context ctx = { .region = c.region, .service = c.service, .now_ms = c.now_ms, .secret = c.secret };
		if (auth_header_parse(&r, &auth, &why) != OK)
			fail_msg("%s: %s", names[i], why.text);
		assert_true(str_equal(auth.payload_hash, case_payload_hash(&arena, &c, MODE_HEADER)) || !str_equal(c.service, STR("s3")));
		auth.payload_hash = case_payload_hash(&arena, &c, MODE_HEADER); /* other services have no header of it */
		if (signature_verify(&r, &auth, &ctx, &why) != OK)
			fail_msg("%s: %s", names[i], why.text);
	}
}

/* The examples of the S3 API reference, the seeds of the two chunked uploads among them. */
static void test_s3_example_when_in_a_header_then_verifies(void **state)
{
#define CREDENTIAL "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
#define DATE "x-amz-date: 20130524T000000Z\n"
	static const char *const examples[] = {
		"GET /test.txt HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nRange: bytes=0-9\nx-amz-content-sha256: " EMPTY "\n" DATE CREDENTIAL
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\n\n",
		"PUT /test%24file.text HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nDate: Fri, 24 May 2013 00:00:00 GMT\n"
		"x-amz-content-sha256: 44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\nx-amz-storage-class: REDUCED_REDUNDANCY\n" DATE
			CREDENTIAL
		"Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd,SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class\n\n",
		"GET /?lifecycle HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nx-amz-content-sha256: " EMPTY "\n" DATE CREDENTIAL
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543\n\n",
		"GET /?max-keys=2&prefix=J HTTP/1.1\nHost: examplebucket.s3.amazonaws.com\nx-amz-content-sha256: " EMPTY "\n" DATE CREDENTIAL
		"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7\n\n",
		"PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\nx-amz-storage-class: REDUCED_REDUNDANCY\n"
		"x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\nContent-Encoding: aws-chunked\nx-amz-decoded-content-length: 66560\n"
		"Content-Length: 66824\n" DATE CREDENTIAL "SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
		"x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9\n\n",
		"PUT /examplebucket/chunkObject.txt HTTP/1.1\nHost: s3.amazonaws.com\nx-amz-storage-class: REDUCED_REDUNDANCY\n"
		"x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\nContent-Encoding: aws-chunked\nx-amz-decoded-content-length: 66560\n"
		"x-amz-trailer: x-amz-checksum-crc32c\n" DATE CREDENTIAL "SignedHeaders=content-encoding;host;x-amz-content-sha256;x-amz-date;"
		"x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer,Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e\n\n",
	};
	const struct verify_context ctx = {
		.region = STR("us-east-1"), .service = STR("s3"), .now_ms = 1369353600000, .secret = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	};
	for (size_t i = 0; i < COUNT_OF(examples); i++) {
		struct request r = request_of(examples[i]);
		struct fault why = { 0 };
		if (verify_with(&r, &ctx, &why) != OK)
			fail_msg("example %zu: %s", i, why.text);
	}
}

/* A request for curl's place, with parts to fill in. */
static struct request curl_with(const char *authorization, const char *date, const char *hash)
{
	struct str text =
		str_printf(&arena, "PUT /curlbucket/k2 HTTP/1.1\nHost: 127.0.0.1:5556\nAuthorization:%s\n%s%s\n", authorization, date, hash);
	return request_of(text.p);
}

#define CURL_DATE "X-Amz-Date: 20261122T074012Z\n"
#define CURL_HASH "x-amz-content-sha256: UNSIGNED-PAYLOAD\n"
#define CURL_NAMES "SignedHeaders=host;x-amz-content-sha256;x-amz-date"
#define CURL_SIGNATURE "Signature=b16f25bb11a2226fbde422e054516ef699a4cfe780efb9d763891288aaeeec8c"

static void test_components_when_in_any_order_and_spacing_then_verify(void **state)
{
	static const char *const forms[] = {
		" AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_NAMES ", " CURL_SIGNATURE,
		" AWS4-HMAC-SHA256 Credential=" SCOPE "," CURL_NAMES "," CURL_SIGNATURE,
		" AWS4-HMAC-SHA256   " CURL_SIGNATURE " ,\t" CURL_NAMES "  , Credential=" SCOPE "  ",
		" AWS4-HMAC-SHA256 " CURL_NAMES ",Credential=" SCOPE "," CURL_SIGNATURE,
	};
	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		struct request r = curl_with(forms[i], CURL_DATE, CURL_HASH);
		struct fault why = { 0 };
		if (verify_with(&r, &CTX, &why) != OK)
			fail_msg("form %zu: %s", i, why.text);
	}
}

static void test_auth_header_when_malformed_then_is_reported_how(void **state)
{
	static const struct {
		const char *value;
		enum fault_code code;
		const char *words;
	} rows[] = {
		{ " AWS4-HMAC-SHA256", F_AUTH_HEADER_MALFORMED, "the authorization component \"\" is malformed" },
		{ " AWS4-HMAC-SHA256 HAHAHA", F_AUTH_HEADER_MALFORMED, "the authorization component \"HAHAHA\" is malformed" },
		{ " AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_NAMES, F_AUTH_HEADER_MALFORMED, "requires three components" },
		{ " AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED, "requires three components" },
		{ " AWS4-HMAC-SHA256 " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED, "requires three components" },
		{ " AWS4-HMAC-SHA256 Credential=" SCOPE ", Credential=" SCOPE ", " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED,
			"is malformed" },
		{ " AWS4-HMAC-SHA256 Credential=AKIA, " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED,
			"The authorization header is malformed; the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"." },
		{ " AWS4-HMAC-SHA256 Credential=A/2026112/us-east-1/s3/aws4_request, " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED,
			"incorrect date format \"2026112\"" },
		{ " AWS4-HMAC-SHA256 Credential=A/20261122/us-east-1/s3/aws4, " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED,
			"incorrect terminal \"aws4\"" },
		{ " AWS4-HMAC-SHA256 Credential=A/20261122/eu-west-1/s3/aws4_request, " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED,
			"The authorization header is malformed; the region 'eu-west-1' is wrong; expecting 'us-east-1'" },
		{ " AWS4-HMAC-SHA256 Credential=A/20261122/us-east-1/ec2/aws4_request, " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED,
			"incorrect service \"ec2\". This endpoint belongs to \"s3\"" },
		{ " AWS4-HMAC-SHA256 Credential=A/20261121/us-east-1/s3/aws4_request, " CURL_NAMES ", " CURL_SIGNATURE, F_AUTH_HEADER_MALFORMED,
			"Invalid credential date \"20261121\". This date is not the same as X-Amz-Date: \"20261122\"" },
		{ " AWS AKIA:c2lnbmF0dXJl", F_REQUEST_INVALID,
			"The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256." },
		{ " AWS HAHAHA", F_ARGUMENT_INVALID, "Expected AwsAccessKeyId:signature" },
		{ " Bearer x", F_ARGUMENT_INVALID, "Unsupported Authorization Type" },
		{ " AWS4-HMAC-SHA256X Credential=A", F_ARGUMENT_INVALID, "Unsupported Authorization Type" },
		{ "", F_NOT_SIGNED, "Access Denied" },
		{ "  ", F_NOT_SIGNED, "Access Denied" },
		{ " AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=x-amz-content-sha256;x-amz-date, " CURL_SIGNATURE, F_HEADER_UNSIGNED,
			"host" },
		{ " AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-date, " CURL_SIGNATURE, F_HEADER_UNSIGNED,
			"x-amz-content-sha256" },
		{ " AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-content-sha256, " CURL_SIGNATURE, F_HEADER_UNSIGNED,
			"X-Amz-Date" },
		{ " AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, " CURL_SIGNATURE,
			F_SIGNATURE_WRONG, "" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct request r = curl_with(rows[i].value, CURL_DATE, CURL_HASH);
		assert_refused(&r, rows[i].code, rows[i].words);
	}
}

static void test_date_when_missing_or_bad_then_access_denied(void **state)
{
	static const char *const dates[] = { "", "X-Amz-Date:\n", "X-Amz-Date: 20261122\n", "Date: tomorrow\n",
		"X-Amz-Date: 20261322T074012Z\n", "X-Amz-Date: 19691231T235959Z\n" };
	for (size_t i = 0; i < COUNT_OF(dates); i++) {
		struct request r = curl_with(" AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_NAMES ", " CURL_SIGNATURE, dates[i], CURL_HASH);
		assert_refused(&r, F_NOT_SIGNED, "AWS authentication requires a valid Date or x-amz-date header");
	}
}

static void test_date_when_15_minutes_off_then_skewed(void **state)
{
	struct request r = curl_with(" AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_NAMES ", " CURL_SIGNATURE, CURL_DATE, CURL_HASH);
	const int64_t sent_ms = 1795333212000;
	static const struct {
		int64_t off_ms;
		enum fault_code code;
	} rows[] = { { 0, F_NONE }, { 15 * 60000, F_NONE }, { -15 * 60000, F_NONE }, { 15 * 60000 + 1, F_CLOCK_SKEWED },
		{ -15 * 60000 - 1, F_CLOCK_SKEWED }, { 16 * 60000, F_CLOCK_SKEWED }, { -16 * 60000, F_CLOCK_SKEWED },
		{ 366 * 86400000LL, F_CLOCK_SKEWED } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct verify_context ctx = CTX;
		struct fault why = { 0 };
		ctx.now_ms = sent_ms + rows[i].off_ms;
		(void)!verify_with(&r, &ctx, &why);
		assert_int_equal(why.code, rows[i].code);
	}
}

static void test_date_when_an_http_date_then_is_read(void **state)
{
	struct parsed_signature c;
	struct request r = curl_with(
		" AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_NAMES ", " CURL_SIGNATURE, "Date: Sun, 22 Nov 2026 07:40:12 GMT\n", CURL_HASH);
	assert_int_equal(auth_header_parse(&r, &c, NULL), OK);
	assert_str(c.amz_date, STR("20261122T074012Z"));
	assert_int_equal(c.date_ms, 1795333212000);
}

static void test_payload_when_given_then_is_read(void **state)
{
	static const struct {
		const char *value;
		enum sigv4_payload payload;
	} rows[] = { { "UNSIGNED-PAYLOAD", PAYLOAD_UNSIGNED }, { EMPTY, PAYLOAD_HASH },
		{ "STREAMING-UNSIGNED-PAYLOAD-TRAILER", PAYLOAD_UNSIGNED_TRAILER }, { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PAYLOAD_CHUNKS },
		{ "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PAYLOAD_CHUNKS_TRAILER } };
	static const char *const bad[] = { "unsigned-payload", "e3b0", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", EMPTY "0", "STREAMING-" };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct parsed_signature c;
		struct str line = str_printf(&arena, "x-amz-content-sha256: %s\n", rows[i].value);
		struct request r = curl_with(" AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_NAMES ", " CURL_SIGNATURE, CURL_DATE, line.p);
		assert_int_equal(auth_header_parse(&r, &c, NULL), OK);
		assert_int_equal(c.payload, rows[i].payload);
		assert_str(c.payload_hash, str_of(rows[i].value));
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct str line = str_printf(&arena, "x-amz-content-sha256: %s\n", bad[i]);
		struct request r = curl_with(" AWS4-HMAC-SHA256 Credential=" SCOPE ", " CURL_NAMES ", " CURL_SIGNATURE, CURL_DATE, line.p);
		assert_refused(&r, F_ARGUMENT_INVALID, "x-amz-content-sha256 must be UNSIGNED-PAYLOAD");
	}
}

static void test_payload_when_not_given_then_required(void **state)
{
	struct request r = curl_with(" AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;x-amz-date, " CURL_SIGNATURE, CURL_DATE, "");
	assert_refused(&r, F_REQUEST_INVALID, "Missing required header for this request: x-amz-content-sha256");
}

static void test_mistake_when_the_host_has_no_port_then_is_named(void **state)
{
	struct request r = request_of(
		"GET /test.txt HTTP/1.1\nHost: examplebucket.s3.amazonaws.com:443\nRange: bytes=0-9\nx-amz-content-sha256: " EMPTY
		"\n" DATE CREDENTIAL
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\n\n");
	const struct verify_context ctx = {
		.region = STR("us-east-1"), .service = STR("s3"), .now_ms = 1369353600000, .secret = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
	};
	struct parsed_signature c;
	struct sigv4_diagnosis d;
	assert_int_equal(auth_header_parse(&r, &c, NULL), OK);
	assert_int_equal(signature_verify(&r, &c, &ctx, NULL), DENIED);
	signature_explain(&r, &c, &ctx, &d);
	assert_true(str_find(d.mistake, STR("without the port")) < d.mistake.n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_request_when_of_a_real_client_then_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_request_when_a_bit_is_other_then_never_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_case_when_signed_in_headers_then_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_s3_example_when_in_a_header_then_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_components_when_in_any_order_and_spacing_then_verify, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_auth_header_when_malformed_then_is_reported_how, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_date_when_missing_or_bad_then_access_denied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_date_when_15_minutes_off_then_skewed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_date_when_an_http_date_then_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_payload_when_given_then_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_payload_when_not_given_then_required, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mistake_when_the_host_has_no_port_then_is_named, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
