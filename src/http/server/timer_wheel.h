/* A timer wheel: 256 slots of a quarter second. Timers belong to their owner, so that setting one allocates nothing.
 * They fire late by up to a slot, never early. Pure but for what it links; belongs to one thread. */
#ifndef HTTP_SERVER_TIMER_WHEEL_H
#define HTTP_SERVER_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_TICK_MS 250
#define TIMER_SLOTS 256

/* Zeroed at first. */
struct timer {
	struct timer *next, *prev;
	int64_t at_ms;
	unsigned slot;
	bool is_set;
};

struct timer_wheel {
	struct timer *slots[TIMER_SLOTS];
	int64_t tick, upto; /* processed so far, and due by now */
	unsigned set;       /* timers */
};

/* Times are of the monotonic clock, in milliseconds. */
void timer_wheel_init(struct timer_wheel *w, int64_t now_ms);
/* Set or move a timer; a time that has passed fires with the next tick. */
void timer_set(struct timer_wheel *w, struct timer *t, int64_t at_ms);
/* Safe when it is not set. */
void timer_cancel(struct timer_wheel *w, struct timer *t);
/* Remove and return the next timer that is due; NULL: none is. It may be set again, and others cancelled, between the calls. */
struct timer *timer_wheel_pop(struct timer_wheel *w, int64_t now_ms);
/* How long until a timer may be due; -1: none is set. */
int timer_wheel_wait_ms(const struct timer_wheel *w, int64_t now_ms);

#endif
