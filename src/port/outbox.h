/* Port: the events that applications are told of by webhooks, as an engine keeps them (outbox).
 *
 * An event is written in the same commit as the change that it tells of, so neither is ever without the other. It waits until it is
 * delivered, however often that fails and however often the server is restarted in between. The engine knows nothing of what an event's
 * text says: it is made by a function of the product's, its source. Without a source nothing is written.
 *
 * Several processes may share an outbox (`shared`): each event is then handed out to one of them at a time, and a list or a count may
 * leave out some of very many.
 *
 * Every write is atomic and durable when the call returns OK. Calls block on the disk or the network; any thread. */
#ifndef PORT_OUTBOX_H
#define PORT_OUTBOX_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "port/image_table.h"

enum outbox_kind { OUTBOX_UPLOADED, OUTBOX_REJECTED, OUTBOX_DELETED, OUTBOX_EXPIRED };
#define OUTBOX_KINDS 4
#define OUTBOX_ALL_KINDS ((1U << OUTBOX_KINDS) - 1)
/* As receivers read it: "image.uploaded", "image.rejected", "image.deleted", "image.expired". */
struct str outbox_kind_name(enum outbox_kind kind);

/* delivered: the receiver has accepted it. failed: it was given up, and is sent again only when it is asked for. */
enum outbox_state { OUTBOX_WAITING, OUTBOX_DELIVERED, OUTBOX_FAILED };
#define OUTBOX_STATES 3
/* "waiting", "delivered", "failed". */
struct str outbox_state_name(enum outbox_state state);
/* false: it is none of these. */
bool outbox_state_parse(struct str text, enum outbox_state *out) MUST_CHECK;

/* Ids of events in databases that number them: the number, which finds the row, and a random token. A database that was restored from a
 * backup assigns the same numbers again, and a receiver must not mistake new events for those that it has processed. */
#define OUTBOX_TOKEN_CHARS 20
void outbox_make_token(char token[OUTBOX_TOKEN_CHARS + 1]);
/* The id as text, in the arena. */
struct str outbox_write_id(int64_t n, struct str token, struct arena *a);
/* The number and the token of an id; the token is borrowed.  false: it is not the id of an event. Pure. */
bool outbox_parse_id(struct str id, int64_t *n, struct str *token) MUST_CHECK;

/* Set the fault for an event that resending does not find, with the message for people, and return its status. */
enum status no_such_event(struct fault *why);

#define OUTBOX_BODY_MAX 20000     /* bytes of an event's text */
#define OUTBOX_ID_CHARS 36        /* "msg_" and 32 hexadecimal digits */
#define OUTBOX_DELIVERED_MAX 1000 /* of those that are delivered, so many are kept, the newest; none where processes share the outbox */
#define OUTBOX_LIST_MAX 1000
#define OUTBOX_ERROR_MAX 200 /* bytes */

struct outbox_event {
	int64_t n;     /* rises with each event of this engine */
	struct str id; /* the same at each attempt; no dot in it */
	enum outbox_kind kind;
	enum outbox_state state;
	struct str image_id;
	struct str body;    /* JSON; only of outbox_due */
	int64_t created_ms; /* when the change was committed */
	int64_t due_ms;     /* when it is to be sent, of a waiting one */
	int64_t first_ms;   /* when it was first sent; 0: never */
	int64_t ended_ms;   /* when it was delivered or given up; 0: not yet */
	unsigned attempts;
	struct str error; /* of the last attempt; "": none, or it did not fail */
};

struct outbox_page {
	struct outbox_event *events;
	size_t n;
	int64_t next_ms; /* of outbox_due: when the first of the others is due; INT64_MAX: never */
};

/* What became of one attempt. */
struct outbox_result {
	int64_t n;
	enum outbox_state state;
	int64_t due_ms, first_ms, ended_ms;
	unsigned attempts;
	struct str error; /* at most OUTBOX_ERROR_MAX */
};

/* What one outbox_record writes. */
struct outbox_record {
	const struct outbox_result *results;
	size_t n;
	int64_t delivered_ms;       /* when one of them was delivered; 0: none was, or nobody asks for it later */
	int64_t disabled_ms;        /* the endpoint is disabled from then on; 0: it stays as it is */
	struct str disabled_reason; /* a sentence; with disabled_ms */
};

struct outbox_query {
	bool has_state;
	enum outbox_state state;
	int64_t before_n; /* only older ones; 0: from the newest on */
	uint32_t limit;   /* 1..OUTBOX_LIST_MAX */
};

struct outbox_status {
	uint64_t counts[OUTBOX_STATES];
	uint64_t unreadable; /* items of a shared outbox that cannot be read: not listed; read again when failed events are resent */
	int64_t disabled_ms; /* 0: events are sent */
	struct str disabled_reason;
	int64_t delivered_ms; /* the last time that one was; 0: never */
};

/* Which events are sent again. */
struct outbox_selection {
	struct str id;           /* this one, whatever its state; "": */
	enum outbox_state state; /* ... all that failed, or all that wait for another attempt */
};

/* Where events come from. All functions are called on the engine's commit thread, or on that of the change, and must not block. */
struct outbox_source {
	unsigned kinds; /* those that are wanted: a set of 1 << enum outbox_kind */
	/* Append the text of an event, at most OUTBOX_BODY_MAX bytes. A failure fails the change too. */
	enum status (*write)(
		void *arg, enum outbox_kind kind, const struct image_row *row, int64_t now_ms, struct buf *body, struct fault *why);
	void (*changed)(void *arg); /* after a commit since which there may be more to send */
	void *arg;
};

struct outbox;
struct outbox_ops {
	bool shared; /* outbox_due gives no event again until some minutes after it gave it to anybody */
	enum status (*start)(struct outbox *, const struct outbox_source *, struct fault *);
	enum status (*due)(struct outbox *, int64_t now_ms, uint32_t limit, struct arena *, struct outbox_page *out, struct fault *);
	enum status (*record)(struct outbox *, const struct outbox_record *, struct fault *);
	enum status (*list)(struct outbox *, const struct outbox_query *, struct arena *, struct outbox_page *out, struct fault *);
	enum status (*status)(struct outbox *, struct arena *, struct outbox_status *out, struct fault *);
	enum status (*resend)(struct outbox *, const struct outbox_selection *, int64_t now_ms, uint64_t *n, struct fault *);
	enum status (*enable)(struct outbox *, int64_t now_ms, struct fault *);
};
struct outbox {
	const struct outbox_ops *ops;
};

/* Write events of the source from the next change on; NULL: none any more, and the source is not called again.
 * source  borrowed until then
 * Errors  STORAGE_FAILED */
MUST_CHECK static inline enum status outbox_start(struct outbox *o, const struct outbox_source *source, struct fault *why)
{
	assert(source == NULL || (source->write != NULL && source->changed != NULL));
	return o->ops->start(o, source, why);
}

static inline bool outbox_is_shared(const struct outbox *o)
{
	return o->ops->shared;
}

/* The waiting events that are due, the earliest first. None while the endpoint is disabled. Of a shared outbox those that this process
 * has written come first, due or not; when it has given them, next_ms is not later than now.
 * limit   1..OUTBOX_LIST_MAX
 * Errors  TOO_MUCH; STORAGE_FAILED */
MUST_CHECK static inline enum status outbox_due(
	struct outbox *o, int64_t now_ms, uint32_t limit, struct arena *a, struct outbox_page *out, struct fault *why)
{
	assert(limit >= 1 && limit <= OUTBOX_LIST_MAX);
	return o->ops->due(o, now_ms, limit, a, out, why);
}

/* Write what became of attempts, in one commit; a shared outbox writes each by itself. An event that is gone, or was ended in the meantime, is left alone.
 * Errors  DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status outbox_record(struct outbox *o, const struct outbox_record *r, struct fault *why)
{
	assert(r->disabled_ms == 0 || r->disabled_reason.n > 0);
	return o->ops->record(o, r, why);
}

/* Events without their bodies, the newest first.  Errors: TOO_MUCH; STORAGE_FAILED */
MUST_CHECK static inline enum status outbox_list(
	struct outbox *o, const struct outbox_query *q, struct arena *a, struct outbox_page *out, struct fault *why)
{
	assert(q->limit >= 1 && q->limit <= OUTBOX_LIST_MAX);
	return o->ops->list(o, q, a, out, why);
}

/* How many there are, and whether they are sent.  Errors: TOO_MUCH; STORAGE_FAILED */
MUST_CHECK static inline enum status outbox_status(struct outbox *o, struct arena *a, struct outbox_status *out, struct fault *why)
{
	return o->ops->status(o, a, out, why);
}

/* Send events again, now, with all their attempts before them.
 * n       how many there are
 * Errors  NO_SUCH_EVENT no event has this id; DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status outbox_resend(
	struct outbox *o, const struct outbox_selection *which, int64_t now_ms, uint64_t *n, struct fault *why)
{
	assert(which->id.n > 0 || which->state == OUTBOX_FAILED || which->state == OUTBOX_WAITING);
	return o->ops->resend(o, which, now_ms, n, why);
}

/* Send events again after the endpoint was disabled: all that wait, at once, with all their attempts before them. Nothing happens if it
 * is not disabled.  Errors: DISK_FULL; STORAGE_FAILED */
MUST_CHECK static inline enum status outbox_enable(struct outbox *o, int64_t now_ms, struct fault *why)
{
	return o->ops->enable(o, now_ms, why);
}

#endif
