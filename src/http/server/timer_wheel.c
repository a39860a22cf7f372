/* See timer_wheel.h. A timer beyond the last slot waits in the last and is moved on from there. */
#include "base/attr.h"
#include "http/server/timer_wheel.h"

#include <stddef.h>

void timer_wheel_init(struct timer_wheel *w, int64_t now_ms)
{
	*w = (struct timer_wheel){ .tick = now_ms / TIMER_TICK_MS, .upto = now_ms / TIMER_TICK_MS };
}

static void link_timer(struct timer_wheel *w, struct timer *t)
{
	int64_t tick = (t->at_ms + TIMER_TICK_MS - 1) / TIMER_TICK_MS, first = w->upto + 1, last = w->tick + TIMER_SLOTS;
	tick = tick < first ? first : tick > last ? last : tick;
	t->slot = (unsigned)(tick % TIMER_SLOTS);
	t->prev = NULL;
	t->next = w->slots[t->slot];
	if (t->next != NULL)
		t->next->prev = t;
	w->slots[t->slot] = t;
	t->is_set = true;
	w->set++;
}

void timer_set(struct timer_wheel *w, struct timer *t, int64_t at_ms)
{
	timer_cancel(w, t);
	t->at_ms = at_ms;
	link_timer(w, t);
}

void timer_cancel(struct timer_wheel *w, struct timer *t)
{
	if (!t->is_set)
		return;
	assert(w->set > 0 && t->slot < TIMER_SLOTS);
	if (t->prev != NULL)
		t->prev->next = t->next;
	else
		w->slots[t->slot] = t->next;
	if (t->next != NULL)
		t->next->prev = t->prev;
	t->is_set = false;
	w->set--;
}

struct timer *timer_wheel_pop(struct timer_wheel *w, int64_t now_ms)
{
	w->upto = now_ms / TIMER_TICK_MS;
	if (w->set == 0 || w->upto - w->tick >= TIMER_SLOTS) /* a whole turn: each slot once is enough */
		w->tick = w->set == 0 ? w->upto : w->upto - TIMER_SLOTS + 1;
	while (w->tick < w->upto) {
		struct timer *t = w->slots[(w->tick + 1) % TIMER_SLOTS];
		if (t == NULL) {
			w->tick++;
			continue;
		}
		timer_cancel(w, t);
		if (t->at_ms <= now_ms)
			return t;
		link_timer(w, t);
	}
	return NULL;
}

int timer_wheel_wait_ms(const struct timer_wheel *w, int64_t now_ms)
{
	if (w->set == 0)
		return -1;
	int64_t tick = w->tick + 1;
	while (tick < w->tick + TIMER_SLOTS && w->slots[tick % TIMER_SLOTS] == NULL)
		tick++;
	int64_t ms = tick * TIMER_TICK_MS - now_ms;
	return ms > 0 ? (int)ms : 0;
}
