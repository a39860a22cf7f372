/* Sending events to a service that answers as Amazon EventBridge does: what is sent, which of them count as accepted, and what a failure
 * says. */
#include "aws/one_answer.h"
#include "aws/surroundings.h"

#include "aws/aws.h"

#include <stdio.h>
#include <string.h>

#define EVENTS 3

struct fixture {
	struct one_answer http;
	struct aws_chain *chain;
	struct aws_service *service;
	struct event_bus *bus;
	struct fault why;
	bool sent[EVENT_BUS_BATCH];
};

static void start(struct fixture *f, const char *status, const char *body)
{
	assert_int_equal(surroundings_clear(NULL), 0);
	surroundings_give_keys("AKIDEXAMPLE", "secret", "the-session-token");
	*f = (struct fixture){ 0 };
	one_answer_start(&f->http, status, body);
	f->chain = aws_chain_new();
	const struct aws_service_options o = {
		.service = STR("events"), .region = STR("eu-west-1"), .endpoint = str_of(f->http.server.url), .chain = f->chain
	};
	f->service = aws_service_new(&o);
	assert_non_null(f->service);
	f->bus = event_bridge_new(f->service, STR("default")); /* which is not looked up */
	assert_non_null(f->bus);
}

static void stop(struct fixture *f)
{
	event_bridge_free(&f->bus);
	aws_service_free(&f->service);
	aws_chain_free(&f->chain);
	one_answer_stop(&f->http);
}

static enum status send_some(struct fixture *f)
{
	const struct outbox_event events[EVENTS] = {
		{ .kind = OUTBOX_UPLOADED, .body = STR("{\"type\":\"a\"}"), .created_ms = 1700000000123 },
		{ .kind = OUTBOX_DELETED, .body = STR("{}"), .created_ms = 1700000001000 },
		{ .kind = OUTBOX_EXPIRED, .body = STR("{}"), .created_ms = 1700000002000 },
	};
	return event_bus_send(f->bus, events, EVENTS, f->sent, &f->why);
}

static void assert_sent(const struct fixture *f, const char *part)
{
	struct str all = buf_str(&f->http.last);
	assert_true(str_find(all, str_of(part)) < all.n);
}

static void test_send_when_accepted_then_all_are_sent(void **state)
{
	struct fixture f;
	(void)state;
	start(&f, "200 OK", "{\"FailedEntryCount\":0,\"Entries\":[{\"EventId\":\"1\"},{\"EventId\":\"2\"},{\"EventId\":\"3\"}]}");
	assert_int_equal(send_some(&f), OK);
	assert_true(f.sent[0] && f.sent[1] && f.sent[2]);
	assert_sent(&f, "x-amz-target: AWSEvents.PutEvents\r\n");
	assert_sent(&f, "/eu-west-1/events/aws4_request");
	assert_sent(&f,
		"{\"Entries\":[{\"Source\":\"tintype\",\"DetailType\":\"image.uploaded\",\"Detail\":\"{\\\"type\\\":\\\"a\\\"}\",\"Time\":1700000000,"
		"\"EventBusName\":\"default\"},{");
	stop(&f);
}

static void test_send_when_some_are_refused_then_the_others_are_sent(void **state)
{
	struct fixture f;
	(void)state;
	start(&f, "200 OK",
		"{\"FailedEntryCount\":2,\"Entries\":[{\"EventId\":\"1\"},{\"ErrorCode\":\"ThrottlingException\",\"ErrorMessage\":\"m\"},{}]}");
	assert_int_equal(send_some(&f), OK);
	assert_true(f.sent[0] && !f.sent[1] && !f.sent[2]);
	assert_non_null(strstr(f.why.cause, "PutEvents"));
	stop(&f);
}

static void test_send_when_the_answer_is_no_answer_then_none_is_sent(void **state)
{
	static const struct {
		const char *status, *body, *cause;
	} rows[] = {
		{ "200 OK", "", "HTTP 200" },
		{ "200 OK", "[]", "HTTP 200" },
		{ "200 OK", "{\"FailedEntryCount\":0,\"Entries\":[{\"EventId\":\"1\"}]}", "HTTP 200" },
		{ "200 OK", "{\"FailedEntryCount\":0,\"Entries\":[{\"EventId\":\"1\"},{\"EventId\":\"2\"},{\"Ev", "HTTP 200" },
		{ "400 Bad Request", "{\"__type\":\"AccessDeniedException\",\"message\":\"not authorized to perform: events:PutEvents\"}",
			"AccessDeniedException: not authorized" },
		{ "400 Bad Request", "{\"__type\":\"ResourceNotFoundException\",\"Message\":\"Event bus pictures does not exist.\"}",
			"ResourceNotFoundException" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct fixture f;
		start(&f, rows[i].status, rows[i].body);
		assert_int_equal(send_some(&f), UPSTREAM);
		assert_false(f.sent[0] || f.sent[1] || f.sent[2]);
		assert_non_null(strstr(f.why.cause, rows[i].cause));
		stop(&f);
	}
}

/* Ten of the longest, of characters that take six bytes each in JSON: they fit into a call. */
static void test_send_of_a_batch_of_the_longest_events_then_sent(void **state)
{
	static char longest[OUTBOX_BODY_MAX];
	struct outbox_event events[EVENT_BUS_BATCH];
	struct fixture f;
	(void)state;
	memset(longest, 1, sizeof longest);
	for (size_t i = 0; i < EVENT_BUS_BATCH; i++)
		events[i] = (struct outbox_event){ .kind = OUTBOX_REJECTED, .body = { longest, sizeof longest }, .created_ms = 1 };
	start(&f, "200 OK",
		"{\"Entries\":[{\"EventId\":\"1\"},{\"EventId\":\"1\"},{\"EventId\":\"1\"},{\"EventId\":\"1\"},{\"EventId\":\"1\"},{\"EventId\":\"1\"},"
		"{\"EventId\":\"1\"},{\"EventId\":\"1\"},{\"EventId\":\"1\"},{\"EventId\":\"1\"}]}");
	assert_int_equal(event_bus_send(f.bus, events, EVENT_BUS_BATCH, f.sent, &f.why), OK);
	assert_true(f.sent[EVENT_BUS_BATCH - 1]);
	stop(&f);
}

/* PutEvents would accept them, and they would be lost. */
static void test_send_to_a_bus_that_does_not_exist_then_it_is_looked_up_and_none_is_sent(void **state)
{
	struct fixture f;
	(void)state;
	start(&f, "400 Bad Request", "{\"__type\":\"ResourceNotFoundException\",\"message\":\"Event bus pictures does not exist.\"}");
	event_bridge_free(&f.bus);
	f.bus = event_bridge_new(f.service, STR("pictures"));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(send_some(&f), UPSTREAM);
		assert_false(f.sent[0]);
		assert_non_null(strstr(f.why.cause, "DescribeEventBus: HTTP 400 ResourceNotFoundException: Event bus pictures does not exist."));
		assert_sent(&f, "{\"Name\":\"pictures\"}");
	}
	f.http.status = "200 OK"; /* it was made in the meantime, and is known from then on */
	f.http.body = "{\"Name\":\"pictures\",\"Entries\":[{\"EventId\":\"1\"},{\"EventId\":\"2\"},{\"EventId\":\"3\"}]}";
	assert_int_equal(send_some(&f), OK);
	assert_true(f.sent[0] && f.sent[2]);
	f.http.body = "{}";
	assert_int_equal(send_some(&f), UPSTREAM);
	assert_non_null(strstr(f.why.cause, "PutEvents: HTTP 200"));
	stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_send_when_accepted_then_all_are_sent),
		cmocka_unit_test(test_send_when_some_are_refused_then_the_others_are_sent),
		cmocka_unit_test(test_send_when_the_answer_is_no_answer_then_none_is_sent),
		cmocka_unit_test(test_send_to_a_bus_that_does_not_exist_then_it_is_looked_up_and_none_is_sent),
		cmocka_unit_test(test_send_of_a_batch_of_the_longest_events_then_sent),
	};
	return cmocka_run_group_tests(tests, NULL, surroundings_clear);
}
