/* Development mode's explanations. For each row of the table of mistakes a client that makes it: the
 * canonical request that it signs is written out here, signed with the right secret, and the mistake must
 * be named. */
#include "sigv4/cases.h"

#include "sigv4/verify.h"

#define CREDENTIAL \
	"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261122T073926Z&X-Amz-Expires=300&X-Amz-SignedHeaders="
#define TYPED CREDENTIAL "content-type%3Bhost"
#define UNTYPED CREDENTIAL "host"
#define HOST "host:127.0.0.1:9000\n"
#define JPEG "content-type:image/jpeg\n"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct client {
	const char *name;
	/* what was sent */
	const char *path, *query, *host, *type; /* type NULL: no such header */
	/* what was signed */
	const char *canonical;
	const char *day, *region, *service; /* NULL: as in the credential */
	/* what the explanation must say */
	const char *words;
};

static const struct client CLIENTS[] = { { "content type not sent", "/b/k", TYPED, "127.0.0.1:9000", NULL,
											 "PUT\n/b/k\n" TYPED "\ncontent-type:image/png\n" HOST "\ncontent-type;host\nUNSIGNED-PAYLOAD",
											 NULL, NULL, NULL, "Content-Type: image/png, but the request was sent without it" },
	{ "content type with a parameter", "/b/k", TYPED, "127.0.0.1:9000", "image/tiff; charset=UTF-8",
		"PUT\n/b/k\n" TYPED "\ncontent-type:image/tiff\n" HOST "\ncontent-type;host\nUNSIGNED-PAYLOAD", NULL, NULL, NULL,
		"Content-Type: image/tiff, but another was sent; a charset parameter counts too" },
	{ "content type signed with a parameter", "/b/k", TYPED, "127.0.0.1:9000", "text/html",
		"PUT\n/b/k\n" TYPED "\ncontent-type:text/html;charset=UTF-8\n" HOST "\ncontent-type;host\nUNSIGNED-PAYLOAD", NULL, NULL, NULL,
		"Content-Type: text/html;charset=UTF-8, but another was sent" },
	{ "curl's own content type", "/b/k", TYPED, "127.0.0.1:9000", "application/x-www-form-urlencoded",
		"PUT\n/b/k\n" TYPED "\n" JPEG HOST "\ncontent-type;host\nUNSIGNED-PAYLOAD", NULL, NULL, NULL,
		"Content-Type: image/jpeg, but another was sent; send it exactly" },
	{ "content type signed but not listed", "/b/k", UNTYPED, "127.0.0.1:9000", "image/jpeg",
		"PUT\n/b/k\n" UNTYPED "\n" JPEG HOST "\ncontent-type;host\nUNSIGNED-PAYLOAD", NULL, NULL, NULL,
		"X-Amz-SignedHeaders does not name it" },
	{ "host without port", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\nhost:127.0.0.1\n\nhost\nUNSIGNED-PAYLOAD",
		NULL, NULL, NULL, "signed the host as 127.0.0.1, without the port" },
	{ "host without port, IPv6", "/b/k", UNTYPED, "[::1]:9000", NULL, "PUT\n/b/k\n" UNTYPED "\nhost:[::1]\n\nhost\nUNSIGNED-PAYLOAD", NULL,
		NULL, NULL, "signed the host as [::1], without the port" },
	{ "host with port", "/b/k", UNTYPED, "store.example", NULL, "PUT\n/b/k\n" UNTYPED "\nhost:store.example:443\n\nhost\nUNSIGNED-PAYLOAD",
		NULL, NULL, NULL, "signed the host as store.example:443, but the Host header has no port" },
	{ "host by another name", "/b/k", UNTYPED, "127.0.0.1:9000", NULL,
		"PUT\n/b/k\n" UNTYPED "\nhost:localhost:9000\n\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL,
		"signed the host as localhost:9000, but the Host header has another name" },
	{ "path encoded twice", "/b/a%20b", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/a%2520b\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD",
		NULL, NULL, NULL, "percent-encoded the path twice" },
	{ "path not encoded", "/b/a%20b", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/a b\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL,
		NULL, NULL, "did not percent-encode the path" },
	{ "blank as plus in the query", "/b/k", UNTYPED "&z=x+y", "127.0.0.1:9000", NULL,
		"PUT\n/b/k\n" UNTYPED "&z=x+y\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "wrote a blank as '+'" },
	{ "blank as plus in the path", "/b/a%20b", UNTYPED, "127.0.0.1:9000", NULL,
		"PUT\n/b/a+b\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "wrote a blank as '+'" },
	{ "blank as encoded plus in the path", "/b/a%20b", UNTYPED, "127.0.0.1:9000", NULL,
		"PUT\n/b/a%2Bb\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "wrote a blank as '+'" },
	{ "plus as plus in the query", "/b/k", UNTYPED "&z=x+y", "127.0.0.1:9000", NULL,
		"PUT\n/b/k\n" UNTYPED "&z=x%2By\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "send a plus sign as %2B" },
	{ "query not sorted", "/b/k", "z=1&a=2&" UNTYPED, "127.0.0.1:9000", NULL,
		"PUT\n/b/k\nz=1&a=2&" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "did not sort the query" },
	{ "query neither sorted nor encoded", "/b/k", "z=a/b&" UNTYPED, "127.0.0.1:9000", NULL,
		"PUT\n/b/k\nz=a/b&" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "did not sort the query" },
	{ "query not encoded", "/b/k", UNTYPED "&z=a/b", "127.0.0.1:9000", NULL,
		"PUT\n/b/k\n" UNTYPED "&z=a/b\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "did not percent-encode the query parameters" },
	{ "payload hash of nothing", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\n" EMPTY, NULL, NULL,
		NULL, "the payload hash '" EMPTY "'" },
	{ "payload hash of the parameter", "/b/k", "X-Amz-Content-Sha256=44&" UNTYPED, "127.0.0.1:9000", NULL,
		"PUT\n/b/k\n"
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Content-Sha256=44&X-Amz-Credential=AKID%2F20261122%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261122T073926Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host\n" HOST
		"\nhost\n44",
		NULL, NULL, NULL, "the payload hash '44'" },
	{ "payload hash left out", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\n", NULL, NULL, NULL,
		"the payload hash ''" },
	{ "another method", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "GET\n/b/k\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL,
		NULL, "signed for the method GET, but" },
	{ "another region", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL,
		"eu-central-1", NULL, "for the region 'eu-central-1', not" },
	{ "no region", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, "", NULL,
		"for the region '', not" },
	{ "another service", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL,
		"execute-api", "for the service 'execute-api', not" },
	{ "the day before", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", "20261121",
		NULL, NULL, "for the day 20261121, not" },
	{ "the day after", "/b/k", UNTYPED, "127.0.0.1:9000", NULL, "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", "20261123",
		NULL, NULL, "for the day 20261123, not" } };

static const struct sigv4_scope SCOPE = { { "20261122", 8 }, { "us-east-1", 9 }, { "s3", 2 } };
static const struct verify_context CTX = {
	.region = { "us-east-1", 9 }, .service = { "s3", 2 }, .now_ms = 1795333166000, .secret = { "the-secret", 10 }
};
static struct arena arena;

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

static struct str pick(const char *text, struct str otherwise)
{
	return text != NULL ? str_of(text) : otherwise;
}

static struct str sign(const struct client *c, const struct sigv4_scope *in_text, const struct sigv4_scope *in_key)
{
	unsigned char key[SHA256_BYTES];
	char signature[SIGNATURE_CHARS + 1];
	struct buf text;
	buf_init_arena(&text, &arena, 65536);
	string_to_sign(STR("20261122T073926Z"), in_text, str_of(c->canonical), &text);
	signing_key(CTX.secret, in_key, key);
	signature_of(key, buf_str(&text), signature);
	return str_dup(&arena, str_of(signature));
}

static struct sigv4_scope scope_of(const struct client *c)
{
	return (struct sigv4_scope){ pick(c->day, SCOPE.day), pick(c->region, SCOPE.region), pick(c->service, SCOPE.service) };
}

static struct request sent(const struct client *c, struct str signature)
{
	struct header *headers = arena_array(&arena, 2, sizeof *headers);
	headers[0] = (struct header){ STR("Host"), str_of(c->host) };
	if (c->type != NULL)
		headers[1] = (struct header){ STR("Content-Type"), str_of(c->type) };
	struct request r = {
		.arena = &arena, .method = STR("PUT"), .path = str_of(c->path), .headers = headers, .n_headers = c->type != NULL ? 2 : 1
	};
	struct str query = str_printf(&arena, "%s&X-Amz-Signature=%.*s", c->query, STRF(signature));
	assert_int_equal(query_parse(&arena, query, &r.query, NULL), OK);
	return r;
}

static struct sigv4_diagnosis explain(const struct request *r)
{
	struct parsed_signature auth;
	struct sigv4_diagnosis d;
	struct fault why;
	if (signature_parse(r, &auth, &why) != OK)
		fail_msg("%s", why.text);
	assert_int_equal(signature_verify(r, &auth, &CTX, &why), DENIED);
	assert_int_equal(why.code, F_SIGNATURE_WRONG);
	signature_explain(r, &auth, &CTX, &d);
	return d;
}

static void check_named(const struct client *c, const struct sigv4_scope *in_text, const struct sigv4_scope *in_key)
{
	struct request r = sent(c, sign(c, in_text, in_key));
	struct str mistake = explain(&r).mistake;
	if (mistake.n == 0 || str_find(mistake, str_of(c->words)) == mistake.n)
		fail_msg("%s: \"%.*s\" does not say \"%s\"", c->name, STRF(mistake), c->words);
}

static void test_mistake_when_usual_then_named(void **state)
{
	for (size_t i = 0; i < COUNT_OF(CLIENTS); i++) {
		struct sigv4_scope scope = scope_of(&CLIENTS[i]);
		check_named(&CLIENTS[i], &scope, &scope);
	}
}

static void test_scope_when_wrong_only_in_key_or_text_then_named(void **state)
{
	size_t n = 0;
	for (size_t i = 0; i < COUNT_OF(CLIENTS); i++) {
		const struct client *c = &CLIENTS[i];
		if (c->day == NULL && c->region == NULL && c->service == NULL)
			continue;
		struct sigv4_scope scope = scope_of(c);
		check_named(c, &SCOPE, &scope);
		check_named(c, &scope, &SCOPE);
		n++;
	}
	assert_int_equal(n, 5);
}

static const struct client PLAIN = { "plain", "/b/k", UNTYPED, "127.0.0.1:9000", NULL,
	"PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\nUNSIGNED-PAYLOAD", NULL, NULL, NULL, "" };

static void test_secret_when_wrong_then_canonical_texts_but_no_mistake_is_named(void **state)
{
	struct request r = sent(&PLAIN, STR("0000000000000000000000000000000000000000000000000000000000000000"));
	struct sigv4_diagnosis d = explain(&r);
	assert_int_equal(d.mistake.n, 0);
	assert_str(d.canonical_request, str_of(PLAIN.canonical));
	assert_true(str_starts_with(d.string_to_sign, STR("AWS4-HMAC-SHA256\n20261122T073926Z\n20261122/us-east-1/s3/aws4_request\n")));
	assert_int_equal(d.string_to_sign.n, 17 + 17 + 35 + 64);
}

static void test_body_when_its_hash_was_signed_then_named(void **state)
{
	struct client c = PLAIN;
	c.canonical = "PUT\n/b/k\n" UNTYPED "\n" HOST "\nhost\n44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
	struct request r = sent(&c, sign(&c, &SCOPE, &SCOPE));
	r.body = STR("Welcome to Amazon S3.");
	struct str mistake = explain(&r).mistake;
	assert_true(str_find(mistake, STR("the payload hash '44ce7dd6")) < mistake.n);
}

static void test_header_when_signed_but_missing_then_shown_empty(void **state)
{
	struct client c = PLAIN;
	c.query = TYPED;
	struct request r = sent(&c, STR("00"));
	assert_str(explain(&r).canonical_request, STR("PUT\n/b/k\n" TYPED "\ncontent-type:\n" HOST "\ncontent-type;host\nUNSIGNED-PAYLOAD"));
}

static void test_request_when_large_then_its_arena_is_unchanged(void **state)
{
	char *path = arena_alloc(&arena, 20001);
	memset(path, ' ', 20000);
	path[0] = '/';
	struct client c = PLAIN;
	c.path = path;
	struct request r = sent(&c, STR("00"));
	struct arena small CLEANUP(arena_deinit) = { 0 };
	struct parsed_signature auth;
	struct sigv4_diagnosis d;
	assert_int_equal(signature_parse(&r, &auth, NULL), OK);
	arena_init(&small, 1024);
	r.arena = &small;
	signature_explain(&r, &auth, &CTX, &d);
	assert_true(arena_ok(&small));
	assert_int_equal(d.canonical_request.n, 0);
	assert_int_equal(d.mistake.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mistake_when_usual_then_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_scope_when_wrong_only_in_key_or_text_then_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_secret_when_wrong_then_canonical_texts_but_no_mistake_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_body_when_its_hash_was_signed_then_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_header_when_signed_but_missing_then_shown_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_request_when_large_then_its_arena_is_unchanged, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
