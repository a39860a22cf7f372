/* Port: moving everything that a table holds into the table of another backend, for `tintype migrate`.
 *
 * What is moved: rows of every status, the ids that are kept of removed rows, owners with their quotas, and events that were not
 * delivered. API keys go through api_key_table, and objects through object_store. A row is written as it is, in place of what has its id, without
 * an event and whatever the quotas are; usage is counted afterwards (user_recount).
 *
 * The state says which part of a migration the table is in. It is durable, and every process that uses the table obeys it:
 * DRAINING refuses new slots and changes, CLOSED and ARRIVING refuse uploads too (READ_ONLY). Reads go on in every state.
 *
 * Calls block (disk or network). Any thread. Texts live in the arena of the call. */
#ifndef PORT_TRANSFER_H
#define PORT_TRANSFER_H

#include "port/outbox.h"
#include "port/user_table.h"

enum transfer_phase {
	TRANSFER_NONE,
	TRANSFER_COPYING,  /* of a source: it is copied, and nothing is refused */
	TRANSFER_DRAINING, /* of a source: no new slots and no changes; the URLs that were given out are good until they expire */
	TRANSFER_CLOSED,   /* of a source: nothing changes */
	TRANSFER_ARRIVING, /* of a destination that is not complete: only the migration changes it */
	TRANSFER_ARRIVED,  /* of a destination that is complete: nothing is refused */
};
#define TRANSFER_PHASES 6
/* "none", "copying", "draining", "closed", "arriving", "arrived". */
struct str transfer_phase_name(enum transfer_phase phase);
/* false: it is none of these. */
bool transfer_phase_parse(struct str text, enum transfer_phase *out) MUST_CHECK;

struct transfer_state {
	enum transfer_phase phase;
	struct str id;    /* of the migration, a UUID: the same at the source and at the destination; "" of TRANSFER_NONE */
	int64_t since_ms; /* of the phase */
};

/* Set the fault INVALID_INPUT for a row or an event that cannot be stored, and return its status. */
enum status transfer_bad_row(struct str image_id, struct fault *why);
enum status transfer_bad_event(struct str id, struct fault *why);

/* Events are not sent in a phase that refuses uploads: they are being copied. Until they are looked for again: */
#define TRANSFER_LOOK_AGAIN_MS 5000
/* Whether new slots and changes, or bytes for a slot, are accepted in this phase. Pure.
 * Errors  READ_ONLY, with a sentence for the client */
enum status transfer_check_change(enum transfer_phase phase, struct fault *why) MUST_CHECK;
enum status transfer_check_upload(enum transfer_phase phase, struct fault *why) MUST_CHECK;

struct transfer_entry {
	struct image_row row;
	int64_t kept_ms; /* 0: it is a row; else only its id is left (row.image_id), which is not given again until then */
};

struct transfer_page {
	struct transfer_entry *entries;
	size_t n;
	struct str next_cursor; /* "" on the last page; else to go on with, even if this page is empty */
};

struct transfer_event {
	struct outbox_event event; /* with its body */
	struct str owner;
};

struct transfer_event_page {
	struct transfer_event *events;
	size_t n;
	struct str next_cursor; /* as above */
};

struct transfer;
struct transfer_ops {
	enum status (*walk)(struct transfer *, struct str cursor, struct arena *, struct transfer_page *out, struct fault *);
	enum status (*put)(struct transfer *, const struct transfer_entry *, struct fault *);
	enum status (*put_user)(struct transfer *, const struct user_row *, struct fault *);
	enum status (*events)(struct transfer *, struct str cursor, struct arena *, struct transfer_event_page *out, struct fault *);
	enum status (*put_event)(struct transfer *, const struct transfer_event *, struct fault *);
	enum status (*get_state)(struct transfer *, struct arena *, struct transfer_state *out, struct fault *);
	enum status (*set_state)(struct transfer *, const struct transfer_state *was, const struct transfer_state *, struct fault *);
};
struct transfer {
	const struct transfer_ops *ops;
	int64_t settle_ms; /* after set_state, until every process obeys it and what it had begun before has ended; 0: at once */
};

/* One page of all rows and kept ids, in no particular order. Of rows that come or go during a walk some may be missing.
 * cursor  "" for the first page, else a next_cursor
 * Errors  STORAGE_FAILED; UPSTREAM_FAILED; TOO_MUCH */
MUST_CHECK static inline enum status transfer_walk(
	struct transfer *t, struct str cursor, struct arena *a, struct transfer_page *out, struct fault *why)
{
	assert(a != NULL && out != NULL);
	return t->ops->walk(t, cursor, a, out, why);
}

/* Write a row or a kept id as it is, in place of what has its id. It takes the place in lists that its times give it.
 * Errors  INVALID_INPUT; DISK_FULL; STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status transfer_put(struct transfer *t, const struct transfer_entry *e, struct fault *why)
{
	assert(e->kept_ms >= 0);
	return t->ops->put(t, e, why);
}

/* Write an owner with all but the usage, which stays as it is, or is nothing for a new one.
 * Errors  DISK_FULL; STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status transfer_put_user(struct transfer *t, const struct user_row *user, struct fault *why)
{
	assert(user->owner.n > 0);
	return t->ops->put_user(t, user, why);
}

/* One page of the events that wait or were given up.  Errors: STORAGE_FAILED; UPSTREAM_FAILED; TOO_MUCH */
MUST_CHECK static inline enum status transfer_events(
	struct transfer *t, struct str cursor, struct arena *a, struct transfer_event_page *out, struct fault *why)
{
	return t->ops->events(t, cursor, a, out, why);
}

/* Write such an event under its id, unless it is there.  Errors: DISK_FULL; STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status transfer_put_event(struct transfer *t, const struct transfer_event *e, struct fault *why)
{
	assert(e->event.state != OUTBOX_DELIVERED);
	return t->ops->put_event(t, e, why);
}

/* Errors  STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status transfer_get_state(struct transfer *t, struct arena *a, struct transfer_state *out, struct fault *why)
{
	return t->ops->get_state(t, a, out, why);
}

static inline bool transfer_state_equal(const struct transfer_state *x, const struct transfer_state *y)
{
	return x->phase == y->phase && str_equal(x->id, y->id) && x->since_ms == y->since_ms;
}

/* Change the state if it still is `was`: of several callers with the same `was`, one succeeds. TRANSFER_NONE removes the stored state.
 * was     what transfer_get_state gave, or the state that was set last; differs from `s`
 * Errors  STATE_CHANGED it is another; DISK_FULL; STORAGE_FAILED; UPSTREAM_FAILED */
MUST_CHECK static inline enum status transfer_set_state(
	struct transfer *t, const struct transfer_state *was, const struct transfer_state *s, struct fault *why)
{
	assert((s->phase == TRANSFER_NONE) == (s->id.n == 0) && !transfer_state_equal(was, s));
	return t->ops->set_state(t, was, s, why);
}
/* Set the fault of set_state for a state that is not `was`, and return its status. */
MUST_CHECK static inline enum status transfer_state_changed(struct fault *why)
{
	return fault_set(why, STATE_CHANGED, "Another tintype migrate has changed the state of the migration.");
}

#endif
