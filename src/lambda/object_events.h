/* Object events, in all their envelopes: S3's own notifications and EventBridge's, bare or
 * as messages of an SQS batch. Pure: bytes and an arena in, a list out.
 * Source: Amazon S3 user guide, "Event message structure" and "Using EventBridge"; AWS Lambda
 * developer guide, "Using Lambda with Amazon SQS". */
#ifndef LAMBDA_OBJECT_EVENTS_H
#define LAMBDA_OBJECT_EVENTS_H

#include "base/arena.h"
#include "base/fault.h"
#include "base/str.h"

enum object_event_kind {
	EVENT_CREATED,    /* an object was written */
	EVENT_IGNORED,    /* something else happened, or S3's test event */
	EVENT_UNREADABLE, /* a message that can never be parsed; `problem` says why */
};

struct object_event {
	enum object_event_kind kind;
	struct str message_id;  /* of SQS; "": it came without a queue */
	struct str bucket, key; /* the key decoded */
	struct str etag;        /* "": not given */
	struct str sequencer;   /* hex; "": not given */
	const char *problem;    /* static */
	struct object_event *next;
};

struct object_events {
	bool from_queue;            /* an SQS batch: failures are reported message by message */
	struct object_event *first; /* in the order of the event */
};

/* Errors  INVALID_INPUT no event of these kinds (the cause names what is missing); TOO_MUCH the arena is full */
enum status object_events_read(struct arena *a, struct str event, struct object_events *out, struct fault *why) MUST_CHECK;
/* Order two sequencers of one key: <0, 0, >0. The shorter one is padded with zeros on the left. */
int sequencer_compare(struct str a, struct str b);

#endif
