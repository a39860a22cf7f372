/* A whole API on fakes, asked through its handler as a listener would: what the handler tests share.
 *
 * `ask` runs one request to its end and checks what holds for every response: a status, the
 * request id, the CORS headers, no-store; and for every error the members of a problem and that
 * nothing of a cause shows. So each test of the folder proves these again for its own responses. */
#ifndef TEST_API_FIXTURE_H
#define TEST_API_FIXTURE_H

#include "api/api.h"
#include "http/problem.h"
#include "fake/fake_store.h"
#include "fake/fake_table.h"
#include "fake/rows.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define KEY "a key of 16 chars or more"
#define SOME_ID "0b9f1c52-6f0e-4a7e-9a53-3f1f7b7f2a10"

static const unsigned char tiny_png[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0, 1, 0, 0, 0,
	1, 8, 0, 0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0, 10, 'I', 'D', 'A', 'T', 0x78, 0x9c, 0x63, 0x60, 0, 0, 0, 2, 0, 1, 0x48, 0xaf, 0xa4,
	0x71, 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82 };

struct fixture {
	struct fake_table *table;
	struct fake_store *store;
	struct product product;
	struct api *api;
	struct request_context x;
	struct arena own;       /* for what a test keeps */
	enum handler_step step; /* what begin said */
	bool answered;
	unsigned wakes; /* of the request in hand */
};

/* One request; what is not given is not sent. */
struct ask {
	const char *method, *target;
	const char *body;
	size_t body_bytes; /* 0: strlen(body) */
	bool chunked;
	const char *authorization, *delete_token, *host, *origin, *referer, *fetch_site, *content_type, *if_match, *idempotency_key,
		*gateway_key;
};

static struct fixture fixture;

static inline void fixture_open(const struct api_options *o)
{
	memset(&fixture, 0, sizeof(fixture));
	fixture.table = fake_table_new(1000);
	fixture.store = fake_store_new();
	fake_table_hold(fixture.table, fixture.store);
	fixture.product = (struct product){ .rules = { .allowed_types = STR("image/jpeg,image/png,image/gif,image/webp"),
											.max_size_bytes = 5242880,
											.max_pixels = 50000000,
											.url_ttl_s = 300,
											.pending_ttl_s = 3600,
											.rejected_ttl_s = 604800,
											.orphan_ttl_s = 86400 },
		.store = fake_store_port(fixture.store),
		.table = fake_table_port(fixture.table) };
	fixture.api = api_new(&fixture.product, o);
	assert_non_null(fixture.api);
	arena_init(&fixture.own, 64 << 20);
}

static inline int fixture_setup(void **state)
{
	(void)state;
	fixture_open(&(struct api_options){ .cors_origins = STR("*") });
	return 0;
}

static inline int fixture_setup_with_key(void **state)
{
	(void)state;
	fixture_open(&(struct api_options){ .images = ACCESS_KEYS, .key = STR(KEY), .cors_origins = STR("*") });
	return 0;
}

static inline void fixture_forget_answer(void)
{
	if (!fixture.answered)
		return;
	answer_reset(&fixture.x.answer);
	arena_deinit(&fixture.x.arena);
	fixture.answered = false;
}

static inline int fixture_teardown(void **state)
{
	(void)state;
	fixture_forget_answer();
	api_free(&fixture.api);
	fake_table_free(&fixture.table);
	fake_store_free(&fixture.store);
	arena_deinit(&fixture.own);
	return 0;
}

/* {NULL, 0} when the response has no such header. */
static inline struct str header_of(const char *name)
{
	for (size_t i = 0; i < fixture.x.answer.n_headers; i++)
		if (str_equal_nocase(fixture.x.answer.headers[i].name, str_of(name)))
			return fixture.x.answer.headers[i].value;
	return (struct str){ 0 };
}

static inline void assert_str(struct str s, const char *expected)
{
	if (!str_equal(s, str_of(expected)))
		fail_msg("\"%.*s\" is not \"%s\"", STRF(s), expected);
}

static inline bool holds(struct str s, const char *part)
{
	return str_find(s, str_of(part)) < s.n;
}

/* The response's body as JSON, to be decref'd by the caller. */
static inline json_t *answer_json(void)
{
	json_t *body = json_loadb(fixture.x.answer.body.p, fixture.x.answer.body.n, JSON_REJECT_DUPLICATES, NULL);

	if (body == NULL)
		fail_msg("no JSON: %.*s", STRF(fixture.x.answer.body));
	return body;
}

static inline void check_problem(void)
{
	static const char *const members[] = { "type", "title", "detail", "code", "requestId" };
	json_t *body = answer_json();

	assert_str(header_of("Content-Type"), "application/problem+json");
	assert_int_equal(json_object_size(body), 6);
	assert_int_equal(json_integer_value(json_object_get(body, "status")), fixture.x.answer.status);
	for (size_t i = 0; i < COUNT_OF(members); i++)
		assert_true(json_string_length(json_object_get(body, members[i])) > 0);
	assert_false(holds(fixture.x.answer.body, "fake"));
	if (fixture.x.answer.fault.cause[0] != '\0')
		assert_false(holds(fixture.x.answer.body, fixture.x.answer.fault.cause));
	json_decref(body);
}

static inline void check_answer(void)
{
	const struct answer *ans = &fixture.x.answer;

	assert_in_range(ans->status, 200, 599);
	assert_str(header_of("x-amzn-RequestId"), "request-1");
	if (ans->status != 302)
		assert_str(header_of("Cache-Control"), "no-store");
	assert_true(holds(header_of("Access-Control-Expose-Headers"), "x-amzn-RequestId"));
	assert_true(header_of("Access-Control-Allow-Origin").n > 0 || header_of("Vary").n > 0);
	for (size_t i = 0; i < ans->n_headers; i++)
		for (size_t j = 0; j < i; j++)
			assert_false(str_equal_nocase(ans->headers[i].name, ans->headers[j].name));
	if (ans->status >= 400)
		check_problem();
	else
		assert_int_equal(ans->fault.code, F_NONE);
}

static inline void put_header(struct header *headers, size_t *n, const char *name, const char *value)
{
	if (value != NULL)
		headers[(*n)++] = (struct header){ str_of(name), str_of(value) };
}

static inline void fixture_wake(struct request_context *x)
{
	assert_ptr_equal(x, &fixture.x);
	assert_true(x->answer.status != 0);
	fixture.wakes++;
}

static inline bool takes_body(enum handler_step step)
{
	return step == HANDLER_READ_BODY || step == HANDLER_RUN_ASYNC;
}

/* The body is whole: what the listener does then. The fake table ends what is started at once. */
static inline void fixture_end(void)
{
	struct handler *handler = api_handler(fixture.api);

	if (fixture.step == HANDLER_ANSWER)
		return;
	if (fixture.step != HANDLER_RUN_ASYNC) {
		handler->ops->run(handler, &fixture.x);
		return;
	}
	handler->ops->run_async(handler, &fixture.x);
	assert_int_equal(fixture.wakes, 1);
}

/* Fill in the request as a listener does. */
static inline void fixture_exchange(const struct ask *q)
{
	struct handler *handler = api_handler(fixture.api);
	struct request_context *x = &fixture.x;
	struct str path = str_of(q->target), rest;
	struct fault why;
	size_t n = 0;

	fixture_forget_answer();
	*x = (struct request_context){ 0 };
	arena_init(&x->arena, handler->arena_bytes);
	answer_init(&x->answer);
	x->done = fixture_wake;
	fixture.wakes = 0;
	fixture.answered = true;
	rest = path;
	path = str_cut(&rest, '?');
	x->request = (struct request){ .arena = &x->arena,
		.id = STR("request-1"),
		.method = str_of(q->method),
		.target = str_of(q->target),
		.path = path,
		.chunked = q->chunked };
	assert_int_equal(query_parse(&x->arena, rest, &x->request.query, &why), OK);
	struct header *headers = arena_array(&x->arena, 10, sizeof(*headers));
	put_header(headers, &n, "authorization", q->authorization);
	put_header(headers, &n, "X-Delete-Token", q->delete_token);
	put_header(headers, &n, "Host", q->host);
	put_header(headers, &n, "Content-Type", q->content_type);
	put_header(headers, &n, "Origin", q->origin);
	put_header(headers, &n, "Referer", q->referer);
	put_header(headers, &n, "Sec-Fetch-Site", q->fetch_site);
	put_header(headers, &n, "If-Match", q->if_match);
	put_header(headers, &n, "Idempotency-Key", q->idempotency_key);
	put_header(headers, &n, "X-Api-Key", q->gateway_key);
	x->request.headers = headers;
	x->request.n_headers = n;
}

/* Run one request to its end, in pieces of `piece` bytes, and give the response. */
static inline const struct answer *ask_in_pieces(struct ask q, size_t piece)
{
	struct handler *handler = api_handler(fixture.api);
	struct request_context *x = &fixture.x;
	size_t total = q.body == NULL ? 0 : q.body_bytes > 0 ? q.body_bytes : strlen(q.body);

	fixture_exchange(&q);
	x->request.has_length = q.body != NULL && !q.chunked;
	x->request.length = x->request.has_length ? total : 0;
	fixture.step = handler->ops->on_head(handler, x);
	if (fixture.step == HANDLER_CHECK)
		fixture.step = handler->ops->check(handler, x);
	for (size_t at = 0; takes_body(fixture.step) && at < total; at += piece) {
		size_t n = total - at < piece ? total - at : piece;
		x->body_bytes += n;
		if (handler->ops->on_body(handler, x, q.body + at, n) == OK)
			continue;
		handler->ops->on_abort(handler, x, &x->answer.fault);
		check_answer();
		return &x->answer;
	}
	fixture_end();
	check_answer();
	return &x->answer;
}

static inline const struct answer *ask(struct ask q)
{
	return ask_in_pieces(q, SIZE_MAX);
}

#define ASK(...) ask((struct ask){ __VA_ARGS__ })

/* The problem's code of the last response. */
static inline const char *answer_code(void)
{
	return fault_name(fixture.x.answer.fault.code);
}

static inline void assert_problem(int status, const char *code)
{
	json_t *body = answer_json();
	const char *got = json_string_value(json_object_get(body, "code"));

	if (fixture.x.answer.status != status || got == NULL || strcmp(got, code) != 0)
		fail_msg("%d %.*s", fixture.x.answer.status, STRF(fixture.x.answer.body));
	json_decref(body);
}

/* A member of the last response's object, in the fixture's own arena; {NULL, 0} when it is no string. */
static inline struct str answer_text(const char *name)
{
	json_t *body = answer_json();
	const json_t *value = json_object_get(body, name);
	struct str text = { 0 };

	if (json_is_string(value))
		text = str_dup(&fixture.own, (struct str){ json_string_value(value), json_string_length(value) });
	json_decref(body);
	return text;
}

/* -1 when it is no integer. */
static inline int64_t answer_integer(const char *name)
{
	json_t *body = answer_json();
	const json_t *value = json_object_get(body, name);
	int64_t n = json_is_integer(value) ? json_integer_value(value) : -1;

	json_decref(body);
	return n;
}

static inline bool answer_has(const char *name)
{
	json_t *body = answer_json();
	bool has = json_object_get(body, name) != NULL;

	json_decref(body);
	return has;
}

struct made {
	struct str id, delete_token;
};

/* A slot, by the API itself. */
static inline struct made make_slot(void)
{
	struct made m;

	ASK("POST", "/prod/upload", "{\"fileName\":\"a \\\"b\\\".png\",\"fileType\":\"image/png\"}");
	assert_int_equal(fixture.x.answer.status, 200);
	m.id = answer_text("imageId");
	m.delete_token = answer_text("deleteToken");
	return m;
}

/* An uploaded image of the tiny PNG's bytes: the row resolved and the object there. */
static inline struct made make_image(void)
{
	struct made m = make_slot();
	struct resolution s = { .image_id = m.id,
		.status = IMAGE_UPLOADED,
		.file_type = STR("image/png"),
		.file_size = sizeof(tiny_png),
		.etag = STR("0123456789abcdef0123456789abcdef"),
		.width = 1,
		.height = 2,
		.orientation = 6,
		.frames = 3,
		.uploaded_ms = 1795332442123 };
	struct image_row row;
	struct fault why;
	struct str bytes = { (const char *)tiny_png, sizeof(tiny_png) };

	assert_int_equal(table_resolve(fixture.product.table, &s, &fixture.own, &row, &why), OK);
	assert_int_equal(store_put(fixture.product.store, row.key, row.file_type, bytes, &why), OK);
	return m;
}

/* A path with an id in it: path_of("/prod/images/%.*s/file", id). */
static inline const char *path_of(const char *before, struct str id, const char *after)
{
	return str_printf(&fixture.own, "%s%.*s%s", before, STRF(id), after).p;
}

static inline const char *bearer(struct str secret)
{
	return str_printf(&fixture.own, "Bearer %.*s", STRF(secret)).p;
}

#endif
