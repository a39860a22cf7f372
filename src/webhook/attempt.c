/* See attempt.h. */
#include "webhook/attempt.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/mem.h"
#include "http/text.h"

#include <stdio.h>
#include <string.h>

#define EXCHANGE_BYTES ((size_t)512 << 10)
#define CONNECT_TIMEOUT_MS 10000
#define RETRY_AFTER_HEARD_MS (INT64_C(24) * 3600 * 1000)

static struct str copy_text(char **at, struct str s)
{
	char *to = *at;
	if (s.n > 0)
		memcpy(to, s.p, s.n);
	*at += s.n;
	return (struct str){ to, s.n };
}

struct webhook_attempt *attempt_new(const struct outbox_event *e)
{
	assert(e->n > 0 && e->id.n > 0 && e->body.n > 0 && e->state == OUTBOX_WAITING);
	struct webhook_attempt *d = mem_new(1, sizeof *d + e->id.n + e->image_id.n + e->body.n);
	if (d == NULL)
		return NULL;
	char *at = (char *)(d + 1);
	d->event = *e;
	d->event.id = copy_text(&at, e->id);
	d->event.image_id = copy_text(&at, e->image_id);
	d->event.body = copy_text(&at, e->body);
	d->event.error = (struct str){ 0 };
	return d;
}

void attempt_free(struct webhook_attempt **d)
{
	mem_free(*d);
	*d = NULL;
}

static void judge_answer(struct webhook_attempt *d, const struct http_response *r)
{
	d->answered = true;
	d->outcome = schedule_judge(r->status);
	if (d->outcome == WEBHOOK_DELIVERED)
		return;
	(void)snprintf(d->error, sizeof d->error, "the receiver answered %d", r->status);
	int64_t asked_ms;
	if (http_retry_after(response_header(r, STR("Retry-After")), d->at_ms, &asked_ms))
		d->retry_after_ms = asked_ms < RETRY_AFTER_HEARD_MS ? asked_ms : RETRY_AFTER_HEARD_MS;
}

void attempt_send(struct webhook_attempt *d, const struct webhook_options *o, struct http_client *c, int cancel_fd)
{
	struct arena a CLEANUP(arena_deinit);
	char time_chars[DECIMAL_CHARS], signature_chars[WEBHOOK_SIGNATURE_CHARS + 1];
	struct buf signature;
	struct http_response answer;
	struct fault why = { 0 };
	int64_t now_s = clock_now_ms() / 1000;
	arena_init(&a, EXCHANGE_BYTES);
	buf_init_fixed(&signature, signature_chars, sizeof signature_chars);
	webhook_sign(o->secrets, d->event.id, now_s, d->event.body, &signature);
	const struct header headers[] = {
		{ STR("Content-Type"), STR("application/json") },
		{ STR("User-Agent"), STR("tintype/" VERSION) },
		{ STR("webhook-id"), d->event.id },
		{ STR("webhook-timestamp"), str_of_number((uint64_t)now_s, time_chars) },
		{ STR("webhook-signature"), buf_str(&signature) },
	};
	const struct http_request r = { .method = STR("POST"),
		.url = o->url,
		.headers = headers,
		.n_headers = COUNT_OF(headers),
		.body = d->event.body,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.idle_timeout_ms = WEBHOOK_TIMEOUT_MS,
		.total_timeout_ms = WEBHOOK_TIMEOUT_MS,
		.max_response_bytes = WEBHOOK_ANSWER_MAX,
		.cut_response = true,
		.repeatable = true, /* receivers know an event again by its id */
		.check_address = o->check_address,
		.check_arg = o->check_arg,
		.cancel_fd = cancel_fd };
	enum status st = c != NULL && buf_ok(&signature) ? http_send(c, &r, &a, &answer, &why) : fault_no_memory(&why);
	d->at_ms = clock_now_ms();
	if (st == OK) {
		judge_answer(d, &answer);
		return;
	}
	d->outcome = WEBHOOK_REFUSED;
	(void)snprintf(d->error, sizeof d->error, "%.*s", (int)utf8_prefix(str_of(why.text), OUTBOX_ERROR_MAX), why.text);
}

void attempt_settle(struct webhook_attempt *d, int64_t delivered_ms, uint32_t random)
{
	assert(d->at_ms > 0);
	const struct outbox_event *e = &d->event;
	int64_t wait_ms = 0;
	struct outbox_result *r = &d->result;
	*r = (struct outbox_result){ .n = e->n,
		.state = OUTBOX_WAITING,
		.due_ms = d->at_ms,
		.first_ms = e->first_ms != 0 ? e->first_ms : d->at_ms,
		.attempts = e->attempts + 1,
		.error = str_of(d->error) };
	if (d->outcome == WEBHOOK_DELIVERED) {
		r->state = OUTBOX_DELIVERED;
		r->ended_ms = d->at_ms;
		return;
	}
	if (d->outcome == WEBHOOK_GONE) {
		d->disables = true;
		return;
	}
	if (schedule_wait(r->attempts, random, &wait_ms)) {
		r->due_ms += wait_ms > d->retry_after_ms ? wait_ms : d->retry_after_ms;
		return;
	}
	/* The last attempt. Where others were delivered since the first, it is this event that the receiver does not take. */
	if (delivered_ms > r->first_ms) {
		r->state = OUTBOX_FAILED;
		r->ended_ms = d->at_ms;
		return;
	}
	d->disables = true;
}
