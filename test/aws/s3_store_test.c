/* The S3 store against scripted responses, and what it computes: addresses of both styles, ends of URLs,
 * the condition that denies overwriting, and which answer becomes which fault. */
#include "aws/surroundings.h"

#include "aws/aws.h"
#include "base/buf.h"
#include "base/clock.h"
#include "fake/http_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define NOW_MS 1700000000123 /* 2023-11-14T22:13:20.123Z */

struct fixture {
	struct fake_http server;
	const char *answer;        /* to every request; "": cut */
	const char *const *script; /* if set, the responses one after the other, and after its NULL again the above */
	struct buf lines;          /* the first lines of the requests, without the protocol */
	atomic_uint requests;
	struct buf last;
	struct aws_chain *chain;
	struct aws_service *service;
	struct object_store *store;
	struct arena a;
	struct fault why;
};

static void serve(int fd, unsigned nth, void *arg)
{
	struct fixture *w = arg;
	struct buf request;
	buf_init(&request, 1 << 20);
	while (fake_http_read(fd, &request)) {
		atomic_fetch_add(&w->requests, 1);
		if (w->answer[0] == '\0')
			break;
		struct str line = buf_str(&request);
		buf_put(&w->lines, str_slice(line, 0, str_find(line, STR("HTTP/1.1"))));
		buf_clear(&w->last);
		buf_put(&w->last, buf_str(&request));
		const char *answer = w->script != NULL && *w->script != NULL ? *w->script++ : w->answer;
		fake_http_write(fd, str_of(answer));
		if (str_find(str_of(answer), STR("Connection: close")) < strlen(answer))
			break;
	}
	buf_deinit(&request);
	shutdown(fd, SHUT_RDWR);
}

/* endpoint: "%u" is the port of the script's server. */
static void start(struct fixture *w, const char *endpoint, struct s3_store_options o, const char *answer)
{
	char url[128];
	assert_int_equal(surroundings_clear(NULL), 0);
	surroundings_give_keys("AKIDEXAMPLE", "secret", "");
	*w = (struct fixture){ .answer = answer };
	buf_init(&w->last, 1 << 20);
	buf_init(&w->lines, 1 << 20);
	fake_http_start(&w->server, serve, w);
	arena_init(&w->a, 32u << 20);
	w->chain = aws_chain_new();
	snprintf(url, sizeof url, "%s:%u", endpoint, w->server.port);
	struct aws_service_options so = {
		.service = STR("s3"), .region = STR("eu-west-1"), .endpoint = endpoint[0] != '\0' ? str_of(url) : STR(""), .chain = w->chain
	};
	w->service = aws_service_new(&so);
	o.service = w->service;
	o.region = STR("eu-west-1");
	w->store = s3_store_new(&o);
	assert_non_null(w->store);
}

static void stop(struct fixture *w)
{
	s3_store_free(&w->store);
	assert_null(w->store);
	aws_service_free(&w->service);
	aws_chain_free(&w->chain);
	fake_http_stop(&w->server);
	buf_deinit(&w->last);
	buf_deinit(&w->lines);
	arena_deinit(&w->a);
}

static const struct s3_store_options by_path = { .bucket = { "pictures", 8 }, .path_style = true };
#define LOOPBACK "http://127.0.0.1"

static const struct header type = { { "Content-Type", 12 }, { "image/png", 9 } };

static struct presigned presign(struct fixture *w, const char *method, uint32_t expires_s)
{
	struct presigned p;
	const struct presign_request r = { .method = str_of(method),
		.key = STR("images/a b.png"),
		.now_ms = NOW_MS,
		.expires_s = expires_s,
		.headers = &type,
		.n_headers = str_equal(str_of(method), STR("PUT")) };
	if (store_presign(w->store, &r, &w->a, &p, &w->why) != OK)
		fail_msg("%s", w->why.text);
	return p;
}

static bool holds(struct str s, const char *part)
{
	return str_find(s, str_of(part)) < s.n;
}

/* what is computed */

static void test_addresses_when_of_each_style_then_as_in_s3(void **state)
{
	static const struct {
		const char *endpoint;
		struct s3_store_options o;
		const char *bucket, *object; /* ":PORT" is cut off before they are compared */
	} rows[] = {
		{ "", { .bucket = { "pictures", 8 } }, "https://pictures.s3.eu-west-1.amazonaws.com/",
			"https://pictures.s3.eu-west-1.amazonaws.com/images/a%20b.png" },
		{ "", { .bucket = { "my.pictures", 11 } }, "https://s3.eu-west-1.amazonaws.com/my.pictures",
			"https://s3.eu-west-1.amazonaws.com/my.pictures/images/a%20b.png" },
		{ "", { .bucket = { "pictures", 8 }, .public_url = { "https://img.example.com/", 24 } }, "https://img.example.com/",
			"https://img.example.com/images/a%20b.png" },
		{ "", { .bucket = { "pictures", 8 }, .path_style = true, .public_url = { "http://s3.example", 17 } }, "http://s3.example/pictures",
			"http://s3.example/pictures/images/a%20b.png" },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture w;
		struct post_form f;
		start(&w, rows[i].endpoint, rows[i].o, "");
		const struct form_request r = {
			.key = STR("images/a b.png"), .content_type = STR("image/png"), .max_size = 9, .now_ms = NOW_MS, .expires_s = 300
		};
		assert_str(presign(&w, "GET", 300).address, str_of(rows[i].object));
		assert_int_equal(store_form(w.store, &r, &w.a, &f, &w.why), OK);
		assert_str(f.url, str_of(rows[i].bucket));
		assert_str(f.address, str_of(rows[i].object));
		assert_true(str_starts_with(f.url, s3_store_url(w.store)));
		assert_false(str_ends_with(s3_store_url(w.store), STR("/")));
		stop(&w);
	}
}

static void test_presign_when_credentials_expire_sooner_then_the_url_does(void **state)
{
	static const struct {
		const char *ends;
		int64_t left_s; /* 0: refused */
	} rows[] = { { "2023-11-14T23:00:00Z", 300 }, { "2023-11-14T22:15:20Z", 119 }, { "2023-11-14T22:13:21.200Z", 1 },
		{ "2023-11-14T22:13:21Z", 0 } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture w;
		struct post_form f;
		start(&w, LOOPBACK, by_path, "");
		setenv("AWS_CREDENTIAL_EXPIRATION", rows[i].ends, 1);
		setenv("AWS_SESSION_TOKEN", "the/token", 1);
		const struct form_request fr = { .key = STR("k"), .content_type = STR("t/t"), .max_size = 9, .now_ms = NOW_MS, .expires_s = 300 };
		if (rows[i].left_s == 0) {
			struct presigned p;
			const struct presign_request r = { .method = STR("GET"), .key = STR("k"), .now_ms = NOW_MS, .expires_s = 300 };
			assert_int_equal(store_presign(w.store, &r, &w.a, &p, &w.why), UPSTREAM);
			assert_int_equal(store_form(w.store, &fr, &w.a, &f, &w.why), UPSTREAM);
		} else {
			char expires[32];
			struct presigned p = presign(&w, "PUT", 300);
			snprintf(expires, sizeof expires, "X-Amz-Expires=%d&", (int)rows[i].left_s);
			assert_true(holds(p.url, expires));
			assert_true(holds(p.url, "X-Amz-Security-Token=the%2Ftoken"));
			assert_int_equal(p.expires_ms, NOW_MS - 123 + rows[i].left_s * 1000);
			assert_int_equal(store_form(w.store, &fr, &w.a, &f, &w.why), OK);
			assert_int_equal(f.expires_ms, NOW_MS + rows[i].left_s * 1000);
		}
		stop(&w);
	}
}

/* The present decides which credentials are still good, not the time of the signature. */
static void test_presign_as_of_an_earlier_time_then_credentials_are_those_of_now(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct fixture w;
		struct presigned p;
		start(&w, LOOPBACK, by_path, "");
		setenv("AWS_CREDENTIAL_EXPIRATION", i == 0 ? "2023-11-14T22:13:20Z" : "2023-11-14T22:15:20Z", 1);
		setenv("AWS_SESSION_TOKEN", "the/token", 1);
		const struct presign_request r = {
			.method = STR("GET"), .key = STR("k"), .now_ms = NOW_MS, .signed_ms = NOW_MS - 123 - 200000, .expires_s = 600
		};
		enum status got = store_presign(w.store, &r, &w.a, &p, &w.why);
		assert_int_equal(got, i == 0 ? UPSTREAM : OK);
		if (got == OK) {
			assert_true(holds(p.url, "X-Amz-Expires=320&"));
			assert_int_equal(p.expires_ms, NOW_MS - 123 + 120000);
		}
		stop(&w);
	}
}

static void test_presign_when_overwriting_is_denied_then_a_put_has_the_condition_signed_and_listed(void **state)
{
	struct fixture w;
	struct s3_store_options o = by_path;
	start(&w, LOOPBACK, o, "");
	struct presigned p = presign(&w, "PUT", 300);
	assert_int_equal(p.n_added, 0);
	assert_true(holds(p.url, "X-Amz-SignedHeaders=content-type%3Bhost&"));
	stop(&w);
	o.deny_overwrite = true;
	start(&w, LOOPBACK, o, "");
	p = presign(&w, "PUT", 300);
	assert_true(holds(p.url, "X-Amz-SignedHeaders=content-type%3Bhost%3Bif-none-match&"));
	assert_int_equal(p.n_added, 1);
	assert_str(p.added[0].name, STR("If-None-Match"));
	assert_str(p.added[0].value, STR("*"));
	p = presign(&w, "GET", 300);
	assert_int_equal(p.n_added, 0);
	assert_true(holds(p.url, "X-Amz-SignedHeaders=host&"));
	stop(&w);
}

/* what is sent */

static void test_calls_when_virtual_hosted_then_the_bucket_is_in_the_host_only(void **state)
{
	struct fixture w;
	struct object_page page;
	/* The bucket "127" before the host "0.0.1" is an address that answers. */
	const struct s3_store_options o = { .bucket = STR("127") };
	start(&w, "http://0.0.1", o, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(store_put(w.store, STR("images/a b+\xc3\xa9"), STR("image/png"), STR("body"), &w.why), OK);
	assert_true(str_starts_with(buf_str(&w.last), STR("PUT /images/a%20b%2B%C3%A9 HTTP/1.1\r\nHost: 127.0.0.1:")));
	assert_true(holds(buf_str(&w.last), "x-amz-content-sha256: 230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5\r\n"));
	assert_true(holds(buf_str(&w.last), "Content-Type: image/png\r\n"));
	assert_true(str_ends_with(buf_str(&w.last), STR("\r\n\r\nbody")));
	assert_int_equal(store_list(w.store, STR("images/"), STR("images/a"), 7, &w.a, &page, &w.why), UPSTREAM);
	assert_true(str_starts_with(
		buf_str(&w.last), STR("GET /?encoding-type=url&list-type=2&max-keys=7&prefix=images%2F&start-after=images%2Fa HTTP/1.1\r\n")));
	stop(&w);
}

static void test_calls_when_key_is_invalid_then_nothing_is_sent(void **state)
{
	static const struct str keys[] = { { "", 0 }, { "a\0b", 3 }, { "\xff", 1 } };
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		struct fixture w;
		struct object o;
		struct object_info info;
		start(&w, LOOPBACK, by_path, "HTTP/1.1 204 No Content\r\n\r\n");
		assert_int_equal(store_remove(w.store, keys[i], &w.why), OK);
		assert_int_equal(store_get(w.store, keys[i], 9, &w.a, &o, &w.why), NOT_FOUND);
		assert_int_equal(store_head(w.store, keys[i], &w.a, &info, &w.why), NOT_FOUND);
		assert_int_equal(store_put(w.store, keys[i], STR("t/t"), STR("b"), &w.why), INVALID);
		assert_int_equal(atomic_load(&w.server.n), 0);
		stop(&w);
	}
}

/* removal where there are versions */

#define HEADED(headers, length, body) "HTTP/1.1 200 OK\r\n" headers "Content-Length: " length "\r\n\r\n" body
#define ENTRY(kind, key, id, latest) "<" kind "><Key>" key "</Key><VersionId>" id "</VersionId><IsLatest>" latest "</IsLatest></" kind ">"
#define VERSIONS(inside) "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<ListVersionsResult>" inside "</ListVersionsResult>"
#define MARKER ENTRY("DeleteMarker", "a b", "m", "true")
#define OLD ENTRY("Version", "a b", "1", "false")
#define LIST_LINE "GET /pictures?encoding-type=url&max-keys=100&prefix=a%20b&versions= "

static const char marked[] = HEADED("x-amz-version-id: m\r\nx-amz-delete-marker: true\r\n", "0", "");
static const char gone[] = "HTTP/1.1 204 No Content\r\n\r\n";
static const char forbidden[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
static const char whole_list[] = VERSIONS(MARKER OLD ENTRY("Version", "a b", "null", "false") ENTRY("Version", "a bc", "x", "false"));
static const char old_list[] = VERSIONS(MARKER OLD);
static const char rest_list[] = VERSIONS(MARKER ENTRY("Version", "a bc", "x", "false"));
static const char newer_list[] = VERSIONS(ENTRY("Version", "a b", "n", "true") ENTRY("DeleteMarker", "a b", "m", "false"));

static void test_remove_when_a_marker_is_made_then_the_versions_are_removed_and_the_marker_last(void **state)
{
	static const struct {
		const char *answers[8];
		const char *lines; /* of the requests, up to HTTP/1.1 */
		enum status want;
	} rows[] = {
		{ { gone }, "DELETE /pictures/a%20b ", OK },
		{ { HEADED("x-amz-version-id: null\r\n", "0", "") }, "DELETE /pictures/a%20b ", OK },
		{ { marked, whole_list, gone, gone, rest_list, gone },
			"DELETE /pictures/a%20b " LIST_LINE "DELETE /pictures/a%20b?versionId=1 DELETE /pictures/a%20b?versionId=null " LIST_LINE
			"DELETE /pictures/a%20b?versionId=m ",
			OK },
		{ { marked, newer_list, gone }, "DELETE /pictures/a%20b " LIST_LINE "DELETE /pictures/a%20b?versionId=m ", OK },
		{ { marked, forbidden }, "DELETE /pictures/a%20b " LIST_LINE, UPSTREAM },
		{ { marked, HEADED("", "4", "<no>") }, "DELETE /pictures/a%20b " LIST_LINE, UPSTREAM },
		{ { marked, whole_list, forbidden }, "DELETE /pictures/a%20b " LIST_LINE "DELETE /pictures/a%20b?versionId=1 ", UPSTREAM },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture w;
		start(&w, LOOPBACK, by_path, rows[i].answers[0]);
		w.script = rows[i].answers;
		enum status st = store_remove(w.store, STR("a b"), &w.why);
		if (st != rows[i].want)
			fail_msg("row %zu: status %d, %s", i, (int)st, w.why.text);
		assert_str(buf_str(&w.lines), str_of(rows[i].lines));
		stop(&w);
	}
}

/* A list that never gets shorter. */
static void test_remove_when_versions_never_end_then_given_up(void **state)
{
	static const char *const answers[] = { marked, old_list, gone, old_list, gone, old_list, gone, old_list, gone, old_list, gone, old_list,
		gone, NULL };
	struct fixture w;
	start(&w, LOOPBACK, by_path, gone);
	w.script = answers;
	assert_int_equal(store_remove(w.store, STR("a b"), &w.why), UPSTREAM);
	assert_int_equal(atomic_load(&w.requests), 13);
	assert_false(holds(buf_str(&w.lines), "versionId=m"));
	stop(&w);
}

/* What is replaced does not stay as an older version. */
static void test_put_when_a_version_is_made_then_the_others_are_removed(void **state)
{
	static const char made[] = HEADED("x-amz-version-id: n\r\n", "0", ""), unversioned[] = HEADED("x-amz-version-id: null\r\n", "0", "");
	static const char both[] = VERSIONS(ENTRY("Version", "a b", "n", "true") OLD ENTRY("Version", "a bc", "x", "false"));
	static const char one[] = VERSIONS(ENTRY("Version", "a b", "n", "true"));
	static const struct {
		const char *answers[8];
		const char *lines;
		enum status want;
	} rows[] = {
		{ { HEADED("", "0", "") }, "PUT /pictures/a%20b ", OK },
		{ { unversioned }, "PUT /pictures/a%20b ", OK },
		{ { made, both, gone, one }, "PUT /pictures/a%20b " LIST_LINE "DELETE /pictures/a%20b?versionId=1 " LIST_LINE, OK },
		{ { made, forbidden }, "PUT /pictures/a%20b " LIST_LINE, UPSTREAM },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture w;
		start(&w, LOOPBACK, by_path, rows[i].answers[0]);
		w.script = rows[i].answers;
		enum status st = store_put(w.store, STR("a b"), STR("t/t"), STR("b"), &w.why);
		if (st != rows[i].want)
			fail_msg("row %zu: status %d, %s", i, (int)st, w.why.text);
		assert_str(buf_str(&w.lines), str_of(rows[i].lines));
		stop(&w);
	}
}

/* which answer becomes which fault */

static const char no_key[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 37\r\n\r\n<Error><Code>NoSuchKey</Code></Error>";
static const char no_bucket[] = "HTTP/1.1 404 Not Found\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchBucket</Code></Error>";
static const char denied[] = "HTTP/1.1 403 Forbidden\r\nContent-Length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>";
static const char moved[] = "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://example.com/\r\n\r\n";
static const char timeless[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
static const char slow_down[] = "HTTP/1.1 503 Slow Down\r\nContent-Length: 36\r\n\r\n<Error><Code>SlowDown</Code></Error>";
static const char whole[] =
	"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"abc\"\r\nContent-Type: image/png\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\nbody";

/* where older versions are kept */
static void test_put_and_remove_where_versions_are_kept_then_one_request_each(void **state)
{
	static const char made[] = HEADED("x-amz-version-id: n\r\n", "0", "");
	struct s3_store_options keeping = by_path;
	struct fixture w;
	(void)state;
	keeping.keep_versions = true;
	start(&w, LOOPBACK, keeping, made);
	assert_int_equal(store_put(w.store, STR("a b"), STR("t/t"), STR("b"), &w.why), OK);
	assert_int_equal(store_remove(w.store, STR("a b"), &w.why), OK);
	assert_str(buf_str(&w.lines), STR("PUT /pictures/a%20b DELETE /pictures/a%20b "));
	stop(&w);
}

static void test_put_on_a_condition_then_its_header_and_what_became_of_it(void **state)
{
	static const char failed[] = "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n";
	static const char conflict[] = "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n";
	static const char done[] = HEADED("ETag: \"new\"\r\n", "0", "");
	static const struct {
		const char *etag, *answer, *header;
		enum fault_code want;
	} rows[] = { { "", done, "If-None-Match: *\r\n", F_NONE }, { "old", done, "If-Match: old\r\n", F_NONE },
		{ "", failed, "If-None-Match: *\r\n", F_PRECONDITION }, { "old", conflict, "If-Match: old\r\n", F_PRECONDITION },
		{ "old", no_key, "If-Match: old\r\n", F_PRECONDITION }, { "", no_bucket, "If-None-Match: *\r\n", F_UPSTREAM_FAILED },
		{ "", denied, "If-None-Match: *\r\n", F_UPSTREAM_FAILED } };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture w;
		struct str etag = { 0 };
		start(&w, LOOPBACK, by_path, rows[i].answer);
		const struct s3_put_if p = { .key = STR("lock"), .content_type = STR("t/t"), .body = STR("b"), .etag = str_of(rows[i].etag) };
		enum status st = s3_store_put_if(w.store, &p, &w.a, &etag, &w.why);
		if (st != fault_status(rows[i].want) || w.why.code != rows[i].want)
			fail_msg("row %zu: status %d, %s", i, (int)st, w.why.text);
		assert_true(holds(buf_str(&w.last), rows[i].header));
		assert_str(etag, st == OK ? STR("new") : STR(""));
		stop(&w);
	}
}

static void test_responses_when_no_success_then_their_faults(void **state)
{
	static const struct {
		const char *answer;
		enum fault_code get, put, remove, list;
	} rows[] = { { no_key, F_NO_SUCH_KEY, F_UPSTREAM_FAILED, F_NONE, F_UPSTREAM_FAILED },
		{ denied, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED },
		{ no_bucket, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED },
		{ moved, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED, F_UPSTREAM_FAILED },
		{ timeless, F_UPSTREAM_FAILED, F_NONE, F_NONE, F_UPSTREAM_FAILED },
		{ slow_down, F_OVERLOADED, F_OVERLOADED, F_OVERLOADED, F_OVERLOADED }, { whole, F_NONE, F_NONE, F_NONE, F_UPSTREAM_FAILED } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture w;
		struct object o;
		struct object_page page;
		start(&w, LOOPBACK, by_path, rows[i].answer);
		struct {
			enum status got;
			enum fault_code want;
		} calls[] = { { store_get(w.store, STR("k"), 9, &w.a, &o, &w.why), rows[i].get },
			{ store_put(w.store, STR("k"), STR("t/t"), STR("b"), &w.why), rows[i].put },
			{ store_remove(w.store, STR("k"), &w.why), rows[i].remove },
			{ store_list(w.store, STR(""), STR(""), 9, &w.a, &page, &w.why), rows[i].list } };
		for (size_t k = 0; k < COUNT_OF(calls); k++)
			if (calls[k].got != (calls[k].want == F_NONE ? OK : fault_status(calls[k].want)))
				fail_msg("row %zu call %zu: status %d", i, k, (int)calls[k].got);
		stop(&w);
	}
}

static void test_get_when_whole_then_its_info_and_too_large_by_its_length_refused(void **state)
{
	struct fixture w;
	struct object o;
	struct object_info info;
	start(&w, LOOPBACK, by_path, whole);
	assert_int_equal(store_get(w.store, STR("k"), 4, &w.a, &o, &w.why), OK);
	assert_str(o.body, STR("body"));
	assert_str(o.info.etag, STR("abc"));
	assert_str(o.info.content_type, STR("image/png"));
	assert_int_equal(o.info.modified_ms, 1700000000000);
	assert_int_equal(store_get(w.store, STR("k"), 3, &w.a, &o, &w.why), LIMIT);
	assert_int_equal(w.why.code, F_IMAGE_TOO_LARGE);
	assert_int_equal(store_get(w.store, STR("k"), 0, &w.a, &o, &w.why), LIMIT);
	stop(&w);
	start(&w, LOOPBACK, by_path,
		"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nETag: \"abc\"\r\nLast-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n\r\n");
	assert_int_equal(store_head(w.store, STR("k"), &w.a, &info, &w.why), OK);
	assert_int_equal(info.size, 99);
	stop(&w);
}

static void test_fault_when_refused_then_the_details_are_in_the_cause_and_not_in_the_text(void **state)
{
	struct fixture w;
	start(&w, LOOPBACK, by_path, denied);
	assert_int_equal(store_put(w.store, STR("k"), STR("t/t"), STR("b"), &w.why), UPSTREAM);
	assert_non_null(strstr(w.why.cause, "AccessDenied"));
	assert_non_null(strstr(w.why.cause, "pictures"));
	assert_null(strstr(w.why.text, "pictures"));
	stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_when_of_each_style_then_as_in_s3),
		cmocka_unit_test(test_presign_when_credentials_expire_sooner_then_the_url_does),
		cmocka_unit_test(test_presign_as_of_an_earlier_time_then_credentials_are_those_of_now),
		cmocka_unit_test(test_presign_when_overwriting_is_denied_then_a_put_has_the_condition_signed_and_listed),
		cmocka_unit_test(test_calls_when_virtual_hosted_then_the_bucket_is_in_the_host_only),
		cmocka_unit_test(test_calls_when_key_is_invalid_then_nothing_is_sent),
		cmocka_unit_test(test_remove_when_a_marker_is_made_then_the_versions_are_removed_and_the_marker_last),
		cmocka_unit_test(test_remove_when_versions_never_end_then_given_up),
		cmocka_unit_test(test_put_and_remove_where_versions_are_kept_then_one_request_each),
		cmocka_unit_test(test_put_on_a_condition_then_its_header_and_what_became_of_it),
		cmocka_unit_test(test_put_when_a_version_is_made_then_the_others_are_removed),
		cmocka_unit_test(test_responses_when_no_success_then_their_faults),
		cmocka_unit_test(test_get_when_whole_then_its_info_and_too_large_by_its_length_refused),
		cmocka_unit_test(test_fault_when_refused_then_the_details_are_in_the_cause_and_not_in_the_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
