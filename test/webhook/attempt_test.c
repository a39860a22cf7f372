/* One attempt against a server that answers by script, and what follows from how it ended. */
#include "unit.h"

#include "fake/http_server.h"
#include "webhook/attempt.h"

#include <string.h>

#define SECRET STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

static const struct outbox_event event = {
	.n = 7, .id = { "msg_7", 5 }, .kind = OUTBOX_UPLOADED, .image_id = { "an-image", 8 }, .body = { "{\"type\":\"image.uploaded\"}", 25 }
};

struct script {
	const char *status, *headers;
	struct buf seen;
};

static void serve(int fd, unsigned nth, void *arg)
{
	struct script *s = arg;
	if (fake_http_read(fd, &s->seen))
		fake_http_answer(fd, s->status, s->headers, STR("the answer's body"));
}

/* Send the event once; what the server has seen stays in s->seen. */
static struct webhook_attempt *send_once(struct script *s)
{
	struct fake_http server;
	struct webhook_secrets secrets;
	assert_int_equal(webhook_secrets_parse(SECRET, &secrets, NULL), OK);
	buf_init(&s->seen, 1 << 20);
	fake_http_start(&server, serve, s);
	struct http_client *c = http_client_new();
	struct webhook_options o = { .url = str_of(server.url), .secrets = &secrets };
	struct webhook_attempt *d = attempt_new(&event);
	assert_non_null(d);
	attempt_send(d, &o, c, 0);
	http_client_free(&c);
	fake_http_stop(&server);
	return d;
}

static void test_send_then_a_post_with_id_time_and_signature(void **state)
{
	struct script s = { "204 No Content", "" };
	struct webhook_attempt *d = send_once(&s);
	struct str seen = buf_str(&s.seen);
	assert_true(str_starts_with(seen, STR("POST / HTTP/1.1\r\n")));
	assert_true(str_find(seen, STR("\r\nwebhook-id: msg_7\r\n")) < seen.n);
	assert_true(str_find(seen, STR("\r\nContent-Type: application/json\r\n")) < seen.n);
	assert_true(str_find(seen, STR("\r\nwebhook-signature: v1,")) < seen.n);
	assert_true(str_find(seen, STR("\r\nwebhook-timestamp: ")) < seen.n);
	assert_true(str_ends_with(seen, event.body));
	assert_int_equal(d->outcome, WEBHOOK_DELIVERED);
	attempt_free(&d);
	assert_null(d);
	buf_deinit(&s.seen);
}

static void test_send_when_answered_then_its_outcome_and_what_it_asks_for(void **state)
{
	static const struct {
		const char *status, *headers, *error;
		enum webhook_outcome outcome;
		int64_t retry_after_ms;
	} rows[] = {
		{ "200 OK", "Retry-After: 5\r\n", "", WEBHOOK_DELIVERED, 0 },
		{ "302 Found", "Location: http://127.0.0.1:1/\r\n", "the receiver answered 302", WEBHOOK_REFUSED, 0 },
		{ "400 Bad Request", "", "the receiver answered 400", WEBHOOK_REFUSED, 0 },
		{ "410 Gone", "", "the receiver answered 410", WEBHOOK_GONE, 0 },
		{ "429 Slow", "Retry-After: 120\r\n", "the receiver answered 429", WEBHOOK_THROTTLED, 120000 },
		{ "503 Busy", "Retry-After: 99999999\r\n", "the receiver answered 503", WEBHOOK_THROTTLED, 86400000 },
		{ "503 Busy", "Retry-After: soon\r\n", "the receiver answered 503", WEBHOOK_THROTTLED, 0 },
		{ "500 Error", "Retry-After: 7\r\n", "the receiver answered 500", WEBHOOK_REFUSED, 7000 },
	};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct script s = { rows[i].status, rows[i].headers };
		struct webhook_attempt *d = send_once(&s);
		assert_true(d->answered && d->at_ms > 0);
		assert_int_equal(d->outcome, rows[i].outcome);
		assert_string_equal(d->error, rows[i].error);
		assert_int_equal(d->retry_after_ms, rows[i].retry_after_ms);
		attempt_free(&d);
		buf_deinit(&s.seen);
	}
}

static void test_send_when_nobody_listens_then_refused_with_the_reason(void **state)
{
	struct webhook_secrets secrets;
	assert_int_equal(webhook_secrets_parse(SECRET, &secrets, NULL), OK);
	struct http_client *c = http_client_new();
	struct webhook_options o = { .url = STR("http://127.0.0.1:1/secret-path"), .secrets = &secrets };
	struct webhook_attempt *d = attempt_new(&event);
	attempt_send(d, &o, c, 0);
	assert_int_equal(d->outcome, WEBHOOK_REFUSED);
	assert_false(d->answered);
	assert_non_null(strstr(d->error, "cannot connect to 127.0.0.1 port 1"));
	assert_null(strstr(d->error, "secret-path"));
	http_client_free(&c);
	attempt_free(&d);
}

/* The n-th attempt has ended so; what becomes of the event. */
static struct webhook_attempt settled(
	unsigned attempts, int64_t first_ms, enum webhook_outcome outcome, int64_t retry_after_ms, int64_t delivered_ms)
{
	struct webhook_attempt d = { .event = event, .outcome = outcome, .at_ms = 1000000, .retry_after_ms = retry_after_ms };
	d.event.attempts = attempts - 1;
	d.event.first_ms = first_ms;
	attempt_settle(&d, delivered_ms, 0);
	assert_int_equal(d.result.n, 7);
	assert_int_equal(d.result.attempts, attempts);
	return d;
}

static void test_settle_when_delivered_then_ended(void **state)
{
	struct webhook_attempt d = settled(1, 0, WEBHOOK_DELIVERED, 0, 0);
	assert_int_equal(d.result.state, OUTBOX_DELIVERED);
	assert_int_equal(d.result.ended_ms, 1000000);
	assert_int_equal(d.result.first_ms, 1000000);
	assert_false(d.disables);
}

static void test_settle_when_refused_then_due_by_the_schedule_or_as_asked(void **state)
{
	struct webhook_attempt d = settled(1, 0, WEBHOOK_REFUSED, 0, 0);
	assert_int_equal(d.result.state, OUTBOX_WAITING);
	assert_int_equal(d.result.due_ms, 1000000 + 4500);
	assert_int_equal(d.result.first_ms, 1000000);
	d = settled(2, 5, WEBHOOK_REFUSED, 4000, 0);
	assert_int_equal(d.result.due_ms, 1000000 + 265500);
	assert_int_equal(d.result.first_ms, 5);
	d = settled(1, 0, WEBHOOK_THROTTLED, 60000, 0);
	assert_int_equal(d.result.due_ms, 1000000 + 60000);
	assert_false(d.disables);
}

static void test_settle_when_the_last_attempt_failed_then_disabled_or_only_this_event_given_up(void **state)
{
	static const int64_t delivered_ms[] = { 0, 4, 5 };
	for (size_t i = 0; i < COUNT_OF(delivered_ms); i++) {
		struct webhook_attempt d = settled(10, 5, WEBHOOK_REFUSED, 0, delivered_ms[i]);
		assert_true(d.disables);
		assert_int_equal(d.result.state, OUTBOX_WAITING);
	}
	struct webhook_attempt d = settled(10, 5, WEBHOOK_REFUSED, 0, 6);
	assert_false(d.disables);
	assert_int_equal(d.result.state, OUTBOX_FAILED);
	assert_int_equal(d.result.ended_ms, 1000000);
}

static void test_settle_when_gone_then_disabled_and_the_event_waits(void **state)
{
	struct webhook_attempt d = settled(1, 0, WEBHOOK_GONE, 0, 999999);
	assert_true(d.disables);
	assert_int_equal(d.result.state, OUTBOX_WAITING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send_then_a_post_with_id_time_and_signature),
		cmocka_unit_test(test_send_when_answered_then_its_outcome_and_what_it_asks_for),
		cmocka_unit_test(test_send_when_nobody_listens_then_refused_with_the_reason),
		cmocka_unit_test(test_settle_when_delivered_then_ended),
		cmocka_unit_test(test_settle_when_refused_then_due_by_the_schedule_or_as_asked),
		cmocka_unit_test(test_settle_when_the_last_attempt_failed_then_disabled_or_only_this_event_given_up),
		cmocka_unit_test(test_settle_when_gone_then_disabled_and_the_event_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
