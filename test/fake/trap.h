/* Makes a fake fail on demand: the n-th call from now on fails before it does anything, or does
 * its work and then reports a failure (a lost response), or first runs a competing call
 * (a deterministic race). Each is armed once and used up. The fake's own lock guards it. */
#ifndef FAKE_TRAP_H
#define FAKE_TRAP_H

#include "base/fault.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct trap {
	pthread_mutex_t lock;
	uint64_t calls;                     /* since the fake was made */
	uint64_t fail_at, lose_at, meet_at; /* numbers of calls; 0: not armed */
	enum fault_code fail_code, lose_code;
	void (*meet)(void *arg);
	void *meet_arg;
	bool losing; /* the call inside the lock shall end as lost */
};

void trap_init(struct trap *t);
void trap_deinit(struct trap *t);
/* n = 1 is the next call; n = 0 disarms. */
void trap_fail(struct trap *t, uint64_t n, enum fault_code code);
void trap_lose(struct trap *t, uint64_t n, enum fault_code code);
/* `meet` runs outside the lock, so that it may call the fake itself. */
void trap_meet(struct trap *t, uint64_t n, void (*meet)(void *arg), void *arg);
uint64_t trap_calls(struct trap *t);

/* Count a call and take the lock. Not OK: the armed failure, and the lock is not held. */
enum status trap_enter(struct trap *t, struct fault *why) MUST_CHECK;
/* Release the lock and give `end`, or the lost response in place of OK. */
enum status trap_leave(struct trap *t, enum status end, struct fault *why) MUST_CHECK;

#endif
