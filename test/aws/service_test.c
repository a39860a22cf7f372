/* Calls against a service that responds by script: what is tried again and what never is, within which
 * time, and over which connections. */
#include "aws/surroundings.h"

#include "aws/service.h"
#include "base/clock.h"
#include "base/op_deadline.h"
#include "fake/http_server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ANSWER(status, body) "HTTP/1.1 " status "\r\nContent-Length: " body "\r\n\r\n"

/* The n-th request gets the n-th response; the last one holds for all that follow. */
struct script {
	const char *answers[4]; /* "": the connection is cut once the request is read */
	unsigned n_answers;
	bool mute; /* read, and never answer */
	atomic_uint requests;
	struct buf last;
};

static void serve_script(int fd, unsigned nth, void *arg)
{
	struct script *s = arg;
	struct buf request;
	buf_init(&request, 1 << 20);
	while (fake_http_read(fd, &request)) {
		unsigned n = atomic_fetch_add(&s->requests, 1);
		const char *answer = s->answers[n < s->n_answers ? n : s->n_answers - 1];
		if (s->mute)
			continue;
		if (answer[0] == '\0')
			break;
		buf_clear(&s->last);
		buf_put(&s->last, buf_str(&request));
		fake_http_write(fd, str_of(answer));
	}
	buf_deinit(&request);
	shutdown(fd, SHUT_RDWR);
}

struct fixture {
	struct fake_http server;
	struct script script;
	struct aws_chain *chain;
	struct aws_service *service;
	struct arena a;
	struct fault why;
	struct http_response answer;
	unsigned sent;
};

static void start(struct fixture *f, const char *service, struct script script)
{
	assert_int_equal(surroundings_clear(NULL), 0);
	surroundings_give_keys("AKIDEXAMPLE", "secret", "the-session-token");
	*f = (struct fixture){ .script = script };
	while (f->script.n_answers < 4 && f->script.answers[f->script.n_answers] != NULL)
		f->script.n_answers++;
	buf_init(&f->script.last, 1 << 20);
	fake_http_start(&f->server, serve_script, &f->script);
	arena_init(&f->a, 16u << 20);
	f->chain = aws_chain_new();
	struct aws_service_options o = {
		.service = str_of(service), .region = STR("eu-west-1"), .endpoint = str_of(f->server.url), .chain = f->chain
	};
	f->service = aws_service_new(&o);
	assert_non_null(f->service);
}

static void stop(struct fixture *f)
{
	aws_service_free(&f->service);
	assert_null(f->service);
	aws_chain_free(&f->chain);
	fake_http_stop(&f->server);
	buf_deinit(&f->script.last);
	arena_deinit(&f->a);
}

static const struct header target = { { "X-Amz-Target", 12 }, { "DynamoDB_20120810.PutItem", 25 } };

static enum status call(struct fixture *f, bool repeatable)
{
	struct aws_call c = { .method = STR("POST"),
		.path = STR("/"),
		.headers = &target,
		.n_headers = 1,
		.body = STR("{}"),
		.repeatable = repeatable,
		.sent = &f->sent };
	return aws_service_call(f->service, &c, &f->a, &f->answer, &f->why);
}

static void test_call_when_answered_then_signed_with_the_token_on_a_kept_connection(void **state)
{
	struct fixture f;
	start(&f, "dynamodb", (struct script){ .answers = { OK_ANSWER } });
	for (int i = 0; i < 5; i++)
		assert_int_equal(call(&f, false), OK);
	assert_str(f.answer.body, STR("ok"));
	assert_int_equal(f.sent, 1);
	assert_int_equal(atomic_load(&f.server.n), 1);
	struct str request = buf_str(&f.script.last);
	static const char *const parts[] = { "POST / HTTP/1.1\r\n",
		"/eu-west-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target, Signature=",
		"x-amz-security-token: the-session-token\r\n", "authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/",
		"X-Amz-Target: DynamoDB_20120810.PutItem\r\n" };
	for (size_t i = 0; i < COUNT_OF(parts); i++)
		assert_true(str_find(request, str_of(parts[i])) < request.n);
	assert_int_equal(str_find(request, STR("x-amz-content-sha256")), request.n);
	stop(&f);
}

static void test_call_when_traced_then_the_trace_is_sent_unsigned_and_a_bad_one_is_not(void **state)
{
	static const struct {
		const char *id;
		bool given;
	} rows[] = { { "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", true }, { "", false },
		{ "a\r\nb: c", false }, { NULL, false } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture f;
		char line[128];
		start(&f, "dynamodb", (struct script){ .answers = { OK_ANSWER } });
		if (rows[i].id != NULL)
			setenv("_X_AMZN_TRACE_ID", rows[i].id, 1);
		assert_int_equal(call(&f, false), OK);
		struct str request = buf_str(&f.script.last);
		snprintf(line, sizeof line, "\r\nX-Amzn-Trace-Id: %s\r\n", rows[i].given ? rows[i].id : "");
		assert_int_equal(str_find(request, str_of(line)) < request.n, rows[i].given);
		assert_int_equal(str_find(request, STR("Trace-Id")) < request.n, rows[i].given);
		assert_true(str_find(request, STR("SignedHeaders=host;x-amz-date;x-amz-security-token;x-amz-target,")) < request.n);
		stop(&f);
		unsetenv("_X_AMZN_TRACE_ID");
	}
}

static const char throttled_json[] =
	ANSWER("400 Bad Request", "67") "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ThrottlingException\"  }";
static const char slow_down[] = ANSWER("503 Slow Down", "36") "<Error><Code>SlowDown</Code></Error>";
static const char refused_json[] = ANSWER("400 Bad Request", "61") "{\"__type\":\"com.amazonaws#ConditionalCheckFailedException\"   }";
static const char five_hundred[] = ANSWER("500 Internal Server Error", "0");
static const char five_oh_three[] = ANSWER("503 Service Unavailable", "0");

static void test_call_when_it_fails_at_first_then_only_repeatable_ones_are_retried(void **state)
{
	static const struct {
		const char *first;
		enum status repeatable, once; /* what the call ends in */
		int status;
	} rows[] = { { five_hundred, OK, UPSTREAM, 200 }, { five_oh_three, OK, UPSTREAM, 200 }, { "", OK, UPSTREAM, 200 },
		{ "garbage\r\n\r\n", OK, UPSTREAM, 200 }, { "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", OK, UPSTREAM, 200 },
		{ throttled_json, OK, OK, 200 }, { slow_down, OK, OK, 200 }, { ANSWER("429 Too Many", "0"), OK, OK, 200 },
		{ refused_json, OK, OK, 400 }, { ANSWER("404 Not Found", "0"), OK, OK, 404 }, { ANSWER("301 Moved", "0"), OK, OK, 301 } };
	for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
		struct fixture f;
		bool repeatable = i % 2 == 0, final = rows[i / 2].status != 200;
		enum status want = repeatable ? rows[i / 2].repeatable : rows[i / 2].once;
		start(&f, "dynamodb", (struct script){ .answers = { rows[i / 2].first, OK_ANSWER } });
		enum status st = call(&f, repeatable);
		if (st != want)
			fail_msg("row %zu, repeatable %d: status %d, %s", i / 2, repeatable, (int)st, f.why.text);
		if (st == OK)
			assert_int_equal(f.answer.status, rows[i / 2].status);
		assert_int_equal(f.sent, atomic_load(&f.script.requests));
		if (final || want != OK)
			assert_int_equal(f.sent, 1);
		else
			assert_true(f.sent >= 2);
		stop(&f);
	}
}

static void test_call_when_it_always_fails_then_given_up_and_the_cause_has_the_last_error(void **state)
{
	static const struct {
		const char *answer, *cause;
		enum fault_code code;
	} rows[] = { { five_hundred, "answered 500", F_UPSTREAM_FAILED }, { throttled_json, "ThrottlingException", F_OVERLOADED } };
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture f;
		start(&f, "dynamodb", (struct script){ .answers = { rows[i].answer } });
		assert_int_equal(call(&f, true), fault_status(rows[i].code));
		assert_int_equal(f.why.code, rows[i].code);
		assert_non_null(strstr(f.why.cause, rows[i].cause));
		assert_null(strstr(f.why.text, "127.0.0.1"));
		assert_int_equal(f.sent, 6);
		stop(&f);
	}
}

static void test_call_when_the_deadline_passes_then_ended_in_time_and_not_retried(void **state)
{
	for (int way = 0; way < 2; way++) {
		struct fixture f;
		start(&f, "dynamodb", (struct script){ .answers = { OK_ANSWER }, .mute = true });
		struct aws_call c = { .method = STR("POST"), .path = STR("/"), .repeatable = true, .sent = &f.sent };
		const int64_t soon_ms = clock_mono_ms() + 1000; /* enough to send it, on a busy machine too */
		if (way == 0)
			c.deadline_ms = soon_ms;
		else
			op_deadline_set(soon_ms);
		assert_int_equal(aws_service_call(f.service, &c, &f.a, &f.answer, &f.why), TIMEOUT);
		assert_int_equal(f.sent, 1);
		op_deadline_set(0);
		c.deadline_ms = clock_mono_ms() - 1;
		assert_int_equal(aws_service_call(f.service, &c, &f.a, &f.answer, &f.why), TIMEOUT);
		assert_int_equal(f.sent, 0);
		stop(&f);
	}
}

static void test_call_when_nothing_was_sent_then_retried_even_if_not_repeatable(void **state)
{
	struct fixture f;
	start(&f, "dynamodb", (struct script){ .answers = { OK_ANSWER } });
	fake_http_stop(&f.server);
	int64_t before_us = clock_mono_us();
	assert_int_equal(call(&f, false), UPSTREAM);
	assert_int_equal(f.sent, 0);
	assert_non_null(strstr(f.why.text, "cannot connect"));
	/* Five waits of at least a millisecond lie between the six attempts. */
	assert_true(clock_mono_us() - before_us >= 5000);
	fake_http_start(&f.server, serve_script, &f.script);
	stop(&f);
}

static void test_call_when_name_does_not_resolve_then_failed_within_the_deadline(void **state)
{
	struct fixture f;
	start(&f, "dynamodb", (struct script){ .answers = { OK_ANSWER } });
	aws_service_free(&f.service);
	struct aws_service_options o = {
		.service = STR("s3"), .region = STR("eu-west-1"), .endpoint = STR("http://no-such-host.invalid"), .chain = f.chain
	};
	f.service = aws_service_new(&o);
	struct aws_call c = { .method = STR("GET"), .path = STR("/"), .repeatable = true, .deadline_ms = clock_mono_ms() + 300 };
	enum status st = aws_service_call(f.service, &c, &f.a, &f.answer, &f.why);
	assert_true(st == UPSTREAM || st == TIMEOUT);
	stop(&f);
}

/* A file of credentials, as it is replaced where they are temporary. */
static void write_credentials(const char *path, const char *id)
{
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "[default]\naws_access_key_id = %s\naws_secret_access_key = secret\naws_session_token = token\n", id);
	assert_int_equal(fclose(out), 0);
}

#define EXPIRED_JSON ANSWER("400 Bad Request", "56") "{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\"}"
#define UNKNOWN_XML ANSWER("403 Forbidden", "47") "<Error><Code>InvalidAccessKeyId</Code> </Error>"

/* The first call of each turn is refused. The file has others by then, or still the same. */
static void test_call_when_the_credentials_are_refused_then_repeated_once_with_new_ones(void **state)
{
	static const char *const refusals[] = { EXPIRED_JSON, UNKNOWN_XML };
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		struct fixture f;
		char path[] = "/tmp/credentials-XXXXXX";
		struct aws_credentials have;
		int64_t long_ago_ms = clock_now_ms() - 60000;
		int fd = mkstemp(path);
		assert_true(fd >= 0);
		close(fd);
		start(&f, "dynamodb", (struct script){ .answers = { refusals[i], OK_ANSWER, refusals[i] } });
		assert_int_equal(surroundings_clear(NULL), 0);
		setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
		write_credentials(path, "AKIDOLD");
		assert_int_equal(aws_chain_get(f.chain, long_ago_ms, &f.a, &have, &f.why), OK);
		assert_str(have.access_key, STR("AKIDOLD"));
		write_credentials(path, "AKIDNEW");
		assert_int_equal(call(&f, false), OK); /* what was refused was not done */
		assert_int_equal(f.answer.status, 200);
		assert_int_equal(f.sent, 1);
		struct str request = buf_str(&f.script.last);
		assert_true(str_find(request, STR("Credential=AKIDNEW/")) < request.n);
		assert_int_equal(call(&f, true), OK); /* the new ones, just fetched, are refused too: the caller gets the answer */
		assert_int_not_equal(f.answer.status, 200);
		assert_int_equal(atomic_load(&f.script.requests), 3);
		stop(&f);
		unlink(path);
	}
}

static void test_call_when_no_credentials_then_nothing_is_sent(void **state)
{
	struct fixture f;
	start(&f, "dynamodb", (struct script){ .answers = { OK_ANSWER } });
	assert_int_equal(surroundings_clear(NULL), 0);
	assert_int_equal(call(&f, true), UPSTREAM);
	assert_non_null(strstr(f.why.text, "no AWS credentials found"));
	assert_int_equal(atomic_load(&f.server.n), 0);
	stop(&f);
}

static void test_warm_when_called_then_the_first_call_reuses_the_connection(void **state)
{
	struct fixture f;
	start(&f, "dynamodb", (struct script){ .answers = { OK_ANSWER } });
	assert_int_equal(aws_service_warm(f.service, STR(""), &f.why), OK);
	while (atomic_load(&f.server.n) == 0)
		sched_yield();
	assert_int_equal(atomic_load(&f.script.requests), 0);
	assert_int_equal(call(&f, false), OK);
	assert_int_equal(atomic_load(&f.server.n), 1);
	fake_http_stop(&f.server);
	assert_int_equal(aws_service_warm(f.service, STR(""), &f.why), UPSTREAM);
	fake_http_start(&f.server, serve_script, &f.script);
	stop(&f);
}

static void test_url_when_endpoint_or_none_then_that_or_the_regional_one(void **state)
{
	static const struct {
		const char *service, *region, *endpoint, *prefix, *url;
	} rows[] = {
		{ "s3", "eu-west-1", "", "", "https://s3.eu-west-1.amazonaws.com" },
		{ "dynamodb", "us-east-1", "", "", "https://dynamodb.us-east-1.amazonaws.com" },
		{ "s3", "cn-north-1", "", "", "https://s3.cn-north-1.amazonaws.com.cn" },
		{ "s3", "r", "http://127.0.0.1:9000//", "", "http://127.0.0.1:9000" },
		{ "s3", "eu-west-1", "", "bucket.", "https://bucket.s3.eu-west-1.amazonaws.com" },
		{ "s3", "r", "http://s3.example:9000/", "b.", "http://b.s3.example:9000" },
	};
	struct arena a CLEANUP(arena_deinit);
	arena_init(&a, 4096);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct aws_service_options o = {
			.service = str_of(rows[i].service), .region = str_of(rows[i].region), .endpoint = str_of(rows[i].endpoint)
		};
		struct aws_service *s = aws_service_new(&o);
		assert_str(aws_service_url(s, str_of(rows[i].prefix), &a), str_of(rows[i].url));
		aws_service_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_when_answered_then_signed_with_the_token_on_a_kept_connection),
		cmocka_unit_test(test_call_when_traced_then_the_trace_is_sent_unsigned_and_a_bad_one_is_not),
		cmocka_unit_test(test_call_when_it_fails_at_first_then_only_repeatable_ones_are_retried),
		cmocka_unit_test(test_call_when_it_always_fails_then_given_up_and_the_cause_has_the_last_error),
		cmocka_unit_test(test_call_when_the_deadline_passes_then_ended_in_time_and_not_retried),
		cmocka_unit_test(test_call_when_nothing_was_sent_then_retried_even_if_not_repeatable),
		cmocka_unit_test(test_call_when_name_does_not_resolve_then_failed_within_the_deadline),
		cmocka_unit_test(test_call_when_the_credentials_are_refused_then_repeated_once_with_new_ones),
		cmocka_unit_test(test_call_when_no_credentials_then_nothing_is_sent),
		cmocka_unit_test(test_warm_when_called_then_the_first_call_reuses_the_connection),
		cmocka_unit_test(test_url_when_endpoint_or_none_then_that_or_the_regional_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
