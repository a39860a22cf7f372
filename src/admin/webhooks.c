/* Webhooks: what waits, what was delivered lately and what was given up; to send one again, and to enable their receiver again. */
#include "admin/call.h"

#include "base/clock.h"
#include "base/log/log.h"
#include "base/writer.h"

#define WEBHOOKS_LIMIT 50

static void write_time(struct buf *b, struct str name, int64_t ms)
{
	if (ms != 0)
		writer_time(b, name, ms);
	else
		writer_null(b, name);
}

static void write_event(struct buf *b, const struct outbox_event *e)
{
	writer_open(b, STR(""), '{');
	writer_text(b, STR("webhookId"), e->id);
	writer_text(b, STR("type"), outbox_kind_name(e->kind));
	writer_text(b, STR("state"), outbox_state_name(e->state));
	writer_text(b, STR("imageId"), e->image_id);
	writer_time(b, STR("createdAt"), e->created_ms);
	write_time(b, STR("dueAt"), e->state == OUTBOX_WAITING ? e->due_ms : 0);
	write_time(b, STR("endedAt"), e->ended_ms);
	writer_number(b, STR("attempts"), e->attempts);
	if (e->error.n > 0)
		writer_text(b, STR("error"), e->error);
	else
		writer_null(b, STR("error"));
	writer_close(b, '}');
}

/* Whether webhooks are sent, and how many there are. */
static enum status write_status(struct console_call *c, struct outbox *o, struct fault *why)
{
	struct outbox_status now;
	struct buf *b = &c->body;
	TRY(outbox_status(o, c->arena, &now, why));
	writer_bool(b, STR("configured"), c->console->options.settings->webhook_url[0] != '\0');
	write_time(b, STR("disabledAt"), now.disabled_ms);
	if (now.disabled_ms != 0)
		writer_text(b, STR("reason"), now.disabled_reason);
	else
		writer_null(b, STR("reason"));
	write_time(b, STR("deliveredAt"), now.delivered_ms);
	for (unsigned i = 0; i < OUTBOX_STATES; i++)
		writer_number(b, outbox_state_name((enum outbox_state)i), now.counts[i]);
	writer_number(b, STR("unreadable"), now.unreadable);
	return OK;
}

static struct outbox *outbox_of(const struct console_call *c)
{
	assert(c != NULL && c->console->options.outbox != NULL);
	return c->console->options.outbox;
}

enum status console_webhooks(struct console_call *c, struct fault *why)
{
	struct outbox *o = outbox_of(c);
	struct str state = { 0 };
	uint64_t limit = WEBHOOKS_LIMIT, before = 0;
	struct outbox_page page;
	const struct param params[] = {
		{ "state", PARAM_CHOICE, .choices = "all|waiting|delivered|failed", .text = &state },
		{ "before", PARAM_NUMBER, .min = 1, .max = INT64_MAX, .number = &before },
		{ "limit", PARAM_NUMBER, .min = 1, .max = OUTBOX_LIST_MAX, .number = &limit },
	};

	TRY(params_read(&c->x->request, params, COUNT_OF(params), why));
	struct outbox_query q = { .before_n = (int64_t)before, .limit = (uint32_t)limit };
	q.has_state = outbox_state_parse(state, &q.state);
	TRY(outbox_list(o, &q, c->arena, &page, why));
	writer_open(&c->body, STR(""), '{');
	TRY(write_status(c, o, why));
	writer_open(&c->body, STR("webhooks"), '[');
	for (size_t i = 0; i < page.n; i++)
		write_event(&c->body, &page.events[i]);
	writer_close(&c->body, ']');
	if (page.n == limit)
		writer_number(&c->body, STR("nextBefore"), (uint64_t)page.events[page.n - 1].n);
	else
		writer_null(&c->body, STR("nextBefore"));
	writer_close(&c->body, '}');
	return OK;
}

enum status console_resend(struct console_call *c, struct fault *why)
{
	struct outbox *o = outbox_of(c);
	struct str id = { 0 }, state = { 0 };
	struct outbox_selection which = { 0 };
	uint64_t n = 0;
	const struct param params[] = {
		{ "id", PARAM_TEXT, .max = OUTBOX_ID_CHARS, .text = &id },
		{ "state", PARAM_CHOICE, .choices = "waiting|failed", .text = &state },
	};

	TRY(params_read(&c->x->request, params, COUNT_OF(params), why));
	if ((id.n > 0) == (state.n > 0))
		return fault_set(why, BAD_FIELD, "Give the id of one webhook, or the state of those to send again.");
	which.id = id;
	if (state.n > 0 && !outbox_state_parse(state, &which.state))
		return fault_set(why, BAD_FIELD, "state must be one of waiting|failed");
	TRY(outbox_resend(o, &which, clock_now_ms(), &n, why));
	writer_open(&c->body, STR(""), '{');
	writer_number(&c->body, STR("resent"), n);
	writer_close(&c->body, '}');
	return OK;
}

enum status console_enable(struct console_call *c, struct fault *why)
{
	struct outbox *o = outbox_of(c);
	TRY(params_read(&c->x->request, NULL, 0, why));
	TRY(outbox_enable(o, clock_now_ms(), why));
	LOG(WEBHOOK_ENABLED, c->x->request.id, LOG_S("by", STR("admin")));
	writer_open(&c->body, STR(""), '{');
	TRY(write_status(c, o, why));
	writer_close(&c->body, '}');
	return OK;
}
