/* See event_sender.h. */
#include "lambda/event_sender.h"

#include "base/clock.h"
#include "base/log/log.h"

#define PAGE_BYTES ((size_t)4 << 20)

void event_sender_note(struct event_sender *s)
{
	s->written++;
}

/* Send a page, and delete what was accepted. Not OK: something was not. */
static enum status send_page(struct event_sender *s, const struct outbox_page *page, uint64_t *sent, struct fault *why)
{
	bool accepted[EVENT_BUS_BATCH] = { false };
	struct outbox_result results[EVENT_BUS_BATCH];
	struct outbox_record record = { .results = results };
	assert(page->n <= EVENT_BUS_BATCH);
	TRY(event_bus_send(s->bus, page->events, page->n, accepted, why));
	for (size_t i = 0; i < page->n; i++)
		if (accepted[i])
			results[record.n++] = (struct outbox_result){ .n = page->events[i].n, .state = OUTBOX_DELIVERED, .ended_ms = clock_now_ms() };
	*sent += record.n;
	const struct fault refused = *why;
	if (record.n > 0)
		TRY(outbox_record(s->outbox, &record, why));
	if (record.n == page->n)
		return OK;
	enum status end = fault_set(why, UPSTREAM_FAILED, "The event bus refused %zu of %zu events. They wait.", page->n - record.n, page->n);
	fault_cause(why, "%s", refused.cause);
	return end;
}

/* One page. *more: there may be others. */
static enum status send_due(struct event_sender *s, uint32_t limit, bool *more, uint64_t *sent, struct fault *why)
{
	struct arena a CLEANUP(arena_deinit);
	struct outbox_page page;
	int64_t now_ms = clock_now_ms();
	arena_init(&a, PAGE_BYTES);
	TRY(outbox_due(s->outbox, now_ms, limit, &a, &page, why));
	*more = page.n > 0 || page.next_ms <= now_ms;
	return page.n > 0 ? send_page(s, &page, sent, why) : OK;
}

void event_sender_flush(struct event_sender *s)
{
	uint64_t sent = 0;
	struct fault why = { 0 };
	enum status end = OK;
	for (bool more = true; end == OK && more && s->written > 0;) {
		unsigned n = s->written < EVENT_BUS_BATCH ? s->written : EVENT_BUS_BATCH;
		end = send_due(s, n, &more, &sent, &why);
		s->written -= n;
	}
	s->written = 0;
	if (end != OK)
		LOG(EVENTS_FAILED, STR(""), LOG_C("code", fault_name(why.code)), LOG_C("text", why.text), LOG_C("cause", why.cause));
}

enum status event_sender_resume(struct event_sender *s, bool (*stop)(void *arg), void *arg, uint64_t *sent, struct fault *why)
{
	for (bool more = true; more && !stop(arg);)
		TRY(send_due(s, EVENT_BUS_BATCH, &more, sent, why));
	return OK;
}
