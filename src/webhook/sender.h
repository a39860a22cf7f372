/* Delivers the events of an outbox to one receiver: signed, at least once, several at a time, again when that fails.
 *
 * One thread, the dispatcher, reads events that are due, and writes what became of them, many in each commit. Up to
 * WEBHOOK_CONNECTIONS threads, started as they are needed, send them, each over a connection that it keeps. What is in memory is only a
 * copy: an event that was sent and whose result was not written yet is sent again after a crash, under the same id.
 *
 * A receiver that answers 429, 502, 503 or 504, or that cannot be reached, gets one event at a time until it accepts one, after what
 * Retry-After asks for, or a pause that grows. One that answers 410, or that has accepted nothing since the first of an event's
 * attempts when the last one fails, is disabled until it is enabled by hand (outbox_enable); its events wait. */
#ifndef WEBHOOK_SENDER_H
#define WEBHOOK_SENDER_H

#include "http/client/client.h"
#include "port/outbox.h"
#include "webhook/sign.h"

#define WEBHOOK_CONNECTIONS 8
#define WEBHOOK_TIMEOUT_MS 15000
#define WEBHOOK_ANSWER_MAX 4096 /* bytes of an answer's body that are read */

/* Borrowed. */
struct webhook_options {
	struct outbox *outbox;
	struct str url;
	const struct webhook_secrets *secrets;
	http_address_fn *check_address;
	void *check_arg;
};

struct webhook_sender;
/* NULL: memory or threads failed. */
struct webhook_sender *webhook_sender_start(const struct webhook_options *o);
/* Cut what is being sent, write what is known, and end. Accepts NULL inside. */
void webhook_sender_free(struct webhook_sender **s);
/* There may be more to send: for outbox_source. Any thread; does not block. */
void webhook_sender_wake(struct webhook_sender *s);

#endif
