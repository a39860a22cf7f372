/* Sends the events of the outbox to the bus, on the one thread of a function: after each invocation those that it wrote, and in the sweep what
 * was left behind, by a function that ended too soon or when the bus failed. What is accepted is deleted. One thread. */
#ifndef LAMBDA_EVENT_SENDER_H
#define LAMBDA_EVENT_SENDER_H

#include "port/event_bus.h"
#include "port/outbox.h"

struct event_sender {
	struct outbox *outbox; /* borrowed, as the bus; NULL: no events are written */
	struct event_bus *bus;
	unsigned written; /* since the last flush */
};

/* An event was written: for outbox_source. */
void event_sender_note(struct event_sender *s);
/* Send what this process has written. A failure is logged; the sweep sends it again. */
void event_sender_flush(struct event_sender *s);
/* Send what is due, until there is none, or `stop` says so.
 * sent    how many were; added to
 * Errors  those of the outbox and of the bus; what was claimed is due again after some minutes */
enum status event_sender_resume(struct event_sender *s, bool (*stop)(void *arg), void *arg, uint64_t *sent, struct fault *why) MUST_CHECK;

#endif
