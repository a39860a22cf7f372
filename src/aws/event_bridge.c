/* event_bus on Amazon EventBridge: PutEvents. An answer of 200 may refuse single events, as when the bus is throttled: each
 * has an ErrorCode in its place of the answer.
 *
 * PutEvents accepts events for a bus that does not exist, and they are lost. So it is looked up before the first events, and now and then
 * after that. The account's own bus, `default`, always exists.
 * Source: Amazon EventBridge API reference, PutEvents, PutEventsRequestEntry and DescribeEventBus; for lost events
 * https://github.com/aws/aws-cli/issues/9186 */
#include "aws/aws.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/writer.h"

#include <stdatomic.h>
#include <string.h>

#define NAME_BODY_MAX 4096
#define TIMEOUT_MS 5000
#define SCRATCH_BYTES ((size_t)8 << 20)
#define CHECK_EVERY_MS ((int64_t)10 * 60000)
#define BODY_MAX ((size_t)2 << 20) /* ten events, each character of them escaped */

struct event_bridge {
	struct event_bus port;
	struct aws_service *service;
	char *bus;
	_Atomic int64_t checked_ms; /* when the bus was there, of the monotonic clock; 0: it was not looked up */
};

static void put_entry(const struct event_bridge *b, const struct outbox_event *e, struct buf *body)
{
	writer_open(body, STR(""), '{');
	writer_text(body, STR("Source"), STR("tintype"));
	writer_text(body, STR("DetailType"), outbox_kind_name(e->kind));
	writer_text(body, STR("Detail"), e->body);
	writer_number(body, STR("Time"), (uint64_t)e->created_ms / 1000);
	writer_text(body, STR("EventBusName"), str_of(b->bus));
	writer_close(body, '}');
}

static enum status call_action(
	const struct event_bridge *b, const char *action, struct str body, struct arena *a, struct http_response *out, struct fault *why)
{
	struct fault lost = { 0 };
	const struct header headers[] = {
		{ STR("content-type"), STR("application/x-amz-json-1.1") },
		{ STR("x-amz-target"), str_printf(a, "AWSEvents.%s", action) },
	};
	const struct aws_call call = { .method = STR("POST"),
		.path = STR("/"),
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = body,
		.deadline_ms = clock_mono_ms() + TIMEOUT_MS,
		.repeatable = true };
	TRY(fault_check_arena(a, why));
	enum status got = aws_service_call(b->service, &call, a, out, &lost);
	if (got != OK)
		*why = lost;
	return got;
}

static enum status refused(const char *action, const struct http_response *r, const json_t *answer, struct fault *why)
{
	struct str type = json_text(json_object_get(answer, "__type"));
	const json_t *message = json_object_get(answer, "message");
	struct str text = json_text(message != NULL ? message : json_object_get(answer, "Message"));
	enum status end = fault_set(why, UPSTREAM_FAILED, "The event bus failed. The events wait.");
	fault_cause(why, "EventBridge %s: HTTP %d %.*s: %.*s", action, r->status, STRF(str_slice(type, 0, 64)), STRF(str_slice(text, 0, 128)));
	return end;
}

static enum status check_bus(struct event_bridge *b, struct arena *a, struct fault *why)
{
	int64_t checked_ms = atomic_load(&b->checked_ms);
	struct buf body;
	struct http_response response;
	json_error_t error;
	bool starved;
	if (strcmp(b->bus, "default") == 0 || (checked_ms != 0 && checked_ms > clock_mono_ms() - CHECK_EVERY_MS))
		return OK;
	buf_init_arena(&body, a, NAME_BODY_MAX);
	writer_open(&body, STR(""), '{');
	writer_text(&body, STR("Name"), str_of(b->bus));
	writer_close(&body, '}');
	TRY(fault_check_buf(&body, why));
	TRY(call_action(b, "DescribeEventBus", buf_str(&body), a, &response, why));
	json_auto_t *answer = json_read(response.body, JSON_ALLOW_NUL, &error, &starved);
	if (starved)
		return fault_no_memory(why);
	if (response.status != 200)
		return refused("DescribeEventBus", &response, answer, why);
	atomic_store(&b->checked_ms, clock_mono_ms());
	return OK;
}

static enum status read_answer(const struct http_response *r, size_t n, bool *sent, struct fault *why)
{
	json_error_t error;
	bool starved;
	json_auto_t *answer = json_read(r->body, JSON_ALLOW_NUL, &error, &starved);
	const json_t *entries = json_object_get(answer, "Entries");
	if (starved)
		return fault_no_memory(why);
	if (r->status != 200 || json_array_size(entries) != n)
		return refused("PutEvents", r, answer, why);
	for (size_t i = 0; i < n; i++) {
		struct str code = json_text(json_object_get(json_array_get(entries, i), "ErrorCode"));
		sent[i] = code.n == 0 && json_text(json_object_get(json_array_get(entries, i), "EventId")).n > 0;
		if (!sent[i])
			fault_cause(why, "EventBridge PutEvents: entry refused: %.*s", STRF(str_slice(code, 0, 64)));
	}
	return OK;
}

static enum status send_events(struct event_bus *port, const struct outbox_event *events, size_t n, bool *sent, struct fault *why)
{
	struct event_bridge *b = (struct event_bridge *)port;
	struct arena a CLEANUP(arena_deinit);
	struct buf body;
	struct http_response response;
	arena_init(&a, SCRATCH_BYTES);
	TRY(check_bus(b, &a, why));
	buf_init_arena(&body, &a, BODY_MAX);
	writer_open(&body, STR(""), '{');
	writer_open(&body, STR("Entries"), '[');
	for (size_t i = 0; i < n; i++)
		put_entry(b, &events[i], &body);
	writer_close(&body, ']');
	writer_close(&body, '}');
	TRY(fault_check_buf(&body, why));
	TRY(call_action(b, "PutEvents", buf_str(&body), &a, &response, why));
	return read_answer(&response, n, sent, why);
}

static const struct event_bus_ops ops = { .send = send_events };

struct event_bus *event_bridge_new(struct aws_service *service, struct str bus)
{
	struct event_bridge *b = mem_new(1, sizeof *b);
	if (b == NULL)
		return NULL;
	b->port.ops = &ops;
	b->service = service;
	b->bus = mem_dup_cstr(bus);
	if (b->bus == NULL)
		mem_free(b);
	return b->bus == NULL ? NULL : &b->port;
}

void event_bridge_free(struct event_bus **port)
{
	assert(port != NULL);
	struct event_bridge *b = (struct event_bridge *)*port;
	if (b == NULL)
		return;
	mem_free(b->bus);
	mem_free(b);
	*port = NULL;
}
