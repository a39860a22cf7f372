/* Reads the signing test suite: one folder a case, see its README. Shared by the tests of this folder.
 * A missing suite fails the test that asks for it. */
#ifndef TEST_SIGV4_SUITE_H
#define TEST_SIGV4_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sigv4/sign.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SUITE "../shared/vectors/aws-signing-test-suite"
#define SUITE_CASES 38
#define SUITE_NORMALIZED 6       /* of them; S3 never resolves '.' and '..' */
#define ARENA_BYTES (8 * 1024 * 1024)

enum suite_mode { MODE_HEADER, MODE_QUERY, SUITE_MODES };
static const char *const SUITE_PREFIX[SUITE_MODES] = { "header", "query" };

struct suite_case {
	const char *folder;
	struct str access_key, secret, token, region, service;
	char amz_date[AMZ_DATE_CHARS + 1];
	int64_t now_ms;
	uint32_t expires_s;
	bool normalize, sign_body, omit_token;
	struct request request;
};

static inline struct str suite_read(struct arena *a, const char *folder, const char *file)
{
	char path[512];
	snprintf(path, sizeof path, SUITE "/%s/%s", folder, file);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot read %s", path);
	char p[16384];
	size_t n = fread(p, 1, sizeof p, f);
	fclose(f);
	while (n > 0 && p[n - 1] == '\n')
		n--;
	return str_dup(a, (struct str){ p, n });
}

static inline int suite_is_case(const struct dirent *d)
{
	return d->d_name[0] != '.' && d->d_type == DT_DIR;
}

/* The names of all folders; fails unless there are as many as we know of. */
static inline size_t suite_folders(struct arena *a, char **names)
{
	struct dirent **found = NULL;
	int n = scandir(SUITE, &found, suite_is_case, alphasort);
	if (n != SUITE_CASES)
		fail_msg("%d cases in %s, not %d", n, SUITE, SUITE_CASES);
	for (int i = 0; i < n; i++) {
		names[i] = str_cstr(a, str_of(found[i]->d_name));
		free(found[i]);
	}
	free(found);
	return (size_t)n;
}

static inline struct str suite_member(struct arena *a, const json_t *j, const char *name)
{
	return str_dup(a, str_of(json_string_value(json_object_get(j, name))));
}

/* Parse a request head with LF line ends, folded lines, and the body behind the blank line. */
static inline void suite_parse_request(struct arena *a, struct str text, struct request *r)
{
	*r = (struct request){ .arena = a };
	struct header *headers = arena_array(a, 64, sizeof *headers);
	struct str line = str_cut(&text, '\n');
	size_t end = line.n;
	while (line.p[end - 1] != ' ')
		end--;
	r->method = str_cut(&line, ' ');
	r->target = str_slice(line, 0, end - 1 - r->method.n - 1);
	struct str query = r->target;
	r->path = str_cut(&query, '?');
	assert_int_equal(query_parse(a, query, true, &r->query, NULL), OK);
	while (text.p != NULL) {
		line = str_cut(&text, '\n');
		if (line.n == 0) {
			r->body = text;
			break;
		}
		if (line.p[0] == ' ') {
			headers[r->n_headers - 1].value.n = (size_t)(line.p + line.n - headers[r->n_headers - 1].value.p);
			continue;
		}
		headers[r->n_headers].name = str_cut(&line, ':');
		headers[r->n_headers++].value = line;
	}
	r->headers = headers;
}

static inline void suite_load(struct arena *a, const char *folder, struct suite_case *c)
{
	struct str context = suite_read(a, folder, "context.json");
	json_t *j = json_loadb(context.p, context.n, 0, NULL);
	assert_non_null(j);
	const json_t *credentials = json_object_get(j, "credentials");
	*c = (struct suite_case){ .folder = folder };
	c->access_key = suite_member(a, credentials, "access_key_id");
	c->secret = suite_member(a, credentials, "secret_access_key");
	c->token = suite_member(a, credentials, "token");
	c->region = suite_member(a, j, "region");
	c->service = suite_member(a, j, "service");
	c->expires_s = (uint32_t)json_integer_value(json_object_get(j, "expiration_in_seconds"));
	c->normalize = json_is_true(json_object_get(j, "normalize"));
	c->sign_body = json_is_true(json_object_get(j, "sign_body"));
	c->omit_token = json_is_true(json_object_get(j, "omit_session_token"));
	assert_true(clock_parse_iso8601(suite_member(a, j, "timestamp"), &c->now_ms));
	clock_amz_date(c->now_ms, c->amz_date);
	json_decref(j);
	suite_parse_request(a, suite_read(a, folder, "request.txt"), &c->request);
}

static inline struct sigv4_scope suite_scope(const struct suite_case *c)
{
	return (struct sigv4_scope){ .day = { c->amz_date, 8 }, .region = c->region, .service = c->service };
}

static inline struct str suite_payload_hash(struct arena *a, const struct suite_case *c)
{
	char *hash = arena_alloc(a, 2 * SHA256_BYTES + 1);
	sha256_hex(c->request.body, hash);
	return str_of(hash);
}

static inline void suite_add_headers(struct arena *a, const struct suite_case *c, enum suite_mode mode, struct canonical_input *in)
{
	struct header *headers = arena_array(a, c->request.n_headers + 3, sizeof *headers);
	size_t n = 0;
	for (size_t i = 0; i < c->request.n_headers; i++) {
		if (!str_equal_nocase(c->request.headers[i].name, STR("x-amz-date")))
			headers[n++] = c->request.headers[i];
	}
	if (mode == MODE_HEADER)
		headers[n++] = (struct header){ STR("X-Amz-Date"), { c->amz_date, AMZ_DATE_CHARS } };
	if (mode == MODE_HEADER && c->token.n > 0 && !c->omit_token)
		headers[n++] = (struct header){ STR("X-Amz-Security-Token"), c->token };
	if (mode == MODE_HEADER && c->sign_body)
		headers[n++] = (struct header){ STR("x-amz-content-sha256"), in->payload_hash };
	in->headers = headers;
	in->n_headers = n;
	in->signed_headers = signed_header_names(a, headers, n);
}

static inline void suite_add_query(struct arena *a, const struct suite_case *c, enum suite_mode mode, struct canonical_input *in)
{
	struct query_pair *pairs = arena_array(a, c->request.query.n + 6, sizeof *pairs);
	struct query *query = ARENA_NEW(a, struct query);
	size_t n = c->request.query.n;
	if (n > 0)
		memcpy(pairs, c->request.query.pairs, n * sizeof *pairs);
	if (mode == MODE_QUERY) {
		struct str credential = str_printf(a, "%.*s/%.8s/%.*s/%.*s/aws4_request", STRF(c->access_key), c->amz_date, STRF(c->region), STRF(c->service));
		pairs[n++] = (struct query_pair){ .name = STR("X-Amz-Algorithm"), .value = STR("AWS4-HMAC-SHA256") };
		pairs[n++] = (struct query_pair){ .name = STR("X-Amz-Credential"), .value = credential };
		pairs[n++] = (struct query_pair){ .name = STR("X-Amz-Date"), .value = { c->amz_date, AMZ_DATE_CHARS } };
		pairs[n++] = (struct query_pair){ .name = STR("X-Amz-Expires"), .value = str_printf(a, "%u", c->expires_s) };
		pairs[n++] = (struct query_pair){ .name = STR("X-Amz-SignedHeaders"), .value = in->signed_headers };
		if (c->token.n > 0 && !c->omit_token)
			pairs[n++] = (struct query_pair){ .name = STR("X-Amz-Security-Token"), .value = c->token };
	}
	*query = (struct query){ pairs, n };
	in->query = query;
}

static inline struct canonical_input suite_input(struct arena *a, const struct suite_case *c, enum suite_mode mode)
{
	struct canonical_input in = {
		.method = c->request.method, .path = c->request.path, .payload_hash = suite_payload_hash(a, c),
		.path_rule = c->normalize ? PATH_NORMALIZED : PATH_DECODED,
	};
	suite_add_headers(a, c, mode, &in);
	suite_add_query(a, c, mode, &in);
	return in;
}

/* Whether S3's path rule gives another path than the suite's. */
static inline bool suite_needs_normalizing(const struct suite_case *c)
{
	return c->normalize && (str_find(c->request.path, STR("/.")) < c->request.path.n || str_find(c->request.path, STR("//")) < c->request.path.n);
}

static inline struct str suite_expected(struct arena *a, const struct suite_case *c, enum suite_mode mode, const char *what)
{
	char file[64];
	snprintf(file, sizeof file, "%s-%s.txt", SUITE_PREFIX[mode], what);
	return suite_read(a, c->folder, file);
}

#define assert_str_equal(a, b) assert_str_equal_at((a), (b), __FILE__, __LINE__)
static inline void assert_str_equal_at(struct str got, struct str expected, const char *file, int line)
{
	if (str_equal(got, expected))
		return;
	print_error("got      \"%.*s\"\nexpected \"%.*s\"\n", STRF(got), STRF(expected));
	_fail(file, line);
}

#endif
