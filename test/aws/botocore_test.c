/* Our signatures against those of botocore, the AWS SDK for Python's signer: the same calls signed by
 * both must agree, in the header and in presigned URLs, with session tokens and without. */
#include "temp.h"

#include "base/arena.h"
#include "base/codec.h"
#include "sigv4/sign_request.h"
#include "sigv4/presign.h"

#define NOW_MS 1700000000000 /* 20231114T221320Z */

struct given {
	const char *service, *method, *base, *path, *header, *value, *name, *text, *body; /* name=text: a query parameter */
	uint32_t expires_s;                                                               /* 0: in the header */
};

static const struct given cases[] = {
	{ "dynamodb", "POST", "https://dynamodb.eu-west-1.amazonaws.com", "/", "X-Amz-Target", "DynamoDB_20120810.PutItem", NULL, NULL,
		"{\"TableName\":\"ImageMetadata\"}", 0 },
	{ "dynamodb", "POST", "http://127.0.0.1:8000", "/", "Content-Type", "application/x-amz-json-1.0", NULL, NULL, "{}", 0 },
	{ "s3", "GET", "https://b.s3.eu-west-1.amazonaws.com", "/images/a.jpg", "Range", "bytes=0-9", NULL, NULL, "", 0 },
	{ "s3", "PUT", "https://b.s3.eu-west-1.amazonaws.com", "/images/a.jpg", "Content-Type", "image/jpeg", NULL, NULL, "the body", 0 },
	{ "s3", "PUT", "http://127.0.0.1:9000", "/b/a b+c&d=e%2F\xc3\xa9~*'()", "If-None-Match", "*", NULL, NULL, "x", 0 },
	{ "s3", "GET", "https://s3.eu-west-1.amazonaws.com", "/b//a/../c/./", "x-amz-meta-a", "  two   blanks  ", NULL, NULL, "", 0 },
	{ "s3", "GET", "https://s3.eu-west-1.amazonaws.com", "/b", "Accept", "*/*", "prefix", "images/a b+\xc3\xa9&=", "", 0 },
	{ "s3", "GET", "https://s3.eu-west-1.amazonaws.com", "/b", "Accept", "*/*", "lifecycle", "", "", 0 },
	{ "s3", "DELETE", "http://localhost:80", "/b/k", "x-amz-expected-bucket-owner", "123456789012", NULL, NULL, "", 0 },
	{ "s3", "PUT", "https://b.s3.eu-west-1.amazonaws.com", "/images/a.jpg", "Content-Type", "image/jpeg", NULL, NULL, "", 300 },
	{ "s3", "PUT", "http://127.0.0.1:9000", "/b/a b+c&d=e%2F\xc3\xa9~*'()", "If-None-Match", "*", NULL, NULL, "", 604800 },
	{ "s3", "GET", "https://s3.eu-west-1.amazonaws.com", "/b/k", "x-amz-expected-bucket-owner", "123456789012",
		"response-content-disposition", "inline; filename=\"a b+c\"; filename*=UTF-8''%C3%A9", "", 1 },
};
static const char *const tokens[] = { "", "IQoJb3JpZ2luX2VjE//+=" };

static struct arena arena;

static struct sigv4_key key_of(const struct given *g, const char *token)
{
	return (struct sigv4_key){ STR("AKIDEXAMPLE"), STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), str_of(token), STR("eu-west-1"),
		str_of(g->service) };
}

/* Ours; *plain is the URL without what signing adds to it. */
static struct str sign_ours(const struct given *g, const char *token, struct str *plain)
{
	const struct sigv4_key key = key_of(g, token);
	const struct header header = { str_of(g->header), str_of(g->value) }, query = { str_of(g->name), str_of(g->text) };
	const struct sign_request_input in = { .method = str_of(g->method),
		.base_url = str_of(g->base),
		.path = str_of(g->path),
		.headers = &header,
		.n_headers = 1,
		.query = &query,
		.n_query = g->name != NULL,
		.body = str_of(g->body),
		.now_ms = NOW_MS,
		.send_hash = str_equal(key.service, STR("s3")) };
	struct signed_request sent;
	assert_int_equal(sign_request(&key, &in, &arena, &sent, NULL), OK);
	*plain = sent.url;
	if (g->expires_s == 0)
		return sent.headers[sent.n_headers - 1].value;
	const struct presign_input p = { .method = in.method,
		.base_url = in.base_url,
		.path = in.path,
		.headers = &header,
		.n_headers = 1,
		.query = &query,
		.n_query = in.n_query,
		.now_ms = NOW_MS,
		.expires_s = g->expires_s };
	struct str url;
	assert_int_equal(presign_url(&key, &p, &arena, &url, NULL), OK);
	return url;
}

static void put_member(struct buf *b, const char *name, struct str value)
{
	buf_printf(b, "\"%s\":\"", name);
	json_escape(b, value);
	buf_put(b, STR("\","));
}

static void put_case(struct buf *b, const struct given *g, const char *token, struct str url)
{
	const struct sigv4_key key = key_of(g, token);
	buf_put_char(b, '{');
	put_member(b, "service", key.service);
	put_member(b, "region", key.region);
	put_member(b, "id", key.access_key);
	put_member(b, "secret", key.secret);
	put_member(b, "token", key.session_token);
	put_member(b, "date", STR("20231114T221320Z"));
	put_member(b, "method", str_of(g->method));
	put_member(b, "url", url);
	put_member(b, "body", str_of(g->body));
	buf_printf(b, "\"headers\":{\"%s\":\"%s\"},\"expires\":%u}\n", g->header, g->value, g->expires_s);
}

/* A URL's signature; the order of its parameters is the signer's own business. */
static struct str signature_of_url(struct str url)
{
	size_t at = str_find(url, STR("X-Amz-Signature="));
	return str_slice(url, at, at + 16 + SIGNATURE_CHARS);
}

static void test_signatures_when_botocore_signs_the_same_then_equal(void **state)
{
	static struct str ours[COUNT_OF(cases) * COUNT_OF(tokens)];
	static char memory[1 << 16];
	char dir[TEMP_PATH_MAX], command[3 * TEMP_PATH_MAX];
	struct buf b;
	arena_init(&arena, 4 << 20);
	buf_init_arena(&b, &arena, 1 << 20);
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		struct str url;
		ours[i] = sign_ours(&cases[i / 2], tokens[i % 2], &url);
		put_case(&b, &cases[i / 2], tokens[i % 2], url);
	}
	temp_make(dir);
	temp_write(temp_path(dir, "in"), buf_str(&b));
	snprintf(command, sizeof command, "python3 test/aws/botocore_signer.py <%s/in >%s/out", dir, dir);
	if (system(command) != 0)
		fail_msg("botocore did not sign; python3 with botocore is needed (tools/deps test)");
	struct str rest = temp_read(temp_path(dir, "out"), memory, sizeof memory);
	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		struct str theirs = str_cut(&rest, '\n');
		assert_true(theirs.n > 64);
		if (cases[i / 2].expires_s == 0)
			assert_str(ours[i], theirs);
		else
			assert_str(signature_of_url(ours[i]), signature_of_url(theirs));
	}
	temp_remove(dir);
	arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_signatures_when_botocore_signs_the_same_then_equal) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
