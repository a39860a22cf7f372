/* event_bus on Amazon EventBridge: one call, PutEvents. An answer of 200 may refuse single events, as when the bus is throttled: each
 * has an ErrorCode in its place of the answer.
 * Source: Amazon EventBridge API reference, PutEvents and PutEventsRequestEntry. */
#include "aws/aws.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/writer.h"

#define TIMEOUT_MS 5000
#define SCRATCH_BYTES ((size_t)8 << 20)
#define BODY_MAX ((size_t)2 << 20) /* ten events, each character of them escaped */

struct event_bridge {
	struct event_bus port;
	struct aws_service *service;
	char *bus;
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

static enum status refused(const struct http_response *r, const json_t *answer, struct fault *why)
{
	struct str type = json_text(json_object_get(answer, "__type"));
	const json_t *message = json_object_get(answer, "message");
	struct str text = json_text(message != NULL ? message : json_object_get(answer, "Message"));
	enum status end = fault_set(why, UPSTREAM_FAILED, "The event bus failed. The events wait.");
	fault_cause(why, "EventBridge PutEvents: HTTP %d %.*s: %.*s", r->status, STRF(str_slice(type, 0, 64)), STRF(str_slice(text, 0, 128)));
	return end;
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
		return refused(r, answer, why);
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
	struct fault lost = { 0 };
	arena_init(&a, SCRATCH_BYTES);
	buf_init_arena(&body, &a, BODY_MAX);
	writer_open(&body, STR(""), '{');
	writer_open(&body, STR("Entries"), '[');
	for (size_t i = 0; i < n; i++)
		put_entry(b, &events[i], &body);
	writer_close(&body, ']');
	writer_close(&body, '}');
	TRY(fault_check_buf(&body, why));
	const struct header headers[] = {
		{ STR("content-type"), STR("application/x-amz-json-1.1") },
		{ STR("x-amz-target"), STR("AWSEvents.PutEvents") },
	};
	const struct aws_call call = { .method = STR("POST"),
		.path = STR("/"),
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = buf_str(&body),
		.deadline_ms = clock_mono_ms() + TIMEOUT_MS,
		.repeatable = true };
	enum status got = aws_service_call(b->service, &call, &a, &response, &lost);
	if (got == OK)
		return read_answer(&response, n, sent, why);
	*why = lost;
	return got;
}

static const struct event_bus_ops ops = { .send = send_events };

struct event_bus *event_bridge_new(struct aws_service *service, struct str bus)
{
	struct event_bridge *b = mem_new(1, sizeof *b);
	if (b == NULL)
		return NULL;
	*b = (struct event_bridge){ .port = { .ops = &ops }, .service = service, .bus = mem_dup_cstr(bus) };
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
