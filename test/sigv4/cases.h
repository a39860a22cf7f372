/* Reads the cases of test/sigv4/cases, one request a file with every step of its signature: see the README there.
 * Shared by the tests of this folder. */
#ifndef TEST_SIGV4_CASES_H
#define TEST_SIGV4_CASES_H

#include "unit.h"

#include "sigv4/canonical.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASE_FOLDER "test/sigv4/cases"
#define CASES_MIN 40
#define CASES_MAX 256
#define ARENA_BYTES (64 * 1024 * 1024)

enum case_mode { MODE_HEADER, MODE_QUERY, CASE_MODES };
static const char *const CASE_MODE[CASE_MODES] = { "header", "query" };

struct sigv4_case {
	const char *name;
	struct str text; /* the whole file */
	struct str access_key, secret, token, region, service, date, expires, payload;
	int64_t now_ms;
	struct request request; /* as on the wire, before it is signed */
};

static inline enum status canonical_request(struct arena *a, const struct canonical_input *in, struct buf *out, struct fault *why)
{
	struct canonical_parts parts;
	TRY(canonical_split(a, in, &parts, why));
	canonical_join(&parts, out);
	return fault_check_buf(out, why);
}

static inline struct str case_read(struct arena *a, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, CASE_FOLDER "/%s", name);
	FILE *f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("cannot read %s", path);
	char p[32768];
	size_t n = fread(p, 1, sizeof p, f);
	fclose(f);
	assert_true(n > 0 && n < sizeof p && p[n - 1] == '\n');
	return str_dup(a, (struct str){ p, n });
}

static inline int case_is_file(const struct dirent *d)
{
	return str_ends_with(str_of(d->d_name), STR(".txt"));
}

/* The names of all cases, in order; fails if some are missing. */
static inline size_t case_names(struct arena *a, char *names[CASES_MAX])
{
	struct dirent **found = NULL;
	int n = scandir(CASE_FOLDER, &found, case_is_file, alphasort);
	if (n < CASES_MIN || n > CASES_MAX)
		fail_msg("%d cases in %s", n, CASE_FOLDER);
	for (int i = 0; i < n; i++) {
		names[i] = str_cstr(a, str_of(found[i]->d_name));
		free(found[i]);
	}
	free(found);
	return (size_t)n;
}

/* What is between `begin` and `end`; empty when there is no such beginning. */
static inline struct str case_between(struct arena *a, struct str text, const char *begin, const char *end)
{
	struct str first = str_of(begin), last = str_of(end);
	size_t at = str_find(text, first);
	if (at == text.n)
		return STR("");
	struct str rest = str_slice(text, at + first.n, text.n);
	return str_dup(a, str_slice(rest, 0, str_find(rest, last)));
}

static inline struct str case_setting(struct arena *a, const struct sigv4_case *c, const char *name)
{
	return case_between(a, c->text, str_cstr(a, str_printf(a, "\n%s ", name)), "\n");
}

static inline struct str case_section(struct arena *a, const struct sigv4_case *c, const char *name)
{
	struct str s = case_between(a, c->text, str_cstr(a, str_printf(a, "\n[%s]\n", name)), "\n\n[");
	return s.n > 0 && s.p[s.n - 1] == '\n' ? str_slice(s, 0, s.n - 1) : s;
}

/* Parse a request with LF line ends, and the body after the blank line. */
static inline void request_parse_text(struct arena *a, struct str text, struct request *r)
{
	*r = (struct request){ .arena = a };
	struct header *headers = arena_array(a, 64, sizeof *headers);
	struct str line = str_cut(&text, '\n');
	r->method = str_cut(&line, ' ');
	r->target = str_cut(&line, ' ');
	struct str query = r->target;
	r->path = str_cut(&query, '?');
	assert_int_equal(query_parse(a, query, &r->query, NULL), OK);
	while (text.p != NULL) {
		line = str_cut(&text, '\n');
		if (line.n == 0) {
			r->body = text;
			break;
		}
		headers[r->n_headers].name = str_cut(&line, ':');
		headers[r->n_headers++].value = line;
	}
	r->headers = headers;
}

static inline void case_load(struct arena *a, const char *name, struct sigv4_case *c)
{
	*c = (struct sigv4_case){ .name = name, .text = case_read(a, name) };
	c->access_key = case_setting(a, c, "access-key");
	c->secret = case_setting(a, c, "secret");
	c->token = case_setting(a, c, "token");
	c->region = case_setting(a, c, "region");
	c->service = case_setting(a, c, "service");
	c->date = case_setting(a, c, "date");
	c->expires = case_setting(a, c, "expires");
	c->payload = case_setting(a, c, "payload");
	assert_true(clock_parse_amz_date(c->date, &c->now_ms));
	request_parse_text(a, case_section(a, c, "request"), &c->request);
}

static inline bool case_has(const struct sigv4_case *c, enum case_mode mode)
{
	return mode == MODE_HEADER || c->expires.n > 0;
}

/* "canonical request", "string to sign" or "signature". */
static inline struct str case_expected(struct arena *a, const struct sigv4_case *c, enum case_mode mode, const char *step)
{
	struct str text = case_section(a, c, str_cstr(a, str_printf(a, "%s %s", CASE_MODE[mode], step)));
	if (text.n == 0)
		fail_msg("%s has no %s %s", c->name, CASE_MODE[mode], step);
	return text;
}

static inline struct sigv4_scope case_scope(const struct sigv4_case *c)
{
	return (struct sigv4_scope){ .day = str_slice(c->date, 0, 8), .region = c->region, .service = c->service };
}

static inline struct str case_payload_hash(struct arena *a, const struct sigv4_case *c, enum case_mode mode)
{
	if (str_equal(c->payload, STR("unsigned")) || mode == MODE_QUERY)
		return STR("UNSIGNED-PAYLOAD");
	if (!str_equal(c->payload, STR("signed")))
		return c->payload;
	char *hash = arena_alloc(a, 2 * SHA256_BYTES + 1);
	sha256_hex(c->request.body, hash);
	return str_of(hash);
}

/* The request with what is signed added to its headers and its query, all but the signature itself. */
static inline struct canonical_input case_input(struct arena *a, const struct sigv4_case *c, enum case_mode mode)
{
	struct header *headers = arena_array(a, c->request.n_headers + 4, sizeof *headers);
	struct query_pair *pairs = arena_array(a, c->request.query.n + 7, sizeof *pairs);
	struct query *query = ARENA_NEW(a, struct query);
	struct canonical_input in = { .method = c->request.method,
		.path = c->request.path,
		.path_rule = PATH_AS_SENT,
		.payload_hash = case_payload_hash(a, c, mode),
		.query = query,
		.headers = headers,
		.n_headers = c->request.n_headers };
	*query = (struct query){ pairs, c->request.query.n };
	memcpy(headers, c->request.headers, in.n_headers * sizeof *headers);
	if (query->n > 0)
		memcpy(pairs, c->request.query.pairs, query->n * sizeof *pairs);
	if (mode == MODE_HEADER) {
		headers[in.n_headers++] = (struct header){ STR("X-Amz-Date"), c->date };
		if (str_equal(c->service, STR("s3")))
			headers[in.n_headers++] = (struct header){ STR("x-amz-content-sha256"), in.payload_hash };
		if (c->token.n > 0)
			headers[in.n_headers++] = (struct header){ STR("X-Amz-Security-Token"), c->token };
	}
	in.signed_headers = signed_header_names(a, headers, in.n_headers);
	if (mode == MODE_HEADER)
		return in;
	const struct sigv4_scope scope = case_scope(c);
	pairs[query->n++] = (struct query_pair){ .name = STR("X-Amz-Algorithm"), .value = STR("AWS4-HMAC-SHA256") };
	pairs[query->n++] = (struct query_pair){ .name = STR("X-Amz-Credential"),
		.value =
			str_printf(a, "%.*s/%.*s/%.*s/%.*s/aws4_request", STRF(c->access_key), STRF(scope.day), STRF(c->region), STRF(c->service)) };
	pairs[query->n++] = (struct query_pair){ .name = STR("X-Amz-Date"), .value = c->date };
	pairs[query->n++] = (struct query_pair){ .name = STR("X-Amz-Expires"), .value = c->expires };
	pairs[query->n++] = (struct query_pair){ .name = STR("X-Amz-SignedHeaders"), .value = in.signed_headers };
	if (c->token.n > 0)
		pairs[query->n++] = (struct query_pair){ .name = STR("X-Amz-Security-Token"), .value = c->token };
	return in;
}

/* The request with the signature that the case has, as it comes to the server. */
static inline struct request case_signed_request(struct arena *a, const struct sigv4_case *c, enum case_mode mode)
{
	struct canonical_input in = case_input(a, c, mode);
	struct str signature = case_expected(a, c, mode, "signature");
	struct request r = c->request;
	r.headers = in.headers;
	r.n_headers = in.n_headers;
	r.query = *in.query;
	if (mode == MODE_QUERY)
		((struct query_pair *)r.query.pairs)[r.query.n++] = (struct query_pair){ .name = STR("X-Amz-Signature"), .value = signature };
	else
		((struct header *)r.headers)[r.n_headers++] = (struct header){ STR("Authorization"),
			str_printf(a, "AWS4-HMAC-SHA256 Credential=%.*s/%.8s/%.*s/%.*s/aws4_request, SignedHeaders=%.*s, Signature=%.*s",
				STRF(c->access_key), c->date.p, STRF(c->region), STRF(c->service), STRF(in.signed_headers), STRF(signature)) };
	return r;
}

#endif
