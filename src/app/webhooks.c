/* See webhooks.h. */
#include "app/webhooks.h"

#include "api/event.h"
#include "base/hash.h"
#include "base/metrics.h"

#include <string.h>

enum status webhooks_check(const struct settings *s, struct fault *why)
{
	struct webhook_endpoint e = { .is_private = s->webhook_private };
	struct webhook_secrets secrets;
	unsigned kinds;
	if (s->event_bus[0] != '\0')
		return fault_set(why, BAD_SETTING, "TINTYPE_EVENT_BUS is for functions on AWS Lambda; a server sends webhooks: unset it.");
	if (s->webhook_url[0] == '\0')
		return s->webhook_secret[0] == '\0'
			? OK
			: fault_set(why, BAD_SETTING,
				  "TINTYPE_WEBHOOK_SECRET is set, and TINTYPE_WEBHOOK_URL is not: set it too, to where webhooks are to be sent.");
	TRY(endpoint_check_url(&e, str_of(s->webhook_url), why));
	TRY(endpoint_parse_kinds(str_of(s->webhook_events), &kinds, why));
	TRY(webhook_secrets_parse(str_of(s->webhook_secret), &secrets, why));
	secret_wipe(&secrets, sizeof secrets);
	return OK;
}

static enum status write_event(
	void *arg, enum outbox_kind kind, const struct image_row *row, int64_t now_ms, struct buf *body, struct fault *why)
{
	struct webhooks *w = arg;
	return event_write(w->product, &(struct event){ kind, row, now_ms }, body, why);
}

static void wake_sender(void *arg)
{
	struct webhooks *w = arg;
	if (w->sender != NULL)
		webhook_sender_wake(w->sender);
}

static uint16_t port_of(const char *url)
{
	uint64_t port = 0;
	const char *colon = strrchr(url, ':');
	return colon != NULL && str_to_u64(str_of(colon + 1), &port) ? (uint16_t)port : 0;
}

enum status webhooks_start(struct webhooks *w, const struct settings *s, struct backends *e, struct product *p,
	const struct serve_addresses *at, struct fault *why)
{
	assert(w != NULL && w->sender == NULL && p != NULL);
	if (s->webhook_url[0] == '\0' || e->outbox == NULL)
		return OK;
	*w = (struct webhooks){ .product = p, .source = { .write = write_event, .changed = wake_sender, .arg = w } };
	w->endpoint.is_private = s->webhook_private;
	TRY(endpoint_parse_kinds(str_of(s->webhook_events), &w->source.kinds, why));
	TRY(webhook_secrets_parse(str_of(s->webhook_secret), &w->secrets, why));
	if (at != NULL) {
		const uint16_t ports[WEBHOOK_OWN_PORTS_MAX] = { port_of(at->api), port_of(at->storage), port_of(at->admin) };
		memcpy(w->endpoint.own_ports, ports, sizeof ports);
		w->sender = webhook_sender_start(&(struct webhook_options){ .outbox = e->outbox,
			.url = str_of(s->webhook_url),
			.secrets = &w->secrets,
			.check_address = endpoint_check_address,
			.check_arg = &w->endpoint });
		if (w->sender == NULL)
			return fault_no_memory(why);
	}
	w->outbox = e->outbox;
	return outbox_start(w->outbox, &w->source, why);
}

void webhooks_stop(struct webhooks *w)
{
	/* The sender after the source: until then a commit may wake it. */
	if (w->outbox != NULL)
		(void)!outbox_start(w->outbox, NULL, NULL);
	webhook_sender_free(&w->sender);
	secret_wipe(&w->secrets, sizeof w->secrets);
	*w = (struct webhooks){ 0 };
}

void webhooks_measure(struct webhooks *w)
{
	struct arena a CLEANUP(arena_deinit);
	struct outbox_status now;
	arena_init(&a, 4096);
	if (w->outbox == NULL || outbox_status(w->outbox, &a, &now, NULL) != OK)
		return;
	metric_set(M_WEBHOOKS_WAITING, (int64_t)now.counts[OUTBOX_WAITING]);
	metric_set(M_WEBHOOKS_GIVEN_UP, (int64_t)now.counts[OUTBOX_FAILED]);
	metric_set(M_WEBHOOKS_UNREADABLE, (int64_t)now.unreadable);
	metric_set(M_WEBHOOKS_DISABLED, now.disabled_ms != 0);
}
